import { fstat, readFully } from '../files.js'
import {
  decodeHeader,
  HEADER_BYTES,
  isOf,
  MAGIC,
  type PackRecord,
  packOf,
  placeOf,
  recordBytes,
} from './record.js'

/** What lies in a pack. */
export interface Scan {
  /** The headers of all whole records, one after the other. */
  readonly headers: Buffer
  /** The first place where no record begins, though there are bytes; the end of the last record where all is in order. */
  readonly solidEnd: number
  /** There are bytes that are neither a record, nor the beginning of one at the end, nor zeros. */
  readonly damaged: boolean
}

/** Read at a time. */
const STEP = 1024 * 1024
const ZEROS = Buffer.alloc(64 * 1024)

/**
 * Reads the headers of a pack from the place `from` on, where a record begins. Room that was never written, or is damaged, is
 * passed over: each header proves by name and place that it is one. A record that the file ends within is left out.
 */
export async function scan(fd: number, pack: string, from: number): Promise<Scan> {
  const { size } = await fstat(fd)
  const found: Buffer[] = []
  let window: Buffer = Buffer.alloc(0)
  let windowAt = from
  let at = from
  let solidEnd: number | undefined
  let damaged = false
  while (at + HEADER_BYTES <= size) {
    if (at + HEADER_BYTES > windowAt + window.length) {
      window = Buffer.allocUnsafeSlow(Math.min(STEP, size - at))
      windowAt = at
      window = window.subarray(0, await readFully(fd, window, at))
      if (window.length < HEADER_BYTES) break
    }
    const begin = at - windowAt
    const header = decodeHeader(window, begin)
    if (header && packOf(header.blob) === pack && placeOf(header.blob) === at) {
      const end = at + recordBytes(header.size)
      if (end > size) break
      if (!header.isVoid) found.push(Buffer.from(window.subarray(begin, begin + HEADER_BYTES)))
      at = end
      continue
    }
    solidEnd ??= at
    const next = nextMagic(window, begin + 1)
    damaged ||= !isZero(window.subarray(begin, next))
    at = windowAt + next
  }
  return { headers: Buffer.concat(found), solidEnd: solidEnd ?? at, damaged }
}

/** The records that headers tell of, of one space or of all. */
export function* recordsIn(headers: Buffer, space?: string): Generator<PackRecord> {
  for (let at = 0; at < headers.length; at += HEADER_BYTES) {
    if (space !== undefined && !isOf(space, headers, at)) continue
    const record = decodeHeader(headers, at)
    if (record) yield record
  }
}

/** Where the next header may begin in the window, or as far as it is certain that none does. */
function nextMagic(window: Buffer, from: number): number {
  const found = window.indexOf(MAGIC, from)
  return found < 0 ? Math.max(from, window.length - MAGIC.length + 1) : found
}

function isZero(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    const part = bytes.subarray(at, at + ZEROS.length)
    if (part.compare(ZEROS, 0, part.length) !== 0) return false
  }
  return true
}
