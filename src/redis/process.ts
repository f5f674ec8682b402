import { type ChildProcess, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../log.js'

export type Durability = 'full' | 'os'

export interface RedisProcessOptions {
  readonly socket: string
  /** Where the append-only file lies. */
  readonly folder: string
  readonly durability: Durability
  readonly log: Log
}

const LOG_LINES = 20
const STOP_PATIENCE = 30_000
const FIRST_BACKOFF = 100
const LONGEST_BACKOFF = 5000
/** A Redis that ran this long (ms) was well: its next restart is immediate again. */
const HEALTHY_AFTER = 10_000

/** One `redis-server` child, started again with back-off whenever it dies before `stop`. */
export class RedisProcess {
  readonly #options: RedisProcessOptions
  readonly #tail: string[] = []
  #child: ChildProcess | undefined
  #exited: Promise<void> = Promise.resolve()
  /** Resolves when all that the child has said is read, which may be after it ended. */
  #said: Promise<void> = Promise.resolve()
  #stopping = false
  #backoff = FIRST_BACKOFF
  #restart: NodeJS.Timeout | undefined

  constructor(options: RedisProcessOptions) {
    this.#options = options
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Resolves when Redis has loaded its data; rejects with the end of its log when it stops before. */
  async start(): Promise<void> {
    const child = this.#spawn()
    const outcome = await Promise.race([this.#loaded(child), this.#exited.then(() => 'ended' as const)])
    if (outcome !== 'ended') return
    this.#stopping = true
    clearTimeout(this.#restart)
    await this.#said
    throw new Error(`redis-server did not start.\n${this.#tail.join('\n')}`)
  }

  /** Ends Redis by SIGTERM, which makes it write and sync its append-only file. */
  async stop(): Promise<void> {
    this.#stopping = true
    clearTimeout(this.#restart)
    const child = this.#child
    if (!child) return
    child.kill('SIGTERM')
    const timer = setTimeout(() => {
      this.#options.log.error(`redis-server (process ${child.pid}) did not stop in time and was killed.`)
      child.kill('SIGKILL')
    }, STOP_PATIENCE)
    await this.#exited
    clearTimeout(timer)
  }

  #spawn(): ChildProcess {
    // A session of its own: Ctrl-C in the terminal reaches us, and we end Redis after everything has drained.
    const child = spawn('redis-server', redisArguments(this.#options), {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const started = Date.now()
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => this.#note(text))
    }
    this.#said = new Promise((resolve) => child.once('close', () => resolve()))
    this.#exited = new Promise((resolve) => {
      const ended = (how: string) => {
        this.#child = undefined
        if (!this.#stopping) this.#scheduleRestart(started, how)
        resolve()
      }
      child.once('error', (error: NodeJS.ErrnoException) => {
        this.#note(error.code === 'ENOENT' ? 'redis-server is not installed.' : error.message)
        ended('it could not be started')
      })
      child.once('exit', (code, signal) => ended(signal ?? `code ${code}`))
    })
    return child
  }

  #scheduleRestart(started: number, how: string): void {
    if (Date.now() - started > HEALTHY_AFTER) this.#backoff = FIRST_BACKOFF
    const last = this.#tail.at(-1) ?? 'It said nothing.'
    this.#options.log.error(`redis-server ended (${how}); starting it again in ${this.#backoff} ms. ${last}`)
    this.#restart = setTimeout(() => this.#spawn(), this.#backoff)
    this.#backoff = Math.min(this.#backoff * 2, LONGEST_BACKOFF)
  }

  #note(text: string): void {
    this.#tail.push(...text.split('\n').filter((line) => line.trim() !== ''))
    this.#tail.splice(0, this.#tail.length - LOG_LINES)
  }

  async #loaded(child: ChildProcess): Promise<'loaded' | 'ended'> {
    while (this.#child === child) {
      if (await answersPing(this.#options.socket)) return 'loaded'
      await delay(20)
    }
    return 'ended'
  }
}

function redisArguments({ socket, folder, durability }: RedisProcessOptions): string[] {
  const settings: Record<string, string> = {
    port: '0',
    unixsocket: socket,
    unixsocketperm: '700',
    dir: folder,
    pidfile: join(folder, 'redis.pid'),
    daemonize: 'no',
    save: '',
    appendonly: 'yes',
    appendfsync: durability === 'full' ? 'always' : 'everysec',
    'maxmemory-policy': 'noeviction',
    'lazyfree-lazy-eviction': 'yes',
    'lazyfree-lazy-expire': 'yes',
    'lazyfree-lazy-server-del': 'yes',
    'lazyfree-lazy-user-del': 'yes',
    'lazyfree-lazy-user-flush': 'yes',
  }
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
}

/** While it loads, Redis answers PING with `-LOADING`. */
function answersPing(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath, () => socket.write('PING\r\n'))
    socket.setTimeout(1000, () => socket.destroy())
    socket.once('data', (reply) => {
      resolve(reply.toString().startsWith('+PONG'))
      socket.destroy()
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(false))
  })
}
