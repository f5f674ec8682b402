import { SpaceError } from '../../space/errors.js'

/** The errno of a failed system call, if that is what `error` is. */
export function errno(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** For `catch`: a path that does not exist is no error but `undefined`; anything else is raised again. */
export function ignoreMissing(error: unknown): undefined {
  if (errno(error) !== 'ENOENT') throw error
}

const NO_ROOM = new Set(['ENOSPC', 'EDQUOT'])

/**
 * What a failed system call means to the domain: DISK_FULL or UNAVAILABLE (too many open files, a failing or
 * read-only disk, a folder that vanished). What is a SpaceError already, or no system error, passes unchanged.
 */
export function failure(error: unknown, doing: string): unknown {
  const code = errno(error)
  if (error instanceof SpaceError || code === undefined || !/^E[A-Z0-9]+$/.test(code)) return error
  if (NO_ROOM.has(code))
    return new SpaceError(
      'DISK_FULL',
      `The blob store has no room: ${doing} failed with ${code}.`,
      {},
      { cause: error },
    )
  return new SpaceError(
    'UNAVAILABLE',
    `The blob store does not work: ${doing} failed with ${code}.`,
    {},
    { cause: error },
  )
}
