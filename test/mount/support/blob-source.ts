import { randomBytes } from 'node:crypto'
import { readdirSync, readlinkSync } from 'node:fs'
import { Readable } from 'node:stream'
import type { ExecutionContext } from 'ava'
import { BlobCache, type CachedBlob, type Fetch } from '../../../mount/cache/blob-cache.js'
import { pour } from '../../../mount/pour.js'
import type { ByteRange } from '../../../mount/volume.js'
import { SpaceError } from '../../../src/space/errors.js'
import { tempFolder } from '../../support/folder.js'

export const KB = 1024
export const MB = 1024 * KB
export const BLOCK = 128 * KB

/** A version on a server that tells what was asked of it. */
export class Source {
  readonly bytes: Buffer
  readonly etag = randomBytes(16).toString('hex')
  readonly asked: ByteRange[] = []
  readonly streams: Readable[] = []
  /** What becomes of the next requests, in order; those after them are answered. */
  readonly faults: ((range: ByteRange) => Promise<Readable>)[] = []

  constructor(size: number) {
    this.bytes = randomBytes(size)
  }

  get version() {
    return { etag: this.etag, size: this.bytes.length }
  }

  readonly fetch: Fetch = async (range, take, signal) => {
    this.asked.push(range)
    const fault = this.faults.shift()
    const stream = fault ? await fault(range) : this.stream(range)
    this.streams.push(stream)
    await pour(stream, take, signal)
  }

  stream({ start, end }: ByteRange, step = 64 * KB): Readable {
    const { bytes } = this
    return Readable.from(
      (function* () {
        for (let at = start; at <= end; at += step) yield bytes.subarray(at, Math.min(end + 1, at + step))
      })(),
    )
  }

  /** How many bytes were asked for. */
  get fetched(): number {
    return this.asked.reduce((sum, { start, end }) => sum + end - start + 1, 0)
  }
}

/** A stream whose bytes the test gives by hand. */
export function handFed(): Readable {
  return new Readable({ read() {} })
}

export function gone(): SpaceError {
  return new SpaceError('UNAVAILABLE', 'The server has gone.')
}

export function cacheOf(t: ExecutionContext, { folder = tempFolder(t), maxBytes = 1000 * MB } = {}) {
  const warnings: string[] = []
  const log = {
    info() {},
    warn: (line: string) => warnings.push(line),
    error: (line: string) => warnings.push(line),
  }
  const cache = new BlobCache(folder, { maxBytes, log })
  t.teardown(() => cache.close())
  return { cache, folder, warnings }
}

export async function bytesAt(blob: CachedBlob, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  return buffer.subarray(0, await blob.read(buffer, offset))
}

export async function holds(
  t: ExecutionContext,
  blob: CachedBlob,
  { bytes }: Source,
  offset: number,
  length: number,
) {
  const got = await bytesAt(blob, offset, length)
  t.true(got.equals(bytes.subarray(offset, offset + length)), `${length} bytes at ${offset}`)
}

export async function fill(cache: BlobCache, source: Source): Promise<void> {
  const blob = cache.open(source.version, source.fetch)
  await blob.complete()
  blob.release()
}

export function openFiles(folder: string): string[] {
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return ''
    }
  })
  return links.filter((path) => path.startsWith(folder))
}
