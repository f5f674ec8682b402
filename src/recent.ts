/** The values that were used last, by key, up to what they cost together: their number unless said. What alone costs more is not kept. */
export class Recent<V> {
  /** The one used longest ago comes first. */
  readonly #values = new Map<string, V>()
  #cost = 0
  /** The one used last. */
  #newest: string | undefined

  /** `costOf`: the same each time for the same value and key. */
  constructor(
    readonly most: number,
    private readonly costOf: (value: V, key: string) => number = () => 1,
  ) {}

  has(key: string): boolean {
    return this.#values.has(key)
  }

  get(key: string): V | undefined {
    const value = this.#values.get(key)
    if (value === undefined || key === this.#newest) return value
    this.#values.delete(key)
    this.#values.set(key, value)
    this.#newest = key
    return value
  }

  set(key: string, value: V): void {
    this.delete(key)
    const cost = this.costOf(value, key)
    if (cost > this.most) return
    this.#values.set(key, value)
    this.#newest = key
    this.#cost += cost
    for (const oldest of this.#values.keys()) {
      if (this.#cost <= this.most) break
      this.delete(oldest)
    }
  }

  delete(key: string): void {
    const value = this.#values.get(key)
    if (value === undefined) return
    this.#values.delete(key)
    this.#cost -= this.costOf(value, key)
  }
}
