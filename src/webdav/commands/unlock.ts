/** UNLOCK (RFC 4918 §9.11): its holder ends a lock; so may the space's owner. */
import type { Answer } from '../../http/answer.js'
import { SpaceError } from '../../space/errors.js'
import type { EntryCall } from '../call.js'
import { DavError } from '../errors.js'
import { lockTokenOf } from '../headers.js'
import { locksOn } from '../locks.js'

export async function unlock({ deps, op, at, req }: EntryCall): Promise<Answer> {
  const token = lockTokenOf(req.headers)
  if (token === undefined) {
    throw new SpaceError('BAD_REQUEST', 'The header Lock-Token is missing: it says which lock to end.')
  }
  try {
    await deps.tree.unlock(op, at, token)
  } catch (error) {
    if (!(error instanceof SpaceError) || error.code !== 'LOCK_UNKNOWN') throw error
    const { entry, locks } = await deps.tree.stat(op, at)
    if (locksOn(locks, entry.path).some((lock) => lock.token === token)) {
      throw new DavError(
        403,
        'The lock is somebody else’s: its holder may end it, and the owner of the space.',
      )
    }
    throw new DavError(409, error.message, 'lock-token-matches-request-uri')
  }
  return { status: 204, headers: [] }
}
