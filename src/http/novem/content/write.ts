/**
 * POST of content, and PUT with a body: the bytes go into a blob, then one atomic step links it into the tree
 * (src/README.md, "The life of one write").
 */
import { SpaceError } from '../../../space/errors.js'
import { pathString } from '../../../space/names.js'
import type { WriteRequest } from '../../../space/operations.js'
import { quote } from '../../../space/quote.js'
import type { OpContext, StoredBlob } from '../../../space/types.js'
import { type Answer, jsonAnswer } from '../../answer.js'
import { expectedDigests } from '../../digests.js'
import { quoted } from '../../etags.js'
import { announcedLength, askForBody, expectsContinue } from '../../request-body.js'
import { metadata } from '../metadata.js'
import { reload, type SpaceCall } from '../space-call.js'
import { changeHeaders, isRoot, type Place, writeRequest } from './place.js'

/** Up to this size taking the bytes in is cheaper than asking first whether they are wanted. */
const SMALL_BYTES = 64 * 1024

export async function writeContent(call: SpaceCall, at: Place): Promise<Answer> {
  if (isRoot(at) && at.base === undefined) {
    throw new SpaceError('TYPE_CLASH', 'The root of the content is a folder, and bytes are written to files.')
  }
  const request = writeRequest(call, at)
  const length = announcedLength(call.req)
  const isSmall =
    length !== undefined &&
    length <= Math.min(SMALL_BYTES, call.op.limits.fileBytes) &&
    !expectsContinue(call.req)
  if (!isSmall) {
    await call.deps.tree.checkWrite(call.op, at, {
      ...request,
      ...(length !== undefined && { size: length }),
    })
  }
  const blob = await receive(call, at, length)
  return commit(call, at, blob, request, isSmall)
}

async function receive(call: SpaceCall, at: Place, length: number | undefined): Promise<StoredBlob> {
  const { req, res, deps, op } = call
  const { algorithms, verify } = expectedDigests(
    req.headers as Readonly<Record<string, string | string[] | undefined>>,
  )
  askForBody(req, res)
  try {
    return await deps.blobs.put(op.space, req, {
      limit: op.limits.fileBytes,
      ...(length !== undefined && { length }),
      digests: algorithms,
      verify,
    })
  } catch (error) {
    throw aboutPath(error, at)
  }
}

async function commit(
  call: SpaceCall,
  at: Place,
  blob: StoredBlob,
  request: WriteRequest,
  isSmall: boolean,
): Promise<Answer> {
  const { tree, blobs, log } = call.deps
  const { space } = call.op
  const failed = (what: string) => (error: unknown) =>
    log.warn(`${what} blob ${blob.id} of space ${space}: ${error}`)
  try {
    const op: OpContext = isSmall ? call.op : await reload(call)
    const { created, entry, mark } = await tree.write(op, at, blob, request)
    // A repeated Idempotency-Key: the first answer stands, and its bytes; these are not needed.
    if (entry.etag === blob.id) blobs.settle(space, blob.id).catch(failed('Settling'))
    else blobs.discard(space, blob.id).catch(failed('Discarding'))
    const headers = ['ETag', quoted(entry.etag), ...changeHeaders(call, mark)]
    return jsonAnswer(200, { created, ...metadata(entry) }, headers)
  } catch (error) {
    // Nobody knows what the tree did when it does not answer: the collector will ask it.
    if (!isUnknown(error)) await blobs.discard(space, blob.id).catch(failed('Discarding'))
    throw error
  }
}

function isUnknown(error: unknown): boolean {
  return !(error instanceof SpaceError) || error.code === 'UNAVAILABLE'
}

/** The blob store knows no paths; the message shall. */
function aboutPath(error: unknown, at: Place): unknown {
  if (!(error instanceof SpaceError)) return error
  const message = `${quote(pathString(at.path))} was not written. ${error.message}`
  return new SpaceError(error.code, message, error.details, { cause: error })
}
