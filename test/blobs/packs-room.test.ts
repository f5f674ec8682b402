import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFile,
  lstat,
  lutimes,
  mkdir,
  open,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { Collector } from '../../src/blobs/collector.js'
import type { LocalBlobStore } from '../../src/blobs/local/store.js'
import { MemoryLedger } from './memory-ledger.js'
import { keep, listed, namesIn, openStore, packNames, packOf, read, rested, sweep } from './packs-support.js'
import { bytesOf, NO_LIMIT, ownFolder, sorted } from './support.js'

/** The room of what was deleted is given back. */

const text = (n: number) => `${n} `.repeat(500)

const STORE = new URL('../../src/blobs/local/store.js', import.meta.url).href

/** A process that gives back what there is to give back, and ends. */
function tidier(folder: string) {
  const script = `
    const { LocalBlobStore } = await import(${JSON.stringify(STORE)})
    const store = new LocalBlobStore(${JSON.stringify(folder)}, { durability: 'os' })
    await store.open()
    await store.tidy()
    await store.close()
  `
  return spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' })
}

/** A closed pack of `count` blobs, opened again by `stores` processes. */
async function closedPack(t: ExecutionContext, count: number, stores = 1, durability: 'os' | 'full' = 'os') {
  const folder = await ownFolder(t)
  const writer = await openStore(t, folder)
  const ids: string[] = []
  for (let n = 0; n < count; n++) ids.push(await keep(writer, text(n)))
  await writer.close()
  await rested(folder)
  const opened: LocalBlobStore[] = []
  for (let n = 0; n < stores; n++) opened.push(await openStore(t, folder, { durability }))
  return { folder, ids, store: opened[0] as LocalBlobStore, stores: opened }
}

for (const durability of ['os', 'full'] as const)
  test(`a pack stays until half is gone; then what is left gets files, and the pack goes (${durability})`, async (t) => {
    const { folder, ids, store, stores } = await closedPack(t, 20, 3, durability)
    for (const one of stores) for (const [n, id] of ids.entries()) t.is(await read(one, id), text(n))
    await store.delete('s1', ids.slice(0, 8))
    await store.tidy()
    t.is((await packNames(folder)).length, 1)
    t.deepEqual(await namesIn(folder, 'blobs'), [])
    await stores[1]?.delete('s1', ids.slice(8, 12))
    await store.tidy()
    t.deepEqual(await namesIn(folder, 'packs'), [])
    const left = ids.slice(12)
    for (const one of [...stores, await openStore(t, folder)]) {
      t.deepEqual(await listed(one), sorted(left))
      for (const [n, id] of left.entries()) t.is(await read(one, id), text(n + 12))
    }
    await stores[2]?.delete('s1', left)
    t.deepEqual(await namesIn(folder, 'blobs'), [])
    for (const one of stores) t.deepEqual(await listed(one), [])
  })

test('a pack that is gone as a whole just goes, and so does one that was never written to', async (t) => {
  const { folder, ids, store } = await closedPack(t, 5)
  await writeFile(join(folder, 'packs', '0123456789ab'), '')
  await rested(folder)
  await store.delete('s1', ids)
  await store.tidy()
  t.deepEqual(await namesIn(folder, 'packs'), [])
  t.deepEqual(await namesIn(folder, 'blobs'), [])
})

test('a pack that is written to, or was a moment ago, is left alone', async (t) => {
  const folder = await ownFolder(t)
  const [owner, other] = [await openStore(t, folder), await openStore(t, folder)]
  const ids = [await keep(owner, 'one'), await keep(owner, 'two')]
  await other.delete('s1', ids)
  await rested(folder)
  for (const store of [owner, other]) await store.tidy()
  t.is((await packNames(folder)).length, 1)
  const last = await keep(owner, 'last')
  await owner.close()
  await other.tidy()
  t.is((await packNames(folder)).length, 1, 'its owner may be on its last write')
  await rested(folder)
  await other.tidy()
  t.is((await packNames(folder)).length, 0)
  t.is(await read(other, last), 'last')
})

