/** PUT of content: a folder, unless it brings bytes (contract §3). */
import { SpaceError } from '../../../space/errors.js'
import { pathString } from '../../../space/names.js'
import { quote } from '../../../space/quote.js'
import { type Answer, jsonAnswer } from '../../answer.js'
import { quoted } from '../../etags.js'
import { isEmptyBody } from '../../request-body.js'
import { metadata } from '../metadata.js'
import type { SpaceCall } from '../space-call.js'
import { changeHeaders, isRoot, mkdirRequest, placeOf } from './place.js'
import { writeContent } from './write.js'

export async function putContent(call: SpaceCall): Promise<Answer> {
  const at = placeOf(call)
  const isFolder = at.path.trailingSlash || isRoot(at)
  if (!(await isEmptyBody(call.req, call.res))) {
    if (!isFolder) return writeContent(call, at)
    throw new SpaceError(
      'BAD_REQUEST',
      `${quote(`${pathString(at.path)}/`)} names a folder, and a folder takes no body.`,
    )
  }
  const { created, entry, mark } = await call.deps.tree.mkdir(call.op, at, mkdirRequest(call))
  const headers = ['ETag', quoted(entry.etag), ...changeHeaders(call, mark)]
  return jsonAnswer(created ? 201 : 200, metadata(entry, created), headers)
}
