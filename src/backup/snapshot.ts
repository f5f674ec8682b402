/** What is in Redis, taken and put back by Redis' own means. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { Cluster } from 'ioredis'
import { parseRedisUrl } from '../redis/address.js'
import type { RedisClient } from '../redis/scripts.js'

/** A file of a backup: what one Redis master held. */
export interface Snapshot {
  readonly file: string
  /** The slots it holds, first and last, where it is one of a cluster's. */
  readonly slots?: readonly (readonly [number, number])[]
}

/**
 * `redis-cli --rdb` makes files in `folder`: all that Redis held at one instant behind the call, of a cluster one file a master, each
 * with an instant of its own. Rejects with what redis-cli said.
 */
export async function takeSnapshots(redis: RedisClient, url: string, folder: string): Promise<Snapshot[]> {
  const address = parseRedisUrl(url)
  if (address.kind === 'single') {
    const at = address.target.startsWith('/') ? ['-s', address.target] : ['-u', address.target]
    return [await taken(at, {}, folder, { file: SNAPSHOT })]
  }
  const { tls, username, password } = address
  const login = [...(tls ? ['--tls'] : []), ...(username === undefined ? [] : ['--user', username])]
  // Arguments can be read by everybody on the machine.
  const secret = password === undefined ? {} : { REDISCLI_AUTH: password }
  const snapshots: Snapshot[] = []
  for (const { host, port, ...snapshot } of await masters(redis)) {
    snapshots.push(await taken(['-h', host, '-p', String(port), ...login], secret, folder, snapshot))
  }
  return snapshots
}

/** Of the embedded Redis, or of whichever stands alone. */
export const SNAPSHOT = 'redis.rdb'

type Master = Snapshot & { readonly host: string; readonly port: number }

async function masters(redis: RedisClient): Promise<Master[]> {
  if (!(redis instanceof Cluster)) {
    // The sentinels have said who rules; the connection is to that one.
    const { remoteAddress = '', remotePort = 0 } = redis.stream as Socket
    return [{ file: SNAPSHOT, host: remoteAddress, port: remotePort }]
  }
  const found = new Map<string, { host: string; port: number; slots: [number, number][] }>()
  const [any] = redis.nodes('master')
  for (const [first, last, node] of (await any?.cluster('SLOTS')) ?? []) {
    if (node === undefined) continue
    // The first of a range's nodes is its master.
    const [host, port] = node
    const master = found.get(`${host}:${port}`) ?? { host, port, slots: [] }
    master.slots.push([first, last])
    found.set(`${host}:${port}`, master)
  }
  return [...found.values()].map((master, at) => ({ ...master, file: `redis-${at + 1}.rdb` }))
}

async function taken(
  at: readonly string[],
  secret: Readonly<Record<string, string>>,
  folder: string,
  snapshot: Snapshot,
): Promise<Snapshot> {
  const child = spawn('redis-cli', [...at, '--rdb', join(folder, snapshot.file)], {
    env: { ...process.env, ...secret },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
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
  return snapshot
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
