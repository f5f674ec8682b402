/**
 * A request's body becomes a file: the bytes go into a blob, then one atomic step links it into the tree
 * (src/README.md, "The life of one write").
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { PutOptions } from '../blobs/store.js'
import { SpaceError } from '../space/errors.js'
import { pathString } from '../space/names.js'
import type { WriteRequest, WriteResult } from '../space/operations.js'
import { quote } from '../space/quote.js'
import type { Location, OpContext, StoredBlob } from '../space/types.js'
import type { AppDeps } from './deps.js'
import type { ExpectedDigests } from './digests.js'
import { announcedLength, askForBody, expectsContinue } from './request-body.js'

/** Up to this size taking the bytes in is cheaper than asking first whether they are wanted. */
const SMALL_BYTES = 256 * 1024

export interface Upload {
  readonly deps: Pick<AppDeps, 'tree' | 'blobs' | 'log'>
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly op: OpContext
  /** Who asks, loaded again when a long body has come. */
  readonly reload: () => Promise<OpContext>
  readonly digests: ExpectedDigests
  /** Bytes a client says will come where no Content-Length does. */
  readonly expected?: number
  /** Bytes that must come, no more and no fewer (BODY_BROKEN), also where no Content-Length says so. */
  readonly exact?: number
}

/** Errors of `checkWrite`, `BlobStore.put` and `write`. */
export async function upload(call: Upload, at: Location, request: WriteRequest): Promise<WriteResult> {
  const length = announcedLength(call.req) ?? call.exact
  const isSmall =
    length !== undefined &&
    length <= Math.min(SMALL_BYTES, call.op.limits.fileBytes) &&
    !expectsContinue(call.req)
  if (!isSmall) {
    const size = length ?? call.expected
    await call.deps.tree.checkWrite(call.op, at, { ...request, ...(size !== undefined && { size }) })
  }
  // Nobody can have lost their access between `load` and a body that had come by then; what is presumed is looked at by the write itself.
  const isHere = isSmall && (call.op.presumed !== undefined || call.req.readableLength >= length)
  const again = isHere ? undefined : reloadedAtEnd(call)
  const blob = await receive(call, at, length)
  return commit(call, at, blob, request, again)
}

/** Who asks, as soon as the last byte has come: while the store is still busy with it. */
function reloadedAtEnd({ req, reload }: Upload): () => Promise<OpContext> {
  let loading: Promise<OpContext> | undefined
  req.once('end', () => {
    loading = reload()
    // Whoever takes it hears of it.
    loading.catch(() => undefined)
  })
  return () => loading ?? reload()
}

function receive(call: Upload, at: Location, length: number | undefined): Promise<StoredBlob> {
  const { req, res, digests } = call
  askForBody(req, res)
  return takeIn(call, at, req, {
    ...(length !== undefined && { length }),
    digests: digests.algorithms,
    verify: digests.verify,
  })
}

/**
 * Bytes become a blob, to be committed. The body is not destroyed. Errors of `BlobStore.put`, naming the path; where the body
 * itself failed with one of the domain's errors, that one.
 */
export async function takeIn(
  { deps, op }: Pick<Upload, 'deps' | 'op'>,
  at: Location,
  body: Readable,
  options: Omit<PutOptions, 'limit'> = {},
): Promise<StoredBlob> {
  try {
    return await deps.blobs.put(op.space, body, { limit: op.limits.fileBytes, ...options })
  } catch (error) {
    const isOwn = error instanceof SpaceError && error.cause instanceof SpaceError
    throw aboutPath(isOwn ? error.cause : error, at)
  }
}

/** Links a blob that is in the store, and settles what becomes of it. Errors of `write` and of `reload`. */
export async function commit(
  { deps: { tree, blobs, log }, op }: Pick<Upload, 'deps' | 'op'>,
  at: Location,
  blob: StoredBlob,
  request: WriteRequest,
  reload?: () => Promise<OpContext>,
): Promise<WriteResult> {
  const { space } = op
  const failed = (what: string) => (error: unknown) =>
    log.warn(`${what} blob ${blob.id} of space ${space}: ${error}`)
  try {
    const result = await tree.write(reload ? await reload() : op, at, blob, request)
    // A repeated Idempotency-Key: the first answer stands, and its bytes; these are not needed.
    if (result.entry.etag === blob.id) blobs.settle(space, blob.id).catch(failed('Settling'))
    else blobs.discard(space, blob.id).catch(failed('Discarding'))
    return result
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
function aboutPath(error: unknown, at: Location): unknown {
  if (!(error instanceof SpaceError)) return error
  const message = `${quote(pathString(at.path))} was not written. ${error.message}`
  return new SpaceError(error.code, message, error.details, { cause: error })
}
