import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { blobStoreConformance } from './conformance.js'
import { keep, listed, namesIn, openStore, packNames, packOf, read } from './packs-support.js'
import { bytesOf, failsWith, NO_LIMIT, newSpace, ownFolder, sorted, streamOf } from './support.js'

/** Small blobs, many to a file. */

blobStoreConformance(test, async (t) =>
  openStore(t, await ownFolder(t), { durability: 'full', cacheBytes: 1_000_000 }),
)

test('bodies up to 64 KiB share a file, whether their length was announced or not; larger ones have their own', async (t) => {
  const folder = await ownFolder(t)
  const store = await openStore(t, folder)
  for (const size of [0, 1, 65_536]) {
    await store.put('s1', Buffer.alloc(size), NO_LIMIT)
    await store.put('s1', streamOf(Buffer.alloc(size), 1000), NO_LIMIT)
  }
  t.deepEqual(await namesIn(folder, 'pending'), [])
  const [pack = '', ...others] = await packNames(folder)
  t.deepEqual(others, [])
  t.deepEqual(await namesIn(folder, 'packs'), [pack, `${pack}.open`])
  t.is((await stat(join(folder, 'packs', pack))).size, 6 * 64 + 2 * 65_537)
  await store.put('s1', Buffer.alloc(65_537), NO_LIMIT)
  t.is((await namesIn(folder, 'pending')).length, 1)
})

test('a space whose name a header has no room for has files', async (t) => {
  const folder = await ownFolder(t)
  const store = await openStore(t, folder)
  for (const length of [28, 29]) {
    const space = 's'.repeat(length)
    const id = await keep(store, 'bytes', space)
    t.is(await read(store, id, space), 'bytes')
    t.deepEqual(await listed(store, space), [id])
  }
  t.deepEqual(await namesIn(folder, 'blobs'), ['s'.repeat(29)])
})

test('a store that is opened again has what was kept, and a pack is closed when all is decided', async (t) => {
  const folder = await ownFolder(t)
  const first = await openStore(t, folder, { durability: 'full' })
  const kept = await keep(first, 'kept')
  const gone = await first.put('s1', Buffer.from('gone'), NO_LIMIT)
  await first.discard('s1', gone.id)
  await first.close()
  const pack = kept.slice(0, 12)
  t.deepEqual(await namesIn(folder, 'packs'), [pack, `${pack}.gone`])
  const store = await openStore(t, folder)
  t.deepEqual(await listed(store), [kept])
  t.is(await store.size('s1', gone.id), undefined)
  t.is(await read(store, kept), 'kept')
  const later = await keep(store, 'later')
  t.not(later.slice(0, 12), pack, 'nobody appends to a pack of another')
  t.is((await readFile(join(folder, 'packs', pack))).length, 2 * 68)
})

test('a pack that nothing was put into leaves nothing', async (t) => {
  const folder = await ownFolder(t)
  const store = await openStore(t, folder)
  await store.close()
  t.deepEqual(await namesIn(folder, 'packs'), [])
})

test('two processes read, list and delete each other’s blobs, as soon as they are put', async (t) => {
  const folder = await ownFolder(t)
  const stores = [await openStore(t, folder), await openStore(t, folder)] as const
  const ids: string[] = []
  for (let n = 0; n < 20; n++) {
    const [writer, reader] = n % 2 === 0 ? stores : ([stores[1], stores[0]] as const)
    const id = await keep(writer, `blob ${n}`)
    t.is(await read(reader, id), `blob ${n}`)
    ids.push(id)
  }
  t.is((await packNames(folder)).length, 2)
  for (const store of stores) {
    const blobs = (await listed(store)).map((line) => line.slice(0, 32))
    t.deepEqual(blobs, sorted(ids))
  }
  await stores[0].delete('s1', ids.slice(0, 10))
  for (const store of stores) {
    t.is(await store.size('s1', ids[0] as string), undefined)
    t.deepEqual(
      (await listed(store)).map((line) => line.slice(0, 32)),
      sorted(ids.slice(10)),
    )
  }
})

test('what another process has put and not yet decided is listed as pending, for it may be linked any moment', async (t) => {
  const folder = await ownFolder(t)
  const [writer, other] = [await openStore(t, folder), await openStore(t, folder)]
  const { id } = await writer.put('s1', Buffer.from('x'), NO_LIMIT)
  t.deepEqual(await listed(other), [`${id} pending`])
  await writer.settle('s1', id)
  t.deepEqual(await listed(writer), [id])
  await writer.close()
  t.deepEqual(await listed(other), [id])
})