test('readers are not disturbed, those with streams least of all', async (t) => {
  const { ids, store, stores } = await closedPack(t, 40, 2)
  const left = ids.slice(30)
  await store.delete('s1', ids.slice(0, 30))
  const streams = await Promise.all(left.map((id) => stores[1]?.get('s1', id)))
  let stopped = false
  const reading = Promise.all(
    stores.map(async (one) => {
      let reads = 0
      while (!stopped || reads < 50) {
        for (const [n, id] of left.entries()) t.is(await read(one, id), text(n + 30))
        reads++
      }
    }),
  )
  await store.tidy()
  stopped = true
  await reading
  for (const [n, stream] of streams.entries())
    t.is(stream && (await bytesOf(stream)).toString(), text(n + 30))
})

test('given up half-way, blobs are in both places: listed once, deleted from both, and the next one finishes', async (t) => {
  const { folder, ids, store } = await closedPack(t, 10)
  await store.delete('s1', ids.slice(0, 6))
  const stopped = new AbortController()
  stopped.abort()
  await store.tidy(stopped.signal)
  t.is((await packNames(folder)).length, 1)
  // Some were written out when it died.
  const [first = '', second = ''] = ids.slice(6)
  for (const id of [first, second]) {
    const path = join(folder, 'blobs', 's1', id.slice(0, 2), id)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, await read(store, id))
  }
  await writeFile(join(folder, 'packs', `${'a'.repeat(32)}.draft`), 'half a bl')
  t.deepEqual(await listed(store), sorted(ids.slice(6)))
  await store.delete('s1', [first])
  t.deepEqual(await listed(store), sorted(ids.slice(7)))
  t.is(await store.size('s1', first), undefined)
  const old = new Date(Date.now() - 86_400_000)
  await utimes(join(folder, 'packs', `${'a'.repeat(32)}.draft`), old, old)
  const next = await openStore(t, folder)
  await next.tidy()
  t.deepEqual(await namesIn(folder, 'packs'), [])
  for (const one of [store, next]) {
    t.deepEqual(await listed(one), sorted(ids.slice(7)))
    t.is(await read(one, second), text(7))
  }
})

test('what is deleted while it is written out does not come back', async (t) => {
  for (let round = 0; round < 5; round++) {
    const { folder, ids, store, stores } = await closedPack(t, 300, 2)
    const [first, other] = stores as [LocalBlobStore, LocalBlobStore]
    await store.delete('s1', ids.slice(0, 200))
    const left = ids.slice(200)
    const deleting = async () => {
      for (const id of left.slice(0, 80)) await other.delete('s1', [id])
    }
    await Promise.all([first.tidy(), deleting()])
    await first.tidy()
    for (const one of stores) t.deepEqual(await listed(one), sorted(left.slice(80)))
    t.deepEqual(await namesIn(folder, 'packs'), [])
  }
})

test('nor when two processes give the same pack back, and one of them is stopped half-way', async (t) => {
  const { folder, ids, store } = await closedPack(t, 900)
  await store.delete('s1', ids.slice(0, 500))
  const left = ids.slice(500)
  const other = tidier(folder)
  t.teardown(() => other.kill('SIGKILL'))
  while ((await namesIn(folder, 'blobs')).length === 0) await delay(1)
  other.kill('SIGSTOP')
  await store.tidy()
  await store.delete('s1', left.slice(20))
  other.kill('SIGCONT')
  await once(other, 'exit')
  await store.tidy()
  t.deepEqual(await listed(await openStore(t, folder)), sorted(left.slice(0, 20)))
  t.deepEqual(await namesIn(folder, 'packs'), [])
})

test('who died while it gave a pack back holds up the others for one sweep', async (t) => {
  const { folder, ids, store } = await closedPack(t, 10)
  await store.delete('s1', ids.slice(0, 6))
  const claim = join(folder, 'packs', `${ids[0]?.slice(0, 12)}.claim`)
  // Of another machine, for all that is known: it has its time.
  await symlink('somewhere else 1 1', claim)
  await store.tidy()
  t.true((await lstat(claim)).isSymbolicLink())
  t.is((await packNames(folder)).length, 1)
  const then = new Date(Date.now() - 86_400_000)
  await lutimes(claim, then, then)
  await store.tidy()
  t.is((await packNames(folder)).length, 1)
  await store.tidy()
  t.deepEqual(await namesIn(folder, 'packs'), [])
  t.deepEqual(await listed(store), sorted(ids.slice(6)))
  await symlink('somewhere else 1 1', claim)
  await store.tidy()
  t.deepEqual(await namesIn(folder, 'packs'), [], 'a claim to what is no more goes')
})

