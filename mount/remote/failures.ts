/** What goes wrong between the mount and the server, as the domain's errors. */
import { ERROR_CODES, type ErrorCode, SpaceError } from '../../src/space/errors.js'
import type { Answer } from './exchange.js'
import { CONNECT_TIMEOUT } from './plain-connection.js'

/** Nobody listens there, or the way there does not exist: waiting does not help as it does with a busy server. */
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'EAI_AGAIN',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'ENOTFOUND',
  'UND_ERR_CONNECT_TIMEOUT',
  CONNECT_TIMEOUT,
])

/** Where an answer does not say its code: something in front of the server wrote it. */
const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: 'UNAUTHENTICATED',
  403: 'NOT_ALLOWED',
  404: 'NOT_FOUND',
  409: 'EXISTS',
  410: 'EPOCH_GONE',
  412: 'PRECONDITION_FAILED',
  413: 'FILE_TOO_LARGE',
  416: 'RANGE_NOT_SATISFIABLE',
  423: 'LOCKED',
  429: 'TOO_MANY_REQUESTS',
  507: 'DISK_FULL',
}

/** The error that an answer with a status from 300 on stands for. */
export function refusalOf(request: string, { status, headers, body }: Answer): SpaceError {
  const named = headers['x-nvm-error']
  const code = typeof named === 'string' && isCode(named) ? named : byStatus(status)
  const { message, ...details } = members(body)
  const text = typeof message === 'string' ? message : `The server answered ${status} to ${request}.`
  return new SpaceError(code, text, details)
}

/** UNAVAILABLE: what became of the request is not known. BODY_BROKEN where the bytes to be sent were not what was announced. */
export function connectionError(request: string, cause: unknown): SpaceError {
  if (cause instanceof SpaceError) return cause
  // Of several addresses that failed alike Node says just the code.
  const why = cause instanceof Error ? cause.message || codeOf(cause) || cause.name : String(cause)
  if (codeOf(cause) === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH') {
    return new SpaceError(
      'BODY_BROKEN',
      `The bytes of ${request} are not as many as announced.`,
      {},
      { cause },
    )
  }
  return new SpaceError('UNAVAILABLE', `The server did not answer ${request}: ${why}.`, {}, { cause })
}

/** Is there no server to be waited for? */
export function isUnreachable({ cause }: SpaceError): boolean {
  return UNREACHABLE.has(codeOf(cause))
}

/** May the same request be tried again, under the same Idempotency-Key? */
export function isPassing(error: unknown): error is SpaceError {
  return error instanceof SpaceError && (error.code === 'UNAVAILABLE' || error.code === 'BUSY')
}

function byStatus(status: number): ErrorCode {
  return BY_STATUS[status] ?? (status >= 500 ? 'UNAVAILABLE' : 'BAD_REQUEST')
}

function isCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERROR_CODES, text)
}

function codeOf(error: unknown): string {
  const { code, cause } = (error ?? {}) as { readonly code?: unknown; readonly cause?: unknown }
  if (typeof code === 'string') return code
  return cause === undefined ? '' : codeOf(cause)
}

function members(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body.toString())
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
