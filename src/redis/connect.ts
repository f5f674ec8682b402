import { Redis, type RedisOptions } from 'ioredis'
import { type Log, silentLog } from '../log.js'

export interface ConnectOptions {
  /** Shown in Redis' client list: what the connection is for. */
  readonly name: string
  readonly log?: Log
  /** Give up when Redis does not answer within this time (ms); 10 s unless said. */
  readonly patience?: number
}

/**
 * How every connection of ours behaves. Read against ioredis 6, `redis/event_handler.js` and `Redis.js`:
 * - `maxRetriesPerRequest: 0`: when the connection closes, commands in flight are rejected at once, nobody knows
 *   whether they ran, and the layer above finds out. With any other value *and* no resending they would never settle.
 * - commands given while disconnected wait for the next attempt to connect (at most half a second) and are rejected
 *   when that fails: nothing hangs, and a restart of Redis is ridden out by calling again.
 * - `commandTimeout` and `socketTimeout`: a Redis that is stopped, unreachable or loads for long does not hang us either.
 * - RESP2: the scripts' replies are lists, integers and strings, and a subscriber's connection is its own anyway.
 */
const BEHAVIOUR = {
  protocol: 2,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: true,
  enableAutoPipelining: false,
  enableReadyCheck: true,
  disableClientInfo: true,
  maxLoadingRetryTime: 200,
  connectTimeout: 2000,
  commandTimeout: 3000,
  socketTimeout: 6000,
  retryStrategy: (attempt: number) => Math.min(25 * 2 ** Math.min(attempt, 5), 500),
  lazyConnect: true,
} satisfies RedisOptions

/**
 * Connects, and checks that this Redis can be trusted with a file store: version 7 or newer, never evicts, not a
 * read-only replica. Warns when it does not persist.
 * `url`: `redis://…`, `rediss://…`, `redis+unix:///path` or a plain path of a unix socket; `?db=N` works with paths too.
 * Rejects with an Error that says what to change. The result reconnects by itself; end it with `quit()`.
 */
export async function connectRedis(url: string, options: ConnectOptions): Promise<Redis> {
  const log = options.log ?? silentLog
  const redis = openRedis(url, options.name)
  let lastError = 'no answer'
  let up = false
  redis.on('error', (error: Error) => {
    lastError = describe(error)
    if (up) log.warn(`Redis (${options.name}): ${lastError}`)
  })
  try {
    await waitUntilReady(redis, options.patience ?? 10_000, () => lastError)
    await checkServer(redis, log)
  } catch (error) {
    redis.disconnect()
    throw new Error(`Redis at ${shownUrl(url)} cannot be used: ${describe(error)}`, { cause: error })
  }
  up = true
  return redis
}

/** A client that behaves as ours do, unconnected and unchecked. Raises where `url` cannot be understood. */
export function openRedis(url: string, name: string): Redis {
  return new Redis(parseRedisUrl(url), { ...BEHAVIOUR, connectionName: name })
}

/** The form ioredis takes. Raises where `url` is none of the forms `connectRedis` names. */
export function parseRedisUrl(url: string): string {
  const unix = /^(?:redis\+unix|unix):\/\/(\/.*)$/.exec(url)
  if (unix?.[1]) return unix[1]
  if (/^\/[^/]/.test(url)) return url
  if (/^rediss?:\/\//.test(url) && URL.canParse(url)) return url
  throw new Error(
    `"${shownUrl(url)}" is not a Redis address; use redis://host:port, rediss://host:port, or the path of a unix socket.`,
  )
}

/** The address without its password, fit for logs. */
export function shownUrl(url: string): string {
  return url.replace(/^([a-z+]+:\/\/[^/@]*?):[^/@]*@/, '$1:***@')
}

function waitUntilReady(redis: Redis, patience: number, why: () => string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(why())), patience)
    const settle = (finish: () => void) => {
      clearTimeout(timer)
      redis.off('ready', onReady)
      redis.off('error', onError)
      finish()
    }
    const onReady = () => settle(resolve)
    // A wrong password or a host that does not exist will not heal by trying again.
    const onError = (error: Error) => {
      if (/WRONGPASS|NOAUTH|NOPERM|ENOTFOUND/.test(error.message)) settle(() => reject(error))
    }
    redis.on('ready', onReady)
    redis.on('error', onError)
    redis.connect().catch(() => {})
  })
}

async function checkServer(redis: Redis, log: Log): Promise<void> {
  const info = parseInfo(await redis.info())
  const version = info.get('redis_version') ?? 'unknown'
  if (!(Number.parseInt(version, 10) >= 7)) {
    throw new Error(`it is version ${version}, and novem-spaces needs Redis 7 or newer.`)
  }
  const policy = info.get('maxmemory_policy')
  if (policy !== 'noeviction') {
    throw new Error(
      `its maxmemory-policy is "${policy}", so it may throw files' entries away; set "maxmemory-policy noeviction".`,
    )
  }
  if (info.get('role') === 'slave') {
    throw new Error(
      `it is a replica of ${info.get('master_host')}:${info.get('master_port')}; connect to the master.`,
    )
  }
  if (info.get('aof_enabled') !== '1') {
    log.warn(
      `Redis at ${redis.options.path ?? `${redis.options.host}:${redis.options.port}`} keeps no append-only file: ` +
        'acknowledged changes are lost when it stops. Set "appendonly yes".',
    )
  }
}

/** The fields of an INFO answer. */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  return new Map(
    text
      .split('\r\n')
      .filter((line) => line.includes(':'))
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
  )
}

function describe(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return describe(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}