test('an undecided blob keeps its note when its pack is given back, and is judged like any other', async (t) => {
  const folder = await ownFolder(t)
  const writer = await openStore(t, folder)
  const ids = [await keep(writer, text(1)), await keep(writer, text(2)), await keep(writer, text(3))]
  const dead = await writer.put('s1', Buffer.from('dead'), NO_LIMIT)
  const live = await writer.put('s1', Buffer.from('live'), NO_LIMIT)
  await writer.close()
  await rested(folder)
  const store = await openStore(t, folder)
  await store.delete('s1', ids)
  await store.tidy()
  t.deepEqual(await namesIn(folder, 'packs'), [])
  t.deepEqual(await listed(store), sorted([`${dead.id} pending`, `${live.id} pending`]))
  const ledger = new MemoryLedger()
  ledger.linked.add(live.id)
  t.like(await sweep(store, ledger), { pendingDiscarded: 1, pendingSettled: 1 })
  t.deepEqual(await listed(store), [live.id])
  t.is(await read(store, live.id), 'live')
})

test('a damaged pack is kept: what is not understood is not thrown away', async (t) => {
  const { folder, ids, store } = await closedPack(t, 10)
  const path = packOf(folder, ids[0] as string)
  const { size } = await stat(path)
  const file = await open(path, 'r+')
  await file.write(Buffer.from('????'), 0, 4, (size / 10) * 5)
  await file.close()
  await rested(folder)
  await store.delete('s1', ids.slice(0, 4))
  await store.delete('s1', ids.slice(6, 9))
  await store.tidy()
  t.is((await packNames(folder)).length, 1)
  t.deepEqual(await listed(store), [ids[4], ids[9]].toSorted())
})

test('nor is it where the damage is in the last of its blobs; one that was cut off while it was written is no damage', async (t) => {
  for (const [what, kept] of [
    ['damaged', 1],
    ['cut off', 0],
  ] as const) {
    const { folder, ids, store } = await closedPack(t, 10)
    const path = packOf(folder, ids[0] as string)
    const { size } = await stat(path)
    if (what === 'cut off') await truncate(path, size - 10)
    else {
      const file = await open(path, 'r+')
      await file.write(Buffer.from('????'), 0, 4, (size / 10) * 9)
      await file.close()
    }
    await rested(folder)
    await store.delete('s1', ids.slice(0, 9))
    await store.tidy()
    t.is((await packNames(folder)).length, kept, what)
  }
})

test('a sweep gives room back; a dry run does not', async (t) => {
  const { folder, ids, store } = await closedPack(t, 10)
  const ledger = new MemoryLedger()
  for (const id of ids.slice(0, 7)) ledger.letGo.set(id, 0)
  const collector = new Collector({ store, ledger, freedGraceMs: 0 })
  await collector.sweep({ dryRun: true })
  t.is((await packNames(folder)).length, 1)
  t.like(await collector.sweep(), { freedDeleted: 7, failed: 0 })
  t.is((await packNames(folder)).length, 0)
  t.deepEqual(await listed(store), sorted(ids.slice(7)))
})

test('a line that a full disk has cut off does not take the next one with it', async (t) => {
  const { folder, ids, store, stores } = await closedPack(t, 4, 2)
  await writeFile(`${packOf(folder, ids[0] as string)}.gone`, '00000')
  await store.delete('s1', [ids[1] as string])
  await stores[1]?.delete('s1', [ids[2] as string])
  for (const one of [...stores, await openStore(t, folder)])
    t.deepEqual(await listed(one), sorted([ids[0] as string, ids[3] as string]))
})

test('a line that is on its way counts when all of it is there', async (t) => {
  const { folder, ids, store } = await closedPack(t, 4)
  const [first = '', second = '', ...others] = ids
  const gone = `${packOf(folder, first)}.gone`
  await store.delete('s1', [first])
  t.deepEqual(await listed(store), sorted([second, ...others]))
  const line = `${second.slice(12, 20)}\n`
  await appendFile(gone, line.slice(0, 5))
  t.deepEqual(await listed(store), sorted([second, ...others]))
  await appendFile(gone, line.slice(5))
  t.deepEqual(await listed(store), sorted(others))
})
