import type { Readable } from 'node:stream'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { SpaceError } from '../../space/errors.js'
import type { StoredBlob } from '../../space/types.js'
import { BlobCache } from '../cache.js'
import { newBlobId } from '../ids.js'
import type { PendingNotes } from '../notes.js'
import { checkRange, doesNotExist } from '../ranges.js'
import type { BlobStore, ByteRange, ListedBlob, PendingBlob, PutOptions } from '../store.js'
import { S3Bucket } from './bucket.js'
import { type S3Place, s3Client } from './client.js'
import { failure } from './failure.js'
import { openObject } from './reading.js'
import { upload } from './upload.js'

export interface S3BlobStoreOptions {
  readonly notes: PendingNotes
  /** Memory for recently read small blobs; 0 for none. */
  readonly cacheBytes?: number
  /** How often the notes of slow uploads are renewed, in ms; far less than the collector's grace period. */
  readonly heartbeatMs?: number
  /** How long S3 may take to begin its answer, in ms. */
  readonly requestMs?: number
}

export interface PresignOptions {
  /** How long the address works, in seconds; a week at most. */
  readonly seconds: number
  /** Headers of the answer. */
  readonly contentType?: string
  readonly disposition?: string
}

const HEARTBEAT_MS = 30_000
const CACHE_BYTES = 16 * 1024 * 1024
/** Up to here a range may be cached. */
const SMALL_BYTES = 64 * 1024

/**
 * Blobs as objects of a bucket: Amazon's, Ceph's, or any server that speaks S3.
 *
 * A put costs one request (up to 5 MiB; larger ones are multipart uploads) and a note in Redis before it, which says that
 * the blob is pending; settling only takes the note away. So objects never move, and what a killed process leaves, a whole
 * object or an unfinished upload, is found by its note. An upload is listed by S3 itself too, should the note be lost.
 */
export class S3BlobStore implements BlobStore {
  readonly bucket: S3Bucket
  readonly #notes: PendingNotes
  readonly #heartbeatMs: number
  readonly #cache: BlobCache

  constructor(place: S3Place, options: S3BlobStoreOptions) {
    this.bucket = new S3Bucket(s3Client(place, options.requestMs), place)
    this.#notes = options.notes
    this.#heartbeatMs = options.heartbeatMs ?? HEARTBEAT_MS
    this.#cache = new BlobCache(options.cacheBytes ?? CACHE_BYTES)
  }

  open(): Promise<void> {
    return this.bucket.open()
  }

  async close(): Promise<void> {
    this.bucket.client.destroy()
  }

