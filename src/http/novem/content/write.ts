/** POST of content, and PUT with a body. */
import { SpaceError } from '../../../space/errors.js'
import { type Answer, jsonAnswer } from '../../answer.js'
import { expectedDigests } from '../../digests.js'
import { quoted } from '../../etags.js'
import { upload } from '../../upload.js'
import { metadata } from '../metadata.js'
import { reload, type SpaceCall } from '../space-call.js'
import { changeHeaders, isRoot, type Place, writeRequest } from './place.js'

export async function writeContent(call: SpaceCall, at: Place): Promise<Answer> {
  if (isRoot(at) && at.base === undefined) {
    throw new SpaceError('TYPE_CLASH', 'The root of the content is a folder, and bytes are written to files.')
  }
  const request = writeRequest(call, at)
  const { deps, req, res, op } = call
  const digests = expectedDigests(req.headers as Readonly<Record<string, string | string[] | undefined>>)
  const { created, entry, mark } = await upload(
    { deps, req, res, op, digests, reload: () => reload(call) },
    at,
    request,
  )
  const headers = ['ETag', quoted(entry.etag), ...changeHeaders(call, mark)]
  return jsonAnswer(200, metadata(entry, created), headers)
}
