/** What a handler answers, and how it goes out. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { LentBytes } from '../blobs/store.js'
import type { StatResult } from '../space/operations.js'
import type { JournalMark, OpContext } from '../space/types.js'
import { isGone, whenGone } from './connection.js'
import { notesOf } from './notes.js'
import { hasBody, linger, mustClose } from './request-body.js'

export interface Answer {
  readonly status: number
  /** Names and values in turn. */
  readonly headers: readonly string[]
  /** A stream is read with back-pressure, and ended early when the client goes away. */
  readonly body?: string | Buffer | Streamed
  /** Bytes of a streamed body, where known; or of the body that a HEAD leaves out. */
  readonly length?: number
  /** What it says follows from the request, who asks, and this space as it was at that place of its journal. */
  readonly asOf?: AsOf
}

interface AsOf {
  readonly space: string
  readonly mark: JournalMark
}

type Streamed = Readable | LentBytes | AsyncGenerator<string | Uint8Array, void>

export const JSON_TYPE = 'application/json; charset=utf-8'
export const TEXT_TYPE = 'text/plain; charset=utf-8'

export function jsonAnswer(status: number, value: unknown, headers: readonly string[] = []): Answer {
  return { status, headers: ['Content-Type', JSON_TYPE, ...headers], body: JSON.stringify(value) }
}

export function textAnswer(text: string, headers: readonly string[] = []): Answer {
  return { status: 200, headers: ['Content-Type', TEXT_TYPE, ...headers], body: text }
}

/** The answer, marked as one that says only what was found there: it may be remembered, unless locks are in play. */
export function asFound(
  answer: Answer,
  { space }: Pick<OpContext, 'space'>,
  { mark, locks }: Pick<StatResult, 'mark' | 'locks'>,
): Answer {
  return locks.length > 0 ? answer : { ...answer, asOf: { space, mark } }
}

/**
 * Sends the answer. Resolves when its body has been handed over or the client has gone; rejects where the source of a
 * streamed body fails, after cutting the connection so that the client cannot take the part for the whole.
 */
export async function send(
  req: IncomingMessage,
  res: ServerResponse,
  answer: Answer,
  common: readonly string[],
): Promise<void> {
  const { status, body } = answer
  if (isGone(req, res)) {
    discard(body)
    return
  }
  const headers = [
    ...answer.headers,
    'X-Content-Type-Options',
    'nosniff',
    'X-Request-Id',
    notesOf(req).id,
    ...common,
  ]
  const isStream = body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body)
  const length = isStream || body === undefined ? answer.length : Buffer.byteLength(body)
  if (length !== undefined) headers.push('Content-Length', String(length))
  else if (body === undefined && status !== 304 && req.method !== 'HEAD') headers.push('Content-Length', '0')
  const isUnread = hasBody(req) && !req.complete
  const cutsShort = isUnread && mustClose(req)
  // Node reads away what nobody touched, but not what somebody began to read.
  if (isUnread && !cutsShort) req.on('error', () => {}).resume()
  if (cutsShort) headers.push('Connection', 'close')
  res.writeHead(status, headers)
  if (req.method === 'HEAD' || status === 304 || body === undefined) {
    discard(body)
    res.end()
  } else if (isStream) {
    await stream(body, req, res)
  } else if (cutsShort) {
    res.write(body)
    linger(req, () => res.end())
  } else {
    res.end(body)
  }
}

function discard(body: Answer['body']): void {
  if (body instanceof Readable) body.destroy()
  else if (isLent(body)) void body.return()
}

function isLent(body: Answer['body']): body is LentBytes {
  return typeof body === 'object' && 'lent' in body
}

async function stream(body: Streamed, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const client = new Client(req, res, () => {
    if (body instanceof Readable) body.destroy()
  })
  try {
    for await (const chunk of body) {
      if (client.isGone) break
      if (isLent(body)) await client.sent(chunk)
      else if (!res.write(chunk)) await client.drained()
    }
    if (!client.isGone) res.end()
  } catch (error) {
    if (client.isGone) return
    res.destroy()
    throw error
  } finally {
    client.leave()
  }
}

/** Whoever takes a streamed answer, at their own pace. */
class Client {
  readonly leave: () => void
  #gone: boolean
  #wake = () => {}

  constructor(
    req: IncomingMessage,
    private readonly res: ServerResponse,
    onGone: () => void,
  ) {
    this.#gone = isGone(req, res)
    this.leave = whenGone(req, () => {
      this.#gone = true
      onGone()
      this.#wake()
    })
  }

  get isGone(): boolean {
    return this.#gone
  }

  /** The bytes are in the system's hands, or the client has gone. */
  sent(chunk: string | Uint8Array): Promise<void> {
    return this.#until((done) => this.res.write(chunk, done))
  }

  /** The connection takes more, or the client has gone. */
  drained(): Promise<void> {
    return this.#until((done) => this.res.once('drain', done))
  }

  #until(begin: (done: () => void) => unknown): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
      if (this.#gone) resolve()
      else begin(() => resolve())
    })
  }
}
