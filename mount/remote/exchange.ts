/** One HTTP request and its answer: whole, or with its body as a stream. */
import type { IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface StreamedAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Destroying it ends the connection, unless all has come. It fails with what `failure` makes of the connection's error. */
  readonly body: Readable
}

interface Hopes<T> {
  resolve(value: T): void
  reject(error: unknown): void
}

const STREAM_BYTES = 512 * 1024

/**
 * Hears what becomes of a request (undici, `Dispatcher.dispatch`). With `wantsStream` a success resolves as soon as its headers
 * are there; any other answer is short, and resolves whole. `failure` turns the connection's errors into the mount's.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #hopes: Hopes<Answer | StreamedAnswer>
  readonly #wantsStream: boolean
  readonly #failure: (error: unknown) => Error
  #controller: Dispatcher.DispatchController | undefined
  #abandoned: Error | undefined
  #status = 0
  #headers: IncomingHttpHeaders = {}
  #chunks: Buffer[] = []
  #stream: Readable | undefined
  #ended = false

  constructor(
    hopes: Hopes<Answer | StreamedAnswer>,
    wantsStream: boolean,
    failure: (error: unknown) => Error,
  ) {
    this.#hopes = hopes
    this.#wantsStream = wantsStream
    this.#failure = failure
  }

  /** Nobody waits any more; also before the request has a connection. */
  abandon(why: Error): void {
    if (this.#ended) return
    this.#abandoned = why
    this.#controller?.abort(why)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#abandoned) controller.abort(this.#abandoned)
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (status < 200) return
    this.#status = status
    this.#headers = headers
    if (!this.#wantsStream || status >= 300) return
    const body = new Readable({
      highWaterMark: STREAM_BYTES,
      read: () => controller.resume(),
      destroy: (error, done) => {
        if (!this.#ended) controller.abort(error ?? new Error('The reader has gone.'))
        done(error)
      },
    })
    this.#stream = body
    this.#hopes.resolve({ status, headers, body })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#stream) this.#chunks.push(chunk)
    else if (!this.#stream.push(chunk)) controller.pause()
  }

  onResponseEnd(): void {
    this.#ended = true
    if (this.#stream) {
      this.#stream.push(null)
      return
    }
    const [first = Buffer.alloc(0)] = this.#chunks
    const body = this.#chunks.length > 1 ? Buffer.concat(this.#chunks) : first
    this.#hopes.resolve({ status: this.#status, headers: this.#headers, body })
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#ended = true
    const failure = this.#failure(error)
    if (this.#stream) this.#stream.destroy(failure)
    else this.#hopes.reject(failure)
  }
}
