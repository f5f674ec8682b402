import { retrying } from '../redis/retry.js'
import type { RedisClient } from '../redis/scripts.js'
import type { Engine } from './engine.js'
import { decodeChunk, decodeRow, type JournalRow } from './journal.js'
import { journalKey } from './keys.js'

/** Redis' clock and ours may differ by this much. */
const CLOCKS_MS = 5 * 60_000
const STEP = 1000
/** Rows of a chunk in `t`. */
const CHUNK = 256

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

/**
 * Is the blob that of a file in a tree that came in one piece (`graft`), or is being built to come so? Such files have no rows of
 * their own in the stream. As rare, and as final for a doomed blob, as `findOperation`.
 */
export async function isInTree(
  redis: RedisClient,
  space: string,
  blob: string,
  since: number,
): Promise<boolean> {
  const key = (name: string) => `{${space}}:${name}`
  // Those that are being built first: one that is linked in meanwhile is then found in the stream.
  for (const copy of await redis.zrange(key('k'), '0', '-1')) {
    const rows = Number(await redis.hget(key(`k:${copy}`), 'rows'))
    if (await isInRows(redis, space, `k${copy}`, rows, blob)) return true
  }
  for (let end = '+'; ; ) {
    const rows = await redis.xrevrangeBuffer(journalKey(space), end, '-', 'COUNT', STEP)
    for (const [id, fields] of rows) {
      const { seq, first, change, created, chunks } = decodeRow(seqOf(id), fields[1] as Buffer)
      if (created < since - CLOCKS_MS) return false
      if (change !== 'create' || first === undefined || chunks === undefined) continue
      if (await isInRows(redis, space, chunks, seq - first + 1, blob)) return true
    }
    const last = rows.at(-1)
    if (!last || rows.length < STEP) return false
    end = `(${last[0]}`
  }
}

/**
 * Is the blob a segment of the journal, or that of a file whose row has been sealed since? Behind the other two: what was not sealed when
 * they looked is then found here.
 */
export async function isSealed(
  { segments }: Engine,
  space: string,
  blob: string,
  since: number,
): Promise<boolean> {
  const all = (await segments?.list(space)) ?? []
  if (all.some((segment) => segment.blob === blob)) return true
  for (const segment of all.reverse()) {
    if (segment.time < since - CLOCKS_MS) return false
    const rows = (await segments?.rows(space, segment)) ?? []
    if (rows.some(({ change, etag }) => etag === blob && change !== 'delete')) return true
  }
  return false
}

async function isInRows(
  redis: RedisClient,
  space: string,
  chunks: string,
  rows: number,
  etag: string,
): Promise<boolean> {
  for (let at = 0; at * CHUNK < rows; at++) {
    const chunk = await redis.hgetBuffer(`{${space}}:t`, `${chunks}:${at}`)
    for (const row of decodeChunk(0, chunk ?? Buffer.alloc(0), '')) if (row.etag === etag) return true
  }
  return false
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
