import { rmSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Log, silentLog } from '../log.js'
import type { SocketLock } from '../socket-lock.js'
import { parseInfo } from './checks.js'
import { openRedis } from './connect.js'
import { acquireLock, DataDirInUseError, type HolderRole } from './lock.js'
import { type Durability, RedisProcess } from './process.js'
import { type RuntimePaths, runtimePaths } from './runtime.js'

export interface EmbeddedOptions {
  readonly dataDir: string
  /** full: every acknowledged write is on disk (`appendfsync always`); os: `everysec`, the last seconds may be lost. */
  readonly durability: Durability
  /** Who holds the data folder, for whoever comes second; 'server' unless said. */
  readonly role?: HolderRole
  readonly log?: Log
}

/** The embedded Redis: a supervised child process whose data are in `DATA_DIR/redis`. */
export interface EmbeddedRedis {
  /** Unix socket, good for `connectRedis` and as REDIS_URL. The same after Redis died and was started again. */
  readonly socket: string
  /** Process id of the Redis that runs now; undefined between two. */
  readonly pid: number | undefined
  /** Ends Redis cleanly and lets the data folder go. Call it last. */
  stop(): Promise<void>
}

/** Longest wait for somebody's command to let the data folder go. */
const COMMAND_PATIENCE = 30_000
const STOP_PATIENCE = 30_000

/**
 * Starts the Redis of a data folder and resolves when it has loaded its data. A Redis left behind by a server that was
 * killed is ended first, cleanly: two never write one append-only file. Rejects with DataDirInUseError where a
 * living server holds the folder, and with the end of Redis' own log where it does not start.
 */
export async function startEmbeddedRedis(options: EmbeddedOptions): Promise<EmbeddedRedis> {
  const log = options.log ?? silentLog
  const paths = runtimePaths(options.dataDir)
  const lock = await acquirePatiently(paths, options.role ?? 'server')
  try {
    const folder = join(paths.dataDir, 'redis')
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await endOrphan(paths.redisSocket, log)
    const process = new RedisProcess({
      socket: paths.redisSocket,
      folder,
      durability: options.durability,
      log,
    })
    await process.start()
    return {
      socket: paths.redisSocket,
      get pid() {
        return process.pid
      },
      stop: async () => {
        await process.stop()
        rmSync(paths.redisSocket, { force: true })
        await lock.release()
      },
    }
  } catch (error) {
    await lock.release()
    throw error
  }
}

async function acquirePatiently(paths: RuntimePaths, role: HolderRole): Promise<SocketLock> {
  const end = Date.now() + COMMAND_PATIENCE
  for (;;) {
    try {
      return await acquireLock(paths, role)
    } catch (error) {
      const worthWaiting = error instanceof DataDirInUseError && error.holder.role === 'command'
      if (!worthWaiting || Date.now() > end) throw error
      await delay(100)
    }
  }
}

/** We hold the lock, so a Redis that still answers here has lost its server. */
async function endOrphan(socket: string, log: Log): Promise<void> {
  const redis = openRedis(socket, 'novem-takeover')
  redis.options.retryStrategy = null
  redis.options.enableReadyCheck = false
  redis.on('error', () => {})
  try {
    await redis.connect()
  } catch {
    return
  }
  const pid = parseInfo(await redis.info('server')).get('process_id')
  log.warn(`Ending the Redis (process ${pid}) that a killed server left behind.`)
  const gone = new Promise<void>((resolve) => redis.once('end', resolve))
  // With an append-only file SHUTDOWN writes and syncs it, NOSAVE is about snapshots only.
  redis.shutdown('NOSAVE').catch(() => {})
  const timer = new AbortController()
  await Promise.race([
    gone,
    delay(STOP_PATIENCE, undefined, { signal: timer.signal }).then(() => {
      redis.disconnect()
      throw new Error(
        `A Redis that a killed server left behind (process ${pid}) does not stop; end it with "kill ${pid}" and try again.`,
      )
    }),
  ])
  timer.abort()
}
