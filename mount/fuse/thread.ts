/**
 * What fuse-native 2.2.6 knows of a request and does not tell: it lies in the memory of the libfuse thread that brought
 * it (`fuse_thread_locals_t` in fuse-native.c), which is the first argument of every raw handler.
 */
import { endianness, platform } from 'node:os'
import type { ProcessMemory } from './memory.js'

/** Offsets where pointers have 64 bits; they differ by the widths of mode_t and dev_t. */
interface Layout {
  /** struct fuse_file_info *, whose first field is `int flags`. */
  readonly info: number
  readonly atime: number
  readonly mtime: number
}

const LAYOUTS: Partial<Record<NodeJS.Platform, Layout>> = {
  linux: { info: 48, atime: 104, mtime: 112 },
  darwin: { info: 48, atime: 96, mtime: 104 },
}

const layout = /^(x64|arm64)$/.test(process.arch) && endianness() === 'LE' ? LAYOUTS[platform()] : undefined

/**
 * The modification time of a utimens, in milliseconds since 1970: the binding passes the access time twice.
 * `accessed` (two words) is what it did pass; where the memory does not hold the same, nothing in it is believed.
 */
export function modifiedOf(thread: Buffer, low: number, high: number): number | undefined {
  if (!layout) return undefined
  const same = thread.readUInt32LE(layout.atime) === low && thread.readUInt32LE(layout.atime + 4) === high
  return same ? Number(thread.readBigInt64LE(layout.mtime)) : undefined
}

/** The flags of the open(2) behind a create, which the binding does not pass at all. */
export function flagsOf(thread: Buffer, memory: ProcessMemory | undefined): number | undefined {
  if (!layout || !memory) return undefined
  return memory.readInt32(thread.readBigUInt64LE(layout.info))
}
