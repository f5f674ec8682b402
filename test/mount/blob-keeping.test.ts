import { existsSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { SpaceError } from '../../src/space/errors.js'
import { tempFolder } from '../support/folder.js'
import { BLOCK, cacheOf, fill, gone, holds, KB, MB, openFiles, Source } from './support/blob-source.js'

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

test('what nobody will ask for again goes at once, or when it is no longer open', async (t) => {
  const { cache, folder } = cacheOf(t)
  const [idle, held] = [new Source(100 * KB), new Source(100 * KB)]
  await fill(cache, idle)
  await fill(cache, held)
  const blob = cache.open(held.version, held.fetch)
  for (const { etag } of [idle, held]) cache.discard(etag, 100 * KB)
  cache.discard(new Source(10).etag, 10)
  t.is(cache.bytes, 100 * KB)
  await holds(t, blob, held, 0, 100 * KB)
  blob.release()
  t.is(cache.bytes, 0)
  t.deepEqual(readdirSync(folder), ['in-use'])
  await fill(cache, idle)
  t.true(cache.has(idle.etag, 100 * KB), 'it may be fetched again')
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
