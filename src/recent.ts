/** The values that were used last, up to a number of them, by key. */
export class Recent<V> {
  readonly #values = new Map<string, V>()

  constructor(readonly most: number) {}

  get(key: string): V | undefined {
    const value = this.#values.get(key)
    if (value === undefined) return undefined
    this.#values.delete(key)
    this.#values.set(key, value)
    return value
  }

  set(key: string, value: V): void {
    this.#values.delete(key)
    this.#values.set(key, value)
    for (const oldest of this.#values.keys()) {
      if (this.#values.size <= this.most) break
      this.#values.delete(oldest)
    }
  }
}
