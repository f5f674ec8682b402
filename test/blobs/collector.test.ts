import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Collector, type SweepResult } from '../../src/blobs/collector.js'
import { LocalBlobStore } from '../../src/blobs/local/store.js'
import { SpaceError } from '../../src/space/errors.js'
import { MemoryLedger } from './memory-ledger.js'
import { all, ownFolder, sorted } from './support.js'

const HOUR = 3_600_000
const NOTHING: SweepResult = { pendingDiscarded: 0, pendingSettled: 0, freedDeleted: 0, failed: 0 }

async function makeRig(t: ExecutionContext) {
  const folder = await ownFolder(t)
  // Each blob has a file of its own, which can be made older.
  const store = new LocalBlobStore(folder, { durability: 'os', packUpTo: -1 })
  await store.open()
  t.teardown(() => store.close())
  const ledger = new MemoryLedger()
  const errors: unknown[] = []
  const collector = new Collector({ store, ledger, onError: (error) => errors.push(error) })
  const put = async () => (await store.put('s1', Buffer.from('blob'), { limit: 1e9 })).id
  const age = async (blob: string, ms: number) => {
    const then = new Date(Date.now() - ms)
    await utimes(join(folder, 'pending', `s1.${blob}`), then, then)
  }
  const abandoned = async () => {
    const blob = await put()
    await age(blob, 2 * HOUR)
    return blob
  }
  const listed = async () => sorted((await all(store.list('s1'))).map((one) => one.blob))
  return { folder, store, ledger, errors, collector, put, age, abandoned, listed }
}

test('an abandoned upload is claimed, then discarded; a linked one is settled; a young one is left alone', async (t) => {
  const { store, ledger, collector, put, age, abandoned } = await makeRig(t)
  const dead = await abandoned()
  const live = await abandoned()
  ledger.linked.add(live)
  const young = await put()
  await age(young, HOUR / 2)
  t.deepEqual(await collector.sweep(), { ...NOTHING, pendingDiscarded: 1, pendingSettled: 1 })
  t.deepEqual([...ledger.doomed], [dead])
  t.is(await store.size('s1', dead), undefined)
  t.deepEqual((await all(store.list('s1'))).find((one) => one.blob === live)?.pending, false)
  t.is(await store.size('s1', young), 4)
  t.is(ledger.claims, 2)
  t.deepEqual(await collector.sweep(), NOTHING)
})

test('freed blobs go after their grace, in as many batches as it takes', async (t) => {
  const { store, ledger, collector, put, listed } = await makeRig(t)
  const ids = await Promise.all(Array.from({ length: 450 }, put))
  await Promise.all(ids.map((blob) => store.settle('s1', blob)))
  const [kept = '', fresh = '', ...old] = ids
  ledger.linked.add(kept)
  ledger.letGo.set(fresh, Date.now() - 60_000)
  for (const blob of old) ledger.letGo.set(blob, Date.now() - HOUR)
  t.deepEqual(await collector.sweep(), { ...NOTHING, freedDeleted: 448 })
  t.deepEqual(await listed(), sorted([kept, fresh]))
  t.deepEqual([...ledger.letGo.keys()], [fresh])
  t.is(ledger.claimed.size, 0)
})

test('what a collector claimed before it died is finished by the next', async (t) => {
  const { store, ledger, collector, put, listed } = await makeRig(t)
  const [gone, there] = [await put(), await put()]
  for (const blob of [gone, there]) {
    await store.settle('s1', blob)
    ledger.claimed.add(blob)
  }
  await store.delete('s1', [gone])
  t.deepEqual(await collector.sweep(), { ...NOTHING, freedDeleted: 2 })
  t.deepEqual(await listed(), [])
})

test('an upload claimed as dead whose discarding failed is discarded by the next sweep', async (t) => {
  const { store, ledger, collector, abandoned } = await makeRig(t)
  const blob = await abandoned()
  const failing = new Collector({
    ledger,
    store: Object.assign(Object.create(store), {
      pending: (olderThan: number) => store.pending(olderThan),
      tidy: () => store.tidy(),
      discard: () => Promise.reject(new SpaceError('UNAVAILABLE', 'The disk does not answer.')),
    }),
  })
  t.deepEqual(await failing.sweep(), { ...NOTHING, failed: 1 })
  t.deepEqual(await collector.sweep(), { ...NOTHING, pendingDiscarded: 1 })
  t.is(await store.size('s1', blob), undefined)
})

