/**
 * Everything that can go wrong in the domain, one table.
 *
 * The surfaces turn a `code` into a status and an envelope (`http/errors.ts`), the mount into an errno; no surface
 * invents codes of its own for what the domain refuses. Messages are complete sentences that name the offending input.
 */
export const ERROR_CODES = {
  BAD_REQUEST:
    'the request itself is malformed: a header, a query parameter, a body that is not what it says',
  BAD_PATH: 'the path is malformed, too long or too deep',
  BAD_NAME: 'a segment of the path is a name the store refuses',
  BAD_DIGEST: 'the bytes received are not those that Content-MD5 or a digest field announced',
  BODY_BROKEN: 'the body ended before its announced length, or the connection broke off',
  INTO_ITSELF: 'a folder cannot move into its own subtree',
  UNAUTHENTICATED: 'no valid token',
  READ_ONLY: 'the caller sees the space but may not write',
  FEATURE_NOT_AVAILABLE: 'the account’s plan does not include it',
  INVALID_TOKEN: 'the invitation’s token is unknown, expired, used or for somebody else',
  NOT_ALLOWED: 'the caller may see this, but this action is not for them',
  NOT_FOUND: 'nothing is there, or the caller may not know that something is',
  METHOD_NOT_ALLOWED: 'the resource is there, the verb is not for it',
  EXISTS: 'a resource of that name exists already',
  TYPE_CLASH: 'a file is where a folder is needed, or the other way round',
  NOT_EMPTY: 'the folder has entries and `recursive` was not asked for',
  FOLDER_EXISTS: 'the destination of a move is a folder, which is never overwritten',
  NO_PARENT: 'the folder that should hold the entry does not exist, and may not be made on the way',
  EPOCH_GONE: 'the journal the cursor belongs to no longer exists; start over',
  USED: 'the signed URL is good for one upload, and was used',
  PRECONDITION_FAILED: 'If-Match or If-None-Match does not hold',
  LOCKED:
    'a lock is on the entry, on a folder above it or on something below it, and its token was not submitted',
  LOCK_UNKNOWN: 'there is no such lock here, or it is not the caller’s',
  FILE_TOO_LARGE: 'the file is over the plan’s file size',
  SPACE_FULL: 'the space is over the plan’s size',
  TOO_MANY_ENTRIES: 'the space is over its number of files and folders',
  TOO_MANY_SPACES: 'the account is over its plan’s number of spaces',
  TOO_MANY_REQUESTS: 'a rate limit was passed',
  RANGE_NOT_SATISFIABLE: 'no byte of the range lies in the file',
  REMOTE_FAILED:
    'the server of a URL that was to be fetched cannot be reached, fails, breaks off or takes too long',
  DISK_FULL: 'the blob store has no room',
  BUSY: 'the operation was interrupted by concurrent changes or a fail-over, and may be tried again',
  UNAVAILABLE: 'Redis or the blob store does not answer',
  CORRUPT: 'stored data contradicts itself; fsck says how',
} as const

export type ErrorCode = keyof typeof ERROR_CODES

/** The one error class of the domain. `details` are machine-readable facts (a limit, an epoch) for the envelope. */
export class SpaceError extends Error {
  override readonly name = 'SpaceError'

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly details: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}
