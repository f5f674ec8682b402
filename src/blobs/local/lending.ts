import { tooShort } from '../ranges.js'
import { MemoryShare } from '../share.js'
import type { LentBytes } from '../store.js'
import { failure } from './failure.js'
import { close, readFully } from './files.js'

const MOST = 1024 * 1024
/** A range in the lending holds two buffers, for as long as its client takes. */
const steps = new MemoryShare(32 * 1024 * 1024, 64 * 1024, MOST)
/** Buffers of the full size that nobody uses now: new ones come page by page from the system, which takes longer than to fill them. */
const idle: Buffer[] = []
const MOST_IDLE = 8

/**
 * Bytes `start`…`start + length - 1` of an open file, piece by piece, out of two buffers in turn: while one is on its way out the
 * other is filled. Takes over the descriptor: it is closed at the end, after a failure and by `return`. Raises CORRUPT where
 * the file turns out to be shorter.
 */
export class LentRange implements LentBytes {
  readonly lent = true
  readonly #leave = steps.enter()
  readonly #size: number
  readonly #blob: string
  #fd: number | undefined
  #position: number
  #left: number
  /** In turn. */
  readonly #buffers: Buffer[] = []
  #ahead: Promise<Buffer> | undefined

  constructor(fd: number, blob: string, start: number, length: number) {
    this.#fd = fd
    this.#blob = blob
    this.#position = start
    this.#left = length
    this.#size = Math.min(steps.bytes, length)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Buffer, undefined>> {
    try {
      const piece = await (this.#ahead ?? this.#read())
      this.#ahead = undefined
      if (piece === undefined) return await this.return()
      // Whoever takes it hears of what goes wrong.
      this.#ahead = this.#read()
      this.#ahead?.catch(() => {})
      return { value: piece, done: false }
    } catch (error) {
      await this.return()
      throw failure(error, 'reading a blob')
    }
  }

  async return(): Promise<IteratorResult<Buffer, undefined>> {
    const fd = this.#fd
    this.#fd = undefined
    if (fd !== undefined) {
      this.#leave()
      // A descriptor must not be closed, nor its buffer filled by somebody else, under a read.
      await this.#ahead?.catch(() => {})
      this.#giveBack()
      await close(fd)
    }
    return { value: undefined, done: true }
  }

  #read(): Promise<Buffer> | undefined {
    const fd = this.#fd
    if (fd === undefined || this.#left === 0) return undefined
    const whole = this.#buffers.length < 2 ? newBuffer(this.#size) : (this.#buffers.shift() as Buffer)
    this.#buffers.push(whole)
    const piece = whole.subarray(0, this.#left)
    const position = this.#position
    this.#position += piece.length
    this.#left -= piece.length
    return this.#fill(fd, piece, position)
  }

  async #fill(fd: number, piece: Buffer, position: number): Promise<Buffer> {
    const got = await readFully(fd, piece, position)
    if (got < piece.length) throw tooShort(this.#blob, position + got)
    return piece
  }

  #giveBack(): void {
    for (const buffer of this.#buffers.splice(0)) {
      if (buffer.length === MOST && idle.length < MOST_IDLE) idle.push(buffer)
    }
  }
}

/** Bytes that are there already, as one piece. */
export function lentAtOnce(bytes: Buffer): LentBytes {
  let pieces = [bytes]
  return {
    lent: true,
    [Symbol.asyncIterator]() {
      return this
    },
    async next() {
      const value = pieces.pop()
      return value === undefined ? { value, done: true } : { value, done: false }
    },
    async return() {
      pieces = []
      return { value: undefined, done: true }
    },
  }
}

function newBuffer(size: number): Buffer {
  return (size === MOST ? idle.pop() : undefined) ?? Buffer.allocUnsafeSlow(size)
}
