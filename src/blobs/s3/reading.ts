import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { Gate } from '../gate.js'
import { tooShort } from '../ranges.js'
import type { S3Bucket } from './bucket.js'
import { failure, hasName, isMissing } from './failure.js'

/** So often in a row an answer may break off without a byte having come. */
const TRIES = 4
const LONGEST_PAUSE_MS = 400

/** Answers that are being streamed at a time. */
const readers = new Gate(512)

export interface Wanted {
  readonly bucket: S3Bucket
  readonly key: string
  readonly blob: string
  /** Absent: the whole object. */
  readonly range?: { readonly start: number; readonly end: number } | undefined
}

/**
 * Bytes of an object, as a stream. Blobs are immutable, so an answer that breaks off is taken up where it ended by another
 * request; and a reader who pauses for long loses only the connection. Resolves when the first answer has begun.
 * undefined where the object does not exist; rejects with CORRUPT where it is shorter than the range, and UNAVAILABLE.
 */
export async function openObject(wanted: Wanted): Promise<Readable | undefined> {
  const { start = 0, end } = wanted.range ?? {}
  try {
    const first = await ask(wanted, start, end)
    return new ObjectStream(wanted, start, end ?? first.length - 1, first)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw failure(error, 'reading a blob')
  }
}

interface Answer {
  readonly body: Readable
  readonly length: number
}

async function ask({ bucket, key, blob }: Wanted, start: number, end: number | undefined): Promise<Answer> {
  const leave = await readers.enter()
  try {
    const Range = end === undefined ? {} : { Range: `bytes=${start}-${end}` }
    const command = new GetObjectCommand({ Bucket: bucket.name, Key: key, ...Range })
    const answer = await bucket.client.send(command)
    const body = answer.Body as Readable
    body.once('close', leave)
    const length = answer.ContentLength ?? 0
    if (end !== undefined && length !== end - start + 1) {
      body.on('error', () => {}).destroy()
      throw tooShort(blob, start + length)
    }
    return { body, length }
  } catch (error) {
    leave()
    if (hasName(error, 'InvalidRange')) {
      const size = await bucket.size(key)
      if (size !== undefined) throw tooShort(blob, size)
    }
    throw error
  }
}

class ObjectStream extends Readable {
  readonly #wanted: Wanted
  readonly #end: number
  /** The next byte to come. */
  #at: number
  #body: Readable | undefined
  #opening = false
  #fruitless = 0

  constructor(wanted: Wanted, start: number, end: number, first: Answer) {
    super({ highWaterMark: 64 * 1024 })
    this.#wanted = wanted
    this.#at = start
    this.#end = end
    this.#attach(first.body)
  }

  override _read(): void {
    if (this.#body) this.#body.resume()
    else if (this.#at > this.#end) this.push(null)
    else if (!this.#opening) this.#reopen()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#body?.destroy()
    callback(error)
  }

  #attach(body: Readable): void {
    this.#body = body
    let cause: unknown
    body.on('data', (chunk: Buffer) => {
      this.#at += chunk.length
      this.#fruitless = 0
      if (!this.push(chunk)) body.pause()
    })
    body.on('error', (error) => {
      cause = error
    })
    body.once('close', () => {
      if (this.#body === body) this.#body = undefined
      if (this.destroyed) return
      if (this.#at > this.#end) this.push(null)
      else this.#brokenOff(cause)
    })
    // Nobody has asked yet.
    body.pause()
  }

  #brokenOff(cause: unknown): void {
    if (++this.#fruitless > TRIES) {
      const error = cause ?? tooShort(this.#wanted.blob, this.#at)
      this.destroy(failure(error, 'reading a blob') as Error)
    } else if (this.readableLength < this.readableHighWaterMark) {
      // Somebody waits; else the next reading opens it again.
      this.#reopen()
    }
  }

  async #reopen(): Promise<void> {
    this.#opening = true
    try {
      if (this.#fruitless > 1) await delay(Math.random() * LONGEST_PAUSE_MS)
      if (this.destroyed) return
      const { body } = await ask(this.#wanted, this.#at, this.#end)
      if (this.destroyed) {
        body.on('error', () => {}).destroy()
        return
      }
      this.#attach(body)
      body.resume()
    } catch (error) {
      this.destroy(failure(error, 'reading a blob') as Error)
    } finally {
      this.#opening = false
    }
  }
}
