/** Errors as invitations say them: `{"error","code","status"}` (seed 004; contract §8). */
import { type ErrorCode, SpaceError } from '../../space/errors.js'
import { type Answer, jsonAnswer } from '../answer.js'
import { failureHeaders, STATUSES } from '../errors.js'

/** Codes that are not the domain's own; all else that is wrong with a request is a VALIDATION_ERROR. */
const CODES: Partial<Record<ErrorCode, string>> = {
  FEATURE_NOT_AVAILABLE: 'FEATURE_NOT_AVAILABLE',
  INVALID_TOKEN: 'INVALID_TOKEN',
  NOT_ALLOWED: 'FORBIDDEN',
  NOT_FOUND: 'NOT_FOUND',
  UNAUTHENTICATED: 'UNAUTHORIZED',
  METHOD_NOT_ALLOWED: 'METHOD_NOT_ALLOWED',
  TOO_MANY_REQUESTS: 'RATE_LIMITED',
  BUSY: 'SERVICE_UNAVAILABLE',
  UNAVAILABLE: 'SERVICE_UNAVAILABLE',
  CORRUPT: 'INTERNAL_ERROR',
}

export function invitationFailure(error: unknown): Answer {
  if (!(error instanceof SpaceError)) {
    const message = 'The server failed to answer this request; the operator finds out why in the log.'
    return jsonAnswer(500, { error: message, code: 'INTERNAL_ERROR', status: 500 })
  }
  const status = STATUSES.invitations[error.code]
  const body = {
    error: error.message,
    code: CODES[error.code] ?? 'VALIDATION_ERROR',
    status,
    ...tiers(error),
  }
  return jsonAnswer(status, body, failureHeaders(error))
}

function tiers({ code, details }: SpaceError) {
  if (code !== 'FEATURE_NOT_AVAILABLE') return {}
  return { required_tier: details.required_tier, current_tier: details.current_tier }
}
