import { parseRawPath } from '../../../space/names.js'
import type { MkdirRequest, WriteRequest } from '../../../space/operations.js'
import type { JournalMark, Location, SpacePath } from '../../../space/types.js'
import { parseConditions } from '../../etags.js'
import { wholeNumber } from '../../target.js'
import { mtimeOf, writeHeaders } from '../../write-headers.js'
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

/** What a write says besides its bytes. BAD_REQUEST, naming the header. */
export function writeRequest(call: SpaceCall, at: Location): WriteRequest {
  return writeHeaders(call.req.headers, at.path.names.at(-1) ?? '')
}

export function mkdirRequest(call: SpaceCall): MkdirRequest {
  return { ...mtimeOf(call.req.headers), ...parseConditions(call.req.headers) }
}

/** Headers of the answer to a change: where the journal stands, and that a given time was kept. */
export function changeHeaders(call: SpaceCall, { seq, epoch }: JournalMark): string[] {
  const headers = ['X-NVM-Seq', String(seq), 'X-NVM-Epoch', epoch]
  if (call.req.headers['x-oc-mtime'] !== undefined) headers.push('X-OC-Mtime', 'accepted')
  return headers
}
