import type { Engine } from './engine.js'
import { findOperation, isInTree } from './history.js'

/** What the tree knows of blobs that nobody uses, or perhaps nobody: the collector's view of a space. */

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
  const live = (await findOperation(redis, space, blob, since)) || (await isInTree(redis, space, blob, since))
  return live ? 'live' : 'dead'
}

/** Claims up to `limit` blobs freed before `olderThan` (ms), and names all that are claimed and not forgotten. */
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
  if (blobs.length === 0) return
  await engine.run(
    'forget',
    space,
    blobs.map((blob) => Buffer.from(blob, 'hex')),
  )
}
