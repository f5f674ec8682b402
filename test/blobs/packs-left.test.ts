import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rename, rm, stat, unlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { MemoryLedger } from './memory-ledger.js'
import { keep, listed, namesIn, openStore, packOf, read, silenced, sweep } from './packs-support.js'
import { all, FUTURE, NO_LIMIT, ownFolder, sorted } from './support.js'

/** Records of packs that nobody has decided: noted when they get old or their process ends, and judged by the collector. */

const STORE = new URL('../../src/blobs/local/store.js', import.meta.url).href

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await delay(5)
}

/** A process that puts blobs as fast as it can, and tells of each what it will do with it. */
function putter(folder: string, clients: number) {
  const script = `
    import { writeSync } from 'node:fs'
    const { LocalBlobStore } = await import(${JSON.stringify(STORE)})
    const store = new LocalBlobStore(${JSON.stringify(folder)}, { durability: 'full' })
    await store.open()
    const tell = (what, id) => writeSync(1, what + ' ' + id + '\\n')
    async function client(n) {
      for (let count = n; ; count++) {
        const { id } = await store.put('s1', Buffer.from('body of ' + count), { limit: 100 })
        if (count % 4 === 0) tell('put', id)
        else if (count % 4 === 1) { tell('discarded', id); await store.discard('s1', id) }
        else { tell('linked', id); if (count % 4 === 2) await store.settle('s1', id) }
      }
    }
    for (let n = 0; n < ${clients}; n++) client(n)
  `
  return spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

/** Runs it until it has told so much, kills it, and resolves to the ids by what was told. */
async function killedAfter(folder: string, lines: number): Promise<Map<string, string[]>> {
  const child = putter(folder, 16)
  const told = new Map<string, string[]>()
  let count = 0
  for await (const line of createInterface({ input: child.stdout })) {
    const [what = '', id = ''] = line.split(' ')
    told.set(what, [...(told.get(what) ?? []), id])
    if (++count === lines) child.kill('SIGKILL')
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return told
}

test('kill -9 in the middle of many puts: what was acknowledged is there, and nothing else remains', async (t) => {
  const folder = await ownFolder(t)
  const ledger = new MemoryLedger()
  for (let round = 0; round < 3; round++) {
    const told = await killedAfter(folder, 700 + 300 * round)
    const linked = told.get('linked') ?? []
    for (const id of linked) ledger.linked.add(id)
    const store = await openStore(t, folder)
    t.true(linked.length > 200)
    for (const id of [...linked, ...(told.get('put') ?? [])]) t.regex(await read(store, id), /^body of \d+$/)
    const swept = await sweep(store, ledger)
    t.is(swept.failed, 0)
    t.true(swept.pendingSettled > 0 && swept.pendingDiscarded > 0, JSON.stringify(swept))
    t.deepEqual(await listed(store), sorted([...ledger.linked]))
    t.deepEqual(await all(store.pending(FUTURE)), [])
    for (const id of linked) t.regex(await read(store, id), /^body of \d+$/)
    await store.close()
    t.deepEqual(
      (await namesIn(folder, 'packs')).filter((name) => name.endsWith('.open')),
      [],
    )
  }
})

test('a record that is undecided for long gets a file as its note, which says when the upload began', async (t) => {
  const folder = await ownFolder(t)
  const store = await openStore(t, folder, { heartbeatMs: 200, packs: { undecidedMs: 0 } })
  const before = Date.now()
  const { id } = await store.put('s1', Buffer.from('whose is it'), NO_LIMIT)
  const after = Date.now()
  await until(async () => (await namesIn(folder, 'pending')).length === 1)
  t.deepEqual(await namesIn(folder, 'pending'), [`s1.${id}`])
  const [pending, ...others] = await all(store.pending(FUTURE))
  t.deepEqual(others, [])
  t.true(pending !== undefined && pending.since >= before - 1 && pending.since <= after)
  t.deepEqual(await listed(store), [`${id} pending`])
  // A late answer of the tree finds the note.
  await store.settle('s1', id)
  t.deepEqual(await namesIn(folder, 'pending'), [])
  t.deepEqual(await listed(store), [id])
  await store.discard('s1', id)
  t.is(await read(store, id), 'whose is it')
  await store.delete('s1', [id])
  t.deepEqual(await listed(store), [])
})

test('what is undecided when a store closes is judged later, either way', async (t) => {
  const folder = await ownFolder(t)
  const first = await openStore(t, folder, { durability: 'full' })
  const [live, dead] = [
    await first.put('s1', Buffer.from('live'), NO_LIMIT),
    await first.put('s1', Buffer.from('dead'), NO_LIMIT),
  ]
  await first.close()
  t.deepEqual(await namesIn(folder, 'pending'), sorted([`s1.${live.id}`, `s1.${dead.id}`]))
  t.deepEqual((await namesIn(folder, 'packs')).length, 1)
  const store = await openStore(t, folder)
  const ledger = new MemoryLedger()
  ledger.linked.add(live.id)
  t.like(await sweep(store, ledger), { pendingDiscarded: 1, pendingSettled: 1, failed: 0 })
  for (const one of [store, await openStore(t, folder)]) {
    t.deepEqual(await listed(one), [live.id])
    t.is(await one.size('s1', dead.id), undefined)
    t.is(await read(one, live.id), 'live')
  }
})

test('a collector of the same process judges what is undecided, either way', async (t) => {
  const store = await openStore(t, await ownFolder(t))
  const live = await store.put('s1', Buffer.from('live'), NO_LIMIT)
  const dead = await store.put('s1', Buffer.from('dead'), NO_LIMIT)
  const ledger = new MemoryLedger()
  ledger.linked.add(live.id)
  t.like(await sweep(store, ledger), { pendingDiscarded: 1, pendingSettled: 1, failed: 0 })
  t.deepEqual(await listed(store), [live.id])
  t.is(await store.size('s1', dead.id), undefined)
})

test('where a note cannot be written, the packs that come next are not taken for a dead process’s', async (t) => {
  const folder = await ownFolder(t)
  const store = await openStore(t, folder, { heartbeatMs: 300, packs: { packBytes: 1, undecidedMs: 0 } })
  await rename(join(folder, 'pending'), join(folder, 'aside'))
  await writeFile(join(folder, 'pending'), '')
  for (const text of ['one', 'two', 'three']) await store.put('s1', Buffer.from(text), NO_LIMIT)
  const open = (await namesIn(folder, 'packs')).filter((name) => name.endsWith('.open'))
  t.is(open.length, 3)
  const then = new Date(Date.now() - 3_600_000)
  for (const name of open) await utimes(join(folder, 'packs', name), then, then)
  await delay(1500)
  for (const name of open)
    t.true((await stat(join(folder, 'packs', name))).mtimeMs > Date.now() - 60_000, name)
  await unlink(join(folder, 'pending'))
  await rename(join(folder, 'aside'), join(folder, 'pending'))
  await until(async () => (await namesIn(folder, 'pending')).length === 3)
})

test('an owner that comes back while it is taken over keeps its pack', async (t) => {
  const { folder, owner, gone } = await abandoned(t)
  for (let n = 0; n < 300; n++) await owner.put('s1', Buffer.from(`${n}`), NO_LIMIT)
  await silenced(folder)
  const store = await openStore(t, folder)
  const taking = all(store.pending(FUTURE))
  while ((await namesIn(folder, 'pending')).length === 0) await delay(1)
  const [now, open] = [new Date(), `${packOf(folder, gone)}.open`]
  await utimes(open, now, now)
  await taking
  t.true((await stat(open)).isFile())
  t.regex(await read(owner, await keep(owner, 'more')), /more/)
})

test('a pack that cannot be read does not keep the others of ended processes from being judged', async (t) => {
  const folder = await ownFolder(t)
  const owner = await openStore(t, folder)
  const { id } = await owner.put('s1', Buffer.from('dead'), NO_LIMIT)
  // In whatever order the folder is read, some come before it and some behind.
  for (let n = 0; n < 16; n++) {
    const name = `${n.toString(16).repeat(2)}0123456789`
    await mkdir(join(folder, 'packs', name))
    await writeFile(join(folder, 'packs', `${name}.open`), '')
  }
  await silenced(folder)
  const store = await openStore(t, folder)
  t.like(await sweep(store, new MemoryLedger()), { pendingDiscarded: 1 })
  t.is(await store.size('s1', id), undefined)
})

/** A folder whose only pack belongs to a process that was not heard of for long: two undecided, one kept, one gone. */
async function abandoned(t: ExecutionContext) {
  const folder = await ownFolder(t)
  const owner = await openStore(t, folder)
  const ledger = new MemoryLedger()
  const put = async (text: string) => (await owner.put('s1', Buffer.from(text), NO_LIMIT)).id
  const ids = {
    kept: await keep(owner, 'kept'),
    live: await put('live'),
    dead: await put('dead'),
    gone: await put('gone'),
  }
  ledger.linked.add(ids.kept)
  ledger.linked.add(ids.live)
  await owner.discard('s1', ids.gone)
  return { folder, owner, ledger, ...ids }
}

test('a sweep of another process takes over from one that is silent, and not from one that lives', async (t) => {
  const { folder, ledger, kept, live, dead } = await abandoned(t)
  const store = await openStore(t, folder)
  t.like(await sweep(store, ledger), { pendingDiscarded: 0, pendingSettled: 0 })
  t.is((await listed(store)).length, 3)
  await silenced(folder)
  t.like(await sweep(store, ledger), { pendingDiscarded: 1, pendingSettled: 2, failed: 0 })
  t.deepEqual(await listed(store), sorted([kept, live]))
  t.is(await store.size('s1', dead), undefined)
  t.deepEqual(await all(store.pending(FUTURE)), [])
  t.like(await sweep(store, ledger), { pendingDiscarded: 0, pendingSettled: 0, failed: 0 })
})

test('several may take over at once, and each may die in the middle', async (t) => {
  const { folder, ledger, kept, live } = await abandoned(t)
  await silenced(folder)
  const stores = await Promise.all([1, 2, 3].map(() => openStore(t, folder)))
  const state = await readFile(`${packOf(folder, kept)}.open`)
  const swept = await Promise.all(stores.map((store) => sweep(store, ledger)))
  t.true(swept.every(({ failed }) => failed === 0))
  // One died before it removed the last trace: all is done again.
  await writeFile(`${packOf(folder, kept)}.open`, state)
  await silenced(folder)
  t.like(await sweep(await openStore(t, folder), ledger), { pendingDiscarded: 0, failed: 0 })
  for (const store of stores) {
    t.deepEqual(await listed(store), sorted([kept, live]))
    t.is(await read(store, live), 'live')
  }
})

test('an owner’s state that was lost loses nothing', async (t) => {
  const { folder, ledger, kept, live } = await abandoned(t)
  const path = `${packOf(folder, kept)}.open`
  await writeFile(path, '')
  const store = await openStore(t, folder)
  t.like(await sweep(store, ledger), { pendingDiscarded: 0, pendingSettled: 0 })
  await utimes(path, 0, 0)
  t.like(await sweep(store, ledger), { pendingDiscarded: 1, failed: 0 })
  t.deepEqual(await listed(store), sorted([kept, live]))
})

test('who was held for dead appends no more to what was taken over, and notes what is undecided', async (t) => {
  const folder = await ownFolder(t)
  const store = await openStore(t, folder, { heartbeatMs: 200, packs: { undecidedMs: 400 } })
  const { id } = await store.put('s1', Buffer.from('mine still'), NO_LIMIT)
  await unlink(`${packOf(folder, id)}.open`)
  await until(async () => (await namesIn(folder, 'pending')).length === 1)
  const later = await keep(store, 'later')
  t.not(later.slice(0, 12), id.slice(0, 12))
  t.is(await read(store, id), 'mine still')
  await store.discard('s1', id)
  t.deepEqual(await listed(store), [later])
})

test('settling and discarding what belongs to others is harmless', async (t) => {
  const folder = await ownFolder(t)
  const [owner, other] = [await openStore(t, folder), await openStore(t, folder)]
  const { id } = await owner.put('s1', Buffer.from('x'), NO_LIMIT)
  await other.settle('s1', id)
  await other.discard('s1', id)
  t.is(await read(owner, id), 'x')
  t.deepEqual(await listed(owner), [`${id} pending`])
  await owner.settle('s2', id)
  await owner.discard('s2', id)
  t.deepEqual(await listed(owner), [`${id} pending`])
})

test('a folder that was copied with an owner in it is judged where it is put', async (t) => {
  const { folder, kept, live, dead } = await abandoned(t)
  const copy = await mkdtemp(join(folder, 'copy-'))
  t.teardown(() => rm(copy, { recursive: true, force: true }))
  const { copyBytes } = await import('../../src/backup/bytes.js')
  await writeFile(join(folder, 'store.id'), 'id')
  await copyBytes(folder, copy)
  const store = await openStore(t, copy)
  t.deepEqual(
    (await listed(store)).map((line) => line.slice(0, 32)),
    sorted([kept, live, dead]),
  )
  await silenced(copy)
  const ledger = new MemoryLedger()
  ledger.linked.add(kept)
  ledger.linked.add(live)
  t.like(await sweep(store, ledger), { pendingDiscarded: 1, pendingSettled: 2, failed: 0 })
  t.deepEqual(await listed(store), sorted([kept, live]))
})
