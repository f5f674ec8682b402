/**
 * Reading on the guess that Redis will say of the caller what it said last time: the question who asks and the reading leave together,
 * and one trip does for two. The guess is never believed: where the answer is another one, what was read is dropped, and read anew.
 */
import type { Loaded, SpaceAddress } from '../accounts/types.js'
import type { OpContext } from '../space/types.js'
import type { AppDeps } from './deps.js'
import { spaceOp, visibleSpace } from './space-op.js'

export interface Ahead<T> {
  /** What was read, if it was read for this caller and space; else undefined. */
  of(loaded: Loaded): Promise<T> | undefined
}

/** To be called in the same turn as `directory.load` for the same token and address, behind it. */
export function readAhead<T>(
  { directory }: Pick<AppDeps, 'directory'>,
  token: string | undefined,
  address: SpaceAddress,
  read: (op: OpContext) => Promise<T>,
): Ahead<T> | undefined {
  const guess = directory.lastLoaded(token, address)
  const space = guess && visibleSpace(guess)
  if (!guess?.session || !space) return undefined
  const found = read(spaceOp(guess.session, space))
  // Whoever takes it hears of it.
  found.catch(() => {})
  return { of: (loaded) => (loaded === guess ? found : undefined) }
}
