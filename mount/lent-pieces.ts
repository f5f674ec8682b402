/** Bodies of requests that are sent out of a few buffers again and again. */

export const PIECE = 512 * 1024
/** One is being filled, one is on its way, and whoever sends may hold two. */
const BUFFERS = 4

/**
 * Bytes piece by piece. New buffers of this size come page by page from the system, and the garbage collector marks all there is for every
 * hundred of them, so the same ones are filled in turn: a piece is good until the third one after it is asked for.
 */
export class LentPieces implements AsyncIterable<Uint8Array> {
  readonly #fill: (buffer: Buffer, offset: number) => Promise<number>
  readonly #end: () => void
  #errored: Error | undefined

  /** `fill` puts the bytes from `offset` on into the buffer, and says how many (0: there are no more). `end`: nothing is asked for any more. */
  constructor(fill: (buffer: Buffer, offset: number) => Promise<number>, end = () => {}) {
    this.#fill = fill
    this.#end = end
  }

  /** Why there were no more. */
  get errored(): Error | undefined {
    return this.#errored
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void> {
    const buffers: Buffer[] = []
    let offset = 0
    try {
      for (let turn = 0; ; turn = (turn + 1) % BUFFERS) {
        buffers[turn] ??= Buffer.allocUnsafeSlow(PIECE)
        const buffer = buffers[turn] as Buffer
        const length = await this.#fill(buffer, offset)
        if (length === 0) return
        offset += length
        yield buffer.subarray(0, length)
      }
    } catch (error) {
      this.#errored = error as Error
      throw error
    } finally {
      this.#end()
    }
  }

  /** The same in buffers of their own, for whoever gathers them. */
  async *copies(): AsyncGenerator<Buffer, void> {
    for await (const piece of this) yield Buffer.from(piece)
  }
}
