import { readFileSync } from 'node:fs'
import type { ProcessMemory } from './memory.js'

/** The code of a library, as it is mapped into this process. */
export interface LibraryCode {
  readonly start: bigint
  readonly code: Buffer
}

/** Where a library's code is mapped (proc(5), "maps"). Whole pages: behind the code is room that nothing uses. */
export function codeOf(memory: ProcessMemory, library: string): LibraryCode[] {
  return readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, start, end, path] = /^([0-9a-f]+)-([0-9a-f]+) r-xp \S+ \S+ \S+ +(\S.*)$/.exec(line) ?? []
      if (start === undefined || end === undefined || path !== library) return []
      const from = BigInt(`0x${start}`)
      const code = memory.read(from, Number(BigInt(`0x${end}`) - from))
      return code ? [{ start: from, code }] : []
    })
}

/** Where these instructions are, if they are there exactly once. */
export function onlyPlace(code: Buffer, instructions: Buffer): number | undefined {
  const at = code.indexOf(instructions)
  return at >= 0 && code.indexOf(instructions, at + 1) < 0 ? at : undefined
}
