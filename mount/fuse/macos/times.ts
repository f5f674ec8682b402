/**
 * What fuse-native 2.2.6 knows of a utimens and does not tell: it passes the access time twice. Both lie in the memory of the libfuse thread
 * that brought it (`fuse_thread_locals_t` in fuse-native.c), which is the first argument of every raw handler.
 */

/** Of the two size_t, in milliseconds, where pointers have 64 bits. */
const TIMES = 96

/** The modification time in milliseconds since 1970. `accessed`: what was passed, and is answered where the memory is not what we know. */
export function modifiedOf(thread: Buffer, accessed: number): number {
  if (!/^(x64|arm64)$/.test(process.arch) || thread.length < TIMES + 16) return accessed
  if (Number(thread.readBigInt64LE(TIMES)) !== accessed) return accessed
  return Number(thread.readBigInt64LE(TIMES + 8))
}
