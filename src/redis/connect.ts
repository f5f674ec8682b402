import { Cluster, Redis, type RedisOptions } from 'ioredis'
import { type Log, silentLog } from '../log.js'
import { requireReplicas } from './acknowledge.js'
import { parseRedisUrl, type RedisAddress, shownUrl } from './address.js'
import { checkRedis } from './checks.js'
import type { RedisClient } from './scripts.js'
import { SentinelClient } from './sentinel.js'

export interface ConnectOptions {
  /** Shown in Redis' client list: what the connection is for. */
  readonly name: string
  readonly log?: Log
  /** Give up when Redis does not answer within this time (ms); 10 s unless said. */
  readonly patience?: number
  /** How many replicas must have a change before it counts; see `acknowledge.ts`. None unless said. */
  readonly replicas?: number
}

/** Of every connection, single or to a cluster's node. */
const CONNECTION = {
  protocol: 2,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: true,
  enableAutoPipelining: false,
  enableReadyCheck: true,
  disableClientInfo: true,
  autoResubscribe: false,
  maxLoadingRetryTime: 200,
  connectTimeout: 2000,
  commandTimeout: 3000,
  socketTimeout: 6000,
  lazyConnect: true,
} satisfies RedisOptions

const retryStrategy = (attempt: number) => Math.min(25 * 2 ** Math.min(attempt, 5), 500)

/**
 * How every connection of ours behaves. Read against ioredis 6, `redis/event_handler.js` and `Redis.js`:
 * - `maxRetriesPerRequest: 0`: when the connection closes, commands in flight are rejected at once, nobody knows
 *   whether they ran, and the layer above finds out. With any other value *and* no resending they would never settle.
 * - commands given while disconnected wait for the next attempt to connect (at most half a second) and are rejected
 *   when that fails: nothing hangs, and a restart of Redis is ridden out by calling again.
 * - `commandTimeout` and `socketTimeout`: a Redis that is stopped, unreachable or loads for long does not hang us either.
 * - RESP2: the scripts' replies are lists, integers and strings, and a subscriber's connection is its own anyway.
 * - `autoResubscribe`: `subscriptions.ts` does it. ioredis would too, and awaits nothing of it: a connection that breaks again at that
 *   moment would be an unhandled rejection, which ends the process.
 * - `reconnectOnError`: a master that has become a replica says so; whoever is master now is asked for anew.
 */
const BEHAVIOUR = {
  ...CONNECTION,
  retryStrategy,
  reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
} satisfies RedisOptions

/**
 * Connects, and checks that this Redis can be trusted with a file store, see `checkRedis`.
 * `url`: any form of `parseRedisUrl`; `?db=N` works with paths too.
 * Rejects with an Error that says what to change. The result reconnects by itself; end it with `disconnect()`.
 */
export async function connectRedis(url: string, options: ConnectOptions): Promise<RedisClient> {
  const { log = silentLog, replicas = 0 } = options
  const redis = open(parseRedisUrl(url), options.name)
  let lastError = 'no answer'
  let up = false
  const note = (error: Error) => {
    lastError = describe(error)
    if (up) log.warn(`Redis (${options.name}): ${lastError}`)
  }
  redis.on('error', note)
  redis.on('node error', note)
  redis.on('sentinelError', note)
  try {
    await waitUntilReady(redis, options.patience ?? 10_000, () => lastError)
    await checkRedis(redis, replicas, log)
  } catch (error) {
    redis.disconnect()
    throw new Error(`Redis at ${shownUrl(url)} cannot be used: ${describe(error)}`, { cause: error })
  }
  up = true
  requireReplicas(redis, replicas)
  return redis
}

/** A client of a single Redis that behaves as ours do, unconnected and unchecked. `target`: URL or path of a socket. */
export function openRedis(target: string, name: string): Redis {
  return new Redis(target, { ...BEHAVIOUR, connectionName: name })
}

function open(address: RedisAddress, name: string): RedisClient {
  if (address.kind === 'single') return openRedis(address.target, name)
  const { nodes, tls, username, password } = address
  const login = {
    ...(tls && { tls: {} }),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
  }
  if (address.kind === 'sentinel') {
    return new SentinelClient({
      ...BEHAVIOUR,
      ...login,
      ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
      ...(address.sentinelPassword !== undefined && { sentinelPassword: address.sentinelPassword }),
      sentinels: [...nodes],
      name: address.master,
      db: address.db,
      role: 'master',
      connectionName: name,
      // A frozen master keeps its connections: the sentinels say when another one rules.
      failoverDetector: true,
      sentinelCommandTimeout: 2000,
      sentinelRetryStrategy: retryStrategy,
    })
  }
  return new Cluster([...nodes], {
    lazyConnect: true,
    // 0: a command whose connection closed may have run, so it is not ioredis' to send it again.
    retryDelayOnFailover: 0,
    // These replies say that the command did not run.
    retryDelayOnClusterDown: 100,
    retryDelayOnTryAgain: 100,
    slotsRefreshTimeout: 2000,
    slotsRefreshInterval: 10_000,
    clusterRetryStrategy: retryStrategy,
    // `checkRedis` looks at the cluster's state, and says it.
    enableReadyCheck: false,
    redisOptions: { ...CONNECTION, ...login, connectionName: name },
  })
}

function waitUntilReady(redis: RedisClient, patience: number, why: () => string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => settle(() => reject(new Error(why()))), patience)
    const settle = (finish: () => void) => {
      clearTimeout(timer)
      redis.off('ready', onReady)
      for (const event of ERRORS) redis.off(event, onError)
      finish()
    }
    const onReady = () => settle(resolve)
    // A wrong password, a host that does not exist or one that we cannot trust will not heal by trying again.
    const onError = (error: Error) => {
      if (/WRONGPASS|NOAUTH|NOPERM|ENOTFOUND|certificate/.test(describe(error))) settle(() => reject(error))
    }
    redis.on('ready', onReady)
    for (const event of ERRORS) redis.on(event, onError)
    redis.connect().catch(() => {})
  })
}

const ERRORS = ['error', 'node error'] as const

function describe(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return describe(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}
