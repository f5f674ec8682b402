/** Where COPY and MOVE lead to (RFC 4918 §9.8, §9.9, §10.3). */
import { SpaceError } from '../space/errors.js'
import { type EntryCall, entryCall } from './call.js'
import { DavError } from './errors.js'
import { parseReference } from './target.js'

/** The call as one about its destination, perhaps in another space, with the same lock tokens. */
export async function destinationOf(call: EntryCall): Promise<EntryCall> {
  const { destination } = call.req.headers
  if (destination === undefined) {
    throw new SpaceError('BAD_REQUEST', 'The header Destination is missing: it says where to.')
  }
  const target = parseReference('Destination', String(destination), call.origin)
  if (target.kind !== 'space' || target.path.names.length === 0) {
    throw new DavError(
      403,
      `Nothing can be put at ${target.href}: spaces are made and replaced elsewhere, not in the drive.`,
    )
  }
  const { op: own, target: from, deps, token } = call
  const isHere = target.spaceName === from.spaceName
  const loaded = isHere ? call.loaded : await deps.directory.load(token, target.address)
  const presumed = isHere ? call.presumed : undefined
  // What somebody may do there came with the space.
  const there = entryCall({ ...call, loaded, presumed, session: loaded.session ?? call.session }, target)
  return { ...there, op: { ...there.op, ...(own.lockTokens && { lockTokens: own.lockTokens }) } }
}
