/** COPY and MOVE (RFC 4918 §9.8, §9.9). */
import type { Answer } from '../../http/answer.js'
import { parseConditions, quoted } from '../../http/etags.js'
import { SpaceError } from '../../space/errors.js'
import { pathString } from '../../space/names.js'
import { quote } from '../../space/quote.js'
import type { Conditions, Entry, Location } from '../../space/types.js'
import type { EntryCall } from '../call.js'
import { copyAcross } from '../copy-across.js'
import { destinationOf } from '../destination.js'
import { DavError } from '../errors.js'
import { depthOf, overwrites } from '../headers.js'
import { entryAt } from '../lookup.js'

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
  const conditions = conditionsOf(call)
  return transfer(call, to, () => call.deps.tree.move(call.op, call.at, inFolder(to), conditions))
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
  return transfer(call, to, () => call.deps.tree.copy(call.op, call.at, to.at, request))
}

/** `If-Match` and what `If` says are about the source, `Overwrite` about the destination. */
function conditionsOf({ req, guard }: EntryCall): Conditions {
  const ifMatch = parseConditions(req.headers).ifMatch ?? guard.ifMatch
  return {
    ...(ifMatch !== undefined && { ifMatch }),
    ...(!overwrites(req.headers) && { ifNoneMatch: '*' as const }),
  }
}

/** Relative to the root's id, so that no parents are made on the way (§9.9.4: 409). */
function inFolder({ at }: EntryCall): Location {
  return { ...at, base: 0 }
}

/**
 * The tree replaces files only, as every other surface wants it. Here a folder in the way goes first, and a file where a folder
 * comes (§9.8.4, §9.9.3), unless it holds the source.
 */
async function transfer(call: EntryCall, to: EntryCall, run: () => Promise<Outcome>): Promise<Answer> {
  try {
    return answerOf(await run())
  } catch (error) {
    if (!(error instanceof SpaceError) || !['FOLDER_EXISTS', 'TYPE_CLASH'].includes(error.code)) throw error
    const hit = await entryAt(to)
    if (!hit || !overwrites(call.req.headers)) throw error
    await clear(call, to, hit)
    return answerOf({ ...(await run()), replaced: true })
  }
}

async function clear(call: EntryCall, to: EntryCall, hit: Entry): Promise<void> {
  const { tree } = call.deps
  const { entry: source } = await tree.stat(call.op, call.at)
  if (source.id === hit.id) throw ontoItself(call)
  if (`${source.path}/`.startsWith(`${hit.path}/`)) {
    throw new SpaceError(
      'INTO_ITSELF',
      `${quote(hit.path)} holds the source, so it cannot be replaced by it.`,
    )
  }
  if (`${hit.path}/`.startsWith(`${source.path}/`) || source.path === '') {
    throw new SpaceError('INTO_ITSELF', `${quote(source.path)} holds the destination ${quote(hit.path)}.`)
  }
  await tree.remove(to.op, to.at, { recursive: true, ifMatch: [hit.etag] })
}

function ontoItself({ at }: EntryCall): SpaceError {
  return new SpaceError('INTO_ITSELF', `${quote(`/${pathString(at.path)}`)} is its own destination.`)
}

function answerOf({ entry, replaced }: Outcome): Answer {
  return { status: replaced ? 204 : 201, headers: ['ETag', quoted(entry.etag)] }
}
