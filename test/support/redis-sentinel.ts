import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { parseInfo } from '../../src/redis/checks.js'
import type { RedisClient } from '../../src/redis/scripts.js'
import { freePorts } from './ports.js'
import { Clients } from './redis.js'
import { type RedisServer, redisServer } from './redis-process.js'
import { WireProxy } from './wire-proxy.js'

const SENTINELS = 3

/** A master and its replicas on loopback, watched by three sentinels that replace it within some four seconds. */
export interface TestSentinel {
  /** REDIS_URL. */
  readonly url: string
  connect(name?: string, replicas?: number): Promise<RedisClient>
  /** The server that is master now, by the word of all sentinels; while they differ, the one before. */
  master(): Promise<RedisServer>
  /** Resolves when all others follow the master. */
  isWhole(): Promise<void>
  stop(): Promise<void>
}

export async function testSentinel({
  replicas = 2,
  settings = {},
  lateMs,
}: {
  replicas?: number
  settings?: Readonly<Record<string, string>>
  /** What sentinels say arrives so much later, asked for each connection. */
  lateMs?: () => number
} = {}): Promise<TestSentinel> {
  const ports = await freePorts(1 + replicas)
  const sentinelPorts = await freePorts(SENTINELS)
  const [first = 0] = ports
  let master = first
  // Who starts again follows whoever is master by then, as the sentinels have written into its configuration.
  const data = ports.map((port) =>
    redisServer(
      () => ({
        port: String(port),
        bind: '127.0.0.1',
        'repl-diskless-sync-delay': '0',
        'repl-ping-replica-period': '1',
        'repl-timeout': '5',
        save: '',
        appendonly: 'no',
        ...(port !== master && { replicaof: `127.0.0.1 ${master}` }),
        ...settings,
      }),
      () => port,
    ),
  )
  for (const server of data) await server.start()
  const proxies = lateMs ? await Promise.all(sentinelPorts.map((port) => WireProxy.start(port))) : []
  for (const proxy of proxies) proxy.delay(lateMs as () => number)
  const announced = lateMs ? proxies.map(({ port }) => port) : sentinelPorts
  const sentinels = sentinelPorts.map((port, index) =>
    redisServer(
      () => ({}),
      () => port,
      (folder) => [sentinelConfig(folder, port, announced[index] ?? port, first), '--sentinel'],
    ),
  )
  await Promise.all(sentinels.map((server) => server.start()))
  const asked = sentinelPorts.map((port) => quiet(port))
  for (const sentinel of asked) await knowsAll(sentinel, replicas)
  const url = `redis-sentinel://${announced.map((port) => `127.0.0.1:${port}`).join(',')}/main`
  const clients = new Map<number, Clients>()
  const observers = new Map(ports.map((port) => [port, quiet(port)]))
  const findMaster = async () => {
    const replies = await Promise.all(
      asked.map((sentinel) => sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'main')),
    )
    const said = new Set((replies as [string, string][]).map(([, port]) => Number(port)))
    if (said.size === 1) [master = first] = said
    return master
  }
  const isWhole = async () => {
    const following = async () => {
      const info = await observers.get(await findMaster())?.info('replication')
      return info?.match(/^slave\d+:.*state=online/gm)?.length ?? 0
    }
    while ((await following().catch(() => 0)) < replicas) await delay(20)
  }
  await isWhole()
  return {
    url,
    connect: (name, wait = 0) => {
      const some = clients.get(wait) ?? new Clients(url, wait)
      clients.set(wait, some)
      return some.connect(name)
    },
    master: async () => data[ports.indexOf(await findMaster())] as RedisServer,
    isWhole,
    stop: async () => {
      for (const some of clients.values()) some.end()
      for (const client of [...asked, ...observers.values()]) client.disconnect()
      for (const proxy of proxies) await proxy.stop()
      for (const server of [...sentinels, ...data]) await server.remove()
    },
  }
}

function sentinelConfig(folder: string, port: number, announced: number, master: number): string {
  const file = join(folder, 'sentinel.conf')
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    'sentinel announce-ip 127.0.0.1',
    `sentinel announce-port ${announced}`,
    `sentinel monitor main 127.0.0.1 ${master} 2`,
    // Sentinels ask once a second: with less than three they take a busy machine for a dead one.
    'sentinel down-after-milliseconds main 3000',
    'sentinel failover-timeout main 5000',
    'sentinel parallel-syncs main 2',
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  return file
}

function quiet(port: number): Redis {
  const redis = new Redis(port, '127.0.0.1', { protocol: 2, maxRetriesPerRequest: 0 })
  redis.on('error', () => {})
  return redis
}

async function knowsAll(sentinel: Redis, replicas: number): Promise<void> {
  const wanted = `status=ok,address=.*,slaves=${replicas},sentinels=${SENTINELS}`
  const pattern = new RegExp(wanted)
  while (!pattern.test(parseInfo(await sentinel.info('sentinel')).get('master0') ?? '')) await delay(50)
}
