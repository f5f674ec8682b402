/** So many pieces are put together before they are encoded: dozens at a time cost a third of what they cost one by one. */
const TOGETHER = 64

/**
 * Gathers a long text from short pieces, as UTF-8. Concatenating all of it first and encoding the whole takes two to three times
 * as long, because the engine then flattens a tree of them.
 */
export class TextBuffer {
  #bytes: Buffer
  #length = 0
  readonly #ends: number[] = []
  readonly #pieces: string[] = []

  /** `room`: bytes it begins with; it grows as needed. */
  constructor(room = 64 * 1024) {
    this.#bytes = Buffer.allocUnsafeSlow(room)
  }

  add(piece: string): void {
    if (this.#pieces.push(piece) === TOGETHER) this.#encode()
  }

  /** What was added so far. Adding more afterwards is allowed, and changes nothing that was taken. */
  bytes(): Buffer {
    this.#encode()
    return this.#bytes.subarray(0, this.#length)
  }

  /** Where each piece that was added so far ends, in bytes. */
  ends(): readonly number[] {
    this.#encode()
    return this.#ends
  }

  #encode(): void {
    const pieces = this.#pieces.splice(0)
    const text = pieces.join('')
    // No UTF-16 unit takes more than three bytes.
    const needed = this.#length + 3 * text.length
    if (needed > this.#bytes.length) this.#grow(needed)
    const written = this.#bytes.write(text, this.#length)
    const isAscii = written === text.length
    let end = this.#length
    for (const piece of pieces) {
      end += isAscii ? piece.length : Buffer.byteLength(piece)
      this.#ends.push(end)
    }
    this.#length += written
  }

  #grow(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(2 * needed)
    this.#bytes.copy(grown, 0, 0, this.#length)
    this.#bytes = grown
  }
}
