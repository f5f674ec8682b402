/**
 * A request's body becomes a file: the bytes go into a blob, then one atomic step links it into the tree
 * (src/README.md, "The life of one write").
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { PutOptions } from '../blobs/store.js'
import { AnotherSpace } from '../space/another-space.js'
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
  readonly expected?: number | undefined
  /** Bytes that must come, no more and no fewer (BODY_BROKEN), also where no Content-Length says so. */
  readonly exact?: number | undefined
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
  return takeIn(call, at, req, { length, digests: digests.algorithms, verify: digests.verify })
}

/**
 * Bytes become a blob, to be committed. The body is not destroyed. Errors of `BlobStore.put`, naming the path; where the body
 * itself failed with one of the domain's errors, that one.
 */
export async function takeIn(
  { deps, op }: Pick<Upload, 'deps' | 'op'>,
  at: Location,
  body: Readable | Uint8Array,
  { length, signal, digests, verify }: Omit<PutOptions, 'limit'> = {},
): Promise<StoredBlob> {
  const limit = op.limits.fileBytes
  try {
    return await deps.blobs.put(op.space, body, { limit, length, signal, digests, verify })
  } catch (error) {
    const isOwn = error instanceof SpaceError && error.cause instanceof SpaceError
    throw aboutPath(isOwn ? error.cause : error, at)
  }
}

/** Links a blob that is in the store, and settles what becomes of it. Errors of `write` and of `reload`. */
export async function commit(
  { deps, op }: Pick<Upload, 'deps' | 'op'>,
  at: Location,
  blob: StoredBlob,
  request: WriteRequest,
  reload?: () => Promise<OpContext>,
): Promise<WriteResult> {
  const { tree, blobs, log } = deps
  const { space } = op
  const failed = (what: string) => (error: unknown) =>
    log.warn(`${what} blob ${blob.id} of space ${space}: ${error}`)
  const discard = () => blobs.discard(space, blob.id).catch(failed('Discarding'))
  try {
    const result = await tree.write(reload ? await reload() : op, at, blob, request)
    // A repeated Idempotency-Key: the first answer stands, and its bytes; these are not needed.
    if (result.entry.etag === blob.id) blobs.settle(space, blob.id).catch(failed('Settling'))
    else void discard()
    return result
  } catch (error) {
    if (error instanceof AnotherSpace) {
      const moved = await putThere({ deps, op }, at, blob, request, error.op).finally(discard)
      return commit({ deps, op: error.op }, at, moved, request)
    }
    // Nobody knows what the tree did when it does not answer: the collector will ask it.
    if (!isUnknown(error)) await discard()
    throw error
  }
}

/** The same bytes in the space that has the name now: so few that they were presumed about are put again at once. Errors of `checkWrite` too. */
async function putThere(
  { deps, op }: Pick<Upload, 'deps' | 'op'>,
  at: Location,
  { id, size }: StoredBlob,
  request: WriteRequest,
  there: OpContext,
): Promise<StoredBlob> {
  await deps.tree.checkWrite(there, at, { ...request, size })
  const bytes = size > 0 ? await deps.blobs.read(op.space, id, { start: 0, end: size - 1 }) : Buffer.alloc(0)
  return takeIn({ deps, op: there }, at, bytes, { length: size })
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
