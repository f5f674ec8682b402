/** One stretch of a file on its way from the server. */
import type { Readable } from 'node:stream'
import { SpaceError } from '../../src/space/errors.js'
import type { ByteRange } from '../volume.js'

export type Fetch = (range: ByteRange) => Promise<Readable>

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
  #stream: Readable | undefined
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
    this.#stream?.destroy()
  }

  /** One request. Answers what went wrong, if anything. */
  async #stretch(): Promise<unknown> {
    try {
      const stream = await this.#fetch({ start: this.position, end: this.end - 1 })
      this.#stream = stream
      if (this.#stopped) stream.destroy()
      for await (const chunk of stream) {
        this.#take(chunk as Buffer)
        if (this.#stopped || this.position === this.end) break
      }
      return this.position < this.end && !this.#stopped ? endedEarly(this.end - this.position) : undefined
    } catch (error) {
      return this.#stopped ? undefined : error
    }
  }

  #take(chunk: Buffer): void {
    if (this.#stopped) return
    const room = this.end - this.position
    const wanted = chunk.length > room ? chunk.subarray(0, room) : chunk
    if (!this.#sink(wanted, this.position)) {
      this.stop()
      return
    }
    this.position += wanted.length
    const ready = this.#waiting.filter(({ until }) => until <= this.position)
    if (ready.length === 0) return
    this.#waiting = this.#waiting.filter(({ until }) => until > this.position)
    for (const { resolve } of ready) resolve()
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
