import { readFileSync } from 'node:fs'
import type { ProcessMemory } from './memory.js'

/** `mov $-2, %ebx`: there is one in the library that fuse-native brings, in `try_get_path` of lib/fuse.c: -ENOENT. */
const ENOENT = Buffer.from('bbfeffffff', 'hex')
/** `mov $-116, %ebx`: -ESTALE. */
const ESTALE = Buffer.from('bb8cffffff', 'hex')

/**
 * Whoever opens a file by name while it is replaced by a rename may come to libfuse with the file that was: the kernel looks
 * names up and opens in two steps. libfuse 2.9 has no path for that file any more and says ENOENT, so a file that is
 * saved by rename, as most are, seems to be missing now and then (one open in thirty beside a busy writer). Said ESTALE, the kernel looks the name up
 * again. Changes that one byte of this process's copy of the library, if it is the one we know. Answers whether it is so now.
 */
export function sayStaleForReplaced(memory: ProcessMemory, library: string): boolean {
  try {
    for (const { start, length } of codeOf(library)) {
      const code = memory.read(start, length)
      if (!code) continue
      const at = onlyPlace(code, ENOENT)
      if (at !== undefined) memory.write(start + BigInt(at), ESTALE)
      else if (onlyPlace(code, ESTALE) === undefined) continue
      return true
    }
  } catch {
    // A system may forbid it.
  }
  return false
}

/** Where a library's code is mapped (proc(5), "maps"). */
function codeOf(library: string): { readonly start: bigint; readonly length: number }[] {
  return readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, start, end, path] = /^([0-9a-f]+)-([0-9a-f]+) r-xp \S+ \S+ \S+ +(\S.*)$/.exec(line) ?? []
      if (start === undefined || end === undefined || path !== library) return []
      const from = BigInt(`0x${start}`)
      return { start: from, length: Number(BigInt(`0x${end}`) - from) }
    })
}

function onlyPlace(code: Buffer, instruction: Buffer): number | undefined {
  const at = code.indexOf(instruction)
  return at >= 0 && code.indexOf(instruction, at + 1) < 0 ? at : undefined
}
