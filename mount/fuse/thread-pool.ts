import { setTimeout as sleep } from 'node:timers/promises'
import { deferred } from './deferred.js'

export interface ThreadPoolParts {
  /** Makes one statfs of the mount, from another process; many at a time. */
  readonly ask: () => Promise<unknown>
  /** From now on libfuse is to start no threads and to end none; `busy` of them are not idle. */
  readonly keep: (busy: number) => void
  readonly size?: number
}

/** So many requests are served at a time; others wait in the kernel. */
export const POOL_SIZE = 48
const PATIENCE = 3_000

/**
 * libfuse 2.9 starts a thread whenever none is idle, and ends one whenever more than ten are. fuse-native frees nothing of a
 * thread that has ended, and each handle that it leaves behind slows the event loop down. So right after mounting all threads are
 * made, by as many requests that are not answered before they are all there, and kept. (They are statfs, since the
 * kernel brings look-ups in one folder only one after the other.)
 */
export class ThreadPool {
  #filling = false
  readonly #held: (() => void)[] = []
  readonly #full = deferred()
  readonly #size: number

  constructor(private readonly parts: ThreadPoolParts) {
    this.#size = parts.size ?? POOL_SIZE
  }

  /** Whether this statfs will be served later, when the threads are there. */
  holds(serve: () => void): boolean {
    if (!this.#filling) return false
    this.#held.push(serve)
    if (this.#held.length >= this.#size) this.#full.resolve()
    return true
  }

  /** Resolves when the threads are there, or it has taken too long. */
  async fill(): Promise<void> {
    this.#filling = true
    const asked = Array.from({ length: this.#size }, () => this.parts.ask())
    await Promise.race([this.#full.promise, sleep(PATIENCE, undefined, { ref: false })])
    this.#filling = false
    if (this.#held.length >= this.#size) this.parts.keep(this.#size)
    for (const serve of this.#held.splice(0)) serve()
    await Promise.race([Promise.all(asked), sleep(PATIENCE, undefined, { ref: false })])
  }
}
