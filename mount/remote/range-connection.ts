/** One connection over which ranges are read, one after the other. */
import { isIP, connect as overTcp, type Socket } from 'node:net'
import { connect as overTls } from 'node:tls'
import type { Take } from '../volume.js'
import { type RangeHead, rangeHeadOf } from './range-answer.js'

/** What one read of the socket brings at most. */
const BUFFER_BYTES = 256 * 1024
/** An answer whose beginning is longer is none of ours. */
const HEAD_BYTES = 16 * 1024
const HEAD_END = '\r\n\r\n'

/** What became of a request. `other`: the answer is not plainly the range that was asked for; nothing of it was taken. */
export type Outcome = 'done' | 'other'

export interface ConnectionTimes {
  readonly connectMs: number
  /** Longest silence while an answer is waited for. */
  readonly answerMs: number
  /** So long it is kept while nobody uses it. */
  readonly idleMs: number
}

interface Job {
  readonly start: number
  readonly take: Take
  readonly resolve: (outcome: Outcome) => void
  readonly reject: (error: Error) => void
}

export class RangeConnection {
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
  readonly #socket: Socket
  #job: Job | undefined
  /** What has come of the answer's beginning. */
  #begun = ''
  #head: RangeHead | undefined
  #left = 0

  /** `onIdle`: it can be used for another request. `onEnd`: never again. */
  constructor(
    origin: URL,
    private readonly times: ConnectionTimes,
    private readonly onIdle: () => void,
    onEnd: () => void,
  ) {
    const onread = { buffer: this.#buffer, callback: (length: number) => this.#came(length) }
    this.#socket = connected(origin, onread)
    let failure = new Error('the connection was closed')
    this.#socket
      .setTimeout(times.connectMs, () => this.#socket.destroy(new Error('nothing came for too long')))
      .on('error', (error: Error) => {
        failure = error
      })
      .on('close', () => {
        onEnd()
        this.#end((job) => job.reject(failure))
      })
    const ready = origin.protocol === 'https:' ? 'secureConnect' : 'connect'
    this.#socket.once(ready, () => {
      if (this.#job) this.#socket.setTimeout(times.answerMs)
    })
  }

  /** `request`: its head. `take` raises nothing. Rejects where the connection breaks off. */
  read(request: string, start: number, take: Take): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#job = { start, take, resolve, reject }
      if (!this.#socket.connecting) this.#socket.setTimeout(this.times.answerMs)
      this.#socket.ref().write(request, 'latin1')
    })
  }

  destroy(why: Error): void {
    this.#socket.destroy(why)
  }

  #came(length: number): boolean {
    const bytes = this.#buffer.subarray(0, length)
    if (!this.#job) this.destroy(new Error('an answer came that nobody had asked for'))
    else if (this.#head) this.#take(this.#job, bytes)
    else this.#begin(this.#job, bytes)
    return !this.#socket.destroyed
  }

  #begin(job: Job, bytes: Buffer): void {
    const had = this.#begun.length
    this.#begun += bytes.toString('latin1')
    const end = this.#begun.indexOf(HEAD_END)
    if (end < 0 && this.#begun.length < HEAD_BYTES) return
    this.#head = end < 0 ? undefined : rangeHeadOf(this.#begun.slice(0, end), job.start)
    if (!this.#head) {
      this.#end(({ resolve }) => resolve('other'))
      this.destroy(new Error('the answer is another one'))
      return
    }
    this.#left = this.#head.length
    this.#take(job, bytes.subarray(end + HEAD_END.length - had))
  }

  #take(job: Job, bytes: Buffer): void {
    this.#left -= bytes.length
    if (this.#left < 0) this.destroy(new Error('the answer is longer than it said'))
    else if ((bytes.length > 0 && !job.take(bytes)) || this.#left === 0) this.#done()
  }

  /** All has come, or no more is wanted. */
  #done(): void {
    const isKept = this.#head?.isKept === true && this.#left === 0 && !this.#socket.destroyed
    this.#end(({ resolve }) => resolve('done'))
    if (isKept) {
      this.#socket.setTimeout(this.times.idleMs).unref()
      this.onIdle()
    } else this.destroy(new Error('it is not kept'))
  }

  #end(tell: (job: Job) => void): void {
    const job = this.#job
    this.#job = undefined
    this.#head = undefined
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
