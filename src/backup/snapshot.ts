/** What is in Redis, taken and put back by Redis' own means. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseRedisUrl } from '../redis/address.js'

/** `redis-cli --rdb` makes `file`: all that Redis held at one instant, behind the call. Rejects with what redis-cli said. */
export async function takeSnapshot(url: string, file: string): Promise<void> {
  const address = parseRedisUrl(url)
  if (address.kind !== 'single') {
    throw new Error(
      'A backup of Redis with Sentinel or Cluster is taken of each of its masters, by redis-cli --rdb; the README says how.',
    )
  }
  const at = address.target.startsWith('/') ? ['-s', address.target] : ['-u', address.target]
  const child = spawn('redis-cli', [...at, '--rdb', file], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-1000)
    })
  }
  const [code] = (await once(child, 'close').catch((error: NodeJS.ErrnoException) => {
    throw new Error(`redis-cli, which a backup needs, cannot be run: ${error.message}.`, { cause: error })
  })) as [number | null]
  if (code !== 0) throw new Error(`redis-cli could not take a snapshot of Redis: ${said.trim()}`)
}

/**
 * Puts a snapshot where the embedded Redis of `dataDir` begins with it. A Redis that keeps an append-only file ignores other
 * snapshots, so it becomes the base of one (Redis 7, "multi part AOF").
 */
export async function placeSnapshot(file: string, dataDir: string): Promise<void> {
  const folder = join(dataDir, 'redis', 'appendonlydir')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await copyFile(file, join(folder, BASE))
  await writeFile(join(folder, 'appendonly.aof.manifest'), `file ${BASE} seq 1 type b\n`)
}

const BASE = 'appendonly.aof.1.base.rdb'