test('no answer, or none that is understood, keeps the blob', async (t) => {
  const { ledger, errors, collector, abandoned, listed } = await makeRig(t)
  const blobs = sorted([await abandoned(), await abandoned()])
  const outage = new SpaceError('UNAVAILABLE', 'Redis does not answer.')
  ledger.claimPending = () => Promise.reject(outage)
  ledger.freed = () => Promise.reject(outage)
  t.deepEqual(await collector.sweep(), { ...NOTHING, failed: 3 })
  t.deepEqual(errors, [outage, outage, outage])
  ledger.claimPending = async () => undefined as unknown as 'dead'
  ledger.freed = async () => []
  t.deepEqual(await collector.sweep(), NOTHING)
  t.deepEqual(await listed(), blobs)
})

test('blobs that could not be deleted stay claimed, and other spaces are swept all the same', async (t) => {
  const { store, ledger, collector, put } = await makeRig(t)
  const blob = await put()
  await store.settle('s1', blob)
  ledger.spaces.unshift('s0')
  ledger.letGo.set(blob, 0)
  const freed = ledger.freed.bind(ledger)
  ledger.freed = async (space, olderThan, limit) =>
    space === 's0' ? ['not a blob id'] : freed(space, olderThan, limit)
  t.deepEqual(await collector.sweep(), { ...NOTHING, freedDeleted: 1, failed: 1 })
  t.is(await store.size('s1', blob), undefined)
})

test('a sweep gives up when everything fails', async (t) => {
  const { ledger, collector, abandoned } = await makeRig(t)
  await Promise.all(Array.from({ length: 30 }, abandoned))
  let asked = 0
  ledger.claimPending = () => {
    asked++
    return Promise.reject(new Error('gone'))
  }
  t.like(await collector.sweep(), { failed: 10 })
  t.is(asked, 10)
})

test('a ledger that does not forget does not keep a sweep going for ever', async (t) => {
  const { ledger, collector } = await makeRig(t)
  ledger.claimed.add('0'.repeat(32))
  ledger.forget = async () => {}
  t.like(await collector.sweep(), { freedDeleted: 1 })
})

test('a dry run counts what it would judge, and claims and changes nothing', async (t) => {
  const { ledger, collector, abandoned, listed } = await makeRig(t)
  const blobs = sorted([await abandoned(), await abandoned()])
  ledger.letGo.set(blobs[0] ?? '', 0)
  t.deepEqual(await collector.sweep({ dryRun: true }), { ...NOTHING, pendingDiscarded: 2, freedDeleted: 1 })
  t.deepEqual([ledger.claims, ledger.claimed.size, ledger.letGo.size], [0, 0, 1])
  t.deepEqual(await listed(), blobs)
})

test('started, it sweeps again and again until it is stopped, which waits for the step it is in', async (t) => {
  const { store, ledger, abandoned } = await makeRig(t)
  const sweeps: SweepResult[] = []
  let third = () => {}
  const swept = new Promise<void>((resolve) => {
    third = resolve
  })
  const onSweep = (result: SweepResult) => {
    if (sweeps.push(result) === 3) third()
  }
  const collector = new Collector({ store, ledger, onSweep })
  await abandoned()
  collector.start(1)
  await swept
  await abandoned()
  await collector.stop()
  const { length } = sweeps
  t.is(sweeps[0]?.pendingDiscarded, 1)
  await new Promise(setImmediate)
  t.is(sweeps.length, length)
})

test('two collectors at once do each thing no worse than one', async (t) => {
  const { store, ledger, collector, abandoned, put, listed } = await makeRig(t)
  const live = await abandoned()
  ledger.linked.add(live)
  await Promise.all(Array.from({ length: 20 }, abandoned))
  for (let n = 0; n < 20; n++) {
    const blob = await put()
    await store.settle('s1', blob)
    ledger.letGo.set(blob, 0)
  }
  const other = new Collector({ store, ledger })
  const results = await Promise.all([collector.sweep(), other.sweep()])
  t.true(results.every((result) => result.failed === 0))
  t.deepEqual(await listed(), [live])
})
