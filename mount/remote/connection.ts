/** Connections to the server: kept open, every wait bounded, what passes by itself tried again. */
import { setMaxListeners } from 'node:events'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { type Dispatcher, Pool } from 'undici'
import { SpaceError } from '../../src/space/errors.js'
import { LentPieces } from '../lent-pieces.js'
import { pour } from '../pour.js'
import type { ByteRange, Take } from '../volume.js'
import { stranger } from './decode.js'
import { type Answer, Exchange, type StreamedAnswer } from './exchange.js'
import { connectionError, isPassing, isUnreachable, refusalOf } from './failures.js'
import type { Head } from './plain-answer.js'
import type { Accept } from './plain-connection.js'
import { PlainConnections } from './plain-connections.js'

type Body = Readable | LentPieces | Uint8Array | string

export interface Request {
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE'
  /** Below the server's URL. */
  readonly path: string
  /** Names and values in turn. */
  readonly headers?: readonly string[] | undefined
  /** Opened anew for each attempt. */
  readonly body?: (() => Body) | undefined
  readonly signal?: AbortSignal | undefined
  /** Longest silence within the answer, in milliseconds, where it is another than usual. */
  readonly silenceMs?: number
  /** How long the answer will be not even the server knows at its beginning. */
  readonly isOpenEnded?: boolean
}

/** Of a file. */
export interface RangeAsked {
  readonly path: string
  readonly range: ByteRange
  readonly headers: readonly string[]
  readonly signal?: AbortSignal | undefined
}

/** In milliseconds. */
export interface Patience {
  /** For a connection. */
  readonly connectMs: number
  /** For the answer to begin, and between its pieces. */
  readonly answerMs: number
  /** From a request's first attempt to the beginning of its last. */
  readonly retryMs: number
  /** The same where there is no server to be reached. */
  readonly unreachableMs: number
}

export const PATIENCE: Patience = { connectMs: 5000, answerMs: 20_000, retryMs: 10_000, unreachableMs: 1000 }

/** By this the server's metrics tell mounts from other clients. */
const MOUNT_AGENT = 'novem-mount'

/** What is taken from a connection at a time. */
const SHORT_BYTES = 16 * 1024
const LONG_BYTES = 256 * 1024

const PARTIAL_CONTENT = 206

const SHORTEST_PAUSE_MS = 25
const LONGEST_PAUSE_MS = 1000

export class Connection {
  readonly #pool: Pool
  /** For short answers, and for ranges. */
  readonly #short: PlainConnections
  readonly #long: PlainConnections
  readonly #origin: string
  readonly #prefix: string
  readonly #headers: readonly string[]
  readonly #patience: Patience
  readonly #closing = new AbortController()

