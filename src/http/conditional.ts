/** Preconditions of reads, in the order of RFC 9110 §13.2.2. */
import type { IncomingHttpHeaders } from 'node:http'
import { SpaceError } from '../space/errors.js'
import { quote } from '../space/quote.js'
import { modifiedSince } from './dates.js'
import { matches, parseEtags } from './etags.js'

/** What is about to be read. */
export interface Representation {
  readonly etag: string
  readonly modified: number
}

/** True: the client has it already (304). PRECONDITION_FAILED where If-Match or If-Unmodified-Since does not hold. */
export function isNotModified(headers: IncomingHttpHeaders, { etag, modified }: Representation): boolean {
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = headers
  const ifUnmodifiedSince = headers['if-unmodified-since']
  if (ifMatch !== undefined) {
    if (!matches(parseEtags('If-Match', ifMatch), etag)) throw failed('If-Match', ifMatch)
  } else if (ifUnmodifiedSince !== undefined && modifiedSince(ifUnmodifiedSince, modified)) {
    throw failed('If-Unmodified-Since', ifUnmodifiedSince)
  }
  if (ifNoneMatch !== undefined) return matches(parseEtags('If-None-Match', ifNoneMatch), etag)
  const ifModifiedSince = headers['if-modified-since']
  return ifModifiedSince !== undefined && modifiedSince(ifModifiedSince, modified) === false
}

function failed(header: string, value: string): SpaceError {
  return new SpaceError('PRECONDITION_FAILED', `The precondition ${header}: ${quote(value)} does not hold.`)
}
