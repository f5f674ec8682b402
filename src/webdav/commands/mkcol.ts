/** MKCOL (RFC 4918 §9.3): one folder, in a folder that is there. */
import type { Answer } from '../../http/answer.js'
import { isEmptyBody } from '../../http/request-body.js'
import { mtimeOf } from '../../http/write-headers.js'
import { SpaceError } from '../../space/errors.js'
import { pathString } from '../../space/names.js'
import { quote } from '../../space/quote.js'
import type { EntryCall } from '../call.js'
import { DavError } from '../errors.js'

export async function mkcol(call: EntryCall): Promise<Answer> {
  const { req, res, deps, op, at } = call
  if (!(await isEmptyBody(req, res))) {
    throw new DavError(415, 'MKCOL takes no body: none of any media type means something here.')
  }
  try {
    await deps.tree.mkdir(op, at, { parents: false, ifNoneMatch: '*', ...mtimeOf(req.headers) })
  } catch (error) {
    if (!(error instanceof SpaceError) || error.code !== 'PRECONDITION_FAILED') throw error
    throw new SpaceError('EXISTS', `There is something at ${quote(`/${pathString(at.path)}`)} already.`)
  }
  return { status: 201, headers: [] }
}
