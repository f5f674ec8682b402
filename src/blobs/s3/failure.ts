import { S3ServiceException } from '@aws-sdk/client-s3'
import { SpaceError } from '../../space/errors.js'

/** S3's codes for "there is no room". */
const NO_ROOM = new Set(['QuotaExceeded', 'InsufficientCapacity', 'XMinioStorageFull', 'InsufficientStorage'])

/** What a failed request means to the domain: DISK_FULL or UNAVAILABLE. What is a SpaceError already passes unchanged. */
export function failure(error: unknown, doing: string): unknown {
  if (error instanceof SpaceError) return error
  const code = error instanceof S3ServiceException && NO_ROOM.has(error.name) ? 'DISK_FULL' : 'UNAVAILABLE'
  const what = code === 'DISK_FULL' ? 'has no room' : 'does not work'
  return new SpaceError(
    code,
    `The blob store ${what}: ${doing} failed: ${reason(error)}.`,
    {},
    { cause: error },
  )
}

/** S3's own code and words, or what went wrong on the way to it; without a stop at the end. */
export function reason(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reason(error.errors[0])
  if (!(error instanceof Error)) return String(error)
  const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined
  const words = [error.name === 'Error' ? '' : error.name, status && `(${status})`, error.message]
  return words.filter(Boolean).join(' ').replace(/\.+$/, '')
}

/** No such object: `NoSuchKey`, or where an answer has no body to say so (HEAD), just 404. */
export function isMissing(error: unknown): boolean {
  return error instanceof S3ServiceException && (error.name === 'NoSuchKey' || error.name === 'NotFound')
}

export function hasName(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof Error && names.includes(error.name)
}
