import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { connectRedis } from '../../src/redis/connect.js'

export interface TestRedisOptions {
  /** Keep an append-only file, so that data survive `kill9` and `restart`. */
  readonly aof?: 'always' | 'everysec'
  /** Further `redis-server` settings, e.g. `{ maxmemory: '10mb' }`. */
  readonly settings?: Readonly<Record<string, string>>
}

/** A private Redis of one test file. */
export interface TestRedis {
  readonly socket: string
  /** A new connection of the kind the server uses; `stop` ends it. */
  connect(name?: string): Promise<Redis>
  /** Ends all connections and Redis. */
  stop(): Promise<void>
  /** SIGKILL, resolved when Redis is gone. */
  kill9(): Promise<void>
  /** Starts it again after `kill9`; resolves when it has loaded. Existing connections find it again. */
  restart(): Promise<void>
}

const running = new Set<ChildProcess>()
const folders = new Set<string>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** Starts a Redis on a unix socket in a temp folder of its own. Goes with the test process at the latest. */
export async function testRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const folder = mkdtempSync('/tmp/novem-redis-')
  folders.add(folder)
  const socket = join(folder, 'redis.sock')
  const clients: Redis[] = []
  let child = await start(folder, socket, options)

  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    // Nothing else may be left that keeps the event loop waiting for it.
    child.ref()
    child.kill(signal)
    await gone
    running.delete(child)
  }
  return {
    socket,
    connect: async (name = 'test') => {
      const client = await connectRedis(socket, { name })
      clients.push(client)
      return client
    },
    stop: async () => {
      for (const client of clients) client.disconnect()
      await end('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
      folders.delete(folder)
    },
    kill9: () => end('SIGKILL'),
    restart: async () => {
      await end('SIGTERM')
      child = await start(folder, socket, options)
    },
  }
}

async function start(folder: string, socket: string, options: TestRedisOptions): Promise<ChildProcess> {
  const settings: Record<string, string> = {
    port: '0',
    unixsocket: socket,
    dir: folder,
    save: '',
    appendonly: options.aof ? 'yes' : 'no',
    appendfsync: options.aof ?? 'no',
    ...options.settings,
  }
  const child = spawn(
    'redis-server',
    Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  running.add(child)
  let said = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000)
  })
  await once(child, 'spawn')
  while (!(await answers(socket))) {
    if (child.exitCode !== null) throw new Error(`redis-server did not start:\n${said}`)
    await delay(10)
  }
  // The pipe must not keep a test process alive that has nothing else to do.
  child.unref()
  ;(child.stdout as unknown as { unref(): void }).unref()
  return child
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path, () => probe.write('PING\r\n'))
    probe.once('data', (reply) => {
      resolve(reply.toString().startsWith('+PONG'))
      probe.destroy()
    })
    probe.on('error', () => resolve(false))
    probe.on('close', () => resolve(false))
  })
}
