/** Which bytes of a file are there: ranges from `start` up to `end`, without it, in order, apart from each other. */
export class Ranges {
  #ranges: { start: number; end: number }[] = []
  #bytes = 0

  /** How many bytes are there. */
  get bytes(): number {
    return this.#bytes
  }

  add(start: number, end: number): void {
    if (end <= start) return
    const first = this.#after(start)
    const merged = { start, end }
    let next = first
    for (let range = this.#ranges[next]; range && range.start <= end; range = this.#ranges[++next]) {
      merged.start = Math.min(merged.start, range.start)
      merged.end = Math.max(merged.end, range.end)
      this.#bytes -= range.end - range.start
    }
    this.#bytes += merged.end - merged.start
    this.#ranges.splice(first, next - first, merged)
  }

  /** The first byte from `from` on that is not there. */
  firstMissing(from: number): number {
    const range = this.#ranges[this.#after(from)]
    return range && range.start <= from ? range.end : from
  }

  /** The first byte from `from` on that is there. */
  firstPresent(from: number): number | undefined {
    const at = this.#after(from)
    const range = this.#ranges[at]
    if (range && range.end === from) return this.#ranges[at + 1]?.start
    return range && Math.max(from, range.start)
  }

  /** Where the last range ends that ends at `position` or before. */
  lastEnd(position: number): number {
    const at = this.#after(position)
    if (this.#ranges[at]?.end === position) return position
    return this.#ranges[at - 1]?.end ?? 0
  }

  /** Index of the first range that ends at or behind `position`. */
  #after(position: number): number {
    let low = 0
    let high = this.#ranges.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#ranges[middle] as { end: number }).end < position) low = middle + 1
      else high = middle
    }
    return low
  }
}
