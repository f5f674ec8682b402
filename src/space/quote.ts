const LONGEST = 80

/** Characters that would garble a message or a log line: controls, line separators, text direction, lone surrogates. */
const GARBLING = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}"\\]/u

/**
 * Anything a client sent, fit for an error message: in double quotes, unprintable characters as `\u{…}`, and cut
 * with `…` after 80 characters.
 */
export function quote(input: string): string {
  let shown = ''
  let count = 0
  for (const character of input) {
    if (count++ === LONGEST) return `"${shown}…"`
    shown += GARBLING.test(character) ? escaped(character) : character
  }
  return `"${shown}"`
}

function escaped(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}
