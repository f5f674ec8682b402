/** What the domain's errors are on the wire: one status table per surface, and its envelope. */
import { type ErrorCode, SpaceError } from '../space/errors.js'
import { type Answer, jsonAnswer } from './answer.js'

type StatusTable = Readonly<Record<ErrorCode, number>>

/** Seed 002's status table, and RFC 9110 where that is silent. */
const NOVEM: StatusTable = {
  BAD_REQUEST: 400,
  BAD_PATH: 400,
  BAD_NAME: 400,
  BAD_DIGEST: 400,
  BODY_BROKEN: 400,
  INTO_ITSELF: 400,
  INVALID_TOKEN: 400,
  UNAUTHENTICATED: 401,
  READ_ONLY: 403,
  FEATURE_NOT_AVAILABLE: 403,
  NOT_ALLOWED: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  EXISTS: 409,
  TYPE_CLASH: 409,
  NOT_EMPTY: 409,
  FOLDER_EXISTS: 409,
  NO_PARENT: 409,
  USED: 409,
  EPOCH_GONE: 410,
  PRECONDITION_FAILED: 412,
  FILE_TOO_LARGE: 413,
  SPACE_FULL: 413,
  TOO_MANY_ENTRIES: 413,
  TOO_MANY_SPACES: 413,
  RANGE_NOT_SATISFIABLE: 416,
  LOCK_UNKNOWN: 409,
  LOCKED: 423,
  TOO_MANY_REQUESTS: 429,
  CORRUPT: 500,
  REMOTE_FAILED: 502,
  BUSY: 503,
  UNAVAILABLE: 503,
  DISK_FULL: 507,
}

/** RFC 4918 where it says otherwise, and contract §6: what does not fit is 507. */
const WEBDAV: StatusTable = {
  ...NOVEM,
  INTO_ITSELF: 403,
  EXISTS: 405,
  FILE_TOO_LARGE: 507,
  SPACE_FULL: 507,
  TOO_MANY_ENTRIES: 507,
}

/** Seed 004; what it is silent about is as everywhere. */
const INVITATIONS: StatusTable = NOVEM

/** Seed 001, contract §6 and §7: what does not fit is 429, as that service's clients know it. */
const STORAGE: StatusTable = {
  ...NOVEM,
  TYPE_CLASH: 400,
  FILE_TOO_LARGE: 429,
  SPACE_FULL: 429,
  TOO_MANY_ENTRIES: 429,
  TOO_MANY_SPACES: 429,
}

export const STATUSES = {
  novem: NOVEM,
  webdav: WEBDAV,
  storage: STORAGE,
  invitations: INVITATIONS,
} as const satisfies Readonly<Record<string, StatusTable>>

/** Two schemes, two fields: old clients stop reading at the first comma (contract §1, "Auth"). */
const CHALLENGES = ['WWW-Authenticate', 'Bearer realm="novem"', 'WWW-Authenticate', 'Basic realm="novem"']
const RETRY_SECONDS = 1

/** The domain's code, for programs: several share a status. */
export const ERROR_HEADER = 'X-NVM-Error'

/** `{"message": …}` with the error's machine-readable details beside it. What is not a SpaceError says nothing of itself. */
export function novemFailure(error: unknown): Answer {
  if (!(error instanceof SpaceError)) {
    return jsonAnswer(500, {
      message: 'The server failed to answer this request; the operator finds out why in the log.',
    })
  }
  // Who holds a lock, and its token, are for WebDAV's own answers.
  const { token, holder, ...details } = error.details
  const body = { ...details, message: error.message }
  return jsonAnswer(NOVEM[error.code], body, [...failureHeaders(error), ERROR_HEADER, error.code])
}

/** Is it the server's fault, and worth a line in the log? Another server's is not, and its URL may hold a secret. */
export function isServerFailure(error: unknown): boolean {
  if (!(error instanceof SpaceError)) return true
  return NOVEM[error.code] >= 500 && error.code !== 'REMOTE_FAILED'
}

/** Headers that belong to a status whatever the surface. */
export function failureHeaders({ code, details }: SpaceError): string[] {
  switch (code) {
    case 'UNAUTHENTICATED':
      return CHALLENGES
    case 'METHOD_NOT_ALLOWED':
      return ['Allow', String(details.allow ?? '')]
    case 'EPOCH_GONE':
      return ['X-NVM-Epoch', String(details.epoch)]
    case 'RANGE_NOT_SATISFIABLE':
      return ['Content-Range', `bytes */${details.size ?? '*'}`]
    case 'TOO_MANY_REQUESTS':
      return ['Retry-After', String(details.retryAfter ?? RETRY_SECONDS)]
    case 'BUSY':
    case 'UNAVAILABLE':
      return ['Retry-After', String(RETRY_SECONDS)]
    default:
      return []
  }
}
