import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type TestRedis, testRedis } from '../../support/redis.js'
import type { Peer } from './peer.js'
import { owned, terminate } from './processes.js'

/** What stands before the name of a side that is no peer: how far the runtime itself goes with the same work. */
export const LIMIT = '(limit)'

/** See `least-server.ts`. PUTs go into `folder`. */
export async function startLeast(
  folder: string,
  how: 'alone' | 'with Redis' | 'with Redis, 2 workers',
): Promise<Peer> {
  const redis = how === 'alone' ? undefined : await testRedis()
  const workers = how === 'with Redis, 2 workers' ? ['2'] : []
  const script = fileURLToPath(new URL('least-server.js', import.meta.url))
  const args = [script, folder, ...(redis ? [redis.socket] : []), ...workers]
  const child = owned(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }))
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
  return {
    name: `${LIMIT} node:http ${how}`,
    base: line.trim(),
    headers: {},
    makesFoldersBy: 'MKCOL',
    pids: () => [child.pid as number],
    end: () => end(terminate(child), redis),
  }
}

async function end(ended: Promise<void>, redis: TestRedis | undefined): Promise<void> {
  await ended
  await redis?.stop()
}
