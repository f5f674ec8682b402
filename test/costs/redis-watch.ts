import { once } from 'node:events'
import { Cluster, type Redis } from 'ioredis'
import type { RedisClient } from '../../src/redis/scripts.js'

/** What Redis was asked to do, in the order it did it. */
export interface RedisWork {
  /** Commands that were sent to it: each is, or is part of, a round trip. */
  readonly sent: readonly string[]
  /** Commands that scripts ran. */
  readonly inScripts: readonly string[]
}

/** Notes by MONITOR what Redis does while `run` runs: one of its masters after the other. Nobody else may use it meanwhile. */
export async function redisWork(redis: RedisClient, run: () => Promise<unknown>): Promise<RedisWork> {
  const [first, ...others] = redis instanceof Cluster ? redis.nodes('master') : [redis]
  if (!first) throw new Error('The cluster has no master.')
  const all = { sent: [] as string[], inScripts: [] as string[] }
  const watched = async (master: Redis, rest: readonly Redis[]): Promise<void> => {
    const [next, ...further] = rest
    const work = await workOf(master, next ? () => watched(next, further) : run)
    all.sent.push(...work.sent)
    all.inScripts.push(...work.inScripts)
  }
  await watched(first, others)
  return all
}

async function workOf(redis: Redis, run: () => Promise<unknown>): Promise<RedisWork> {
  const monitor = await redis.monitor()
  const sent: string[] = []
  const inScripts: string[] = []
  const ended = `seen-${process.hrtime.bigint()}`
  monitor.on('monitor', (_time: string, args: string[], source: string) => {
    const [name = ''] = args
    if (args.includes(ended)) monitor.emit('caught up')
    else if (source === 'lua') inScripts.push(name.toLowerCase())
    else sent.push(name.toLowerCase())
  })
  try {
    await run()
    const caughtUp = once(monitor, 'caught up')
    await redis.echo(ended)
    await caughtUp
    return { sent, inScripts }
  } finally {
    monitor.disconnect()
  }
}
