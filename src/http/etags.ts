/** Entity tags in headers (RFC 9110 §8.8.3, §13.1), read as leniently as contract §3 "etag" asks. */
import { SpaceError } from '../space/errors.js'
import { quote } from '../space/quote.js'
import type { Conditions } from '../space/types.js'
import { parseHttpDate } from './dates.js'

/** `If-Match` or `If-None-Match` as `Conditions` holds it. */
export type EtagList = readonly string[] | '*'

/** One member of the list, from where the last one ended: weak or not, quoted (commas inside are its own) or bare. */
const MEMBER = /[ \t]*(?:(?:W\/)?(?:"([\x21\x23-\x7e\x80-\xff]*)"|([^\s",*][^\s",]*))[ \t]*)?(?:,|$)/iy

/** An etag as it goes into a header. */
export function quoted(etag: string): string {
  return `"${etag}"`
}

/**
 * A list of etags, bare: quoted, unquoted and weak ones are alike here, since every etag of ours names exact bytes.
 * BAD_REQUEST, naming the header, where the value is none.
 */
export function parseEtags(header: string, value: string): EtagList {
  if (value.trim() === '*') return '*'
  const etags: string[] = []
  MEMBER.lastIndex = 0
  while (MEMBER.lastIndex < value.length) {
    const member = MEMBER.exec(value)
    if (!member) throw malformed(header, value)
    const etag = member[1] ?? member[2]
    if (etag !== undefined) etags.push(etag)
  }
  if (etags.length === 0) throw malformed(header, value)
  return etags
}

const UNCONDITIONAL: Conditions = {}

/** The preconditions of a request. Takes the header object of `node:http`; BAD_REQUEST as `parseEtags`. */
export function parseConditions(headers: {
  readonly 'if-match'?: string | undefined
  readonly 'if-none-match'?: string | undefined
  readonly 'if-unmodified-since'?: string | undefined
}): Conditions {
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch, 'if-unmodified-since': date } = headers
  if (ifMatch === undefined && ifNoneMatch === undefined && date === undefined) return UNCONDITIONAL
  const unmodifiedSince = date === undefined ? undefined : parseHttpDate(date)
  return {
    ...(unmodifiedSince !== undefined && { unmodifiedSince }),
    ...(ifMatch !== undefined && { ifMatch: parseEtags('If-Match', ifMatch) }),
    ...(ifNoneMatch !== undefined && { ifNoneMatch: parseEtags('If-None-Match', ifNoneMatch) }),
  }
}

/** Does the list name this etag? `undefined` is the etag of what does not exist, which even `*` does not match. */
export function matches(list: EtagList, etag: string | undefined): boolean {
  return etag !== undefined && (list === '*' || list.includes(etag))
}

function malformed(header: string, value: string): SpaceError {
  return new SpaceError(
    'BAD_REQUEST',
    `The header ${header} is neither "*" nor a list of etags: ${quote(value)}.`,
  )
}
