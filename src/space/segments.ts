/**
 * Old rows of a journal, sealed: blobs of some 10,000 rows each, immutable, listed in the space's slot (`g`). A blob holds a row a
 * line as JSON, compressed by gzip.
 */
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { BlobStore } from '../blobs/store.js'
import { retrying } from '../redis/retry.js'
import type { RedisClient } from '../redis/scripts.js'
import { SpaceError } from './errors.js'
import type { JournalRow } from './journal.js'

export interface Segment {
  readonly first: number
  readonly last: number
  readonly blob: string
  /** When its last row was made (ms since 1970). */
  readonly time: number
}

/** Segments in memory, for those who read one page by page. */
const KEPT = 4

export class Segments {
  readonly #redis: RedisClient
  readonly #blobs: Pick<BlobStore, 'get'>
  readonly #kept = new Map<string, Promise<readonly JournalRow[]>>()

  constructor(redis: RedisClient, blobs: Pick<BlobStore, 'get'>) {
    this.#redis = redis
    this.#blobs = blobs
  }

  /** Oldest first. */
  async list(space: string): Promise<Segment[]> {
    const members = await retrying(() => this.#redis.zrange(`{${space}}:g`, '0', '-1'))
    return members.map(parseSegment)
  }

  /** CORRUPT where the blob is not there, or is not what it should be. */
  async rows(space: string, segment: Segment): Promise<readonly JournalRow[]> {
    const known = this.#kept.get(segment.blob)
    const rows = known ?? this.#read(space, segment)
    this.#kept.delete(segment.blob)
    this.#kept.set(segment.blob, rows)
    rows.catch(() => this.#kept.delete(segment.blob))
    if (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value as string)
    return rows
  }

  async #read(space: string, { first, last, blob }: Segment): Promise<readonly JournalRow[]> {
    const bytes = await buffer(await this.#blobs.get(space, blob))
    try {
      const lines = (await promisify(gunzip)(bytes)).toString('utf8').trimEnd().split('\n')
      const rows = lines.map((line) => JSON.parse(line) as JournalRow)
      if (rows[0]?.seq === first && rows.at(-1)?.seq === last && rows.length === last - first + 1) return rows
    } catch (error) {
      throw damaged(blob, first, last, error)
    }
    throw damaged(blob, first, last)
  }
}

export function parseSegment(member: string): Segment {
  const [first, last, blob = '', time] = member.split(' ')
  return { first: Number(first), last: Number(last), blob, time: Number(time) }
}

export function packRows(rows: readonly JournalRow[]): Promise<Buffer> {
  return promisify(gzip)(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
}

function damaged(blob: string, first: number, last: number, cause?: unknown): SpaceError {
  const message = `The blob ${blob} does not hold the journal’s rows ${first} to ${last}.`
  return new SpaceError('CORRUPT', message, {}, { cause })
}
