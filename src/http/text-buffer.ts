/**
 * Gathers a long text from short pieces, as UTF-8. Concatenating the pieces first and encoding the whole takes two to three times
 * as long, because the engine then flattens a tree of them.
 */
export class TextBuffer {
  #bytes: Buffer
  #length = 0

  /** `room`: bytes it begins with; it grows as needed. */
  constructor(room = 64 * 1024) {
    this.#bytes = Buffer.allocUnsafeSlow(room)
  }

  /** In bytes, so far. */
  get length(): number {
    return this.#length
  }

  add(piece: string): void {
    // No UTF-16 unit takes more than three bytes.
    const needed = this.#length + 3 * piece.length
    if (needed > this.#bytes.length) this.#grow(needed)
    this.#length += this.#bytes.write(piece, this.#length)
  }

  /** What was added so far. Adding more afterwards is allowed, and changes nothing that was taken. */
  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  #grow(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(2 * needed)
    this.#bytes.copy(grown, 0, 0, this.#length)
    this.#bytes = grown
  }
}
