import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import test, { type ExecutionContext } from 'ava'
import { BlobCache, type CachedBlob } from '../../mount/cache/blob-cache.js'
import type { ByteRange } from '../../mount/volume.js'
import { SpaceError } from '../../src/space/errors.js'
import { tempFolder } from '../support/folder.js'
import { Random } from '../support/random.js'

const KB = 1024
const MB = 1024 * KB
const BLOCK = 128 * KB

/** A version on a server that tells what was asked of it. */
class Source {
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

  readonly fetch = async (range: ByteRange): Promise<Readable> => {
    this.asked.push(range)
    const fault = this.faults.shift()
    const stream = fault ? await fault(range) : this.stream(range)
    this.streams.push(stream)
    return stream
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
function handFed(): Readable {
  return new Readable({ read() {} })
}

function gone(): SpaceError {
  return new SpaceError('UNAVAILABLE', 'The server has gone.')
}

function cacheOf(t: ExecutionContext, { folder = tempFolder(t), maxBytes = 1000 * MB } = {}) {
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

async function bytesAt(blob: CachedBlob, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  return buffer.subarray(0, await blob.read(buffer, offset))
}

async function holds(
  t: ExecutionContext,
  blob: CachedBlob,
  { bytes }: Source,
  offset: number,
  length: number,
) {
  const got = await bytesAt(blob, offset, length)
  t.true(got.equals(bytes.subarray(offset, offset + length)), `${length} bytes at ${offset}`)
}

async function fill(cache: BlobCache, source: Source): Promise<void> {
  const blob = cache.open(source.version, source.fetch)
  await blob.complete()
  blob.release()
}

function openFiles(folder: string): string[] {
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return ''
    }
  })
  return links.filter((path) => path.startsWith(folder))
}

test('a small file is fetched whole by its first read, and is local from then on', async (t) => {
  const { cache } = cacheOf(t)
  const source = new Source(256 * KB)
  const blob = cache.open(source.version, source.fetch)
  await holds(t, blob, source, 1000, 4096)
  await blob.complete()
  t.deepEqual(source.asked, [{ start: 0, end: 256 * KB - 1 }])
  const again = cache.open(source.version, () => Promise.reject(gone()))
  const buffer = Buffer.alloc(256 * KB)
  t.is(again.read(buffer, 0), 256 * KB, 'at once')
  t.true(buffer.equals(source.bytes))
  t.is(again.read(buffer, 256 * KB - 10), 10, 'as much as there is')
  t.is(again.read(buffer, 256 * KB), 0)
  t.true(cache.has(source.etag, 256 * KB))
  t.false(cache.has(source.etag, 256 * KB - 1))
})

test('reads here and there fetch the blocks they are in, and each byte once', async (t) => {
  const { cache } = cacheOf(t)
  const source = new Source(10 * MB)
  const blob = cache.open(source.version, source.fetch)
  await holds(t, blob, source, 5 * MB + 10, 100)
  await holds(t, blob, source, 1 * MB, 4096)
  await holds(t, blob, source, 8 * MB - 1, 2)
  await holds(t, blob, source, 10 * MB - 5, 5)
  t.deepEqual(source.asked, [
    { start: 5 * MB, end: 5 * MB + BLOCK - 1 },
    { start: 1 * MB, end: 1 * MB + BLOCK - 1 },
    { start: 8 * MB - BLOCK, end: 8 * MB + BLOCK - 1 },
    { start: 10 * MB - BLOCK, end: 10 * MB - 1 },
  ])
  source.asked.length = 0
  t.is(blob.read(Buffer.alloc(BLOCK), 5 * MB), BLOCK, 'at once')
  await holds(t, blob, source, 5 * MB - 100, 200)
  t.deepEqual(source.asked, [{ start: 5 * MB - BLOCK, end: 5 * MB - 1 }])
})

