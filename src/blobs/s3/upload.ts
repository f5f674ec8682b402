import { Readable } from 'node:stream'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import type { StoredBlob } from '../../space/types.js'
import { Gate } from '../gate.js'
import type { Digests } from '../hashing.js'
import { Intake } from '../intake.js'
import type { PutOptions } from '../store.js'
import type { S3Bucket } from './bucket.js'
import { hasName } from './failure.js'

/**
 * Up to here a body is one request; larger ones go in parts of this size, the smallest that S3 takes, or larger where 10,000 of
 * them would not do.
 */
const PART_BYTES = 5 * 1024 * 1024
const MOST_PARTS = 10_000
/** Parts of one upload in flight, where there is memory for them. */
const PARTS_AT_ONCE = 4
/** Bodies of this size need no permission to be held. */
const SMALL_BYTES = 64 * 1024

/** Parts have to be whole before they go, so that they can be sent again: this is what all uploads may hold together. */
const memory = new Gate(384 * 1024 * 1024)
/** A part is there as it came and in one piece, and the SDK keeps the piece before it. */
const COPIES = 3

export interface UploadTarget {
  readonly bucket: S3Bucket
  readonly key: string
  readonly id: string
  /** Notes that the blob is pending; called when the first bytes are there, and awaited before any goes out. */
  readonly note: () => Promise<void>
  /** Told before the first request goes out: from here on something may be left behind. */
  readonly onSending: () => void
}

/** Streams a body into an object. Rejects with what `Intake`, `verify` and the SDK raise; parts that went out are aborted. */
export async function upload(
  target: UploadTarget,
  body: Readable | Uint8Array,
  options: PutOptions,
): Promise<StoredBlob> {
  const intake = new Intake(body, options)
  const leave: (() => void)[] = []
  try {
    let batch = await intake.next()
    const noted = target.note()
    // It is awaited below; until then a failure of the body comes first.
    noted.catch(() => {})
    const chunks: Uint8Array[] = []
    while (batch !== undefined && intake.size <= PART_BYTES) {
      for (const chunk of batch) chunks.push(chunk)
      if (leave.length === 0 && !intake.ended && intake.size > SMALL_BYTES)
        leave.push(await memory.enter(COPIES * partBytes(options)))
      batch = await intake.next()
    }
    const sending = { ...target, noted, leave }
    if (batch) for (const chunk of batch) chunks.push(chunk)
    const digests = batch
      ? await sendParts(sending, intake, chunks, options)
      : await sendWhole(sending, intake, chunks, options)
    return { id: target.id, size: intake.size, md5: digests.md5 }
  } finally {
    for (const go of leave) go()
    intake.close()
  }
}

interface Sending extends UploadTarget {
  readonly noted: Promise<void>
  /** How to give back memory. */
  readonly leave: (() => void)[]
}

async function sendWhole(
  { bucket, key, noted, onSending }: Sending,
  intake: Intake,
  chunks: readonly Uint8Array[],
  options: PutOptions,
): Promise<Digests> {
  const digests = await intake.digests()
  options.verify?.(digests)
  await noted
  const command = new PutObjectCommand({
    Bucket: bucket.name,
    Key: key,
    Body: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks),
    ContentMD5: Buffer.from(digests.md5, 'hex').toString('base64'),
  })
  onSending()
  await bucket.request((client) => client.send(command))
  return digests
}

/** Takes `chunks` out of the list as they go: they are not to be held for as long as the upload takes. */
async function sendParts(
  { bucket, key, noted, leave, onSending }: Sending,
  intake: Intake,
  chunks: Uint8Array[],
  options: PutOptions,
): Promise<Digests> {
  const partSize = partBytes(options)
  const more = Math.min(PARTS_AT_ONCE - 1, memory.room(partSize))
  if (more > 0) leave.push(await memory.enter(more * partSize))
  await noted
  let digests: Digests | undefined
  let broken: { readonly error: unknown } | undefined
  const feed = async function* () {
    try {
      for (let chunk = chunks.shift(); chunk; chunk = chunks.shift()) yield chunk
      for (let batch = await intake.next(); batch; batch = await intake.next()) yield* batch
      digests = await intake.digests()
      options.verify?.(digests)
    } catch (error) {
      broken = { error }
      throw error
    }
  }
  onSending()
  const sending = new Upload({
    client: bucket.client,
    params: { Bucket: bucket.name, Key: key, Body: Readable.from(feed(), { highWaterMark: 1 }) },
    partSize,
    queueSize: 1 + more,
  })
  try {
    await sending.done()
  } catch (error) {
    // What the SDK meets while it aborts shall not hide why.
    if (broken) throw broken.error
    // It was completed, and the answer was lost: nobody else knows this key.
    const isComplete = hasName(error, 'NoSuchUpload') && (await bucket.size(key)) === intake.size
    if (!isComplete) throw error
  }
  return digests as Digests
}

function partBytes({ length, limit }: PutOptions): number {
  const most = Math.min(length ?? limit, limit)
  if (length !== undefined && length <= PART_BYTES) return Math.max(length, 1)
  return Math.max(PART_BYTES, Math.ceil(most / MOST_PARTS))
}
