/** One connection over which requests are sent, each behind the answer to the one before. */
import { isIP, connect as overTcp, type Socket } from 'node:net'
import { connect as overTls } from 'node:tls'
import type { Take } from '../volume.js'
import { type Head, headOf } from './plain-answer.js'

/** An answer whose beginning is longer is none of ours. */
const HEAD_BYTES = 16 * 1024
const HEAD_END = '\r\n\r\n'
/** What an error of a connection that did not come about has for a code. */
export const CONNECT_TIMEOUT = 'CONNECT_TIMEOUT'
const ANSWER_TIMEOUT = 'ANSWER_TIMEOUT'

/** Takes the bytes of an answer that begins so, and raises nothing. Undefined: it is left to somebody else. */
export type Accept = (head: Head) => Take | undefined

/** `other`: the answer is not plain. */
export type Outcome = 'taken' | 'not accepted' | 'other'

export interface Sent {
  /** Request line and fields, with the empty line. */
  readonly head: string
  readonly body: Uint8Array | undefined
}

/** In milliseconds. */
export interface Times {
  readonly connectMs: number
  /** Longest silence while an answer is waited for. */
  readonly answerMs: number
  /** So long it is kept while nobody uses it. */
  readonly idleMs: number
}

export interface Events {
  /** It can be used for another request. */
  idle(): void
  /** It cannot be used any more. */
  ended(): void
}

interface Job {
  readonly accept: Accept
  readonly resolve: (outcome: Outcome) => void
  readonly reject: (error: Error) => void
}

export class PlainConnection {
  readonly #buffer: Buffer
  readonly #socket: Socket
  #job: Job | undefined
  /** What has come of the answer's beginning. */
  #begun = ''
  #head: Head | undefined
  #take: Take | undefined
  #left = 0

  /** `bufferBytes`: what one look at the socket brings at most. */
  constructor(
    origin: URL,
    bufferBytes: number,
    private readonly times: Times,
    private readonly events: Events,
  ) {
    this.#buffer = Buffer.allocUnsafeSlow(bufferBytes)
    const onread = { buffer: this.#buffer, callback: (length: number) => this.#came(length) }
    this.#socket = connected(origin, onread)
    let failure = new Error('the connection was closed')
    let isReady = false
    this.#socket
      .setTimeout(times.connectMs, () => this.#socket.destroy(late(isReady)))
      .on('error', (error: Error) => {
        failure = error
      })
      .on('close', () => {
        events.ended()
        this.#end((job) => job.reject(failure))
      })
      .once(origin.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
        isReady = true
        this.#socket.setTimeout(times.answerMs)
      })
  }

  /** Rejects where the connection breaks off. */
  send({ head, body }: Sent, accept: Accept): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#job = { accept, resolve, reject }
      const socket = this.#socket
      if (!socket.connecting) socket.setTimeout(this.times.answerMs)
      socket.ref()
      if (!body || body.length === 0) {
        socket.write(head, 'latin1')
        return
      }
      socket.cork()
      socket.write(head, 'latin1')
      socket.write(body)
      socket.uncork()
    })
  }

  destroy(why: Error): void {
    this.#socket.destroy(why)
  }

  #came(length: number): boolean {
    const bytes = this.#buffer.subarray(0, length)
    if (!this.#job) this.destroy(new Error('an answer came that nobody had asked for'))
    else if (this.#head) this.#body(bytes)
    else this.#begin(this.#job, bytes)
    return !this.#socket.destroyed
  }

  #begin(job: Job, bytes: Buffer): void {
    const had = this.#begun.length
    this.#begun += bytes.toString('latin1')
    const end = this.#begun.indexOf(HEAD_END)
    if (end < 0 && this.#begun.length < HEAD_BYTES) return
    const head = end < 0 ? undefined : headOf(this.#begun.slice(0, end))
    this.#take = head && job.accept(head)
    if (head && this.#take) {
      this.#head = head
      this.#left = head.length
      this.#body(bytes.subarray(end + HEAD_END.length - had))
    } else {
      this.#end(({ resolve }) => resolve(head ? 'not accepted' : 'other'))
      this.destroy(new Error('the answer is another one'))
    }
  }

  #body(bytes: Buffer): void {
    this.#left -= bytes.length
    if (this.#left < 0) this.destroy(new Error('the answer is longer than it said'))
    else if ((bytes.length > 0 && this.#take?.(bytes) === false) || this.#left === 0) this.#done()
  }

  /** All has come, or no more is wanted. */
  #done(): void {
    // An answer may come before all of the request's body has gone.
    const isOver = this.#left === 0 && this.#socket.writableLength === 0 && !this.#socket.destroyed
    const isKept = isOver && this.#head?.isKept === true
    this.#end(({ resolve }) => resolve('taken'))
    if (isKept) {
      this.#socket.setTimeout(this.times.idleMs).unref()
      this.events.idle()
    } else this.destroy(new Error('it is not kept'))
  }

  #end(tell: (job: Job) => void): void {
    const job = this.#job
    this.#job = undefined
    this.#head = undefined
    this.#take = undefined
    this.#begun = ''
    if (job) tell(job)
  }
}

interface OnRead {
  readonly buffer: Buffer
  readonly callback: (length: number) => boolean
}

function connected({ protocol, hostname, port }: URL, onread: OnRead): Socket {
  const host = hostname.replace(/^\[|\]$/g, '')
  if (protocol !== 'https:') return overTcp({ host, port: Number(port || 80), noDelay: true, onread })
  const options = { host, port: Number(port || 443), ALPNProtocols: ['http/1.1'], onread }
  const socket = overTls(isIP(host) ? options : { ...options, servername: host })
  return socket.setNoDelay()
}

function late(isReady: boolean): Error {
  if (isReady) return Object.assign(new Error('nothing came for too long'), { code: ANSWER_TIMEOUT })
  return Object.assign(new Error('no connection came about in time'), { code: CONNECT_TIMEOUT })
}

/** Was the answer waited for long enough? */
export function isLate(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === ANSWER_TIMEOUT
}
