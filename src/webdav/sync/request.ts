/** The body of a `sync-collection` REPORT (RFC 6578 §3.2, §6). */
import type { IncomingHttpHeaders } from 'node:http'
import { SpaceError } from '../../space/errors.js'
import { quote } from '../../space/quote.js'
import { DavError } from '../errors.js'
import { type Depth, depthOf } from '../headers.js'
import { namesIn } from '../properties/request.js'
import { davChild, isDav, textOf, type XmlElement } from '../xml/element.js'
import { parseXml } from '../xml/parse.js'

export interface SyncRequest {
  /** '' begins anew. */
  readonly token: string
  /** Everything below the folder, or its members only. */
  readonly deep: boolean
  /** Most responses the client takes. */
  readonly limit: number | undefined
  readonly names: readonly string[]
}

/** BAD_REQUEST; 403 where another report is asked for. */
export function parseSync(body: Buffer, headers: IncomingHttpHeaders): SyncRequest {
  const root = parseXml(body)
  if (!isDav(root, 'sync-collection')) {
    throw new DavError(
      403,
      `The report ${quote(root.local)} is not known here; DAV:sync-collection is.`,
      'supported-report',
    )
  }
  const token = davChild(root, 'sync-token')
  if (!token) throw malformed('it has no DAV:sync-token; an empty one begins anew')
  return {
    token: textOf(token).trim(),
    deep: levelOf(root, headers) === 'infinity',
    limit: limitOf(root),
    names: namesIn(davChild(root, 'prop')),
  }
}

/** Clients older than the RFC say it by the header Depth, which otherwise must be 0. */
function levelOf(root: XmlElement, headers: IncomingHttpHeaders): Depth {
  const level = davChild(root, 'sync-level')
  if (!level) return depthOf(headers, [0, 1, 'infinity'], 1)
  depthOf(headers, [0], 0)
  const given = textOf(level).trim().toLowerCase()
  if (given === '1') return 1
  if (given === 'infinite' || given === 'infinity') return 'infinity'
  throw malformed(`its DAV:sync-level must be 1 or infinite, not ${quote(given)}`)
}

function limitOf(root: XmlElement): number | undefined {
  const limit = davChild(root, 'limit')
  const results = limit && davChild(limit, 'nresults')
  if (!results) return undefined
  const given = textOf(results).trim()
  const count = /^\d{1,9}$/.test(given) ? Number(given) : 0
  if (count > 0) return count
  throw malformed(`its DAV:nresults must be a number from 1, not ${quote(given)}`)
}

function malformed(why: string): SpaceError {
  return new SpaceError('BAD_REQUEST', `The body of the REPORT is refused: ${why}.`)
}
