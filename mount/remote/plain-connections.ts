/**
 * Connections for what a mount asks most: something short, or a stretch of a file. An answer's bytes come into one buffer of its connection, and are
 * taken from there. undici, which is for everything else, copies each piece and makes several objects of it, and is slow for the first
 * thousand requests, until it has been compiled (numbers in mount/README.md). Only plain answers are understood here.
 */
import {
  type Accept,
  isLate,
  type Outcome,
  PlainConnection,
  type Sent,
  type Times,
} from './plain-connection.js'

/** Each holds its buffer. */
const MOST_IDLE = 8
/** In milliseconds; undici's. */
const IDLE_MS = 4000
/** Whoever answered in another way, like a proxy that sends all in chunks, does it again: so long nothing is asked for twice. */
const PAUSE_MS = 60_000

export interface PlainRequest {
  readonly method: string
  /** With its query, as it is sent. */
  readonly path: string
  /** Names, in lower case, and values in turn. */
  readonly headers: readonly string[]
  readonly body?: Uint8Array | undefined
  readonly signal?: AbortSignal | undefined
}

export class PlainConnections {
  readonly #open = new Set<PlainConnection>()
  readonly #times: Times
  #idle: PlainConnection[] = []
  /** Not before this moment is anything sent. */
  #from = 0
  #isClosed = false

  /** `origin`: http or https. `bufferBytes`: what comes at a time, at most. */
  constructor(
    private readonly origin: URL,
    private readonly bufferBytes: number,
    patience: { readonly connectMs: number; readonly answerMs: number },
  ) {
    this.#times = { ...patience, idleMs: IDLE_MS }
  }

  /**
   * Answers false where the request is for a library, now or again: it is not plain, or its answer is not, or was not accepted. Rejects where the
   * connection breaks off or the signal aborts. A request may arrive twice: where a connection that was kept ends without an answer, a new one is tried.
   */
  async send(request: PlainRequest, accept: Accept): Promise<boolean> {
    const { signal } = request
    const sent = Date.now() < this.#from ? undefined : sentOf(request, this.origin.host)
    if (!sent) return false
    let isAnswered = false
    const accepting: Accept = (head) => {
      isAnswered = true
      return accept(head)
    }
    for (let tries = 0; ; tries++) {
      if (this.#isClosed) throw new Error('the mount is being closed')
      if (signal?.aborted) throw new Error('it was given up')
      const used = tries === 0 ? this.#idle.pop() : undefined
      try {
        const outcome = await this.#once(used ?? this.#connect(), sent, accepting, signal)
        if (outcome === 'other') this.#from = Date.now() + PAUSE_MS
        return outcome === 'taken'
      } catch (error) {
        if (!used || isAnswered || isLate(error)) throw error
      }
    }
  }

  /** What is under way rejects, and whatever comes later. */
  close(): void {
    this.#isClosed = true
    for (const connection of this.#open) connection.destroy(new Error('the mount is being closed'))
  }

  async #once(
    connection: PlainConnection,
    sent: Sent,
    accept: Accept,
    signal: AbortSignal | undefined,
  ): Promise<Outcome> {
    if (!signal) return connection.send(sent, accept)
    const giveUp = () => connection.destroy(new Error('it was given up'))
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      return await connection.send(sent, accept)
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
  }

  #connect(): PlainConnection {
    const connection: PlainConnection = new PlainConnection(this.origin, this.bufferBytes, this.#times, {
      idle: () => {
        if (this.#idle.length < MOST_IDLE) this.#idle.push(connection)
        else connection.destroy(new Error('there are enough'))
      },
      ended: () => {
        this.#open.delete(connection)
        this.#idle = this.#idle.filter((other) => other !== connection)
      },
    })
    this.#open.add(connection)
    return connection
  }
}

/**
 * Undefined: a line break or the like within a value would be another field, and a wrong length would leave the server waiting; a library
 * says what is wrong with it.
 */
function sentOf({ method, path, headers, body }: PlainRequest, host: string): Sent | undefined {
  if (!/^[\x21-\x7e]+$/.test(path)) return undefined
  let head = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\n`
  let saysLength = method === 'GET' || method === 'DELETE'
  for (let i = 0; i < headers.length; i += 2) {
    const [name = '', value = ''] = [headers[i], headers[i + 1]]
    if (!/^[\x20-\x7e]*$/.test(value)) return undefined
    if (name === 'content-length') {
      if (Number(value) !== (body?.length ?? 0)) return undefined
      saysLength = true
    }
    head += `${name}: ${value}\r\n`
  }
  if (!saysLength) head += `content-length: ${body?.length ?? 0}\r\n`
  return { head: `${head}\r\n`, body }
}
