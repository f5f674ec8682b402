import { once } from 'node:events'
import type { Redis } from 'ioredis'

/** What Redis was asked to do, in the order it did it. */
export interface RedisWork {
  /** Commands that were sent to it: each is, or is part of, a round trip. */
  readonly sent: readonly string[]
  /** Commands that scripts ran. */
  readonly inScripts: readonly string[]
}

/** Notes by MONITOR what Redis does while `run` runs. Nobody else may use it meanwhile. */
export async function redisWork(redis: Redis, run: () => Promise<unknown>): Promise<RedisWork> {
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
