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

/** What a move or a copy replaced: the tombstones before its own row, which are no operation of their own. */
export async function replacedBefore(
  redis: RedisClient,
  space: string,
  { seq }: JournalRow,
): Promise<{ readonly replaced: boolean; readonly range: number }> {
  const [before] = await retrying(() => redis.xrangeBuffer(journalKey(space), seq - 1, seq - 1))
  const row = before && decodeRow(seq - 1, before[1][1] as Buffer)
  const replaced = row?.change === 'delete' && row.operation === ''
  return { replaced, range: replaced && row.first !== undefined ? row.seq : 0 }
}

/** `<seq>-0` → seq. */
export function seqOf(id: Buffer): number {
  return Number(id.toString('latin1', 0, id.length - 2))
}