test('who reads on and on gets ever larger windows, the next on its way before it is wanted', async (t) => {
  const { cache } = cacheOf(t)
  const source = new Source(60 * MB + 77)
  const blob = cache.open(source.version, source.fetch)
  const { length } = source.bytes
  for (let at = 0; at < length; at += BLOCK) await holds(t, blob, source, at, BLOCK)
  t.is(source.fetched, length, 'no byte twice')
  const sizes = source.asked.map(({ start, end }) => end - start + 1)
  t.is(sizes[0], BLOCK)
  t.true(Math.max(...sizes) <= 8 * MB && Math.max(...sizes) > 4 * MB, String(sizes))
  t.true(sizes.length < 25, String(sizes))
  t.true(cache.has(source.etag, length))
})

test('a window is asked for while the one before still comes', async (t) => {
  const { cache } = cacheOf(t)
  const source = new Source(10 * MB)
  const blob = cache.open(source.version, source.fetch)
  await holds(t, blob, source, 0, BLOCK)
  const [first, second] = [handFed(), handFed()]
  source.faults.push(
    async () => first,
    async () => second,
  )
  const reading = bytesAt(blob, BLOCK, BLOCK)
  await until(() => source.asked.length === 3)
  t.is(source.asked[2]?.start, (source.asked[1]?.end ?? 0) + 1)
  first.push(source.bytes.subarray(BLOCK, 2 * BLOCK))
  t.true((await reading).equals(source.bytes.subarray(BLOCK, 2 * BLOCK)), 'not all of the window has come')
})

test('readers of the same bytes share one fetch, each answered as soon as its bytes are there', async (t) => {
  const { cache } = cacheOf(t)
  const source = new Source(200 * KB)
  const feed = handFed()
  source.faults.push(async () => feed)
  const one = cache.open(source.version, source.fetch)
  const two = cache.open(source.version, source.fetch)
  const reads = [bytesAt(one, 0, 1000), bytesAt(two, 500, 1000), bytesAt(one, 150 * KB, 10)]
  await until(() => source.asked.length === 1)
  feed.push(source.bytes.subarray(0, 2000))
  t.true((await (reads[0] as Promise<Buffer>)).equals(source.bytes.subarray(0, 1000)))
  t.true((await (reads[1] as Promise<Buffer>)).equals(source.bytes.subarray(500, 1500)))
  feed.push(source.bytes.subarray(2000))
  feed.push(null)
  t.true((await (reads[2] as Promise<Buffer>)).equals(source.bytes.subarray(150 * KB, 150 * KB + 10)))
  t.is(source.asked.length, 1)
})

test('a fetch that fails rejects those who wait for it, and the next read asks again', async (t) => {
  const { cache } = cacheOf(t)
  const source = new Source(100 * KB)
  const blob = cache.open(source.version, source.fetch)
  const changed = new SpaceError('PRECONDITION_FAILED', 'It has another version by now.')
  source.faults.push(
    () => Promise.reject(changed),
    () => {
      throw changed
    },
  )
  for (const _ of [1, 2]) {
    const results = await Promise.allSettled([bytesAt(blob, 0, 10), bytesAt(blob, 50 * KB, 10)])
    for (const result of results) t.is(result.status === 'rejected' && result.reason, changed)
  }
  t.is(source.asked.length, 2)
  t.is(cache.bytes, 0)
  await holds(t, blob, source, 0, 100 * KB)
})

test('a connection lost half-way is taken up where it broke, as long as something comes', async (t) => {
  const { cache } = cacheOf(t)
  const source = new Source(200 * KB)
  const broken = (length: number) => async (range: ByteRange) => {
    const feed = handFed()
    feed.push(source.bytes.subarray(range.start, range.start + length))
    if (length > 0) once(feed, 'data').then(() => setImmediate(() => feed.destroy(gone())))
    else feed.destroy(gone())
    return feed
  }
  source.faults.push(broken(50 * KB), broken(60 * KB))
  const blob = cache.open(source.version, source.fetch)
  await holds(t, blob, source, 0, 200 * KB)
  t.deepEqual(
    source.asked.map(({ start }) => start),
    [0, 50 * KB, 110 * KB],
  )
  const other = new Source(200 * KB)
  other.faults.push(
    async () => Readable.from([other.bytes.subarray(0, 1000)]),
    () => Promise.reject(gone()),
  )
  const error = await t.throwsAsync(bytesAt(cache.open(other.version, other.fetch), 5000, 10))
  t.is((error as SpaceError).code, 'UNAVAILABLE')
  t.is(other.asked.length, 2)
})

