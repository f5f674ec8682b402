/** `POST upload`: five ways in, by Content-Type (contract §7); all end in the same write. */
import type { Readable } from 'node:stream'
import { Readable as ReadableStream } from 'node:stream'
import type { PutOptions } from '../../blobs/store.js'
import { SpaceError } from '../../space/errors.js'
import type { WriteRequest } from '../../space/operations.js'
import { quote } from '../../space/quote.js'
import type { StoredBlob } from '../../space/types.js'
import type { Answer } from '../answer.js'
import { expectedDigests } from '../digests.js'
import { contentType, isMediaType } from '../mime.js'
import { reload, type SpaceCall } from '../novem/space-call.js'
import { RemoteFetcher } from '../remote/fetcher.js'
import { announcedLength, askForBody, bodyOf } from '../request-body.js'
import { commit, takeIn, upload } from '../upload.js'
import { writeHeaders } from '../write-headers.js'
import { isDataUrl, openDataUrl } from './data-url.js'
import { boundaryOf, Form, MOST_OTHER_BYTES } from './form.js'
import { readUploadBody } from './json-body.js'
import { metaChange } from './meta.js'
import { filePlaceOf, type Place } from './place.js'
import { requestUpload } from './two-stage.js'
import { writtenAnswer } from './written.js'

const FETCHER = new RemoteFetcher()

/** An upload whose bytes are not the body as such. `request`: all that is known before they come. */
interface Arriving {
  readonly call: SpaceCall
  readonly at: Place
  readonly request: WriteRequest
}

export async function uploadFile(call: SpaceCall): Promise<Answer> {
  const at = filePlaceOf(call)
  const { headers } = call.req
  const declared = headers['content-type'] ?? ''
  const kind = declared.split(';', 1)[0]?.trim().toLowerCase()
  if (kind !== 'application/json' && kind !== 'multipart/form-data') return uploadBytes(call, at)
  for (const name of ['content-md5', 'content-digest', 'repr-digest'] as const) {
    if (headers[name] === undefined) continue
    throw new SpaceError('BAD_REQUEST', `The header ${name} is taken only where the body is the file itself.`)
  }
  const { 'content-type': _, ...others } = headers
  const request = { ...writeHeaders(others, nameOf(at)), properties: metaChange(undefined) }
  const arriving = { call, at, request }
  // A JSON body may be no more than a question: those checks are made when its answer is known.
  return kind === 'application/json' ? uploadDescribed(arriving) : uploadForm(arriving, declared)
}

async function uploadBytes(call: SpaceCall, at: Place): Promise<Answer> {
  const { deps, req, res, op } = call
  const request = { ...writeHeaders(req.headers, nameOf(at)), properties: metaChange(undefined) }
  const digests = expectedDigests(req.headers as Readonly<Record<string, string | string[] | undefined>>)
  const arriving = { deps, req, res, op, digests, reload: () => reload(call) }
  return writtenAnswer(call, at, await upload(arriving, at, request))
}

async function uploadForm(arriving: Arriving, declared: string): Promise<Answer> {
  const { call, at, request } = arriving
  const { req, res, op, deps } = call
  const boundary = boundaryOf(declared)
  const most = announcedLength(req)
  // What the form has besides the file is limited, so a long body tells that the file is too long.
  const size = Math.max(0, (most ?? 0) - MOST_OTHER_BYTES)
  await deps.tree.checkWrite(op, at, { ...request, size })
  askForBody(req, res)
  const form = new Form(req, boundary)
  try {
    const file = await form.file
    const type = contentType(file.contentType, nameOf(at), 'The Content-Type of the part "file"')
    return await store(arriving, type, file.body, {}, () => form.end)
  } catch (error) {
    throw form.failure ?? error
  } finally {
    form.close()
  }
}

async function uploadDescribed(arriving: Arriving): Promise<Answer> {
  const { deps, op, req, res } = arriving.call
  await deps.tree.checkWrite(op, arriving.at, arriving.request)
  askForBody(req, res)
  const stream = bodyOf(req)
  try {
    const body = await readUploadBody(stream)
    if (body.kind === 'large') return await uploadDataUrl(arriving, body.file)
    return await uploadAsDescribed(arriving, body.body.file)
  } finally {
    stream.destroy()
  }
}

function uploadAsDescribed(arriving: Arriving, file: unknown): Promise<Answer> {
  if (typeof file === 'string') {
    return isDataUrl(file) ? uploadDataUrl(arriving, once(file)) : uploadRemote(arriving, file)
  }
  if (typeof file === 'object' && file !== null && !Array.isArray(file)) {
    const { call, at, request } = arriving
    return requestUpload(call, at, request, file as Readonly<Record<string, unknown>>)
  }
  const shown = file === undefined ? 'missing' : quote(JSON.stringify(file))
  throw new SpaceError(
    'BAD_REQUEST',
    `"file" in the body must be an http, https or data URL, or {"type", "size"}; it is ${shown}.`,
  )
}

async function uploadDataUrl(arriving: Arriving, pieces: AsyncGenerator<string, void>): Promise<Answer> {
  const url = await openDataUrl(pieces)
  const bytes = ReadableStream.from(url.bytes)
  try {
    const type = contentType(url.contentType, nameOf(arriving.at), 'The type of the data URL')
    return await store(arriving, type, bytes)
  } finally {
    bytes.destroy()
  }
}

async function uploadRemote(arriving: Arriving, url: string): Promise<Answer> {
  const { call, at, request } = arriving
  const { deps, op } = call
  const { body, length, contentType: type } = await (deps.fetcher ?? FETCHER).open(url, call.ended())
  try {
    if (length !== undefined) await deps.tree.checkWrite(op, at, { ...request, size: length })
    // What another server calls it is no fault of the caller.
    const declared = type !== undefined && isMediaType(type.trim()) ? type : undefined
    return await store(arriving, contentType(declared, nameOf(at)), body, {
      ...(length !== undefined && { length }),
    })
  } catch (error) {
    if (!(error instanceof SpaceError) || error.code !== 'BODY_BROKEN') throw error
    throw new SpaceError('REMOTE_FAILED', `${quote(url)} broke off. ${error.message}`, {}, { cause: error })
  } finally {
    body.destroy()
  }
}

/** Takes the bytes in and commits them, once `complete` says that all that belongs to them was right. */
async function store(
  { call, at, request }: Arriving,
  type: string,
  bytes: Readable,
  options: Omit<PutOptions, 'limit'> = {},
  complete: () => Promise<void> = async () => {},
): Promise<Answer> {
  const blob = await takeIn(call, at, bytes, options)
  await completed(call, blob, complete)
  const written = await commit(call, at, blob, { ...request, contentType: type }, () => reload(call))
  return writtenAnswer(call, at, written)
}

async function completed(
  { deps, op }: SpaceCall,
  blob: StoredBlob,
  complete: () => Promise<void>,
): Promise<void> {
  try {
    await complete()
  } catch (error) {
    await deps.blobs.discard(op.space, blob.id).catch((failure: unknown) => {
      deps.log.warn(`Discarding blob ${blob.id} of space ${op.space}: ${failure}`)
    })
    throw error
  }
}

async function* once(text: string): AsyncGenerator<string, void> {
  yield text
}

function nameOf({ path }: Place): string {
  return path.names.at(-1) ?? ''
}
