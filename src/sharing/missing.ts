import { SpaceError } from '../space/errors.js'

/** There is no such space, or the account may not know of it: the same as the spaces' own scripts say. */
export function noSuchSpace(): SpaceError {
  return new SpaceError('NOT_FOUND', 'There is no such space.', { missing: 'space' })
}
