/** How much to fetch at once: just what is asked for at random, ever more to somebody who reads on and on. */

/** Files up to this size are fetched whole. */
export const WHOLE_BYTES = 256 * 1024
export const BLOCK_BYTES = 128 * 1024
const MOST_BYTES = 8 * 1024 * 1024
/** The kernel asks for several pieces at once, and they come in any order. */
const SLACK_BYTES = 256 * 1024

/** The reads of one open file. */
export class ReadAhead {
  #start = 0
  #end = 0
  #reads = 0

  /** Somebody reads from `start` up to `end`. */
  note(start: number, end: number): void {
    if (this.#reads === 0 || Math.abs(start - this.#end) > SLACK_BYTES) {
      this.#start = start
      this.#end = end
      this.#reads = 1
    } else if (end > this.#end) {
      this.#end = end
      this.#reads++
    }
  }

  get isSequential(): boolean {
    return this.#reads > 1
  }

  /** Where whoever reads has got to. */
  get end(): number {
    return this.#end
  }

  /** As much again as was read, in whole blocks. */
  get window(): number {
    if (!this.isSequential) return BLOCK_BYTES
    return Math.min(MOST_BYTES, blockEnd(Math.max(BLOCK_BYTES, this.#end - this.#start)))
  }
}

export function blockStart(position: number): number {
  return position - (position % BLOCK_BYTES)
}

export function blockEnd(position: number): number {
  return blockStart(position + BLOCK_BYTES - 1)
}
