import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { ExecutionContext, TestFn } from 'ava'
import { newBlobId } from '../../src/blobs/ids.js'
import type { BlobStore } from '../../src/blobs/store.js'
import { putConformance } from './conformance-put.js'
import { all, bytesOf, FUTURE, failsWith, md5, NO_LIMIT, newSpace, sorted, streamOf } from './support.js'

/** Sizes around every boundary the stores have. */
const SIZES = [0, 1, 4096, 65_535, 65_536, 65_537, 1_048_576, 3_000_001]

/**
 * What every `BlobStore` must do. `makeStore` gives an open store and registers its own clean-up; it may be one store
 * for all tests, since each works in a space of its own.
 */
export function blobStoreConformance(test: TestFn, makeStore: (t: ExecutionContext) => Promise<BlobStore>) {
  putConformance(test, makeStore)

  const pendingOf = async (store: BlobStore, space: string) =>
    (await all(store.pending(FUTURE))).filter((one) => one.space === space)
  for (const size of SIZES)
    test(`a blob of ${size} bytes comes back as it was, streamed or whole, pending or live`, async (t) => {
      const store = await makeStore(t)
      const space = newSpace()
      const bytes = randomBytes(size)
      const bodies = [bytes, streamOf(bytes), streamOf(bytes, 1000)]
      for (const body of bodies) {
        const blob = await store.put(space, body, { ...NO_LIMIT, length: size })
        t.regex(blob.id, /^[0-9a-f]{32}$/)
        t.deepEqual({ size: blob.size, md5: blob.md5 }, { size, md5: md5(bytes) })
        t.true((await bytesOf(await store.get(space, blob.id))).equals(bytes))
        await store.settle(space, blob.id)
        t.true((await bytesOf(await store.get(space, blob.id))).equals(bytes))
        t.is(await store.size(space, blob.id), size)
      }
    })

  test('ranges are inclusive, and may begin and end anywhere in the blob', async (t) => {
    const store = await makeStore(t)
    const space = newSpace()
    const bytes = randomBytes(2_500_000)
    const { id } = await store.put(space, streamOf(bytes), NO_LIMIT)
    const last = bytes.length - 1
    const ranges = [
      [0, 0],
      [0, last],
      [last, last],
      [1, 65_536],
      [100, 65_635],
      [1_048_575, 1_048_576],
      [7, last - 7],
    ] as const
    for (const [start, end] of ranges) {
      const expected = bytes.subarray(start, end + 1)
      const range = { start, end }
      t.true((await bytesOf(await store.get(space, id, range))).equals(expected), `get ${start}-${end}`)
      t.true((await store.read(space, id, range)).equals(expected), `read ${start}-${end}`)
    }
  })

  test('a blob is read in one piece again and again, in parts of what was read before', async (t) => {
    const store = await makeStore(t)
    const space = newSpace()
    const bytes = randomBytes(5000)
    const { id } = await store.put(space, bytes, NO_LIMIT)
    for (const [start, end] of [
      [0, 999],
      [0, 999],
      [10, 20],
      [500, 1500],
      [0, 4999],
      [4999, 4999],
    ] as const)
      t.true((await store.read(space, id, { start, end })).equals(bytes.subarray(start, end + 1)))
    await store.settle(space, id)
    t.is((await store.read(space, id, { start: 0, end: 4999 })).length, 5000)
    await store.delete(space, [id])
    await failsWith(t, 'CORRUPT', /does not exist/, () => store.read(space, id, { start: 0, end: 4999 }))
  })

  test('a range that has no bytes, or passes the end of the blob, is refused before any byte', async (t) => {
    const store = await makeStore(t)
    const space = newSpace()
    const small = await store.put(space, Buffer.alloc(10), NO_LIMIT)
    const large = await store.put(space, Buffer.alloc(300_000), NO_LIMIT)
    for (const range of [
      { start: 5, end: 4 },
      { start: -1, end: 4 },
      { start: 0, end: Number.NaN },
    ]) {
      await failsWith(t, 'RANGE_NOT_SATISFIABLE', /range/, () => store.get(space, small.id, range))
      await failsWith(t, 'RANGE_NOT_SATISFIABLE', /range/, () => store.read(space, small.id, range))
    }
    await failsWith(t, 'CORRUPT', /ends at byte 10/, () => store.read(space, small.id, { start: 9, end: 10 }))
    await failsWith(t, 'CORRUPT', /ends at byte 10/, () => store.get(space, small.id, { start: 0, end: 10 }))
    await failsWith(t, 'CORRUPT', /ends at byte 300000/, () =>
      store.get(space, large.id, { start: 0, end: 300_000 }),
    )
  })

  test('a blob that does not exist is CORRUPT to get and has no size', async (t) => {
    const store = await makeStore(t)
    const id = newBlobId()
    await failsWith(t, 'CORRUPT', new RegExp(id), () => store.get(newSpace(), id))
    t.is(await store.size(newSpace(), id), undefined)
  })

  test('ids that are none are refused, so nothing outside the store can be named', async (t) => {
    const store = await makeStore(t)
    const space = newSpace()
    for (const blob of ['', '../x', `${newBlobId()}/..`, newBlobId().toUpperCase(), 'a'.repeat(31)]) {
      await failsWith(t, 'CORRUPT', /blob id/, () => store.get(space, blob))
      await failsWith(t, 'CORRUPT', /blob id/, () => store.delete(space, [blob]))
      await failsWith(t, 'CORRUPT', /blob id/, () => store.discard(space, blob))
    }
    for (const bad of ['', '..', 'a/b', 'A', 'a.b'])
      await failsWith(t, 'CORRUPT', /space id/, () => store.put(bad, Buffer.alloc(1), NO_LIMIT))
  })

  test('a put blob is pending until it is settled or discarded; both may be repeated', async (t) => {
    const store = await makeStore(t)
    const space = newSpace()
    const before = Date.now() - 5000
    const kept = await store.put(space, Buffer.from('kept'), NO_LIMIT)
    const gone = await store.put(space, Buffer.from('gone!'), NO_LIMIT)
    const pending = await pendingOf(store, space)
    t.deepEqual(sorted(pending.map((one) => one.blob)), sorted([kept.id, gone.id]))
    t.true(pending.every((one) => one.since > before && one.since < Date.now() + 5000))
    t.deepEqual(
      (await all(store.pending(before))).filter((one) => one.space === space),
      [],
      'fresh ones are not listed as old',
    )
    for (let times = 0; times < 2; times++) {
      await store.settle(space, kept.id)
      await store.discard(space, gone.id)
    }
    t.deepEqual(await pendingOf(store, space), [])
    t.deepEqual(await all(store.list(space)), [{ blob: kept.id, size: 4, pending: false }])
    t.is(await store.size(space, gone.id), undefined)
  })

  test('discarding never takes a settled blob, settling never brings a discarded one back', async (t) => {
    const store = await makeStore(t)
    const space = newSpace()
    const one = await store.put(space, Buffer.from('one'), NO_LIMIT)
    await store.settle(space, one.id)
    await store.discard(space, one.id)
    t.is(await store.size(space, one.id), 3)
    const two = await store.put(space, Buffer.from('two'), NO_LIMIT)
    await store.discard(space, two.id)
    await store.settle(space, two.id)
    t.is(await store.size(space, two.id), undefined)
  })

  test('delete takes live blobs, pending ones and many at once, and does not mind those gone', async (t) => {
    const store = await makeStore(t)
    const space = newSpace()
    const ids: string[] = []
    for (let n = 0; n < 40; n++) {
      const { id } = await store.put(space, Buffer.from([n]), NO_LIMIT)
      if (n !== 7) await store.settle(space, id)
      ids.push(id)
    }
    const keep = ids.pop() ?? ''
    await store.delete(space, [...ids, newBlobId()])
    await store.delete(space, ids)
    await store.delete(space, [])
    t.deepEqual(await all(store.list(space)), [{ blob: keep, size: 1, pending: false }])
    const again = await store.put(space, Buffer.from('x'), NO_LIMIT)
    await store.settle(space, again.id)
    t.is((await all(store.list(space))).length, 2)
  })

  test('spaces do not see each other’s blobs', async (t) => {
    const store = await makeStore(t)
    const [mine, other] = [newSpace(), newSpace()]
    const { id } = await store.put(mine, Buffer.from('mine'), NO_LIMIT)
    t.is(await store.size(other, id), undefined)
    await store.settle(other, id)
    await store.discard(other, id)
    await store.delete(other, [id])
    t.is(await store.size(mine, id), 4)
    t.deepEqual(await all(store.list(other)), [])
  })

  test('many puts and reads at once do not mix', async (t) => {
    const store = await makeStore(t)
    const space = newSpace()
    const one = async (n: number) => {
      const bytes = randomBytes(n * 5000)
      const blob = await store.put(space, streamOf(bytes, 10_000 + n), { ...NO_LIMIT, length: bytes.length })
      await store.settle(space, blob.id)
      t.true((await bytesOf(await store.get(space, blob.id))).equals(bytes))
      return blob.id
    }
    const ids = await Promise.all(Array.from({ length: 60 }, (_, n) => one(n)))
    const listed = await all(store.list(space))
    t.deepEqual(sorted(listed.map((item) => item.blob)), sorted(ids))
    t.is(listed.length, ids.length)
  })

  test('a blob is readable at every moment of being settled', async (t) => {
    const store = await makeStore(t)
    const space = newSpace()
    const bytes = Buffer.from('always there')
    for (let round = 0; round < 50; round++) {
      const { id } = await store.put(space, bytes, NO_LIMIT)
      const reads = Array.from({ length: 4 }, async () => bytesOf(await store.get(space, id)))
      const sizes = Array.from({ length: 4 }, () => store.size(space, id))
      await store.settle(space, id)
      for (const read of await Promise.all(reads)) t.true(read.equals(bytes))
      for (const size of await Promise.all(sizes)) t.is(size, bytes.length)
    }
  })

  test('a stream given up half-way ends, and the blob stays readable', async (t) => {
    const store = await makeStore(t)
    const space = newSpace()
    const bytes = randomBytes(5_000_000)
    const { id } = await store.put(space, bytes, NO_LIMIT)
    const first = await store.get(space, id)
    await once(first, 'data')
    first.destroy()
    await once(first, 'close')
    const unread = await store.get(space, id)
    unread.destroy()
    await once(unread, 'close')
    t.true((await bytesOf(await store.get(space, id))).equals(bytes))
  })

  test('a reader finishes although the blob is deleted meanwhile', async (t) => {
    const store = await makeStore(t)
    const space = newSpace()
    const bytes = randomBytes(4_000_000)
    const { id } = await store.put(space, bytes, NO_LIMIT)
    const reader = await store.get(space, id)
    await store.delete(space, [id])
    t.true((await bytesOf(reader)).equals(bytes))
    t.is(await store.size(space, id), undefined)
  })
}