test('what was not opened for longest goes first; what is open stays', async (t) => {
  const { cache } = cacheOf(t, { maxBytes: 300 * KB })
  const [a, b, c, d] = [1, 2, 3, 4].map(() => new Source(100 * KB)) as [Source, Source, Source, Source]
  for (const source of [a, b, c]) await fill(cache, source)
  const held = cache.open(b.version, b.fetch)
  cache.open(a.version, a.fetch).release()
  await fill(cache, d)
  t.deepEqual(
    [a, b, c, d].map(({ etag }) => cache.has(etag, 100 * KB)),
    [true, true, false, true],
  )
  await fill(cache, c)
  t.deepEqual(
    [a, b, c, d].map(({ etag }) => cache.has(etag, 100 * KB)),
    [false, true, true, true],
  )
  t.is(cache.bytes, 300 * KB)
  t.is(held.read(Buffer.alloc(10), 0), 10)
})

test('more than fits is kept while it is open, in parts too, and given up then', async (t) => {
  const { cache, folder } = cacheOf(t, { maxBytes: 100 * KB })
  const source = new Source(1 * MB)
  const blob = cache.open(source.version, source.fetch)
  await holds(t, blob, source, 0, 1 * MB)
  t.is(blob.read(Buffer.alloc(1 * MB), 0), 1 * MB)
  blob.release()
  blob.release()
  t.is(cache.bytes, 0)
  t.deepEqual(readdirSync(folder), ['in-use'])
})

test('a part that was read is there when the file is opened again', async (t) => {
  const { cache, folder } = cacheOf(t)
  const source = new Source(1 * MB)
  const blob = cache.open(source.version, source.fetch)
  await holds(t, blob, source, 512 * KB, 10)
  blob.release()
  t.deepEqual(openFiles(folder), [])
  const again = cache.open(source.version, source.fetch)
  t.is(again.read(Buffer.alloc(BLOCK), 512 * KB), BLOCK)
  await again.complete()
  t.is(source.fetched, 1 * MB)
  again.release()
})

test('complete files survive a restart, parts and damaged ones do not, and what is not ours is left alone', async (t) => {
  const first = cacheOf(t)
  const { folder } = first
  const [whole, part, cut] = [new Source(300 * KB), new Source(1 * MB), new Source(10 * KB)]
  await fill(first.cache, whole)
  await fill(first.cache, cut)
  const blob = first.cache.open(part.version, part.fetch)
  await holds(t, blob, part, 0, 10)
  // As after a crash: nothing is closed.
  truncateSync(join(folder, `${cut.etag}.${10 * KB}`), 9 * KB)
  writeFileSync(join(folder, 'notes.txt'), 'of somebody else')
  const { cache } = cacheOf(t, { folder })
  t.deepEqual(
    [whole, part, cut].map(({ etag, bytes }) => cache.has(etag, bytes.length)),
    [true, false, false],
  )
  t.is(cache.bytes, 300 * KB)
  const again = cache.open(whole.version, () => Promise.reject(gone()))
  await holds(t, again, whole, 0, 300 * KB)
  t.true(existsSync(join(folder, 'notes.txt')))
  t.false(existsSync(join(folder, `${part.etag}.${1 * MB}.part`)))
})

