/** The bodies of requests: which there are, small ones as text, and what becomes of those nobody reads. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { PassThrough, type Readable } from 'node:stream'
import { SpaceError } from '../space/errors.js'
import { quote } from '../space/quote.js'

/** JSON and text bodies hold names and settings, never files. */
const MOST_TEXT_BYTES = 64 * 1024

/** An unread rest up to this size is read away, and the connection kept. */
const SMALL_REST_BYTES = 256 * 1024
/** Beyond it the connection closes, but not before the client has had a chance to see the answer. */
const LINGER_BYTES = 32 * 1024 * 1024
const LINGER_MS = 5000

/** Is a body announced? Says nothing of whether it has bytes. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || contentLength(headers) !== 0
}

/** Announced bytes, 0 where no body is announced, undefined for a chunked one. Node has checked that it is a number. */
export function announcedLength({ headers }: IncomingMessage): number | undefined {
  return headers['transfer-encoding'] === undefined ? contentLength(headers) : undefined
}

function contentLength(headers: IncomingMessage['headers']): number {
  const value = headers['content-length']
  return value === undefined ? 0 : Number(value)
}

/** RFC 9110 §10.1.1: the client sends its body when it is told to. */
export function expectsContinue(req: IncomingMessage): boolean {
  return req.headers.expect !== undefined && req.httpVersionMinor === 1
}

/** The checks are done and the body may come. */
export function askForBody(req: IncomingMessage, res: ServerResponse): void {
  if (expectsContinue(req) && !res.headersSent) res.writeContinue()
}

/** Has the body any bytes? Waits for the first where only that can tell. */
export async function isEmptyBody(req: IncomingMessage, res: ServerResponse): Promise<boolean> {
  const length = announcedLength(req)
  if (length !== undefined) return length === 0
  askForBody(req, res)
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => {
      req.off('readable', onReadable).off('end', onEnd).off('close', onClose)
      finish()
    }
    const onReadable = () => {
      const chunk: Buffer | null = req.read()
      if (chunk === null) return
      settle(() => {
        req.unshift(chunk)
        resolve(false)
      })
    }
    const onEnd = () => settle(() => resolve(true))
    const onClose = () => settle(() => reject(broken()))
    if (isCut(req)) reject(broken())
    else req.on('readable', onReadable).on('end', onEnd).on('close', onClose)
  })
}

/** The whole body as text. FILE_TOO_LARGE over 64 KiB, BAD_REQUEST where it is not UTF-8, BODY_BROKEN. */
export async function readText(req: IncomingMessage, res: ServerResponse): Promise<string> {
  const bytes = await readBytes(req, res, MOST_TEXT_BYTES, 'text and JSON')
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new SpaceError('BAD_REQUEST', 'The body is not UTF-8.', {}, { cause })
  }
}

/** The body as a JSON object. Errors as `readText`, and BAD_REQUEST where it is anything else. */
export async function readJson(
  req: IncomingMessage,
  res: ServerResponse,
): Promise<Readonly<Record<string, unknown>>> {
  const text = await readText(req, res)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new SpaceError('BAD_REQUEST', `The body is not JSON: ${quote(text)}.`, {}, { cause })
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>
  }
  throw new SpaceError('BAD_REQUEST', `The body must be a JSON object, not ${quote(text)}.`)
}

/** Does the request declare its body to be JSON? */
export function declaresJson({ headers }: IncomingMessage): boolean {
  const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  return type === 'application/json' || type.endsWith('+json')
}

const bytesOf = new WeakMap<IncomingMessage, Buffer>()

/** The whole body of up to `most` bytes, for who looks at it before the one it is meant for: `readBytes` answers it once more. BODY_BROKEN. */
export async function readAgain(req: IncomingMessage, res: ServerResponse, most: number): Promise<Buffer> {
  const bytes = await readBytes(req, res, most, 'such a request')
  bytesOf.set(req, bytes)
  return bytes
}

/** The whole body, for small ones. `what` such a body is, for the message. FILE_TOO_LARGE over `most` bytes, BODY_BROKEN. */
export async function readBytes(
  req: IncomingMessage,
  res: ServerResponse,
  most: number,
  what: string,
): Promise<Buffer> {
  const known = bytesOf.get(req)
  if (known) return known
  const tooLong = () =>
    new SpaceError('FILE_TOO_LARGE', `The body is over the limit of ${most} bytes for ${what}.`, {
      limit: most,
    })
  const announced = announcedLength(req)
  if (announced !== undefined && announced > most) throw tooLong()
  askForBody(req, res)
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const settle = (finish: () => void) => {
      req.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose)
      finish()
    }
    const onData = (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.length
      if (size > most) settle(() => reject(tooLong()))
    }
    const onEnd = () => settle(() => resolve(Buffer.concat(chunks)))
    const onClose = () => settle(() => reject(broken()))
    if (req.readableEnded) resolve(Buffer.alloc(0))
    else if (isCut(req)) reject(broken())
    else req.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose)
  })
}

/**
 * The body as a stream of its own: to be destroyed when nobody reads on, while the request still has an answer to carry. Fails
 * with BODY_BROKEN.
 */
export function bodyOf(req: IncomingMessage): Readable {
  const body = new PassThrough({
    // At once: letting go pauses the request, and whoever answers it then reads it away.
    destroy(error, done) {
      req.off('close', onClose).unpipe(body)
      done(error)
    },
  })
  const onClose = () => {
    if (isCut(req)) body.destroy(broken())
  }
  req.on('error', () => {}).on('close', onClose)
  if (isCut(req)) onClose()
  else req.pipe(body)
  return body
}

/**
 * Has the client gone before its body was read? Then no event comes any more: what had arrived of the body, perhaps all of it
 * (`complete`), is gone too.
 */
export function isCut(req: IncomingMessage): boolean {
  return req.destroyed && !req.readableEnded
}

function broken(): SpaceError {
  return new SpaceError('BODY_BROKEN', 'The body broke off.')
}

/**
 * Must the connection close after an answer that comes while the body is still coming? A small rest is read away instead.
 */
export function mustClose(req: IncomingMessage): boolean {
  const length = announcedLength(req)
  return length === undefined || length > SMALL_REST_BYTES || expectsContinue(req)
}

/**
 * Calls `end` when the client has had its chance to see the answer: a connection closed under a sending client takes the
 * answer with it (RFC 9112 §9.6), so the rest of the body is read away for a while first.
 */
export function linger(req: IncomingMessage, end: () => void): void {
  let size = 0
  const finish = () => {
    clearTimeout(timer)
    req.off('data', onData).off('end', finish).off('close', finish)
    end()
  }
  const onData = (chunk: Buffer) => {
    size += chunk.length
    if (size > LINGER_BYTES) finish()
  }
  const timer = setTimeout(finish, LINGER_MS)
  req.on('error', () => {})
  if (req.destroyed || req.complete) finish()
  else req.on('data', onData).on('end', finish).on('close', finish).resume()
}
