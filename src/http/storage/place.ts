/** Which entry a call is about, in either form of its path. */
import { SpaceError } from '../../space/errors.js'
import { parsePath, parseRawPath, pathString } from '../../space/names.js'
import type { Location } from '../../space/types.js'
import type { Call } from '../call.js'
import { pathIdOf, pathOfId } from './path-id.js'

export interface Place extends Location {
  /** As the client wrote it, where it did. */
  readonly pathId: string
}

type Asked = Pick<Call, 'params' | 'rest'>

/** `…/storage/{pathId}/upload` or `…/storage/upload/{path}`. BAD_REQUEST, BAD_PATH, BAD_NAME. */
export function placeOf({ params: { pathId }, rest }: Asked): Place {
  const path = pathId === undefined ? parseRawPath(rest) : parsePath(pathOfId(pathId))
  return { path, pathId: pathId ?? pathIdOf(pathString(path)) }
}

/** The same where only a file can be: TYPE_CLASH for the root. */
export function filePlaceOf(call: Asked): Place {
  const place = placeOf(call)
  if (place.path.names.length > 0) return place
  throw new SpaceError(
    'TYPE_CLASH',
    'The path is empty, which names the root of the space: a folder, not a file.',
  )
}
