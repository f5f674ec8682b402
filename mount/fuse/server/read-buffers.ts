import { ANSWER_HEADER } from '../protocol/answers.js'

const SMALLEST = 4096
/** Of each size so many are kept while nobody uses them. */
const MOST_SPARE = 8

/** Buffers for answers with bytes. Fresh memory costs more than reading into it does, so they are used again. */
export class ReadBuffers {
  readonly #spare = new Map<number, Buffer[]>()

  /** With room for a header and at least `length` bytes. */
  take(length: number): Buffer {
    const size = sizeFor(length)
    return this.#spare.get(size)?.pop() ?? Buffer.allocUnsafeSlow(ANSWER_HEADER + size)
  }

  /** When nobody will read or write it any more. */
  giveBack(bytes: Buffer): void {
    const size = bytes.length - ANSWER_HEADER
    const spare = this.#spare.get(size)
    if (!spare) this.#spare.set(size, [bytes])
    else if (spare.length < MOST_SPARE) spare.push(bytes)
  }
}

function sizeFor(length: number): number {
  let size = SMALLEST
  while (size < length) size *= 2
  return size
}
