/** A large new file on its way to the server while a program still writes it: little is left to be sent when it is closed. */
import { randomUUID } from 'node:crypto'
import { LentPieces, PIECE } from '../lent-pieces.js'
import type { Address, Changed, Item, Volume } from '../volume.js'
import { isCode } from './errno.js'
import type { WorkFile } from './work-file.js'

/** Smaller files are sent in a moment, and are more often written anew. */
export const STREAMED_FROM = 8 * 1024 * 1024
/** Who does not write a piece in this time does not keep a request open (ms). */
const PATIENCE = 5000

/**
 * Begins at once, and ends with `finish`; the server makes nothing of it before. It comes to nothing where the file turns out not to be written
 * from its beginning to its end, is renamed, or the server does not take it: then the file is sent as every other.
 */
export class StreamedUpload {
  /** Idempotency-Key of this attempt: to be used again for the next one at the same bytes. */
  readonly key = randomUUID()
  readonly #work: WorkFile
  readonly #at: Address
  readonly #base: Item | undefined
  readonly #abort = new AbortController()
  readonly #written: Promise<Changed>
  #wanted = 0
  #wake = () => {}
  #hasEnded = false
  #isOver = false

  /** `base`: the version to be replaced; absent: there is none. `onEnd`: called once, when the request is over. */
  constructor(volume: Volume, work: WorkFile, at: Address, base: Item | undefined, onEnd: () => void) {
    this.#work = work
    this.#at = at
    this.#base = base
    const body = { open: () => new LentPieces((buffer, sent) => this.#fill(buffer, sent)) }
    this.#written = volume.write(at, body, {
      key: this.key,
      signal: this.#abort.signal,
      ...(base ? { ifMatch: base.etag } : { ifNoneMatch: true }),
    })
    this.#written
      .catch(() => {
        this.#isOver = true
      })
      .then(onEnd)
  }

  /** The file has more bytes now. */
  grew(): void {
    if (!this.#work.isInOrder) this.giveUp()
    else if (this.#work.size >= this.#wanted) this.#wake()
  }

  /** Ends early. Nothing is left of it at the server. */
  giveUp(): void {
    if (this.#hasEnded) return
    this.#isOver = true
    this.#abort.abort()
  }

  /**
   * The file has all its bytes. Undefined: it must be sent again, under `key`. Rejects with the server's refusal, as `Volume.write`.
   */
  async finish(at: Address, base: Item | undefined): Promise<Changed | undefined> {
    const isSame = at.base === this.#at.base && at.path === this.#at.path && base?.etag === this.#base?.etag
    if (!isSame || !this.#work.isInOrder) this.giveUp()
    if (this.#isOver) return undefined
    this.#hasEnded = true
    this.#wake()
    try {
      return await this.#written
    } catch (error) {
      // Bytes that came so slowly may have met a restart of the server, or a proxy that wants to know their number; and the volume's
      // patience is counted from their beginning.
      if (isCode(error, 'UNAVAILABLE', 'BUSY', 'BODY_BROKEN', 'BAD_REQUEST')) return undefined
      throw error
    }
  }

  async #fill(buffer: Buffer, sent: number): Promise<number> {
    while (this.#work.size - sent < PIECE && !this.#hasEnded) await this.#growth(sent + PIECE)
    const left = Math.min(this.#work.size - sent, PIECE)
    if (left === 0) return 0
    const read = this.#work.read(buffer.subarray(0, left), sent)
    if (read === 0) throw new Error(`${this.#work.path} is shorter than it was`)
    return read
  }

  /** Resolves when the file has so many bytes, or all it will have. */
  #growth(wanted: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('nothing more was written')), PATIENCE).unref()
      this.#wanted = wanted
      this.#wake = () => {
        clearTimeout(late)
        resolve()
      }
    })
  }
}
