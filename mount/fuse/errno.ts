import { constants, platform } from 'node:os'
import { type Errno, FileSystemError } from '../filesystem.js'

/** What Node's own table lacks. */
const MISSING: Partial<Record<Errno, number>> = { EHOSTDOWN: platform() === 'darwin' ? 64 : 112 }

/** The number this system gives an error, negative as the kernel wants it. */
export function errnoNumber(name: Errno | 'ETIMEDOUT'): number {
  const numbers: Partial<Record<string, number>> = constants.errno
  return -(numbers[name] ?? MISSING[name as Errno] ?? constants.errno.EIO)
}

/** The same for whatever was thrown; what is not a FileSystemError is a defect, and EIO. */
export function errnoOf(error: unknown): number {
  return errnoNumber(error instanceof FileSystemError ? error.errno : 'EIO')
}
