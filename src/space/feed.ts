import { type Answer, type Engine, text } from './engine.js'
import { SpaceError } from './errors.js'
import { decodeChunk, decodeRow, type JournalRow } from './journal.js'
import type { ChangesRequest, ChangesResult } from './operations.js'
import { quote } from './quote.js'
import { reapUpTo } from './reaper.js'
import { refusalError } from './refusals.js'
import { parseSegment, type Segment } from './segments.js'
import type { Change, OpContext } from './types.js'

interface JournalPage extends ChangesResult {
  readonly changes: readonly JournalRow[]
}

/** Journal rows after a cursor, sealed ones too; tombstones that are not written out yet are, on the way. */
export async function changes(
  engine: Engine,
  op: OpContext,
  request: ChangesRequest,
): Promise<ChangesResult> {
  const page = await journal(engine, op, request)
  const rows = page.changes.map(({ operation, first, chunks, ...row }): Change => row)
  return { ...page, changes: rows }
}

/** The same with what the wire does not tell. */
export async function journal(engine: Engine, op: OpContext, request: ChangesRequest): Promise<JournalPage> {
  const rows: JournalRow[] = []
  let stuck: string | undefined
  for (;;) {
    const since = rows.at(-1)?.seq ?? request.since
    const answer = await engine.read('changes', op, [since, request.limit - rows.length], refusalError)
    const latestSeq = answer[0] as number
    const epoch = text(answer[1])
    if (request.epoch !== undefined && request.epoch !== epoch) {
      throw new SpaceError(
        'EPOCH_GONE',
        `The journal of epoch ${quote(request.epoch)} is gone; start over with epoch ${epoch}.`,
        { epoch },
      )
    }
    const segment = segmentIn(answer)
    if (segment) {
      await addSealed(engine, op.space, segment, { since, limit: request.limit }, rows)
      if (rows.length < request.limit) continue
    }
    const unready = segment ? undefined : collect(answer, since, request.limit, rows)
    if (unready !== undefined) {
      // Somebody else may have written the piece since; else, asked again, the range will miss the same one.
      const state = `${unready} ${rows.length}`
      const worked = await reapUpTo(engine, op.space, unready)
      if (!worked && stuck === state) {
        throw new SpaceError('CORRUPT', `The journal lacks tombstones before ${unready}; fsck says more.`)
      }
      stuck = worked ? undefined : state
      continue
    }
    const last = rows.at(-1)?.seq ?? request.since
    return { changes: rows, latestSeq, hasMore: last < latestSeq, epoch }
  }
}

/** The answer says that the next rows are sealed, and where. */
function segmentIn(answer: Answer): Segment | undefined {
  const [mark, member] = (answer[2] ?? []) as Answer
  return mark instanceof Buffer ? parseSegment(text(member)) : undefined
}

async function addSealed(
  engine: Engine,
  space: string,
  segment: Segment,
  { since, limit }: ChangesRequest,
  rows: JournalRow[],
): Promise<void> {
  if (!engine.segments)
    throw new SpaceError('CORRUPT', 'Rows of the journal are sealed, and no store is here.')
  const sealed = await engine.segments.rows(space, segment)
  const from = since + 1 - segment.first
  rows.push(...sealed.slice(from, from + limit - rows.length))
}

/** Adds the answer's rows; the range whose next chunk must be made first, if the answer ends there. */
function collect(answer: Answer, since: number, limit: number, rows: JournalRow[]): number | undefined {
  const add = (row: JournalRow) => {
    if (row.seq > since && rows.length < limit) rows.push(row)
  }
  for (const item of answer.slice(2)) {
    const [seq, raw, prefix] = item as unknown as readonly [number, Buffer?, Buffer?]
    if (raw === undefined) return rows.length < limit ? seq : undefined
    if (prefix === undefined) add(decodeRow(seq, raw))
    else for (const row of decodeChunk(seq, raw, text(prefix))) add(row)
  }
  return undefined
}
