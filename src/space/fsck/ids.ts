/** Larger ids than any space has: damaged ones must not cost gigabytes. */
const HUGE = 2 ** 28

/** A set of ids as a bit map: an entry costs a bit, not an object. */
export class IdSet {
  #bits = new Uint8Array(1024)
  readonly #huge = new Set<number>()

  /** False where it was there already. */
  add(id: number): boolean {
    if (id >= HUGE) {
      const before = this.#huge.size
      return this.#huge.add(id).size > before
    }
    const byte = Math.floor(id / 8)
    if (byte >= this.#bits.length) {
      const grown = new Uint8Array(Math.max(byte + 1, this.#bits.length * 2))
      grown.set(this.#bits)
      this.#bits = grown
    }
    const bit = 1 << (id % 8)
    const there = ((this.#bits[byte] as number) & bit) !== 0
    this.#bits[byte] = (this.#bits[byte] as number) | bit
    return !there
  }

  has(id: number): boolean {
    if (id >= HUGE) return this.#huge.has(id)
    return ((this.#bits[Math.floor(id / 8)] ?? 0) & (1 << (id % 8))) !== 0
  }

  /** The largest, or -1. */
  get largest(): number {
    if (this.#huge.size > 0) return Math.max(...this.#huge)
    for (let byte = this.#bits.length - 1; byte >= 0; byte--) {
      const value = this.#bits[byte] as number
      if (value !== 0) return byte * 8 + 31 - Math.clz32(value)
    }
    return -1
  }
}
