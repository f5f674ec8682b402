/** With whom a space is shared, as it stands in `shared/`: `@user~group`, `+org~group~rw`, `public` (seed 003). */
import { SpaceError } from '../space/errors.js'
import { quote } from '../space/quote.js'
import { formatGroup, type GroupAddress, parseGroup } from './address.js'

export interface ShareTarget {
  readonly group: GroupAddress | 'public'
  /** The third segment as it was put; 'r' where there was none. */
  readonly letters: string
}

/** BAD_REQUEST where nothing could be meant; NOT_ALLOWED where a user or a whole organisation is. */
export function parseShareTarget(text: string): ShareTarget {
  if (text === 'public') return { group: 'public', letters: 'r' }
  if (/^[@+][^~]+$/.test(text)) {
    const who = text.startsWith('@') ? 'a single user' : 'a whole organisation'
    throw new SpaceError(
      'NOT_ALLOWED',
      `${quote(text)} is ${who}; a space is shared with a group: ${text}~<group>.`,
    )
  }
  const [owner = '', name = '', letters, ...rest] = text.split('~')
  const group = parseGroup(`${owner}~${name}`)
  if (!group || rest.length > 0) {
    throw new SpaceError(
      'BAD_REQUEST',
      `${quote(text)} is nothing to share with; it is @user~group, +org~group or public, and may end with ~ and letters.`,
    )
  }
  return { group, letters: letters === undefined ? 'r' : checkLetters(text, letters) }
}

/** The name of a share's row: without letters where they are just r. */
export function formatShareTarget({ group, letters }: ShareTarget): string {
  if (group === 'public') return 'public'
  return letters === 'r' ? formatGroup(group) : `${formatGroup(group)}~${letters}`
}

/** Letters in one order, r always: what the share means, however it was written. */
export function orderLetters(letters: string): string {
  return `r${letters.includes('w') ? 'w' : ''}${letters.includes('d') ? 'd' : ''}`
}

function checkLetters(target: string, letters: string): string {
  const unknown = [...new Set(letters.replace(/[rwd]/g, ''))]
  if (letters === '' || unknown.length > 0) {
    const what =
      letters === ''
        ? 'no letters'
        : `the unknown ${unknown.length > 1 ? 'letters' : 'letter'} ${quote(unknown.join(''))}`
    throw new SpaceError(
      'BAD_REQUEST',
      `${quote(target)} ends with ${what}; the letters of a share are r (read), w (write) and d (delete).`,
    )
  }
  return [...new Set(letters)].join('')
}
