import { retrying } from '../redis/retry.js'
import type { RedisClient } from '../redis/scripts.js'
import { decodeRow, type JournalRow } from './journal.js'
import { journalKey } from './keys.js'

/** Redis' clock and ours may differ by this much. */
const CLOCKS_MS = 5 * 60_000
const STEP = 1000

/**
 * The journal row an operation wrote, searched from the newest back to `since` (ms). Rare: only where a reply was lost or
 * an upload was abandoned. What it says about the past is final as soon as the operation is fenced or doomed.
 */
export async function findOperation(
  redis: RedisClient,
  space: string,
  operation: string,
  since: number,
): Promise<JournalRow | undefined> {
  let end = '+'
  for (;;) {
    const rows = await redis.xrevrangeBuffer(journalKey(space), end, '-', 'COUNT', STEP)
    for (const [id, fields] of rows) {
      const row = decodeRow(seqOf(id), fields[1] as Buffer)
      // A row has room for half of a long id.
      if (row.operation !== '' && operation.startsWith(row.operation)) return row
      if (row.created < since - CLOCKS_MS) return undefined
    }
    const last = rows.at(-1)
    if (!last || rows.length < STEP) return undefined
    end = `(${last[0]}`
  }
}

/** Whether the move of this row replaced a file: the tombstone before it is no operation of its own. */
export async function replacedByMove(redis: RedisClient, space: string, move: JournalRow): Promise<boolean> {
  const seq = move.seq - 1
  const [before] = await retrying(() => redis.xrangeBuffer(journalKey(space), seq, seq))
  if (!before) return false
  const row = decodeRow(seq, before[1][1] as Buffer)
  return row.change === 'delete' && row.operation === ''
}

/** `<seq>-0` → seq. */
export function seqOf(id: Buffer): number {
  return Number(id.toString('latin1', 0, id.length - 2))
}
