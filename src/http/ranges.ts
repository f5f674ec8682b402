/** Parts of a file: which ones a request asks for, and how several of them are framed. RFC 9110 §14. */
import { randomBytes } from 'node:crypto'
import type { ByteRange } from '../blobs/store.js'
import { SpaceError } from '../space/errors.js'
import { quote } from '../space/quote.js'
import { parseHttpDate } from './dates.js'

/** More separate parts than this are nobody's honest wish, and the whole file is cheaper (RFC 9110 §14.2). */
const MOST_PARTS = 32

export type Selection =
  | { readonly kind: 'full' }
  | { readonly kind: 'single'; readonly range: ByteRange }
  | { readonly kind: 'multi'; readonly ranges: readonly ByteRange[] }
  | { readonly kind: 'unsatisfiable' }

/** The file as it is now. */
export interface Selected {
  readonly size: number
  /** Bare. */
  readonly etag: string
  /** Milliseconds since 1970. */
  readonly modified: number
}

/**
 * What of the file a GET (no other verb has ranges) asks for. A unit other than bytes is no range at all, and neither is
 * anything when `If-Range` does not hold. BAD_REQUEST for a range of bytes that is malformed.
 */
export function selectRange(
  headers: { readonly range?: string | undefined; readonly 'if-range'?: string | string[] | undefined },
  file: Selected,
): Selection {
  const { range, 'if-range': condition } = headers
  if (range === undefined || !/^\s*bytes\s*=/i.test(range)) return { kind: 'full' }
  if (condition !== undefined && !ifRangeHolds(String(condition), file)) return { kind: 'full' }
  const asked = parseSpecs(range, file.size)
  if (asked === undefined) return { kind: 'full' }
  const ranges = merge(asked)
  const [range0] = ranges
  if (!range0) return { kind: 'unsatisfiable' }
  if (ranges.length === 1) return { kind: 'single', range: range0 }
  return ranges.length > MOST_PARTS ? { kind: 'full' } : { kind: 'multi', ranges }
}

/**
 * RFC 9110 §13.1.5: a weak etag never holds, a date only when it is exactly that of the file. Where mtimes are set by clients a
 * date can stay the same while the bytes change; who needs certainty uses the etag.
 */
function ifRangeHolds(condition: string, { etag, modified }: Selected): boolean {
  const bare = condition.trim().replace(/^"(.*)"$/, '$1')
  return bare === etag || parseHttpDate(condition) === Math.floor(modified / 1000) * 1000
}

/** The satisfiable ranges, in the order asked for, cut to the file. Undefined: the whole file, which may be empty. */
function parseSpecs(header: string, size: number): ByteRange[] | undefined {
  const ranges: ByteRange[] = []
  let count = 0
  for (const spec of header.slice(header.indexOf('=') + 1).split(',')) {
    if (spec.trim() === '') continue
    count++
    const [, first = '', last = ''] = /^\s*(\d*)-(\d*)\s*$/.exec(spec) ?? []
    if (first === '' && last === '') throw malformed(header)
    if (first !== '' && last !== '' && Number(last) < Number(first)) throw malformed(header)
    // A suffix of an empty file can be had, but no Content-Range can say it.
    if (first === '' && size === 0 && Number(last) > 0) return undefined
    const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
    const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1)
    if (start <= end) ranges.push({ start, end })
  }
  if (count === 0) throw malformed(header)
  return ranges
}

/** Overlapping ranges become one (RFC 9110 §15.3.7.2), in the place of the first of them; so parts never exceed the file. */
function merge(asked: readonly ByteRange[]): ByteRange[] {
  const sorted = asked.map((range, order) => ({ ...range, order })).sort((a, b) => a.start - b.start)
  const merged: { start: number; end: number; order: number }[] = []
  for (const range of sorted) {
    const last = merged.at(-1)
    if (last && range.start <= last.end) {
      last.end = Math.max(last.end, range.end)
      last.order = Math.min(last.order, range.order)
    } else merged.push({ ...range })
  }
  return merged.sort((a, b) => a.order - b.order).map(({ start, end }) => ({ start, end }))
}

/** `Content-Range` of a 206, or with no range, of a 416. */
export function contentRange(range: ByteRange | undefined, size: number): string {
  return range ? `bytes ${range.start}-${range.end}/${size}` : `bytes */${size}`
}

export function rangeLength({ start, end }: ByteRange): number {
  return end - start + 1
}

/** The body of a 206 with several parts: header values and bytes. */
export interface MultipartRanges {
  readonly contentType: string
  readonly contentLength: number
  /** Opens one part after the other, never two at once; ending it early closes the one that is open. */
  body(get: (range: ByteRange) => Promise<AsyncIterable<Uint8Array>>): AsyncGenerator<Uint8Array, void>
}

/** `multipart/byteranges` (RFC 9110 §14.6) of these ranges of a file of `size` bytes and type `contentType`. */
export function multipartRanges(
  ranges: readonly ByteRange[],
  size: number,
  contentType: string,
): MultipartRanges {
  const boundary = randomBytes(16).toString('hex')
  const parts = ranges.map((range) => ({
    range,
    head: Buffer.from(
      `\r\n--${boundary}\r\nContent-Type: ${contentType}\r\nContent-Range: ${contentRange(range, size)}\r\n\r\n`,
    ),
  }))
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`)
  return {
    contentType: `multipart/byteranges; boundary=${boundary}`,
    contentLength: parts.reduce(
      (sum, { head, range }) => sum + head.length + rangeLength(range),
      tail.length,
    ),
    async *body(get) {
      for (const { head, range } of parts) {
        yield head
        yield* await get(range)
      }
      yield tail
    },
  }
}

function malformed(header: string): SpaceError {
  return new SpaceError(
    'BAD_REQUEST',
    `The header Range is not a list of byte ranges such as "bytes=0-99,-100": ${quote(header)}.`,
  )
}
