/** Random numbers that a seed repeats (mulberry32). */
export class Random {
  #state: number

  constructor(readonly seed: number) {
    this.#state = seed >>> 0
  }

  /** From NOVEM_TEST_SEED, else of this moment; log it, so that a failure can be run again. */
  static seeded(): Random {
    return new Random(Number(process.env.NOVEM_TEST_SEED ?? Date.now() % 2 ** 31))
  }

  /** 0 ≤ x < 1. */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let x = this.#state
    x = Math.imul(x ^ (x >>> 15), x | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number below `limit`. */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit)
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T
  }

  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  /** An independent sequence, which others' use of this one does not disturb. */
  fork(): Random {
    return new Random(this.below(2 ** 31))
  }
}
