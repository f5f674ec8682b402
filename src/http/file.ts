/** A file's bytes as the answer to GET and HEAD: whole, or the parts that were asked for. */
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import type { BlobStore, ByteRange, LentBytes } from '../blobs/store.js'
import { SpaceError } from '../space/errors.js'
import { quote } from '../space/quote.js'
import type { FileEntry } from '../space/types.js'
import type { Answer } from './answer.js'
import { contentRange, multipartRanges, rangeLength, selectRange } from './ranges.js'

const ONE_PIECE_BYTES = 64 * 1024

/** Where the bytes are, and who wants them. */
export interface FileSource {
  readonly req: IncomingMessage
  readonly blobs: BlobStore
  readonly space: string
}

/** `headers` are those that say what the file is; type and range come from here. RANGE_NOT_SATISFIABLE, BAD_REQUEST (Range). */
export function fileAnswer(source: FileSource, entry: FileEntry, headers: string[]): Promise<Answer> {
  headers.push('Accept-Ranges', 'bytes')
  const { method, headers: asked } = source.req
  return method === 'HEAD' || asked.range === undefined
    ? wholeFile(source, entry, headers)
    : partOfFile(source, entry, headers)
}

async function wholeFile(source: FileSource, entry: FileEntry, headers: string[]): Promise<Answer> {
  headers.push('Content-Type', entry.contentType)
  const { size } = entry
  if (source.req.method === 'HEAD') return { status: 200, headers, length: size }
  if (size === 0) return { status: 200, headers, body: '' }
  const body = await bytesOf(source, entry, { start: 0, end: size - 1 })
  return { status: 200, headers, length: size, body }
}

/** In one piece where it is small, which is several times quicker than a stream. */
function bytesOf(
  { blobs, space }: FileSource,
  { blob }: FileEntry,
  range: ByteRange,
): Promise<Buffer | Readable | LentBytes> {
  if (rangeLength(range) <= ONE_PIECE_BYTES) return blobs.read(space, blob, range)
  if (blobs.lend) return blobs.lend(space, blob, range)
  return blobs.get(space, blob, range)
}

/** RFC 9110 §14. */
async function partOfFile(source: FileSource, entry: FileEntry, headers: string[]): Promise<Answer> {
  const { size, blob, contentType } = entry
  const { req, blobs, space } = source
  const selection = selectRange(req.headers, entry)
  switch (selection.kind) {
    case 'full':
      return wholeFile(source, entry, headers)
    case 'unsatisfiable':
      throw new SpaceError(
        'RANGE_NOT_SATISFIABLE',
        `The header Range: ${quote(req.headers.range ?? '')} names no byte of ${quote(entry.path)}, which has ${size}.`,
        { size },
      )
    case 'single': {
      const { range } = selection
      headers.push('Content-Type', contentType, 'Content-Range', contentRange(range, size))
      const body = await bytesOf(source, entry, range)
      return { status: 206, headers, body, length: rangeLength(range) }
    }
    case 'multi': {
      const parts = multipartRanges(selection.ranges, size, contentType)
      headers.push('Content-Type', parts.contentType)
      const body = parts.body((range) => blobs.get(space, blob, range))
      return { status: 206, headers, body, length: parts.contentLength }
    }
  }
}