test('the oldest go first after a restart, too', async (t) => {
  const first = cacheOf(t)
  const sources = [1, 2, 3].map(() => new Source(100 * KB))
  for (const source of sources) await fill(first.cache, source)
  first.cache.close()
  const { cache } = cacheOf(t, { folder: first.folder, maxBytes: 200 * KB })
  t.deepEqual(
    sources.map(({ etag }) => cache.has(etag, 100 * KB)),
    [false, true, true],
  )
})

test('after the machine went down nothing of the cache is believed', async (t) => {
  const source = new Source(10 * KB)
  const first = cacheOf(t)
  await fill(first.cache, source)
  first.cache.close()
  const second = cacheOf(t, { folder: first.folder })
  t.true(second.cache.has(source.etag, 10 * KB), 'closed in order')
  writeFileSync(join(first.folder, 'in-use'), 'another boot')
  const third = cacheOf(t, { folder: first.folder })
  t.false(third.cache.has(source.etag, 10 * KB))
  t.is(third.cache.bytes, 0)
})

test('a full disk under the cache fails no read', async (t) => {
  const { cache, folder, warnings } = cacheOf(t)
  for (const size of [100 * KB, 3 * MB]) {
    const source = new Source(size)
    symlinkSync('/dev/full', join(folder, `${source.etag}.${size}.part`))
    const blob = cache.open(source.version, source.fetch)
    const reads = [0, 10, size - 20].map((offset) => holds(t, blob, source, offset, 5000))
    await Promise.all(reads)
    await holds(t, blob, source, 0, size)
    const error = await t.throwsAsync(blob.complete())
    t.is((error as SpaceError).code, 'DISK_FULL')
    const copy = join(tempFolder(t), 'copy')
    await blob.copyTo(copy)
    t.true(readFileSync(copy).equals(source.bytes))
    blob.release()
    t.is(cache.bytes, 0)
  }
  t.is(warnings.length, 1)
  t.regex(warnings[0] ?? '', /ENOSPC/)
})

test('a cached file that was damaged is read from the server', async (t) => {
  const { cache, folder } = cacheOf(t)
  const source = new Source(100 * KB)
  await fill(cache, source)
  truncateSync(join(folder, `${source.etag}.${100 * KB}`), 10)
  const blob = cache.open(source.version, source.fetch)
  await holds(t, blob, source, 0, 100 * KB)
  blob.release()
  t.false(cache.has(source.etag, 100 * KB))
  await fill(cache, source)
  t.true(cache.has(source.etag, 100 * KB))
})

test('a finished local file becomes the cached version by rename', async (t) => {
  const { cache, folder } = cacheOf(t, { maxBytes: 1 * MB })
  const work = tempFolder(t)
  const source = new Source(500 * KB)
  const file = (bytes: Buffer) => {
    const path = join(work, 'file')
    writeFileSync(path, bytes)
    return path
  }
  // Somebody is reading a part of it just then.
  const blob = cache.open(source.version, source.fetch)
  await holds(t, blob, source, 0, 10)
  cache.adopt(source.etag, 500 * KB, file(source.bytes))
  t.is(cache.bytes, 500 * KB)
  const buffer = Buffer.alloc(500 * KB)
  t.is(blob.read(buffer, 0), 500 * KB, 'at once')
  t.true(buffer.equals(source.bytes))
  cache.adopt(source.etag, 500 * KB, file(source.bytes))
  blob.release()
  t.is(cache.bytes, 500 * KB)

  const [tooLarge, wrong, empty] = [new Source(2 * MB), new Source(20), new Source(0)]
  cache.adopt(tooLarge.etag, 2 * MB, file(tooLarge.bytes))
  cache.adopt(wrong.etag, 30, file(wrong.bytes))
  cache.adopt(empty.etag, 0, file(empty.bytes))
  t.is(cache.bytes, 500 * KB)
  t.deepEqual(readdirSync(work), [], 'what is not kept is removed')
  t.deepEqual(readdirSync(folder).toSorted(), [`${source.etag}.${500 * KB}`, 'in-use'].toSorted())
})

