/** GET of content: a file's bytes or metadata, a folder's rows. */
import type { Access, FileEntry } from '../../../space/types.js'
import { type Answer, asFound, JSON_TYPE } from '../../answer.js'
import { isNotModified } from '../../conditional.js'
import { attachment } from '../../disposition.js'
import { fileAnswer } from '../../file.js'
import { prefersJson } from '../../request-headers.js'
import { metaOf } from '../../storage/meta.js'
import { flag } from '../../target.js'
import { metadata } from '../metadata.js'
import type { SpaceCall } from '../space-call.js'
import { entryHeaders } from './headers.js'
import { folderAnswer, keptAnswer, pageRequest } from './list.js'
import { placeOf } from './place.js'
import { treeAnswer } from './tree.js'
import { viewAnswer } from './view.js'

export async function readContent(call: SpaceCall): Promise<Answer> {
  const at = placeOf(call)
  if (call.query.size > 0 && flag(call.query, 'recursive')) return treeAnswer(call, at)
  const view = call.query.get('view')
  if (view !== undefined) return viewAnswer(call, at, view)
  const kept = await keptAnswer(call, at)
  if (kept) return kept
  const found = await call.deps.tree.look(call.op, at, pageRequest(call.query))
  const { entry, page } = found
  const answer =
    entry.kind === 'file'
      ? await contentAnswer(call, entry, found.access)
      : folderAnswer(call, at, { ...found, entry }, page ?? { entries: [] })
  return asFound(answer, call.op, found)
}

async function contentAnswer(call: SpaceCall, entry: FileEntry, access: Access): Promise<Answer> {
  const { req, deps, op } = call
  if (!prefersJson(req.headers)) return bytesAnswer(call, entry, access)
  const headers = entryHeaders({ entry, access })
  if (isNotModified(req.headers, entry)) return { status: 304, headers }
  const meta = (await metaOf(deps.tree, op, [entry])).get(entry.id)
  headers.push('Content-Type', JSON_TYPE)
  return { status: 200, headers, body: JSON.stringify({ ...metadata(entry), ...(meta && { meta }) }) }
}

/** A file's bytes, to be saved under its name. */
export async function bytesAnswer(
  { req, deps, space }: SpaceCall,
  entry: FileEntry,
  access: Access,
): Promise<Answer> {
  const headers = entryHeaders({ entry, access })
  if (isNotModified(req.headers, entry)) return { status: 304, headers }
  headers.push('Content-Disposition', attachment(entry.name))
  return fileAnswer({ req, blobs: deps.blobs, space: space.id }, entry, headers)
}
