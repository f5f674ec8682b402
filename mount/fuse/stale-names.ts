import { type LibraryCode, onlyPlace } from './library-code.js'
import type { ProcessMemory } from './memory.js'

/** `mov $-2, %ebx`: there is one in the library that fuse-native brings, in `try_get_path` of lib/fuse.c: -ENOENT. */
const ENOENT = Buffer.from('bbfeffffff', 'hex')
/** `mov $-116, %ebx`: -ESTALE. */
const ESTALE = Buffer.from('bb8cffffff', 'hex')

/**
 * Whoever opens a file by name while it is replaced by a rename may come to libfuse with the file that was: the kernel looks
 * names up and opens in two steps. libfuse 2.9 has no path for that file any more and says ENOENT, so a file that is
 * saved by rename, as most are, seems to be missing now and then (one open in thirty beside a busy writer). Said ESTALE, the kernel looks the name up
 * again. Changes that one byte of this process's copy of the library, if it is the one we know.
 */
export function sayStaleForReplaced(memory: ProcessMemory, { start, code }: LibraryCode): void {
  const at = onlyPlace(code, ENOENT)
  if (at !== undefined) memory.write(start + BigInt(at), ESTALE)
}