test('a whole file: what is missing is fetched, and it can be copied out', async (t) => {
  const { cache } = cacheOf(t)
  const source = new Source(5 * MB + 1)
  const blob = cache.open(source.version, source.fetch)
  await holds(t, blob, source, 2 * MB, 10)
  const path = join(tempFolder(t), 'copy')
  writeFileSync(path, 'x'.repeat(100))
  await Promise.all([blob.complete(), blob.copyTo(path)])
  t.true(readFileSync(path).equals(source.bytes))
  t.is(source.fetched, 5 * MB + 1)
  const empty = new Source(0)
  const nothing = cache.open(empty.version, empty.fetch)
  t.is(nothing.read(Buffer.alloc(10), 0), 0)
  await nothing.complete()
  await nothing.copyTo(path)
  t.is(readFileSync(path).length, 0)
  t.is(empty.asked.length, 0)
  const refused = new Source(1 * MB)
  refused.faults.push(() => Promise.reject(new SpaceError('NOT_FOUND', 'It is gone.')))
  const error = await t.throwsAsync(cache.open(refused.version, refused.fetch).copyTo(path))
  t.is((error as SpaceError).code, 'NOT_FOUND')
})

test('released in the middle: what is on its way stops, and nothing stays open', async (t) => {
  const { cache, folder } = cacheOf(t)
  const source = new Source(5 * MB)
  const feed = handFed()
  source.faults.push(async () => feed)
  const blob = cache.open(source.version, source.fetch)
  const reading = bytesAt(blob, 0, 100)
  await until(() => source.streams.length === 1)
  blob.release()
  const error = await t.throwsAsync(reading)
  t.is((error as SpaceError).code, 'UNAVAILABLE')
  t.true(feed.destroyed)
  t.deepEqual(openFiles(folder), [])
  const again = cache.open(source.version, source.fetch)
  await holds(t, again, source, 0, 100)
  again.release()
})

test('closing the cache stops everything and leaves the complete files', async (t) => {
  const { cache, folder } = cacheOf(t)
  const [whole, part] = [new Source(10 * KB), new Source(5 * MB)]
  await fill(cache, whole)
  const blob = cache.open(part.version, part.fetch)
  await holds(t, blob, part, 0, 100)
  cache.close()
  t.deepEqual(readdirSync(folder), [`${whole.etag}.${10 * KB}`])
  t.deepEqual(openFiles(folder), [])
})

test('whatever is read in whatever order, with failures and little room: the bytes are right', async (t) => {
  const random = Random.seeded()
  t.log(`NOVEM_TEST_SEED=${random.seed}`)
  const { cache, folder } = cacheOf(t, { maxBytes: 3 * MB })
  const sources = [100 * KB, 256 * KB + 1, 1 * MB, 4 * MB + 13].map((size) => new Source(size))
  const reader = async () => {
    for (let round = 0; round < 30; round++) {
      const source = random.pick(sources)
      if (random.below(4) === 0) source.faults.push(() => Promise.reject(gone()))
      const blob = cache.open(source.version, source.fetch)
      const size = source.bytes.length
      let at = random.below(size)
      for (let reads = 0; reads < 10; reads++) {
        const length = 1 + random.below(300 * KB)
        try {
          const got = await bytesAt(blob, at, length)
          if (!got.equals(source.bytes.subarray(at, at + length)))
            t.fail(`${length} bytes at ${at} of ${size}`)
        } catch (error) {
          if (!(error instanceof SpaceError)) throw error
        }
        at = random.below(3) === 0 ? random.below(size) : Math.min(size, at + length)
      }
      blob.release()
    }
  }
  await Promise.all([reader(), reader(), reader()])
  t.true(cache.bytes <= 3 * MB)
  t.deepEqual(openFiles(folder), [])
})

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 10_000) throw new Error('the condition never held')
    await new Promise((resolve) => setImmediate(resolve))
  }
}
