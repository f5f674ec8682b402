/** What the domain's errors are to a program: one table, as `http/errors.ts` has one of statuses. */
import { type ErrorCode, SpaceError } from '../../src/space/errors.js'
import { type Awaitable, type Errno, FileSystemError } from '../filesystem.js'

const ERRNOS: Readonly<Record<ErrorCode, Errno>> = {
  BAD_REQUEST: 'EINVAL',
  BAD_PATH: 'ENAMETOOLONG',
  BAD_NAME: 'EINVAL',
  BAD_DIGEST: 'EIO',
  BODY_BROKEN: 'EIO',
  INTO_ITSELF: 'EINVAL',
  UNAUTHENTICATED: 'EACCES',
  READ_ONLY: 'EACCES',
  FEATURE_NOT_AVAILABLE: 'EACCES',
  INVALID_TOKEN: 'EACCES',
  NOT_ALLOWED: 'EPERM',
  NOT_FOUND: 'ENOENT',
  METHOD_NOT_ALLOWED: 'EPERM',
  EXISTS: 'EEXIST',
  TYPE_CLASH: 'EEXIST',
  NOT_EMPTY: 'ENOTEMPTY',
  FOLDER_EXISTS: 'ENOTEMPTY',
  NO_PARENT: 'ENOENT',
  EPOCH_GONE: 'ESTALE',
  PRECONDITION_FAILED: 'ESTALE',
  LOCKED: 'EBUSY',
  LOCK_UNKNOWN: 'EINVAL',
  FILE_TOO_LARGE: 'EFBIG',
  SPACE_FULL: 'EDQUOT',
  TOO_MANY_ENTRIES: 'EDQUOT',
  TOO_MANY_SPACES: 'EDQUOT',
  TOO_MANY_REQUESTS: 'EBUSY',
  RANGE_NOT_SATISFIABLE: 'EIO',
  DISK_FULL: 'ENOSPC',
  BUSY: 'EBUSY',
  UNAVAILABLE: 'EHOSTDOWN',
  CORRUPT: 'EIO',
  REMOTE_FAILED: 'EIO',
  USED: 'EPERM',
}

/** Errors of the local cache folder that a program should see as they are. */
const LOCAL: Readonly<Record<string, Errno>> = { ENOSPC: 'ENOSPC', EDQUOT: 'EDQUOT', EFBIG: 'EFBIG' }

/** Any error as the one a program gets. What is not expected is EIO, with its reason for the log. */
export function asFileSystemError(error: unknown): FileSystemError {
  if (error instanceof FileSystemError) return error
  const cause = { cause: error }
  if (error instanceof SpaceError) return new FileSystemError(ERRNOS[error.code], error.message, cause)
  const { code = '', message } = error as NodeJS.ErrnoException
  return new FileSystemError(LOCAL[code] ?? 'EIO', message, cause)
}

/** Runs an operation so that whatever it fails with is a FileSystemError; what is answered at once stays so. */
export function withErrno<T>(operation: () => Awaitable<T>): Awaitable<T> {
  try {
    const answer = operation()
    return answer instanceof Promise ? answer.catch(raise) : answer
  } catch (error) {
    return raise(error)
  }
}

function raise(error: unknown): never {
  throw asFileSystemError(error)
}

/** Is it the domain's refusal of this kind? */
export function isCode(error: unknown, ...codes: readonly ErrorCode[]): boolean {
  return error instanceof SpaceError && codes.includes(error.code)
}
