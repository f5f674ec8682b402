/**
 * Asks once what many ask at the same moment: a change wakes everybody who waits for it at once, and most of them have
 * the same question.
 */
export class Together<T> {
  readonly #asked = new Map<string, Promise<T>>()

  /** `key`: equal only for questions that have the same answer. */
  ask(key: string, ask: () => Promise<T>): Promise<T> {
    const known = this.#asked.get(key)
    if (known) return known
    if (this.#asked.size === 0) process.nextTick(() => this.#asked.clear())
    const answer = ask()
    this.#asked.set(key, answer)
    return answer
  }
}
