/** Errors as the storage surface says them: `{"message","code"}` (contract §1), with that service's own codes. */
import { type ErrorCode, SpaceError } from '../../space/errors.js'
import { type Answer, jsonAnswer } from '../answer.js'
import { failureHeaders, STATUSES } from '../errors.js'

/** By status; those below are more precise. */
const CODES: Readonly<Record<number, string>> = {
  400: 'BAD_REQUEST',
  401: 'NOT_AUTHENTICATED',
  403: 'NOT_AUTHORIZED',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  409: 'CONFLICT',
  412: 'PRECONDITION_FAILED',
  416: 'RANGE_NOT_SATISFIABLE',
  423: 'LOCKED',
  429: 'LIMITS_REACHED',
  502: 'BAD_GATEWAY',
  503: 'SERVICE_UNAVAILABLE',
  507: 'SERVICE_UNAVAILABLE',
}
const PRECISE: Partial<Record<ErrorCode, string>> = { TOO_MANY_REQUESTS: 'TOO_MANY_REQUESTS' }
const INTERNAL = 'INTERNAL_SERVER_ERROR'

/** A limit of the account is also told in a header (contract §6). */
export function storageFailure(error: unknown): Answer {
  if (!(error instanceof SpaceError)) {
    const message = 'The server failed to answer this request; the operator finds out why in the log.'
    return jsonAnswer(500, { message, code: INTERNAL })
  }
  const status = STATUSES.storage[error.code]
  const code = PRECISE[error.code] ?? CODES[status] ?? INTERNAL
  const limit = code === 'LIMITS_REACHED' ? ['X-Failure-Code', code] : []
  return jsonAnswer(status, { message: error.message, code }, [...failureHeaders(error), ...limit])
}
