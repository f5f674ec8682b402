/** `GET download`: a file's bytes, or a URL at which whoever has it finds them for a day. */
import { SpaceError } from '../../space/errors.js'
import { quote } from '../../space/quote.js'
import type { Access, FileEntry, Location } from '../../space/types.js'
import { type Answer, jsonAnswer } from '../answer.js'
import type { Call } from '../call.js'
import { attachment } from '../disposition.js'
import { bytesAnswer } from '../novem/content/read.js'
import type { SpaceCall } from '../novem/space-call.js'
import { originOf } from '../origin.js'
import { prefersJson } from '../request-headers.js'
import { placeOf } from './place.js'
import { UrlSigner } from './signing.js'
import { signedCall } from './two-stage.js'

const DAY_SECONDS = 86_400

export async function download(call: SpaceCall): Promise<Answer> {
  const at = placeOf(call)
  const { entry, access } = await fileAt(call, at)
  if (!prefersJson(call.req.headers)) return bytesAnswer(call, entry, access)
  const body = { id: at.pathId, url: await urlOf(call, entry) }
  return jsonAnswer(200, body, ['Cache-Control', 'no-store', 'Vary', 'Accept, Authorization'])
}

/** Good as long as its issuer may read the file, and the file is the same. */
export async function getSigned(call: Call): Promise<Answer> {
  return signedCall(call, 'GET', async (signed, { etag }) => {
    const { entry, access } = await fileAt(signed, placeOf(signed))
    if (entry.etag === etag) return bytesAnswer(signed, entry, access)
    throw new SpaceError('NOT_FOUND', `${quote(entry.path)} is no longer the file this URL was made for.`)
  })
}

/** Bytes from the blob store itself where the operator has turned that on; nobody is asked again there. */
async function urlOf({ deps, req, session, space }: SpaceCall, entry: FileEntry): Promise<string> {
  const { path, etag, blob, contentType, name } = entry
  if (deps.presign) {
    const options = { seconds: DAY_SECONDS, contentType, disposition: attachment(name) }
    return deps.presign(space.id, blob, options)
  }
  const claims = { space: space.id, issuer: session.account.id, etag }
  return originOf(deps, req) + new UrlSigner(deps.urlSecret).sign('GET', space.shortname, path, claims)
}

/** TYPE_CLASH on a folder. */
async function fileAt(
  { deps, op }: SpaceCall,
  at: Location,
): Promise<{ readonly entry: FileEntry; readonly access: Access }> {
  const { entry, access } = await deps.tree.stat(op, at)
  if (entry.kind === 'file') return { entry, access }
  throw new SpaceError('TYPE_CLASH', `${quote(entry.path)} is a folder, and has no bytes.`)
}
