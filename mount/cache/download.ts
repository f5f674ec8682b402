/** One stretch of a file on its way from the server. */
import { SpaceError } from '../../src/space/errors.js'
import type { ByteRange, Take } from '../volume.js'

/** As `Volume.read`, of one version. */
export type Fetch = (range: ByteRange, take: Take, signal?: AbortSignal) => Promise<void>

/** Takes bytes that have come. False: there is no place for them, and no more are wanted. */
export type Sink = (chunk: Buffer, at: number) => boolean

interface Waiting {
  readonly until: number
  resolve(): void
  reject(error: unknown): void
}

export class Download {
  /** Up to here, without it, the bytes have come. */
  position: number
  readonly #fetch: Fetch
  readonly #sink: Sink
  #waiting: Waiting[] = []
  readonly #abort = new AbortController()
  #stopped = false

  /** Bytes from `start` up to `end`, without it. Begins with `run`. */
  constructor(
    readonly start: number,
    readonly end: number,
    fetch: Fetch,
    sink: Sink,
  ) {
    this.position = start
    this.#fetch = fetch
    this.#sink = sink
  }

  /** Resolves when it is over, however it went. */
  async run(): Promise<void> {
    let error: unknown
    try {
      for (let began = -1; this.position < this.end && !this.#stopped; ) {
        // A connection lost half-way is taken up again where it broke, as long as that brings it forward.
        if (this.position === began) throw error
        began = this.position
        error = await this.#stretch()
        if (error !== undefined && !isLost(error)) throw error
      }
      this.#settle(({ resolve }) => resolve())
    } catch (failure) {
      this.#settle(({ reject }) => reject(failure))
    }
  }

  /** Nothing more will come. */
  get isOver(): boolean {
    return this.#stopped
  }

  /** Resolves when all bytes up to `position` have come, or nobody wants them any more; rejects when they will not come. */
  until(position: number): Promise<void> {
    if (this.position >= position || this.#stopped) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#waiting.push({ until: position, resolve, reject })
    })
  }

  stop(): void {
    this.#stopped = true
    this.#abort.abort()
  }

  /** One request. Answers what went wrong, if anything. */
  async #stretch(): Promise<unknown> {
    try {
      const range = { start: this.position, end: this.end - 1 }
      await this.#fetch(range, (piece) => this.#take(piece), this.#abort.signal)
      return this.position < this.end && !this.#stopped ? endedEarly(this.end - this.position) : undefined
    } catch (error) {
      return this.#stopped ? undefined : error
    }
  }

  #take(piece: Buffer): boolean {
    if (this.#stopped) return false
    const room = this.end - this.position
    const wanted = piece.length > room ? piece.subarray(0, room) : piece
    if (!this.#sink(wanted, this.position)) {
      this.stop()
      return false
    }
    this.position += wanted.length
    const ready = this.#waiting.filter(({ until }) => until <= this.position)
    if (ready.length === 0) return true
    this.#waiting = this.#waiting.filter(({ until }) => until > this.position)
    for (const { resolve } of ready) resolve()
    return true
  }

  #settle(tell: (waiting: Waiting) => void): void {
    const waiting = this.#waiting
    this.#waiting = []
    this.#stopped = true
    waiting.forEach(tell)
  }
}

function isLost(error: unknown): boolean {
  return error instanceof SpaceError && error.code === 'UNAVAILABLE'
}

function endedEarly(missing: number): SpaceError {
  return new SpaceError('UNAVAILABLE', `The answer ended ${missing} bytes early.`)
}
