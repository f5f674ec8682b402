/** `POST delete`, `POST copy`, `POST move` (contract §7). */
import { SpaceError } from '../../space/errors.js'
import { parsePath, pathString } from '../../space/names.js'
import { quote } from '../../space/quote.js'
import type { Location } from '../../space/types.js'
import { type Answer, jsonAnswer } from '../answer.js'
import { parseConditions } from '../etags.js'
import { changeHeaders } from '../novem/content/place.js'
import type { SpaceCall } from '../novem/space-call.js'
import { isEmptyBody, readJson } from '../request-body.js'
import { filePlaceOf, placeOf } from './place.js'

/** A folder with entries goes only when the body says `{"recursive": true}`. */
export async function remove(call: SpaceCall): Promise<Answer> {
  const { deps, op, req, res } = call
  const at = placeOf(call)
  const { recursive = false } = (await isEmptyBody(req, res)) ? {} : await readJson(req, res)
  if (typeof recursive !== 'boolean') {
    throw new SpaceError(
      'BAD_REQUEST',
      `"recursive" in the body must be true or false, not ${quote(JSON.stringify(recursive))}.`,
    )
  }
  const { mark } = await deps.tree.remove(op, at, { recursive, ...parseConditions(req.headers) })
  return jsonAnswer(200, { path: pathString(at.path) }, changeHeaders(call, mark))
}

/** Without copying a byte: both share the blob. */
export async function copy(call: SpaceCall): Promise<Answer> {
  const [from, to] = [filePlaceOf(call), await destinationOf(call)]
  const request = { parents: true, ...parseConditions(call.req.headers) }
  const { entry, mark } = await call.deps.tree.copy(call.op, from, to, request)
  return jsonAnswer(200, { path: entry.path }, changeHeaders(call, mark))
}

export async function move(call: SpaceCall): Promise<Answer> {
  const [from, to] = [filePlaceOf(call), await destinationOf(call)]
  const { entry, mark } = await call.deps.tree.move(call.op, from, to, parseConditions(call.req.headers))
  return jsonAnswer(200, { path: entry.path }, changeHeaders(call, mark))
}

async function destinationOf({ req, res }: SpaceCall): Promise<Location> {
  const { destinationPath } = await readJson(req, res)
  if (typeof destinationPath !== 'string') {
    throw new SpaceError('BAD_REQUEST', 'The body must have the new path in "destinationPath".')
  }
  const path = parsePath(destinationPath)
  if (path.names.length > 0) return { path }
  throw new SpaceError('BAD_REQUEST', `"destinationPath" names no entry: ${quote(destinationPath)}.`)
}