test('a full pack is followed by another one, and reading goes on', async (t) => {
  const folder = await ownFolder(t)
  const store = await openStore(t, folder, { packs: { packBytes: 10_000 } })
  const bodies = Array.from({ length: 40 }, () => randomBytes(1000))
  const ids = await Promise.all(bodies.map((body) => keep(store, body)))
  const packs = await packNames(folder)
  t.true(packs.length >= 4, `${packs.length} packs`)
  for (const [n, id] of ids.entries()) {
    const bytes = await bytesOf(await store.get('s1', id))
    t.true(bytes.equals(bodies[n] as Buffer))
  }
  await store.close()
  t.deepEqual(await namesIn(folder, 'packs'), packs)
})

test('more packs than are kept open can be read', async (t) => {
  const folder = await ownFolder(t)
  const store = await openStore(t, folder, { packs: { packBytes: 1 } })
  const ids: string[] = []
  for (let n = 0; n < 300; n++) ids.push(await keep(store, `blob ${n}`))
  for (let round = 0; round < 2; round++) {
    const texts = await Promise.all(ids.map((id) => read(store, id)))
    t.deepEqual(
      texts,
      ids.map((_, n) => `blob ${n}`),
    )
  }
})

test('a file whose id begins with a pack’s name is that file', async (t) => {
  const folder = await ownFolder(t)
  const store = await openStore(t, folder)
  const packed = await keep(store, 'in the pack')
  for (const tail of ['00000000aaaaaaaaaaaa', '00000007aaaaaaaaaaaa', 'ffffffffaaaaaaaaaaaa']) {
    const id = packed.slice(0, 12) + tail
    const fan = join(folder, 'blobs', 's1', id.slice(0, 2))
    await mkdir(fan, { recursive: true })
    await writeFile(join(fan, id), 'in a file')
    t.is(await read(store, id), 'in a file')
    t.deepEqual(await listed(store), sorted([packed, id]))
    await store.delete('s1', [id])
    await failsWith(t, 'CORRUPT', /does not exist/, () => read(store, id))
    t.is(await read(store, packed), 'in the pack')
  }
})

test('a damaged header is CORRUPT and never other bytes; its neighbours are as they were', async (t) => {
  const folder = await ownFolder(t)
  const store = await openStore(t, folder)
  const ids: string[] = []
  for (const text of ['one', 'two', 'three']) ids.push(await keep(store, text))
  const [one = '', two = '', three = ''] = ids
  const file = await open(packOf(folder, two), 'r+')
  await file.write(Buffer.from([0xff]), 0, 1, 67 + 40)
  await file.close()
  await failsWith(t, 'CORRUPT', /does not exist/, () => read(store, two))
  t.is(await store.size('s1', two), undefined)
  t.deepEqual(await listed(store), sorted([one, three]))
  t.is(await read(store, three), 'three')
  await store.delete('s1', [two])
  await failsWith(t, 'CORRUPT', /does not exist/, () => read(store, one, 's2'))
})

test('a record that is cut off is CORRUPT to read, and not listed; those before it are', async (t) => {
  const folder = await ownFolder(t)
  const first = await openStore(t, folder)
  const whole = await keep(first, 'whole')
  const torn = await keep(first, 'torn off')
  await first.close()
  for (const [length, message] of [
    [69 + 64 + 4, /ends at byte 4/],
    [69 + 64, /ends at byte 0/],
    [69 + 10, /does not exist/],
  ] as const) {
    await truncate(packOf(folder, torn), length)
    const store = await openStore(t, folder)
    t.deepEqual(await listed(store), [whole])
    await failsWith(t, 'CORRUPT', message, () => store.read('s1', torn, { start: 0, end: 7 }))
    t.is(await read(store, whole), 'whole')
  }
})

test('ranges larger than anything in a pack are CORRUPT, in each way of reading', async (t) => {
  const store = await openStore(t, await ownFolder(t))
  const id = await keep(store, 'small')
  const range = { start: 0, end: 10_000_000 }
  for (const reading of [() => store.get('s1', id, range), () => store.lend('s1', id, range)])
    await failsWith(t, 'CORRUPT', /ends at byte 5/, reading)
  const pieces: string[] = []
  for await (const piece of await store.lend('s1', id, { start: 1, end: 3 })) pieces.push(piece.toString())
  t.deepEqual(pieces, ['mal'])
})

test('spaces share packs, and do not see each other', async (t) => {
  const store = await openStore(t, await ownFolder(t))
  const spaces = Array.from({ length: 10 }, newSpace)
  const ids = await Promise.all(spaces.map((space) => keep(store, space, space)))
  for (const [n, space] of spaces.entries()) {
    t.deepEqual(await listed(store, space), [ids[n]])
    t.is(await store.size(space, ids[(n + 1) % 10] as string), undefined)
  }
})
