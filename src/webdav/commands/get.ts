/** GET and HEAD: a file's bytes; for a browser that opens a folder, a page that lists it. */
import type { Answer } from '../../http/answer.js'
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
  const { entry, page } = await (space.ahead ?? deps.tree.look(op, at, {}))
  const headers = headersOf(entry)
  if (isNotModified(req.headers, entry)) return { status: 304, headers }
  if (entry.kind === 'folder') return folderPage(space, entry, page ?? { entries: [] }, headers)
  // Never shown by the browser under our origin, whatever its type says.
  headers.push('Content-Disposition', attachment(entry.name))
  return fileAnswer({ req, blobs: deps.blobs, space: op.space }, entry, headers)
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
