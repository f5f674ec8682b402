import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'

/** Bytes that Redis uses, once it has finished growing its tables. */
export async function usedMemory(redis: Redis): Promise<number> {
  await delay(1500)
  return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1])
}
