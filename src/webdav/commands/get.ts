/** GET and HEAD: a file's bytes; for a browser that opens a folder, a page that lists it. */
import { type Answer, asFound } from '../../http/answer.js'
import { isNotModified } from '../../http/conditional.js'
import { httpDate } from '../../http/dates.js'
import { attachment } from '../../http/disposition.js'
import { fileAnswer } from '../../http/file.js'
import type { Entry } from '../../space/types.js'
import { type DavCall, entryCall } from '../call.js'
import { withIf } from '../if-check.js'
import { folderPage, topPage } from '../listing.js'

export async function get(call: DavCall): Promise<Answer> {
  if (call.target.kind !== 'space') return topPage(call)
  const space = await withIf(entryCall(call, call.target))
  const { req, deps, op, at } = space
  const found = await (space.ahead ?? deps.tree.look(op, at, {}))
  const { entry, page } = found
  const headers = headersOf(entry)
  if (isNotModified(req.headers, entry)) return asFound({ status: 304, headers }, op, found)
  if (entry.kind === 'folder') return folderPage(space, entry, page ?? { entries: [] }, headers)
  // Never shown by the browser under our origin, whatever its type says.
  headers.push('Content-Disposition', attachment(entry.name))
  return asFound(await fileAnswer({ req, blobs: deps.blobs, space: op.space }, entry, headers), op, found)
}

function headersOf({ etag, modified }: Entry): string[] {
  return [
    'ETag',
    `"${etag}"`,
    'Last-Modified',
    httpDate(modified),
    'Cache-Control',
    'private, no-cache',
    'Vary',
    'Authorization',
  ]
}
