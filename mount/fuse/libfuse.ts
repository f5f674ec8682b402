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

/** The running libfuse, in what can be set only in its memory. */
export class Libfuse {
  private constructor(
    private readonly address: bigint,
    private readonly memory: ProcessMemory,
  ) {}

  /**
   * Undefined where it is not the libfuse we know: everything around what will be set must be what it was told to be.
   * `thread`: fuse-native's fuse_thread_t of the mount.
   */
  static recognise(
    thread: Buffer,
    memory: ProcessMemory | undefined,
    cacheSeconds: number,
  ): Libfuse | undefined {
    if (!memory) return undefined
    const address = thread.readBigUInt64LE(FUSE)
    const fuse = memory.read(address, SIZE)
    if (!fuse) return undefined
    const pageSize = fuse.readInt32LE(PAGE_SIZE)
    const known =
      fuse.readDoubleLE(ENTRY_TIMEOUT) === cacheSeconds &&
      fuse.readDoubleLE(NEGATIVE_TIMEOUT) === 0 &&
      fuse.readDoubleLE(ATTR_TIMEOUT) === cacheSeconds &&
      fuse.readInt32LE(NULLPATH_OK) === 0 &&
      fuse.readInt32LE(UTIME_OMIT_OK) === 0 &&
      pageSize >= 4096 &&
      Number.isInteger(Math.log2(pageSize))
    return known ? new Libfuse(address, memory) : undefined
  }

  /**
   * libfuse 2.9 drops, in silence, a utimens that leaves one of the two times as it is (`touch -m`, `tar x`), unless the file
   * system says that it knows such ones. fuse-native has no way to say so.
   */
  allowOmittedTimes(): void {
    const yes = Buffer.alloc(4)
    yes.writeInt32LE(1)
    this.memory.write(this.address + BigInt(UTIME_OMIT_OK), yes)
  }

  /** How long the kernel may believe the names and attributes that it is told from now on. */
  setCacheSeconds(seconds: number): void {
    const value = Buffer.alloc(8)
    value.writeDoubleLE(seconds)
    for (const offset of [ENTRY_TIMEOUT, ATTR_TIMEOUT])
      this.memory.write(this.address + BigInt(offset), value)
  }
}
