import type { BlobStore } from '../blobs/store.js'
import { type Answer, type Engine, text } from './engine.js'
import { journal } from './feed.js'
import type { JournalRow } from './journal.js'
import { packRows } from './segments.js'
import type { OpContext } from './types.js'

export interface Sealing {
  readonly blobs: Pick<BlobStore, 'put' | 'settle' | 'discard'>
  /** So many of the newest rows stay in Redis. */
  readonly keep: number
  /** Rows of a segment. */
  readonly rows?: number
  /** Younger rows stay too: lost replies and abandoned uploads look for theirs in Redis first. An hour unless said. */
  readonly youngestMs?: number
}

const ROWS = 10_000
const HOUR_MS = 3_600_000
const PAGE = 1000
const NO_LIMITS = { fileBytes: 0, spaceBytes: 0, entries: 0 }

/**
 * Moves the oldest rows of a journal into a blob, if there are enough of them. The blob first, then one script that notes it and trims
 * the stream: whoever dies in between leaves a pending blob that the collector takes. Resolves with whether there may be more.
 */
export async function sealNext(engine: Engine, space: string, sealing: Sealing): Promise<boolean> {
  const { blobs, keep, rows: count = ROWS, youngestMs = HOUR_MS } = sealing
  const [owner, first] = (await engine.run('seal_due', space, [keep, count])) as Answer
  if (owner === undefined) return false
  const op = { space, caller: { accountId: text(owner) }, limits: NO_LIMITS }
  const rows = await oldest(engine, op, first as number, count)
  const last = rows.at(-1)
  if (!last || rows.length < count || last.created > Date.now() - youngestMs) return false
  const bytes = await packRows(rows)
  const blob = await blobs.put(space, bytes, { limit: bytes.length, length: bytes.length })
  if ((await engine.run('seal', space, [first as number, last.seq, blob.id, last.created])) !== 1) {
    // Perhaps it was sealed, and only the answer was lost.
    const mine = await engine.segments?.list(space)
    if (!mine?.some((segment) => segment.blob === blob.id)) {
      await blobs.discard(space, blob.id)
      return false
    }
  }
  await blobs.settle(space, blob.id)
  return true
}

/** Reading them has the reaper write what it has not yet: a range is sealed only as far as it is reaped. */
async function oldest(engine: Engine, op: OpContext, first: number, count: number): Promise<JournalRow[]> {
  const rows: JournalRow[] = []
  while (rows.length < count) {
    const limit = Math.min(PAGE, count - rows.length)
    const page = await journal(engine, op, { since: first - 1 + rows.length, limit })
    if (page.changes.length === 0) break
    rows.push(...page.changes)
  }
  return rows
}
