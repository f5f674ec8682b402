import type { ProcessMemory } from './memory.js'

/** Where fuse_thread_t (fuse-native.c) has its `struct fuse *`, with 64-bit pointers and glibc's pthread types. */
const FUSE = 368
/** `struct fuse` of libfuse 2.9 (lib/fuse.c). */
const SIZE = 304
const ENTRY_TIMEOUT = 160
const NEGATIVE_TIMEOUT = 168
const ATTR_TIMEOUT = 176
const NULLPATH_OK = 280
const UTIME_OMIT_OK = 284
const PAGE_SIZE = 296

/**
 * libfuse 2.9 drops a utimens that leaves one of the two times as it is (`touch -m`, `tar`), in silence, unless the file system says
 * that it knows such ones; fuse-native has no way to say so. Here it is said in its stead, if everything around
 * that flag is what it must be. Answers whether it was.
 */
export function allowOmittedTimes(thread: Buffer, memory: ProcessMemory, cacheSeconds: number): boolean {
  const address = thread.readBigUInt64LE(FUSE)
  const fuse = memory.read(address, SIZE)
  const known =
    fuse !== undefined &&
    fuse.readDoubleLE(ENTRY_TIMEOUT) === cacheSeconds &&
    fuse.readDoubleLE(NEGATIVE_TIMEOUT) === 0 &&
    fuse.readDoubleLE(ATTR_TIMEOUT) === cacheSeconds &&
    fuse.readInt32LE(NULLPATH_OK) === 0 &&
    fuse.readInt32LE(UTIME_OMIT_OK) === 0 &&
    fuse.readInt32LE(PAGE_SIZE) >= 4096 &&
    Number.isInteger(Math.log2(fuse.readInt32LE(PAGE_SIZE)))
  if (known) memory.writeInt32(address + BigInt(UTIME_OMIT_OK), 1)
  return known
}
