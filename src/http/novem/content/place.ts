/** Where a call on content works, and what its headers say about the write. */
import { SpaceError } from '../../../space/errors.js'
import { parseRawPath } from '../../../space/names.js'
import type { MkdirRequest, WriteRequest } from '../../../space/operations.js'
import { quote } from '../../../space/quote.js'
import type { JournalMark, Location, SpacePath } from '../../../space/types.js'
import { parseMtime } from '../../dates.js'
import { parseConditions } from '../../etags.js'
import { contentType } from '../../mime.js'
import { wholeNumber } from '../../target.js'
import type { SpaceCall } from '../space-call.js'

export interface Place extends Location {
  readonly path: SpacePath & { readonly trailingSlash: boolean }
}

/** `…/content/{path}`, relative to the folder `?base=<id>` where it is given. */
export function placeOf(call: SpaceCall): Place {
  const path = parseRawPath(call.rest)
  const base = wholeNumber(call.query, 'base', { least: 0, most: Number.MAX_SAFE_INTEGER })
  return base === undefined ? { path } : { path, base }
}

export function isRoot({ path }: Location): boolean {
  return path.names.length === 0
}

/** What a write says besides its bytes: type, preconditions, time, exec bit. BAD_REQUEST, naming the header. */
export function writeRequest(call: SpaceCall, at: Location): WriteRequest {
  const { headers } = call.req
  const encoding = headers['content-encoding']?.trim().toLowerCase()
  if (encoding !== undefined && encoding !== '' && encoding !== 'identity') {
    throw new SpaceError(
      'BAD_REQUEST',
      `The header Content-Encoding is ${quote(encoding)}; bytes are stored as they are sent, so they must come without one.`,
    )
  }
  if (headers['content-range'] !== undefined) {
    throw new SpaceError(
      'BAD_REQUEST',
      'The header Content-Range is refused: a write replaces the whole file.',
    )
  }
  const executable = headers['x-nvm-executable']
  return {
    contentType: contentType(headers['content-type'], at.path.names.at(-1) ?? ''),
    ...parseConditions(headers),
    ...modifiedOf(call),
    ...(executable !== undefined && { executable: yesNo('X-NVM-Executable', String(executable)) }),
  }
}

export function mkdirRequest(call: SpaceCall): MkdirRequest {
  const { ifNoneMatch } = parseConditions(call.req.headers)
  return { ...modifiedOf(call), ...(ifNoneMatch !== undefined && { ifNoneMatch }) }
}

/** Headers of the answer to a change: where the journal stands, and that a given time was kept. */
export function changeHeaders(call: SpaceCall, { seq, epoch }: JournalMark): string[] {
  const headers = ['X-NVM-Seq', String(seq), 'X-NVM-Epoch', epoch]
  if (call.req.headers['x-oc-mtime'] !== undefined) headers.push('X-OC-Mtime', 'accepted')
  return headers
}

function modifiedOf({ req }: SpaceCall): { readonly modified?: number } {
  const mtime = req.headers['x-oc-mtime']
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
