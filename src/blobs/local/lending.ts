import { performance } from 'node:perf_hooks'
import { tooShort } from '../ranges.js'
import { MemoryShare } from '../share.js'
import type { LentBytes } from '../store.js'
import { failure } from './failure.js'
import { close, readFully } from './files.js'
import { PromptCalls } from './prompt.js'

const MOST = 1024 * 1024
/** A range in the lending holds two steps, for as long as its client takes. */
const steps = new MemoryShare(32 * 1024 * 1024, 64 * 1024, MOST)
/** Buffers of the full size that nobody uses now: new ones come page by page from the system, which takes longer than to fill them. */
const idle: Buffer[] = []
const MOST_IDLE = 4
/** A step that took this long (ms) had to wait for something: it was not in memory. */
const QUICK_MS = 1
const prompt = new PromptCalls()

/**
 * Bytes `start`…`start + length - 1` of an open file, piece by piece. Takes over the descriptor: it is closed at the end, after
 * a failure and by `return`. Raises CORRUPT where the file turns out to be shorter.
 *
 * They come out of two halves of a buffer in turn: while one is on its way out a thread fills the other. But while nobody else
 * reads and the last step was quick, both are filled at once and on the spot: the client's end of the connection has enough to
 * do meanwhile, and changing threads takes as long as reading.
 */
export class LentRange implements LentBytes {
  readonly lent = true
  readonly #leave = steps.enter()
  readonly #step: number
  readonly #blob: string
  readonly #now: () => number
  #fd: number | undefined
  #position: number
  #left: number
  #buffer: Buffer | undefined
  #isSecondHalf = false
  #ahead: Promise<Buffer> | undefined
  #wasQuick = false

  /** `now`: a clock, in ms. */
  constructor(
    fd: number,
    blob: string,
    start: number,
    length: number,
    now: () => number = () => performance.now(),
  ) {
    this.#now = now
    this.#fd = fd
    this.#blob = blob
    this.#position = start
    this.#left = length
    this.#step = Math.min(steps.bytes, length)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Buffer, undefined>> {
    try {
      const piece = await (this.#ahead ?? this.#read())
      this.#ahead = undefined
      if (piece === undefined) return await this.return()
      if (!this.#readsOnTheSpot && piece.length <= this.#step) {
        // Whoever takes it hears of what goes wrong.
        this.#ahead = this.#read()
        this.#ahead?.catch(() => {})
      }
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
      this.#ahead = undefined
      if (this.#buffer?.length === 2 * MOST && idle.length < MOST_IDLE) idle.push(this.#buffer)
      this.#buffer = undefined
      await close(fd)
    }
    return { value: undefined, done: true }
  }

  get #readsOnTheSpot(): boolean {
    return this.#wasQuick && steps.users === 1
  }

  #read(): Promise<Buffer> | undefined {
    const fd = this.#fd
    if (fd === undefined || this.#left === 0) return undefined
    this.#buffer ??= newBuffer(Math.min(2 * this.#step, this.#left))
    const onTheSpot = this.#readsOnTheSpot
    const from = !onTheSpot && this.#isSecondHalf ? this.#step : 0
    this.#isSecondHalf = !this.#isSecondHalf
    const length = Math.min(onTheSpot ? 2 * this.#step : this.#step, this.#left)
    const piece = this.#buffer.subarray(from, from + length)
    const position = this.#position
    this.#position += length
    this.#left -= length
    return this.#fill(fd, piece, position, onTheSpot)
  }

  async #fill(fd: number, piece: Buffer, position: number, onTheSpot: boolean): Promise<Buffer> {
    const began = this.#now()
    const got = await (onTheSpot ? prompt.readFully(fd, piece, position) : readFully(fd, piece, position))
    this.#wasQuick = this.#now() - began <= QUICK_MS
    if (got < piece.length) throw tooShort(this.#blob, position + got)
    return piece
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
  return (size === 2 * MOST ? idle.pop() : undefined) ?? Buffer.allocUnsafeSlow(size)
}
