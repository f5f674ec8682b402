/** COPY and MOVE (RFC 4918 §9.8, §9.9). */
import type { Answer } from '../../http/answer.js'
import { parseConditions, quoted } from '../../http/etags.js'
import { SpaceError } from '../../space/errors.js'
import { pathString } from '../../space/names.js'
import type { MoveRequest } from '../../space/operations.js'
import { quote } from '../../space/quote.js'
import type { Entry, Location } from '../../space/types.js'
import type { EntryCall } from '../call.js'
import { copyAcross } from '../copy-across.js'
import { destinationOf } from '../destination.js'
import { DavError } from '../errors.js'
import { depthOf, overwrites } from '../headers.js'

interface Outcome {
  readonly entry: Entry
  readonly replaced: boolean
}

/** Constant time for a tree of any size; never into another space (contract §9). */
export async function move(call: EntryCall): Promise<Answer> {
  depthOf(call.req.headers, ['infinity'], 'infinity')
  const to = await destinationOf(call)
  if (to.op.space !== call.op.space) {
    throw new DavError(403, 'Nothing moves from one space into another; COPY it there, then DELETE it here.')
  }
  if (pathString(call.at.path) === pathString(to.at.path)) throw ontoItself(call)
  return answerOf(await call.deps.tree.move(call.op, call.at, inFolder(to), conditionsOf(call)))
}

/** Within a space no byte is copied; into another one they are. */
export async function copy(call: EntryCall): Promise<Answer> {
  const depth = depthOf(call.req.headers, ['infinity', 0], 'infinity')
  const to = await destinationOf(call)
  const conditions = conditionsOf(call)
  if (to.op.space !== call.op.space) {
    return answerOf(await copyAcross(call, to, { ...conditions, shallow: depth === 0 }))
  }
  const request = { ...conditions, shallow: depth === 0, parents: false }
  return answerOf(await call.deps.tree.copy(call.op, call.at, to.at, request))
}

/** `If-Match` and what `If` says are about the source, `Overwrite` about the destination. */
function conditionsOf({ req, guard }: EntryCall): MoveRequest {
  const { ifNoneMatch: _ofDestination, ...source } = { ...guard, ...parseConditions(req.headers) }
  const destination = overwrites(req.headers) ? { overwrite: true } : { ifNoneMatch: '*' as const }
  return { ...source, ...destination }
}

/** Relative to the root's id, so that no parents are made on the way (§9.9.4: 409). */
function inFolder({ at }: EntryCall): Location {
  return { ...at, base: 0 }
}

function ontoItself({ at }: EntryCall): SpaceError {
  return new SpaceError('INTO_ITSELF', `${quote(`/${pathString(at.path)}`)} is its own destination.`)
}

function answerOf({ entry, replaced }: Outcome): Answer {
  return { status: replaced ? 204 : 201, headers: ['ETag', quoted(entry.etag)] }
}
