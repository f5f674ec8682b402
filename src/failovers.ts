import { Cluster, type Redis } from 'ioredis'
import { ACCOUNT_SLOT } from './accounts/keys.js'
import { renewEpochs } from './backup/epochs.js'
import type { Log } from './log.js'
import { parseInfo } from './redis/checks.js'
import type { RedisClient } from './redis/scripts.js'
import { masterOf } from './redis/slots.js'
import { recordKey } from './space/keys.js'
import type { Store } from './store.js'

/** Hash: mark of a fail-over → when its consequences were drawn (ms). */
const HEEDED = `${ACCOUNT_SLOT}:failovers`

/**
 * A replica that became master may lack the last changes that were acknowledged. Which, nobody knows: so the journals of
 * all spaces on it get another epoch, once, and clients and mounts start over instead of diverging. A master tells by itself that it was
 * promoted, and at which point (INFO replication, `master_replid2`).
 */
export async function heedFailovers(
  { redis, directory, spaces }: Pick<Store, 'redis' | 'directory' | 'spaces'>,
  log: Log,
): Promise<void> {
  for (const master of redis instanceof Cluster ? redis.nodes('master') : [redis]) {
    const mark = await promotionOf(master)
    if (mark === undefined || (await redis.hexists(HEEDED, mark)) === 1) continue
    const count = await renewEpochs({ directory, spaces }, (id) => livesOn(redis, master, id))
    await redis.hset(HEEDED, mark, Date.now())
    log.warn(
      `A replica of Redis has become master, perhaps without the last changes: clients of its ${count} spaces start over.`,
    )
  }
}

/** Names the moment at which it became master; undefined where it always was. */
async function promotionOf(master: Redis): Promise<string | undefined> {
  const info = parseInfo(await master.info('replication'))
  const before = info.get('master_replid2') ?? ''
  return /^0*$/.test(before) ? undefined : `${before}:${info.get('second_repl_offset')}`
}

function livesOn(redis: RedisClient, master: Redis, space: string): boolean {
  return !(redis instanceof Cluster) || masterOf(redis, recordKey(space)) === master
}