  async put(space: string, body: Readable | Uint8Array, options: PutOptions): Promise<StoredBlob> {
    const id = newBlobId()
    const key = this.bucket.key(space, id)
    const since = Date.now()
    let noted: number | undefined
    let sending = false
    const note = async () => {
      noted = Date.now()
      await this.#notes.note(space, id, since).catch((error: unknown) => {
        noted = undefined
        throw error
      })
    }
    const heart = setInterval(() => {
      // A missed beat is harmless: the grace period is many beats long.
      if (noted !== undefined) note().catch(() => {})
    }, this.#heartbeatMs).unref()
    const onSending = () => {
      sending = true
    }
    let refused: { readonly error: unknown } | undefined
    const verify: PutOptions['verify'] = (digests) => {
      try {
        options.verify?.(digests)
      } catch (error) {
        refused = { error }
        throw error
      }
    }
    const target = { bucket: this.bucket, key, id, note, onSending }
    try {
      const blob = await upload(target, body, { ...options, verify })
      // The process may have stood still for longer than the collector waits.
      if (noted !== undefined && Date.now() - noted > 2 * this.#heartbeatMs) await note()
      return blob
    } catch (error) {
      // Cleaning up must not hide the failure that led to it; what it leaves has its note, and is the collector's.
      if (noted !== undefined) await this.#undo(space, id, sending).catch(() => {})
      // What the caller raised is the caller's.
      throw refused ? refused.error : failure(error, 'writing a blob')
    } finally {
      clearInterval(heart)
    }
  }

  async settle(space: string, blob: string): Promise<void> {
    const key = this.bucket.key(space, blob)
    try {
      // Without a note it was met in the list of unfinished uploads: begun twice, since an answer was lost.
      if ((await this.#notes.drop(space, [blob])) === 0) await this.bucket.abortUploads(key)
    } catch {
      // The collector tries again.
    }
  }

  async discard(space: string, blob: string): Promise<void> {
    const key = this.bucket.key(space, blob)
    try {
      const isPending = (await this.#notes.among(space, [blob])).has(blob)
      if (isPending) await this.#undo(space, blob, true)
      // A live blob has no unfinished upload.
      else await this.bucket.abortUploads(key)
    } catch (error) {
      throw failure(error, 'discarding a blob')
    }
  }

  async get(space: string, blob: string, range?: ByteRange): Promise<Readable> {
    checkRange(range)
    const key = this.bucket.key(space, blob)
    return (await openObject({ bucket: this.bucket, key, blob, range })) ?? doesNotExist(space, blob)
  }

  async read(space: string, blob: string, range: ByteRange): Promise<Buffer> {
    const { start, end } = range
    const key = this.bucket.key(space, blob)
    const cached = this.#cache.get(key, start, end)
    if (cached) return cached
    const chunks: Buffer[] = []
    for await (const chunk of await this.get(space, blob, range)) chunks.push(chunk as Buffer)
    const bytes = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
    if (start === 0 && bytes.length <= SMALL_BYTES) this.#cache.set(key, Buffer.from(bytes))
    return bytes
  }

  async size(space: string, blob: string): Promise<number | undefined> {
    const key = this.bucket.key(space, blob)
    try {
      return await this.bucket.size(key)
    } catch (error) {
      throw failure(error, 'looking at a blob')
    }
  }

  async delete(space: string, blobs: readonly string[]): Promise<void> {
    const keys = blobs.map((blob) => this.bucket.key(space, blob))
    for (const key of keys) this.#cache.delete(key)
    try {
      await this.bucket.delete(keys)
      await this.#notes.drop(space, blobs)
    } catch (error) {
      throw failure(error, 'deleting blobs')
    }
  }

  async *pending(olderThan: number): AsyncGenerator<PendingBlob> {
    try {
      yield* this.#notes.list(olderThan)
      for await (const begun of this.bucket.unfinished(olderThan)) {
        const { space, blob } = begun
        if (!(await this.#notes.among(space, [blob])).has(blob)) yield begun
      }
    } catch (error) {
      throw failure(error, 'listing unfinished uploads')
    }
  }

  async *list(space: string): AsyncGenerator<ListedBlob> {
    try {
      for await (const page of this.bucket.pages(space)) {
        const blobs = page.map(({ blob }) => blob)
        const pending = await this.#notes.among(space, blobs)
        for (const { blob, size } of page) yield { blob, size, pending: pending.has(blob) }
      }
    } catch (error) {
      throw failure(error, 'listing blobs')
    }
  }

  /** An address from which whoever has it may read the blob for a while, past us and without further checks. */
  async presign(space: string, blob: string, options: PresignOptions): Promise<string> {
    const { seconds, contentType, disposition } = options
    const command = new GetObjectCommand({
      Bucket: this.bucket.name,
      Key: this.bucket.key(space, blob),
      ...(contentType !== undefined && { ResponseContentType: contentType }),
      ...(disposition !== undefined && { ResponseContentDisposition: disposition }),
    })
    try {
      return await getSignedUrl(this.bucket.client, command, { expiresIn: seconds })
    } catch (cause) {
      throw new SpaceError('UNAVAILABLE', 'An address for the blob could not be signed.', {}, { cause })
    }
  }

  /** The note goes last: until then the collector knows what there may be. */
  async #undo(space: string, blob: string, wasSent: boolean): Promise<void> {
    const key = this.bucket.key(space, blob)
    if (wasSent) {
      await this.bucket.abortUploads(key)
      await this.bucket.delete([key])
    }
    await this.#notes.drop(space, [blob])
  }
}
