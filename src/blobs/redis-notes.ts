import { retrying } from '../redis/retry.js'
import type { RedisClient } from '../redis/scripts.js'
import type { PendingNotes } from './notes.js'
import type { PendingBlob } from './store.js'

/** One hash for each first digit of a blob's id: notes spread over a cluster's masters, and are listed in 16 steps. */
const SHARDS = '0123456789abcdef'

/**
 * Notes in Redis: `{blobs:<digit>}:pending`, a hash of `<space>.<blob>` → `<began> <last touched>`, ms since 1970.
 * Every command names one key and may be repeated.
 */
export class RedisNotes implements PendingNotes {
  constructor(readonly redis: RedisClient) {}

  async note(space: string, blob: string, since: number): Promise<void> {
    await retrying(() => this.redis.hset(keyOf(blob), fieldOf(space, blob), `${since} ${Date.now()}`))
  }

  async drop(space: string, blobs: readonly string[]): Promise<number> {
    let dropped = 0
    for (const [key, some] of byKey(blobs))
      dropped += await retrying(() => this.redis.hdel(key, ...some.map((blob) => fieldOf(space, blob))))
    return dropped
  }

  async among(space: string, blobs: readonly string[]): Promise<ReadonlySet<string>> {
    const noted = new Set<string>()
    for (const [key, some] of byKey(blobs)) {
      const fields = some.map((blob) => fieldOf(space, blob))
      const values = await retrying(() => this.redis.hmget(key, ...fields))
      for (const [index, blob] of some.entries()) if (values[index] != null) noted.add(blob)
    }
    return noted
  }

  async *list(olderThan: number): AsyncGenerator<PendingBlob> {
    for (const shard of SHARDS) {
      let cursor = '0'
      do {
        const [next, items] = await retrying(() => this.redis.hscan(keyOf(shard), cursor, 'COUNT', 1000))
        cursor = next
        for (let at = 0; at < items.length; at += 2) {
          const [space, blob] = (items[at] as string).split('.')
          const [since, touched] = (items[at + 1] as string).split(' ').map(Number)
          if (space && blob && since !== undefined && touched !== undefined && touched < olderThan)
            yield { space, blob, since }
        }
      } while (cursor !== '0')
    }
  }
}

function keyOf(blob: string): string {
  return `{blobs:${blob[0]}}:pending`
}

function fieldOf(space: string, blob: string): string {
  return `${space}.${blob}`
}

function byKey(blobs: readonly string[]): Map<string, string[]> {
  const keys = new Map<string, string[]>()
  for (const blob of blobs) {
    const key = keyOf(blob)
    const some = keys.get(key)
    if (some) some.push(blob)
    else keys.set(key, [blob])
  }
  return keys
}
