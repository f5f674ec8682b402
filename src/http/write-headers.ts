/** What a write says in its headers besides its bytes. */
import type { IncomingHttpHeaders } from 'node:http'
import { SpaceError } from '../space/errors.js'
import type { WriteRequest } from '../space/operations.js'
import { quote } from '../space/quote.js'
import type { Conditions } from '../space/types.js'
import { parseMtime } from './dates.js'
import { parseConditions } from './etags.js'
import { contentType } from './mime.js'

/**
 * Type, preconditions, time, exec bit of the file called `name`. BAD_REQUEST, naming the header.
 * `guard`: what must hold besides, where the headers do not say another thing of it.
 */
export function writeHeaders(
  headers: IncomingHttpHeaders,
  name: string,
  { guard, parents }: { readonly guard?: Conditions; readonly parents?: boolean } = {},
): WriteRequest {
  const encoding = headers['content-encoding']?.trim().toLowerCase()
  if (encoding !== undefined && encoding !== '' && encoding !== 'identity') {
    throw new SpaceError(
      'BAD_REQUEST',
      `The header Content-Encoding is ${quote(encoding)}; bytes are stored as they are sent, so they must come without one.`,
    )
  }
  const coding = headers['transfer-encoding']?.trim().toLowerCase()
  if (coding !== undefined && coding !== 'chunked') {
    throw new SpaceError(
      'BAD_REQUEST',
      `The header Transfer-Encoding is ${quote(coding)}; a body comes chunked and nothing more, for only that is undone.`,
    )
  }
  if (headers['content-range'] !== undefined) {
    throw new SpaceError(
      'BAD_REQUEST',
      'The header Content-Range is refused: a write replaces the whole file.',
    )
  }
  const executable = headers['x-nvm-executable']
  const { ifMatch, ifNoneMatch, unmodifiedSince } = parseConditions(headers)
  return {
    contentType: contentType(headers['content-type'], name),
    ifMatch: ifMatch ?? guard?.ifMatch,
    ifNoneMatch: ifNoneMatch ?? guard?.ifNoneMatch,
    unmodifiedSince: unmodifiedSince ?? guard?.unmodifiedSince,
    modified: mtimeOf(headers).modified,
    executable: executable === undefined ? undefined : yesNo('X-NVM-Executable', String(executable)),
    parents,
  }
}

/** `X-OC-Mtime`, as sync clients send it. */
export function mtimeOf({ 'x-oc-mtime': mtime }: IncomingHttpHeaders): { readonly modified?: number } {
  if (mtime === undefined) return {}
  return { modified: storable('The header X-OC-Mtime', parseMtime('X-OC-Mtime', String(mtime))) }
}

/** Entries hold no time before 1970. BAD_REQUEST, `what` opens the message. */
export function storable(what: string, time: number): number {
  if (time >= 0) return time
  throw new SpaceError(
    'BAD_REQUEST',
    `${what} is before 1970, which cannot be stored: ${new Date(time).toISOString()}.`,
  )
}

function yesNo(header: string, value: string): boolean {
  if (value === 'true') return true
  if (value === 'false') return false
  throw new SpaceError('BAD_REQUEST', `The header ${header} must be "true" or "false", not ${quote(value)}.`)
}
