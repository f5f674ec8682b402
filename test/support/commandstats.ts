import type { Redis } from 'ioredis'

/** Redis commands by name with their number of calls, those inside scripts included, while `run` ran. */
export async function commandsOf(redis: Redis, run: () => Promise<unknown>): Promise<Record<string, number>> {
  await redis.config('RESETSTAT')
  await run()
  const stats = await redis.info('commandstats')
  const own = new Set(['config|resetstat', 'info'])
  const calls: Record<string, number> = {}
  for (const [, name = '', count] of stats.matchAll(/^cmdstat_(\S+):calls=(\d+)/gm)) {
    if (!own.has(name)) calls[name] = Number(count)
  }
  return calls
}

export function total(calls: Readonly<Record<string, number>>): number {
  return Object.values(calls).reduce((sum, count) => sum + count, 0)
}
