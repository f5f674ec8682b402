import cluster, { type Worker } from 'node:cluster'
import { on } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Front } from '../front.js'
import type { Log } from '../log.js'
import type { MetricValues } from '../metrics/server.js'
import type { Counts, Order, Report } from './messages.js'

/** The command line's entry, from `dist/src/workers/`. */
const MAIN = fileURLToPath(new URL('../main.js', import.meta.url))
/** Before a worker that ended is replaced: whatever ends them all at once must not keep the machine busy. */
const PAUSE = 1000
/** How long a worker may take to tell its counts. */
const COUNTING = 3000

/**
 * Several processes that answer requests on one port; this one hands them their connections. All they share is Redis, at
 * `redisUrl`, and the blob store, as servers on several machines do, so nothing depends on who answers. A worker that
 * ends is replaced. They read their settings from the command line and the environment, as this process did.
 * Rejects with what the first worker said that could not start; none is left running then.
 */
export async function openWorkers(count: number, redisUrl: string, log: Log): Promise<Front> {
  cluster.setupPrimary({ exec: MAIN, args: process.argv.slice(2) })
  const workers = new Workers(redisUrl, log)
  const urls = await workers.start(count)
  return {
    url: urls[0] as string,
    close: () => workers.close(),
    cutOff: () => workers.tell('cut off'),
    metrics: () => workers.counts(),
  }
}

class Workers {
  readonly #redisUrl: string
  readonly #log: Log
  /** With those that do not listen yet: true once they do. */
  readonly #running = new Map<Worker, boolean>()
  #closing = false

  constructor(redisUrl: string, log: Log) {
    this.#redisUrl = redisUrl
    this.#log = log
  }

  /** Where each listens, once all do. */
  async start(count: number): Promise<string[]> {
    const outcomes = await Promise.allSettled(Array.from({ length: count }, () => this.#fork()))
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed) {
      await this.close()
      throw failed.reason
    }
    return outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []))
  }

  tell(order: Order): void {
    for (const worker of this.#running.keys()) if (worker.isConnected()) worker.send(order)
  }

  /** What each that listens has counted. Rejects where one does not answer, for sums without it would be wrong. */
  counts(): Promise<readonly MetricValues[]> {
    const listening = [...this.#running].flatMap(([worker, listens]) => (listens ? [worker] : []))
    return Promise.all(listening.map(countsOf))
  }

  /** Resolves when all have finished their requests and ended. */
  async close(): Promise<void> {
    this.#closing = true
    const ended = [...this.#running.keys()].map(end)
    this.tell('close')
    for (const [worker, listens] of this.#running) if (!listens) worker.process.kill('SIGKILL')
    await Promise.all(ended)
  }

  async #fork(): Promise<string> {
    const worker = cluster.fork({ REDIS_URL: this.#redisUrl })
    this.#running.set(worker, false)
    // A message that does not reach one which has just ended: of that we hear anyway.
    worker.on('error', () => {})
    const ended = end(worker).then((how) => {
      this.#running.delete(worker)
      return how
    })
    const report = await Promise.race([
      new Promise<Report>((resolve) => worker.once('message', resolve)),
      ended.then((how): Report => ({ failed: `A worker process ended with ${how} before it was ready.` })),
    ])
    if ('failed' in report) throw new Error(report.failed)
    this.#running.set(worker, true)
    ended.then((how) => this.#replace(`Worker process ${worker.process.pid} ended with ${how}.`))
    return report.url
  }

  async #replace(why: string): Promise<void> {
    if (this.#closing) return
    this.#log.error(`${why} Another one takes its place.`)
    await delay(PAUSE)
    if (this.#closing) return
    this.#fork().catch((error: Error) => this.#replace(error.message))
  }
}

async function countsOf(worker: Worker): Promise<MetricValues> {
  const signal = AbortSignal.timeout(COUNTING)
  worker.send('count' satisfies Order)
  for await (const [message] of on(worker, 'message', { signal })) {
    if ('counts' in message) return (message as Counts).counts
  }
  throw new Error('A worker process has ended.')
}

/** Resolves with the exit code or signal. */
function end(worker: Worker): Promise<string> {
  return new Promise((resolve) => {
    worker.once('exit', (code, signal) => resolve(String(signal ?? code)))
  })
}
