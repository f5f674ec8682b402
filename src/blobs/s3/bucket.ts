import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { SpaceError } from '../../space/errors.js'
import { Gate } from '../gate.js'
import { checkBlobId, checkSpaceId } from '../ids.js'
import type { S3Place } from './client.js'
import { failure, hasName, isMissing, reason } from './failure.js'

/** Requests in flight at a time, those that stream to readers not counted. */
const REQUESTS = 64
/** S3 deletes so many objects in one request. */
const DELETES = 1000

export interface FoundObject {
  readonly blob: string
  readonly size: number
}

export interface UnfinishedUpload {
  readonly space: string
  readonly blob: string
  readonly since: number
}

/** The requests to one bucket that the store is made of. Keys of blobs are `<prefix>blobs/<space>/<blob>`. */
export class S3Bucket {
  readonly #requests = new Gate(REQUESTS)

  constructor(
    readonly client: S3Client,
    readonly place: S3Place,
  ) {}

  get name(): string {
    return this.place.bucket
  }

  /** As operators know it. */
  get shown(): string {
    const { bucket, prefix, endpoint } = this.place
    return `${bucket}${prefix && `/${prefix.slice(0, -1)}`}${endpoint === undefined ? '' : ` at ${endpoint}`}`
  }

  key(space: string, blob: string): string {
    checkBlobId(blob)
    return this.#folder(space) + blob
  }

  /** One request, when its turn has come. Rejects with what the SDK rejects with. */
  request<T>(send: (client: S3Client) => Promise<T>): Promise<T> {
    return this.#requests.run(() => send(this.client))
  }

  /** Makes the bucket where there is none. UNAVAILABLE, saying what is missing. */
  async open(): Promise<void> {
    const { bucket, region, endpoint } = this.place
    try {
      await this.request((client) => client.send(new HeadBucketCommand({ Bucket: bucket })))
    } catch (error) {
      if (!isMissing(error)) throw this.#cannotUse(error)
      // Amazon's oldest region is the one that must not be named.
      const elsewhere = endpoint === undefined && region !== undefined && region !== 'us-east-1'
      const where = elsewhere
        ? { CreateBucketConfiguration: { LocationConstraint: region as 'eu-west-1' } }
        : {}
      await this.request((client) =>
        client.send(new CreateBucketCommand({ Bucket: bucket, ...where })),
      ).catch((refusal: unknown) => {
        // Another process was quicker.
        if (!hasName(refusal, 'BucketAlreadyOwnedByYou')) throw this.#cannotUse(refusal)
      })
    }
  }

