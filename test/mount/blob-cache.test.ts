import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import test from 'ava'
import type { ByteRange } from '../../mount/volume.js'
import { SpaceError } from '../../src/space/errors.js'
import { tempFolder } from '../support/folder.js'
import { Random } from '../support/random.js'
import {
  BLOCK,
  bytesAt,
  cacheOf,
  gone,
  handFed,
  holds,
  KB,
  MB,
  openFiles,
  Source,
} from './support/blob-source.js'
import { until } from './support/volumes.js'

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
