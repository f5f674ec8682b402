/**
 * Lets in only so much at a time: requests, or bytes of memory. Who does not fit waits, first come first served, and so
 * holds up its own client and nobody else's answer.
 */
export class Gate {
  #free: number
  readonly #waiting: { readonly weight: number; readonly enter: () => void }[] = []

  /** `total`: the weights of all that is inside at a time. */
  constructor(readonly total: number) {
    this.#free = total
  }

  /** Resolves when `weight` fits in, with how to leave, which may be repeated. More than everything counts as everything. */
  async enter(weight = 1): Promise<() => void> {
    const share = Math.min(weight, this.total)
    if (this.#waiting.length > 0 || share > this.#free) {
      await new Promise<void>((enter) => this.#waiting.push({ weight: share, enter }))
    } else {
      this.#free -= share
    }
    let inside = true
    return () => {
      if (!inside) return
      inside = false
      this.#free += share
      this.#admit()
    }
  }

  /** Runs `work` inside. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const leave = await this.enter()
    try {
      return await work()
    } finally {
      leave()
    }
  }

  /** How many more of `weight` would fit in at once. */
  room(weight: number): number {
    return this.#waiting.length > 0 ? 0 : Math.floor(this.#free / weight)
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next && next.weight <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#free -= next.weight
      next.enter()
    }
  }
}
