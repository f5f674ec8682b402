import { type ErrorCode, SpaceError } from '../../src/space/errors.js'

/** Runs what must be refused with this code, and gives back the message. */
export function refused(run: () => unknown, code: ErrorCode = 'BAD_REQUEST'): string {
  try {
    run()
  } catch (error) {
    if (error instanceof SpaceError && error.code === code) return error.message
    throw error
  }
  throw new Error(`nothing was refused, ${code} expected`)
}
