import { randomUUID } from 'node:crypto'
import type { RedisClient } from '../redis/scripts.js'
import { AccountSlot } from './slot.js'

/**
 * Something that one process at a time does, of all that share a Redis. A holder that dies keeps it for `lastsMs` at most, by
 * Redis' clock. A lease saves work that others are doing; whether what the holder does is still right when it has lost
 * it without knowing is for that work to see to.
 */
export class Lease {
  readonly lastsMs: number
  readonly #slot: AccountSlot
  readonly #name: string
  readonly #holder = randomUUID()

  constructor(redis: RedisClient, name: string, lastsMs: number) {
    this.lastsMs = lastsMs
    this.#slot = new AccountSlot(redis)
    this.#name = name
  }

  /**
   * Takes the lease, or makes it last anew. The number of the taking, which stays the same for as long as it was never lost;
   * undefined where another one holds it.
   */
  async hold(): Promise<number | undefined> {
    const number = await this.#slot.read('lease_hold', [this.#name, this.#holder, this.lastsMs])
    return (number as number) || undefined
  }

  /** Others may take it at once. */
  async release(): Promise<void> {
    await this.#slot.read('lease_release', [this.#name, this.#holder])
  }

  /**
   * Runs `work` while the lease is held, under a signal that aborts when it is lost. Undefined where another one holds it, and
   * nothing was run. The lease is kept afterwards, until it runs out.
   */
  async during<T>(work: (lost: AbortSignal) => Promise<T>): Promise<{ readonly result: T } | undefined> {
    const number = await this.hold()
    if (number === undefined) return undefined
    const lost = new AbortController()
    const keep = async () => {
      // No answer is as bad as a wrong one: it may have run out.
      const now = await this.hold().catch(() => undefined)
      if (now !== number) lost.abort()
    }
    const timer = setInterval(keep, this.lastsMs / 3).unref()
    try {
      return { result: await work(lost.signal) }
    } finally {
      clearInterval(timer)
    }
  }
}