  /** `server`: an http or https URL, perhaps with a path in front of the server's own. */
  constructor(server: string, token: string, patience: Patience) {
    const { origin, pathname } = new URL(server)
    const { connectMs, answerMs } = patience
    this.#origin = origin
    this.#prefix = pathname.replace(/\/+$/, '')
    this.#headers = ['authorization', `Bearer ${token}`, 'user-agent', MOUNT_AGENT]
    this.#patience = patience
    // As many as there are requests that wait for their next attempt.
    setMaxListeners(0, this.#closing.signal)
    const url = new URL(origin)
    this.#short = new PlainConnections(url, SHORT_BYTES, patience)
    this.#long = new PlainConnections(url, LONG_BYTES, patience)
    // As many connections as there are requests at once: whoever asks bounds them, and none waits for another's stream.
    this.#pool = new Pool(origin, {
      connections: null,
      pipelining: 1,
      connect: { timeout: connectMs, noDelay: true },
      headersTimeout: answerMs,
      bodyTimeout: answerMs,
    })
  }

  /** The whole answer of a request that succeeded. */
  ask(request: Request): Promise<Answer> {
    return this.#patiently(request, () => this.#ask(request))
  }

  async #ask(request: Request): Promise<Answer> {
    const body = request.body?.()
    const isPlain = !request.isOpenEnded && (body === undefined || body instanceof Uint8Array)
    const answer = isPlain ? await this.#askPlainly(request, body) : undefined
    return answer ?? this.#once<Answer>(request, false, body)
  }

  /** Undefined: the answer is not plain, or the request is not. */
  async #askPlainly(request: Request, body: Uint8Array | undefined): Promise<Answer | undefined> {
    let begun: Head | undefined
    const pieces: Buffer[] = []
    const isAnswered = await this.#plainly(this.#short, request, body, (head) => {
      begun = head
      return (piece) => pieces.push(Buffer.from(piece)) > 0
    })
    if (!isAnswered || !begun) return undefined
    const { status, headers } = begun
    const [first = Buffer.alloc(0)] = pieces
    const answer = { status, headers, body: pieces.length > 1 ? Buffer.concat(pieces) : first }
    if (status >= 300) throw refusalOf(this.#nameOf(request), answer)
    return answer
  }

  #plainly(
    connections: PlainConnections,
    request: Request,
    body: Uint8Array | undefined,
    accept: Accept,
  ): Promise<boolean> {
    const { method, path, headers = [], signal } = request
    const all = [...this.#headers, ...headers]
    return connections
      .send({ method, path: this.#prefix + path, headers: all, body, signal }, accept)
      .catch((error: unknown) => {
        throw connectionError(this.#nameOf(request), error)
      })
  }

  /** The bytes of a range, as they come. What breaks off when some have come is the reader's to ask for again. */
  async range(asked: RangeAsked, take: Take): Promise<void> {
    const { path, range, headers, signal } = asked
    const request: Request = {
      ...{ method: 'GET', path, signal },
      headers: ['range', `bytes=${range.start}-${range.end}`, ...headers],
    }
    let hasBegun = false
    let raised: { readonly error: unknown } | undefined
    const taking = (piece: Buffer) => {
      hasBegun = true
      try {
        return take(piece)
      } catch (error) {
        raised = { error }
        return false
      }
    }
    const broken = await this.#patiently(request, () =>
      this.#rangeOnce(request, range.start, taking).catch((error: unknown) => {
        if (!hasBegun) throw error
        return { error }
      }),
    )
    const failed = raised ?? broken
    if (failed) throw failed.error
  }

  async #rangeOnce(request: Request, start: number, take: Take): Promise<void> {
    const isIt = ({ status, headers }: Pick<Answer, 'status' | 'headers'>) =>
      status === PARTIAL_CONTENT && headers['content-range']?.startsWith(`bytes ${start}-`)
    const accept: Accept = (head) => (isIt(head) ? take : undefined)
    if (await this.#plainly(this.#long, request, undefined, accept)) return
    const answer = await this.#once<StreamedAnswer>(request, true, undefined)
    if (isIt(answer)) return pour(answer.body, take, request.signal)
    answer.body.destroy()
    throw stranger('it is not the range that was asked for')
  }

  /** Resolves when a success's headers are there; once, for whoever asks again by themselves. */
  streamOnce(request: Request): Promise<StreamedAnswer> {
    return this.#once<StreamedAnswer>(request, true, request.body?.())
  }

  /** What is under way fails with UNAVAILABLE. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#short.close()
    this.#long.close()
    await this.#pool.destroy(new Error('the mount is being closed'))
  }

  async #patiently<T>(request: Request, attempt: () => Promise<T>): Promise<T> {
    const began = Date.now()
    for (let tries = 0; ; tries++) {
      try {
        return await attempt()
      } catch (error) {
        if (!isPassing(error) || request.signal?.aborted || this.#closing.signal.aborted) throw error
        const { retryMs, unreachableMs } = this.#patience
        const pause = pauseMs(tries)
        const patience = isUnreachable(error) ? unreachableMs : retryMs
        if (Date.now() + pause - began > patience) throw error
        await this.#pause(pause, request.signal)
      }
    }
  }

  /** Ends early, and quietly, where nobody waits any more: the attempt that follows says so. */
  async #pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const ended = this.#closing.signal
    const either = signal ? AbortSignal.any([signal, ended]) : ended
    await delay(ms, undefined, { signal: either }).catch(() => undefined)
  }

  async #once<T extends Answer | StreamedAnswer>(
    request: Request,
    wantsStream: boolean,
    body: Body | undefined,
  ): Promise<T> {
    const { signal } = request
    const name = this.#nameOf(request)
    if (signal?.aborted) {
      if (body instanceof Readable) body.destroy()
      throw connectionError(name, new Error('it was given up'))
    }
    let exchange: Exchange | undefined
    const giveUp = () => exchange?.abandon(new Error('it was given up'))
    signal?.addEventListener('abort', giveUp, { once: true })
    try {
      const answer = await new Promise<Answer | StreamedAnswer>((resolve, reject) => {
        const failure = (error: unknown) => failureOf(name, error, body)
        exchange = new Exchange({ resolve, reject }, wantsStream, failure)
        this.#pool.dispatch(this.#options(request, body), exchange)
      })
      if (answer.status >= 300) throw refusalOf(name, answer as Answer)
      return answer as T
    } finally {
      // A streamed answer goes on, and ends when its reader destroys it.
      signal?.removeEventListener('abort', giveUp)
      if (body instanceof Readable) body.destroy()
    }
  }

  /** For messages. */
  #nameOf({ method, path }: Request): string {
    return `${method} ${this.#origin}${this.#prefix}${path}`
  }

  #options(request: Request, body: Body | undefined): Dispatcher.DispatchOptions {
    const { method, path, headers = [], silenceMs } = request
    return {
      method,
      path: this.#prefix + path,
      headers: [...this.#headers, ...headers],
      // undici takes whatever can be iterated, and waits for the connection before it asks for more; its types do not say so.
      body: (body as Readable | undefined) ?? null,
      bodyTimeout: silenceMs ?? null,
    }
  }
}

/** A source of bytes that failed is not the server's fault, and asking the server again does not help. */
function failureOf(request: string, error: unknown, body: Body | undefined): SpaceError {
  if (!(body instanceof Readable || body instanceof LentPieces) || !body.errored)
    return connectionError(request, error)
  const why = `The bytes of ${request} cannot be read: ${body.errored.message}.`
  return new SpaceError('BODY_BROKEN', why, {}, { cause: body.errored })
}

/** Doubling, with jitter: those that failed together do not come back together. */
function pauseMs(tries: number): number {
  const most = Math.min(LONGEST_PAUSE_MS, SHORTEST_PAUSE_MS * 2 ** tries)
  return most / 2 + (Math.random() * most) / 2
}
