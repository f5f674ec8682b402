/** The `If` header (RFC 4918 §10.4): read here, evaluated in `if-check.ts`. */
import { SpaceError } from '../space/errors.js'
import { quote } from '../space/quote.js'

/** Lists that speak of one resource; one list that holds makes the whole header hold. */
export interface IfGroup {
  /** As it stands between the brackets; absent: the resource of the request. */
  readonly resource?: string
  readonly lists: readonly (readonly IfCondition[])[]
}

export type IfCondition = {
  readonly not: boolean
} & ({ readonly kind: 'token'; readonly token: string } | { readonly kind: 'etag'; readonly etag: string })

/** White space, then one of: `(`, `)`, `Not`, `<…>`, `["…"]`; servers have always let the quotes be missing. */
const TOKEN =
  /[ \t]*(?:([()])|(not)(?=[ \t<[])|<([^<>\s]*)>|\[[ \t]*(?:W\/)?(?:"([^"\]]*)"|([^"\]\s]+))[ \t]*\])/iy

/** BAD_REQUEST where it does not follow the grammar. Linear in its length. */
export function parseIf(header: string): IfGroup[] {
  const groups: { resource?: string; lists: IfCondition[][] }[] = []
  let list: IfCondition[] | undefined
  let not = false
  let end = 0
  const trimmed = header.trimEnd()
  TOKEN.lastIndex = 0
  while (end < trimmed.length) {
    const [whole, bracket, negation, url, quotedEtag, bareEtag] = TOKEN.exec(trimmed) ?? []
    if (whole === undefined) throw malformed(header)
    end += whole.length
    if (bracket === '(') {
      if (list) throw malformed(header)
      list = []
      if (groups.length === 0) groups.push({ lists: [] })
    } else if (bracket === ')') {
      if (!list || list.length === 0 || not) throw malformed(header)
      groups.at(-1)?.lists.push(list)
      list = undefined
    } else if (negation !== undefined) {
      if (!list || not) throw malformed(header)
      not = true
    } else if (url !== undefined && !list) {
      if (url === '' || (groups.length > 0 && groups[0]?.resource === undefined)) throw malformed(header)
      groups.push({ resource: url, lists: [] })
    } else {
      if (!list || url === '') throw malformed(header)
      const etag = quotedEtag ?? bareEtag ?? ''
      list.push(url === undefined ? { not, kind: 'etag', etag } : { not, kind: 'token', token: url })
      not = false
    }
  }
  if (list || groups.length === 0 || groups.some(({ lists }) => lists.length === 0)) throw malformed(header)
  return groups
}

function malformed(header: string): SpaceError {
  return new SpaceError(
    'BAD_REQUEST',
    `The header If is not made of lists such as "(<urn:uuid:…> [\\"etag\\"])": ${quote(header)}.`,
  )
}