  /** undefined where there is no such object. */
  async size(key: string): Promise<number | undefined> {
    try {
      const command = new HeadObjectCommand({ Bucket: this.name, Key: key })
      return (await this.request((client) => client.send(command))).ContentLength
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  /** Objects that are not there are no error. */
  async delete(keys: readonly string[]): Promise<void> {
    for (let at = 0; at < keys.length; at += DELETES) {
      const Objects = keys.slice(at, at + DELETES).map((Key) => ({ Key }))
      const command = new DeleteObjectsCommand({ Bucket: this.name, Delete: { Objects, Quiet: true } })
      const { Errors = [] } = await this.request((client) => client.send(command))
      const refused = Errors.find(({ Code }) => Code !== 'NoSuchKey')
      if (refused) throw new Error(`${refused.Code} ${refused.Message ?? ''} (${refused.Key})`)
    }
  }

  /** The blobs of a space, a page of up to 1,000 at a time. */
  async *pages(space: string): AsyncGenerator<readonly FoundObject[]> {
    const Prefix = this.#folder(space)
    let token: string | undefined
    do {
      const more = token === undefined ? {} : { ContinuationToken: token }
      const command = new ListObjectsV2Command({ Bucket: this.name, Prefix, ...more })
      const page = await this.request((client) => client.send(command))
      yield (page.Contents ?? []).map(({ Key = '', Size = 0 }) => ({
        blob: Key.slice(Prefix.length),
        size: Size,
      }))
      token = page.IsTruncated ? page.NextContinuationToken : undefined
    } while (token !== undefined)
  }

  /** Multipart uploads that were begun before `olderThan` (ms) and neither completed nor aborted. */
  async *unfinished(olderThan: number): AsyncGenerator<UnfinishedUpload> {
    for await (const { key, since } of this.#uploads(`${this.place.prefix}blobs/`)) {
      const [space, blob] = key.slice(this.place.prefix.length).split('/').slice(1)
      if (space && blob && since < olderThan) yield { space, blob, since }
    }
  }

  /** Aborts what is unfinished of an object; its parts go. */
  async abortUploads(key: string): Promise<void> {
    for await (const { key: Key, id } of this.#uploads(key)) {
      const command = new AbortMultipartUploadCommand({ Bucket: this.name, Key, UploadId: id })
      await this.request((client) => client.send(command)).catch((error: unknown) => {
        if (!hasName(error, 'NoSuchUpload')) throw error
      })
    }
  }

  /** Whether any blob is here, finished or not. */
  async isEmpty(): Promise<boolean> {
    const Prefix = `${this.place.prefix}blobs/`
    const command = new ListObjectsV2Command({ Bucket: this.name, Prefix, MaxKeys: 1 })
    const { KeyCount, Contents } = await this.request((client) => client.send(command))
    return (Contents?.length ?? KeyCount ?? 0) === 0
  }

  /** A small object below the prefix; undefined where it does not exist. */
  async readText(name: string): Promise<string | undefined> {
    try {
      const command = new GetObjectCommand({ Bucket: this.name, Key: this.place.prefix + name })
      return await this.request(async (client) => (await client.send(command)).Body?.transformToString())
    } catch (error) {
      if (isMissing(error)) return undefined
      throw failure(error, `reading ${name}`)
    }
  }

  /** Of several that write at once, one does, and the others' texts are dropped. */
  async writeTextOnce(name: string, text: string): Promise<void> {
    const Key = this.place.prefix + name
    const command = new PutObjectCommand({ Bucket: this.name, Key, Body: text, IfNoneMatch: '*' })
    try {
      await this.request((client) => client.send(command))
    } catch (error) {
      if (!hasName(error, 'PreconditionFailed', 'ConditionalRequestConflict'))
        throw failure(error, `writing ${name}`)
    }
  }

  async *#uploads(prefix: string): AsyncGenerator<{ key: string; id: string; since: number }> {
    let markers = {}
    for (;;) {
      const command = new ListMultipartUploadsCommand({ Bucket: this.name, Prefix: prefix, ...markers })
      const page = await this.request((client) => client.send(command))
      for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
        if (Key && UploadId) yield { key: Key, id: UploadId, since: Initiated?.getTime() ?? 0 }
      }
      if (!page.IsTruncated || !page.NextKeyMarker) return
      const { NextKeyMarker: KeyMarker, NextUploadIdMarker } = page
      markers = { KeyMarker, ...(NextUploadIdMarker && { UploadIdMarker: NextUploadIdMarker }) }
    }
  }

  #folder(space: string): string {
    checkSpaceId(space)
    return `${this.place.prefix}blobs/${space}/`
  }

  #cannotUse(error: unknown): SpaceError {
    const message = `The bucket ${this.shown} cannot be used: ${reason(error)}. ${advice(error)}`
    return new SpaceError('UNAVAILABLE', message, {}, { cause: error })
  }
}

function advice(error: unknown): string {
  if (hasName(error, 'CredentialsProviderError'))
    return 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or another source of credentials that Amazon’s SDK knows.'
  if (hasName(error, 'InvalidAccessKeyId', 'SignatureDoesNotMatch'))
    return 'The credentials are wrong: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.'
  const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
  if (status === 403)
    return 'The credentials are wrong, or not allowed to use this bucket, or it is somebody else’s.'
  if (status === 301 || status === 307 || hasName(error, 'PermanentRedirect', 'AuthorizationHeaderMalformed'))
    return 'It is in another region: set S3_REGION.'
  if (status === undefined) return 'Nobody answers there: check S3_ENDPOINT and S3_REGION.'
  return 'Check S3_BUCKET, S3_ENDPOINT and S3_REGION.'
}
