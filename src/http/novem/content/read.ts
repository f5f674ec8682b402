/** GET of content: a file's bytes or metadata, a folder's rows. */

import type { Readable } from 'node:stream'
import type { ByteRange } from '../../../blobs/store.js'
import { SpaceError } from '../../../space/errors.js'
import { quote } from '../../../space/quote.js'
import type { Access, FileEntry } from '../../../space/types.js'
import { type Answer, JSON_TYPE } from '../../answer.js'
import { isNotModified } from '../../conditional.js'
import { attachment } from '../../disposition.js'
import { contentRange, multipartRanges, rangeLength, selectRange } from '../../ranges.js'
import { prefersJson } from '../../request-headers.js'
import { flag } from '../../target.js'
import { metadata } from '../metadata.js'
import type { SpaceCall } from '../space-call.js'
import { entryHeaders } from './headers.js'
import { folderAnswer, pageRequest } from './list.js'
import { placeOf } from './place.js'
import { treeAnswer } from './tree.js'

const ONE_PIECE_BYTES = 64 * 1024

export async function readContent(call: SpaceCall): Promise<Answer> {
  const at = placeOf(call)
  if (call.query.size > 0 && flag(call.query, 'recursive')) return treeAnswer(call, at)
  const found = await call.deps.tree.look(call.op, at, pageRequest(call.query))
  const { entry, page } = found
  if (entry.kind === 'file') return fileAnswer(call, entry, found.access)
  return folderAnswer(call, { ...found, entry }, page ?? { entries: [] })
}

async function fileAnswer(call: SpaceCall, entry: FileEntry, access: Access): Promise<Answer> {
  const { req } = call
  const headers = entryHeaders({ entry, access })
  if (isNotModified(req.headers, entry)) return { status: 304, headers }
  if (prefersJson(req.headers)) {
    headers.push('Content-Type', JSON_TYPE)
    return { status: 200, headers, body: JSON.stringify(metadata(entry)) }
  }
  headers.push('Content-Disposition', attachment(entry.name), 'Accept-Ranges', 'bytes')
  return req.method === 'HEAD' || req.headers.range === undefined
    ? wholeFile(call, entry, headers)
    : partOfFile(call, entry, headers)
}

async function wholeFile(call: SpaceCall, entry: FileEntry, headers: string[]): Promise<Answer> {
  headers.push('Content-Type', entry.contentType)
  const { size } = entry
  if (call.req.method === 'HEAD') return { status: 200, headers, length: size }
  if (size === 0) return { status: 200, headers, body: '' }
  return { status: 200, headers, length: size, body: await bytesOf(call, entry, { start: 0, end: size - 1 }) }
}

/** In one piece where it is small, which is several times quicker than a stream. */
function bytesOf(
  { deps, space }: SpaceCall,
  { blob }: FileEntry,
  range: ByteRange,
): Promise<Buffer | Readable> {
  if (rangeLength(range) <= ONE_PIECE_BYTES) return deps.blobs.read(space.id, blob, range)
  return deps.blobs.get(space.id, blob, range)
}

/** RFC 9110 §14. */
async function partOfFile(call: SpaceCall, entry: FileEntry, headers: string[]): Promise<Answer> {
  const { size, blob, contentType } = entry
  const { blobs } = call.deps
  const selection = selectRange(call.req.headers, entry)
  switch (selection.kind) {
    case 'full':
      return wholeFile(call, entry, headers)
    case 'unsatisfiable':
      throw new SpaceError(
        'RANGE_NOT_SATISFIABLE',
        `The header Range: ${quote(call.req.headers.range ?? '')} names no byte of ${quote(entry.path)}, which has ${size}.`,
        { size },
      )
    case 'single': {
      const { range } = selection
      headers.push('Content-Type', contentType, 'Content-Range', contentRange(range, size))
      const body = await bytesOf(call, entry, range)
      return { status: 206, headers, body, length: rangeLength(range) }
    }
    case 'multi': {
      const parts = multipartRanges(selection.ranges, size, contentType)
      headers.push('Content-Type', parts.contentType)
      const body = parts.body((range) => blobs.get(call.space.id, blob, range))
      return { status: 206, headers, body, length: parts.contentLength }
    }
  }
}
