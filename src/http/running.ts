/** Requests that are being served, also those whose client has gone: what they use may be closed only behind them. */
export class Running {
  #count = 0
  #wake = () => {}

  readonly #done = () => {
    this.#count--
    if (this.#count === 0) this.#wake()
  }

  /** `serving` must not reject. */
  add(serving: Promise<void>): void {
    this.#count++
    serving.then(this.#done)
  }

  /** Resolves once there are none. */
  async ended(): Promise<void> {
    while (this.#count > 0) {
      await new Promise<void>((wake) => {
        this.#wake = wake
      })
    }
  }
}
