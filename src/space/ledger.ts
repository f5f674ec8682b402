import { retrying } from '../redis/retry.js'
import type { Engine } from './engine.js'
import { findOperation, isInTree, isSealed } from './history.js'

/** What the tree knows of blobs that nobody uses, or perhaps nobody: the collector's view of a space. */

/** Items of a list, or arguments of a script, at a time. */
const STEP = 1000

/**
 * Claims a pending blob for ever: a write that still wants to link it is refused. 'live' where a write had linked it
 * before; the blob may have been freed since, then it is among the freed.
 */
export async function claimPending(
  engine: Engine,
  space: string,
  blob: string,
  since: number,
): Promise<'live' | 'dead'> {
  const exists = await engine.run('doom', space, [blob])
  if (exists === 0) return 'dead'
  const { redis } = engine
  const live =
    (await findOperation(redis, space, blob, since)) ||
    (await isInTree(redis, space, blob, since)) ||
    (await isSealed(engine, space, blob, since))
  return live ? 'live' : 'dead'
}

/** How many blobs are claimed, or were freed before `olderThan` (ms). Freed ones are in the order of their time. */
export async function countFreed({ redis }: Engine, space: string, olderThan: number): Promise<number> {
  const key = `{${space}}:f`
  let count = await retrying(() => redis.hlen(`{${space}}:x`))
  for (let start = 0; ; start += STEP) {
    const items = await retrying(() => redis.lrangeBuffer(key, start, start + STEP - 1))
    const old = items.filter((item) => item.readUIntBE(0, 6) <= olderThan).length
    count += old
    if (old < STEP) return count
  }
}

/** Claims blobs freed before `olderThan` (ms) until `limit` are claimed, and names all that are claimed and not forgotten. */
export async function claimFreed(
  engine: Engine,
  space: string,
  olderThan: number,
  limit: number,
): Promise<string[]> {
  const blobs = (await engine.run('freed', space, [olderThan, limit])) as readonly Buffer[]
  return blobs.map((blob) => blob.toString('hex'))
}

/** The blobs are gone from the store. */
export async function forget(engine: Engine, space: string, blobs: readonly string[]): Promise<void> {
  for (let at = 0; at < blobs.length; at += STEP) {
    const some = blobs.slice(at, at + STEP)
    await engine.run(
      'forget',
      space,
      some.map((blob) => Buffer.from(blob, 'hex')),
    )
  }
}
