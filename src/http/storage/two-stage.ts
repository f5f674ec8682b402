/** Uploads in two stages (seed 001): a URL is asked for, and the bytes are sent to it without a token. */
import { SpaceError } from '../../space/errors.js'
import { pathString } from '../../space/names.js'
import type { WriteRequest } from '../../space/operations.js'
import { quote } from '../../space/quote.js'
import { type Answer, jsonAnswer } from '../answer.js'
import type { Call } from '../call.js'
import { expectedDigests } from '../digests.js'
import { contentType } from '../mime.js'
import { inSpace, reload, type SpaceCall } from '../novem/space-call.js'
import { originOf } from '../origin.js'
import { announcedLength } from '../request-body.js'
import { visibleSpace } from '../space-op.js'
import { upload } from '../upload.js'
import { writeHeaders } from '../write-headers.js'
import { metaChange, parseMeta } from './meta.js'
import { filePlaceOf, type Place } from './place.js'
import { type Opened, type SignedMethod, UrlSigner } from './signing.js'
import { writtenAnswer } from './written.js'

/**
 * First stage: is such a file wanted? Then where to send it. `file`: `{type, size, meta?}`. Errors of `checkWrite`, and
 * BAD_REQUEST, naming the member.
 */
export async function requestUpload(
  call: SpaceCall,
  at: Place,
  request: WriteRequest,
  file: Readonly<Record<string, unknown>>,
): Promise<Answer> {
  const { type, size } = file
  if (typeof type !== 'string' || type === '') {
    throw wrong('type', 'a media type such as "image/png"', type)
  }
  contentType(type, '', '"type" of "file"')
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw wrong('size', 'a number of bytes', size)
  }
  const meta = parseMeta(file.meta)
  await call.deps.tree.checkWrite(call.op, at, { ...request, properties: metaChange(meta), size })
  const { ifMatch, ifNoneMatch, modified, executable } = request
  const claims = {
    space: call.space.id,
    issuer: call.session.account.id,
    size,
    type,
    ...(meta && { meta }),
    ...(ifMatch && { ifMatch }),
    ...(ifNoneMatch && { ifNoneMatch }),
    ...(modified !== undefined && { modified }),
    ...(executable !== undefined && { executable }),
  }
  const path = pathString(at.path)
  const signed = new UrlSigner(call.deps.urlSecret).sign('PUT', call.space.shortname, path, claims)
  const uploadRequest = {
    method: 'PUT',
    url: originOf(call.deps, call.req) + signed,
    headers: { 'Content-Type': type, 'Content-Length': String(size) },
  }
  return jsonAnswer(200, { id: at.pathId, path, uploadRequest }, ['Cache-Control', 'no-store'])
}

/** Second stage. The URL is good for one file; a PUT that fails leaves it good. */
export async function putSigned(call: Call): Promise<Answer> {
  return signedCall(call, 'PUT', async (signed, claims) => {
    const { req, res, deps, op } = signed
    const at = filePlaceOf(signed)
    const declared = req.headers['content-type']
    if (declared !== undefined && declared.trim().toLowerCase() !== claims.type.trim().toLowerCase()) {
      throw new SpaceError(
        'BAD_REQUEST',
        `The header Content-Type is ${quote(declared)}, and this URL is for ${quote(claims.type)}.`,
      )
    }
    const length = announcedLength(req)
    if (length !== undefined && length !== claims.size) {
      throw new SpaceError(
        'BAD_REQUEST',
        `The body has ${length} bytes, and this URL is for exactly ${claims.size}.`,
      )
    }
    const { modified, executable, ifMatch, ifNoneMatch, meta } = claims
    const request: WriteRequest = {
      ...writeHeaders({ ...req.headers, 'content-type': claims.type }, at.path.names.at(-1) ?? ''),
      ...(ifMatch && { ifMatch }),
      ...(ifNoneMatch && { ifNoneMatch }),
      ...(modified !== undefined && { modified }),
      ...(executable !== undefined && { executable }),
      properties: metaChange(meta),
      once: { id: claims.id, forMs: Math.max(1, claims.expires - Date.now()) },
    }
    const digests = expectedDigests(req.headers as Readonly<Record<string, string | string[] | undefined>>)
    const arriving = { deps, req, res, op, digests, exact: claims.size, reload: () => reload(signed) }
    return writtenAnswer(signed, at, await upload(arriving, at, request))
  })
}

/**
 * Runs as if the URL's issuer asked now, with all that the issuer may do now. NOT_ALLOWED where the URL is not good; NOT_FOUND where
 * the issuer would find no such space.
 */
export async function signedCall<M extends SignedMethod>(
  call: Call,
  method: M,
  run: (signed: SpaceCall, claims: Opened<M>) => Promise<Answer>,
): Promise<Answer> {
  const { deps, params, query } = call
  const at = filePlaceOf(call)
  const claims = new UrlSigner(deps.urlSecret).open(method, pathString(at.path), query)
  const asIssuer: Call['reload'] = (target) => deps.directory.loadAs(claims.issuer, target)
  const loaded = await asIssuer({ shortname: params.spaceId ?? '' })
  if (!loaded.session?.account.spacesEnabled || visibleSpace(loaded)?.id !== claims.space) {
    throw new SpaceError('NOT_FOUND', `There is no space ${quote(params.spaceId ?? '')}.`)
  }
  return inSpace({ ...call, loaded, reload: asIssuer }, (signed) => run(signed, claims))
}

function wrong(member: string, what: string, value: unknown): SpaceError {
  const shown = value === undefined ? 'missing' : quote(JSON.stringify(value))
  return new SpaceError('BAD_REQUEST', `"${member}" of "file" must be ${what}; it is ${shown}.`)
}
