import type { Change, ChangeKind } from './types.js'

/** Reads journal rows as `scripts/_row.lua` writes them; change both. */

/** The last two are ranges: of a deleted tree, and of a copied one. */
const KINDS: readonly ChangeKind[] = ['create', 'update', 'move', 'delete', 'delete', 'create']
const CREATE = 1
const UPDATE = 2
const RANGE = 5
const FOLDER = 8
const OPERATION = 16

/** A row with the id of the operation that wrote it: a write's is the file's etag, else 16 hex; '' where it bears none. */
export interface JournalRow extends Change {
  readonly operation: string
  /** A row that stands for a range of them: its first seq. */
  readonly first?: number
  /** Of a copied tree: the name under which the range's rows are kept in `t`. */
  readonly chunks?: string
}

export function decodeRow(seq: number, raw: Buffer): JournalRow {
  const head = raw[0] as number
  const folder = (head & FOLDER) !== 0
  const code = head & 7
  let at = 7
  let operation = ''
  if (head & OPERATION) {
    operation = raw.toString('hex', at, at + 8)
    at += 8
  }
  let etag: string | null = null
  let size: number | null = null
  if (!folder) {
    etag = raw.toString('hex', at, at + 16)
    size = raw.readUIntBE(at + 16, 6)
    at += 22
    if (operation === '' && (code === CREATE || code === UPDATE)) operation = etag
  }
  const pathEnd = at + 2 + raw.readUInt16BE(at)
  const change = KINDS[code - 1] as ChangeKind
  const row = {
    seq,
    path: raw.toString('utf8', at + 2, pathEnd),
    change,
    oldPath: change === 'move' ? raw.toString('utf8', pathEnd) : null,
    kind: folder ? ('folder' as const) : ('file' as const),
    etag,
    size,
    created: raw.readUIntBE(1, 6),
    operation,
  }
  if (code < RANGE) return row
  const range = { ...row, first: raw.readUIntBE(pathEnd, 6) }
  return code === RANGE ? range : { ...range, chunks: raw.toString('latin1', pathEnd + 6) }
}

/** The rows of a chunk that begins at seq `first`; their paths are relative to `prefix`. */
export function* decodeChunk(first: number, chunk: Buffer, prefix: string): Generator<JournalRow> {
  let at = 0
  for (let seq = first; at < chunk.length; seq++) {
    const length = chunk.readUInt16BE(at)
    const row = decodeRow(seq, chunk.subarray(at + 2, at + 2 + length))
    yield prefix === '' ? row : { ...row, path: prefix + row.path }
    at += 2 + length
  }
}
