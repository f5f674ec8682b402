/** The request line's target, taken apart without decoding: who decodes, and when, is contract §1, "Paths". */
import { SpaceError } from '../space/errors.js'
import { decodePath } from '../space/names.js'
import { quote } from '../space/quote.js'

export interface Target {
  /** Raw, beginning with a slash; `*` as in `OPTIONS *`. */
  readonly path: string
  /** Raw, without the question mark. */
  readonly search: string
}

/** RFC 9112 §3.2: origin form, or the absolute form that proxies send. */
export function parseTarget(url: string): Target {
  const local = url.startsWith('/') ? url : url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '')
  const mark = local.indexOf('?')
  const path = mark === -1 ? local : local.slice(0, mark)
  return { path: path === '' ? '/' : path, search: mark === -1 ? '' : local.slice(mark + 1) }
}

/** The parameters of a query string by name; the first of each. BAD_REQUEST where a percent-escape is broken. */
export function parseQuery(search: string): ReadonlyMap<string, string> {
  const query = new Map<string, string>()
  if (search === '') return query
  for (const pair of search.split('&')) {
    const equals = pair.indexOf('=')
    const name = decode(equals === -1 ? pair : pair.slice(0, equals), pair)
    if (!query.has(name)) query.set(name, equals === -1 ? '' : decode(pair.slice(equals + 1), pair))
  }
  return query
}

function decode(raw: string, pair: string): string {
  try {
    return decodePath(raw)
  } catch (cause) {
    throw new SpaceError(
      'BAD_REQUEST',
      `The query parameter ${quote(pair)} is not percent-encoded UTF-8.`,
      {},
      { cause },
    )
  }
}

/** A whole number in a query. BAD_REQUEST, naming parameter and value. */
export function wholeNumber(
  query: ReadonlyMap<string, string>,
  name: string,
  { least, most }: { readonly least: number; readonly most: number },
): number | undefined {
  const value = query.get(name)
  if (value === undefined) return undefined
  const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN
  if (number >= least && number <= most) return number
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`
  throw new SpaceError(
    'BAD_REQUEST',
    `The query parameter ${name} must be a whole number ${range}, not ${quote(value)}.`,
  )
}

/** `?name`, `?name=true`, `?name=1` against `false`, `0` and absence. BAD_REQUEST, naming parameter and value. */
export function flag(query: ReadonlyMap<string, string>, name: string): boolean {
  const value = query.get(name)
  if (value === undefined || value === 'false' || value === '0') return false
  if (value === 'true' || value === '1' || value === '') return true
  throw new SpaceError(
    'BAD_REQUEST',
    `The query parameter ${name} must be "true" or "false", not ${quote(value)}.`,
  )
}

/** The path as a log may show it: without the query, and without invitation tokens, which some paths hold. */
export function loggedPath(url: string): string {
  return parseTarget(url).path.replace(/\b(shr(?:_|%5f))[^/]*/gi, '$1…')
}
