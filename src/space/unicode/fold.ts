/**
 * Normal form and case folding of names, in one Unicode version for ever.
 *
 * Folded names are stored, so they may not depend on the Node that computes them. The folding table is our own
 * (`table.ts`); NFC comes from the engine, whose answer for a character never changes once the character exists
 * (Unicode's normalization stability policy). Code points without a character in the pinned version are therefore kept
 * out of it: an older and a newer Node leave them alone alike.
 */
import { FOLDING, UNASSIGNED, UNICODE_VERSION } from './table.js'

export { UNICODE_VERSION }

if (!(Number(process.versions.unicode) >= Number(UNICODE_VERSION))) {
  throw new Error(
    `This Node knows Unicode ${process.versions.unicode ?? 'not at all'}, and names need ${UNICODE_VERSION} or later: use a Node with full ICU.`,
  )
}

const foldings = decodeFolding(FOLDING)
const unassigned = decodeUnassigned(UNASSIGNED)

/** Below U+0300 every string is in NFC: nothing there composes, reorders or is unassigned. */
const MAY_CHANGE = /[\u0300-\uffff]/
const IOTA_BELOW = '\u0345'
const ASCII = /^[\p{ASCII}]*$/u

/** NFC as the pinned version has it. Lone surrogates stay as they are. */
export function normalizeName(name: string): string {
  if (!MAY_CHANGE.test(name)) return name
  // The capturing group puts the separators at the odd places.
  const parts = name.split(unassigned)
  return parts.map((part, index) => (index % 2 === 0 ? part.normalize('NFC') : part)).join('')
}

/**
 * What two names must share to be the same entry: NFC, then Unicode default case folding, C+S of CaseFolding.txt (one
 * character to one: `ß` ≠ `ss`, final sigma = sigma, no locale), then NFC again, because `J` + caron has no composed form
 * and `j` + caron has. Idempotent, and the same for all normal forms of a name.
 */
export function foldName(name: string): string {
  if (ASCII.test(name)) return name.toLowerCase()
  let folded = ''
  for (const character of normalizeName(name)) {
    folded += character === IOTA_BELOW ? character : (foldings.get(character) ?? character)
  }
  return foldIotaBelow(normalizeName(folded))
}

/**
 * U+0345 is the one combining mark that folds, and to a letter. It goes last, for where it finds its vowel: capital alpha with
 * grave has no composed form with it and the small one has, and both are the same name.
 */
function foldIotaBelow(folded: string): string {
  if (!folded.includes(IOTA_BELOW)) return folded
  return normalizeName(folded.replaceAll(IOTA_BELOW, foldings.get(IOTA_BELOW) ?? IOTA_BELOW))
}

function decodeFolding(table: string): Map<string, string> {
  const map = new Map<string, string>()
  for (const run of table.split(',')) {
    const [start = 0, count = 0, step = 0, shift = 0] = run
      .split(' ')
      .map((value) => Number.parseInt(value, 36))
    for (let index = 0; index < count; index++) {
      const from = start + index * step
      map.set(String.fromCodePoint(from), String.fromCodePoint(from + shift))
    }
  }
  return map
}

function decodeUnassigned(table: string): RegExp {
  let point = 0
  const bounds = table.split(' ').map((distance) => {
    point += Number.parseInt(distance, 36)
    return `\\u{${point.toString(16)}}`
  })
  let ranges = ''
  for (let index = 0; index < bounds.length; index += 2) ranges += `${bounds[index]}-${bounds[index + 1]}`
  return new RegExp(`([${ranges}]+)`, 'u')
}
