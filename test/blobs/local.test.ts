import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readlink, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { newBlobId } from '../../src/blobs/ids.js'
import { LocalBlobStore, type LocalBlobStoreOptions } from '../../src/blobs/local/store.js'
import { blobStoreConformance } from './conformance.js'
import { all, bytesOf, failsWith, handFed, NO_LIMIT, ownFolder, sorted, streamOf } from './support.js'

/** The store whose blobs have a file each; small ones together are in packs.test.ts. */

const HOUR = 3_600_000

async function openStore(t: ExecutionContext, folder: string, options: Partial<LocalBlobStoreOptions> = {}) {
  const store = new LocalBlobStore(folder, { durability: 'os', packUpTo: -1, ...options })
  await store.open()
  t.teardown(() => store.close())
  return store
}

blobStoreConformance(test, async (t) => openStore(t, await ownFolder(t), { durability: 'full' }))

/** Paths below `folder` that this process holds open, the pending folder itself left out. */
async function openBelow(folder: string): Promise<string[]> {
  const links = (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''))
  return (await Promise.all(links)).filter(
    (path) => path.startsWith(folder) && path !== join(folder, 'pending'),
  )
}

test('both durabilities store the same', async (t) => {
  for (const durability of ['full', 'os'] as const) {
    const store = await openStore(t, await ownFolder(t), { durability })
    const { id } = await store.put('s1', streamOf(Buffer.alloc(1_000_000, 7)), NO_LIMIT)
    t.is((await bytesOf(await store.get('s1', id))).length, 1_000_000)
  }
})

test('a pending blob is the file pending/<space>.<blob>, a live one blobs/<space>/<aa>/<blob>', async (t) => {
  const folder = await ownFolder(t)
  const store = await openStore(t, folder)
  const { id } = await store.put('s1', Buffer.from('abc'), NO_LIMIT)
  t.deepEqual(await readdir(join(folder, 'pending')), [`s1.${id}`])
  await store.settle('s1', id)
  t.deepEqual(await readdir(join(folder, 'pending')), [])
  t.is((await stat(join(folder, 'blobs', 's1', id.slice(0, 2), id))).size, 3)
})

test('folders go with their last blob', async (t) => {
  const folder = await ownFolder(t)
  const store = await openStore(t, folder, { durability: 'full' })
  const blobs = await Promise.all([1, 2, 3].map((n) => store.put('s1', Buffer.alloc(n), NO_LIMIT)))
  for (const { id } of blobs) await store.settle('s1', id)
  const [first, ...others] = blobs.map((blob) => blob.id)
  await store.delete('s1', others)
  t.deepEqual(await readdir(join(folder, 'blobs', 's1')), [first?.slice(0, 2)])
  await store.delete('s1', first ? [first] : [])
  t.deepEqual(await readdir(join(folder, 'blobs')), [])
})

test('what a killed process left is pending, and listed once it is old enough', async (t) => {
  const folder = await ownFolder(t)
  const first = await openStore(t, folder)
  const left = await first.put('s1', Buffer.from('left'), NO_LIMIT)
  const half = `s2.${newBlobId()}`
  await writeFile(join(folder, 'pending', half), 'half a blo')
  await writeFile(join(folder, 'pending', 'README'), 'not a blob')
  const store = await openStore(t, folder)
  const old = new Date(Date.now() - 2 * HOUR)
  for (const name of [`s1.${left.id}`, half]) await utimes(join(folder, 'pending', name), old, old)
  const young = await store.put('s1', Buffer.from('young'), NO_LIMIT)
  const pending = await all(store.pending(Date.now() - HOUR))
  t.deepEqual(sorted(pending.map((one) => `${one.space}.${one.blob}`)), sorted([`s1.${left.id}`, half]))
  t.true(pending.every((one) => one.since <= old.getTime() + 1))
  t.deepEqual(sorted((await all(store.list('s1'))).map((one) => one.blob)), sorted([left.id, young.id]))
})

test('a stalled upload is kept from looking dead', async (t) => {
  const folder = await ownFolder(t)
  const store = await openStore(t, folder, { heartbeatMs: 5 })
  const body = handFed()
  const control = new AbortController()
  const putting = store.put('s1', body, { ...NO_LIMIT, signal: control.signal })
  body.push(Buffer.alloc(1_000_000))
  const pending = join(folder, 'pending')
  const until = async (holds: () => Promise<boolean>) => {
    while (!(await holds())) await new Promise(setImmediate)
  }
  await until(async () => (await readdir(pending)).length === 1)
  const path = join(pending, (await readdir(pending))[0] ?? '')
  const old = new Date(Date.now() - HOUR)
  await utimes(path, old, old)
  await until(async () => (await stat(path)).mtimeMs > Date.now() - HOUR / 2)
  control.abort()
  await failsWith(t, 'BODY_BROKEN', /called off/, () => putting)
})

test('no descriptor stays open after puts, reads, aborts and failures', async (t) => {
  const folder = await ownFolder(t)
  const store = await openStore(t, folder, { durability: 'full' })
  const bytes = randomBytes(3_000_000)
  const { id } = await store.put('s1', streamOf(bytes), NO_LIMIT)
  await bytesOf(await store.get('s1', id))
  await bytesOf(await store.get('s1', id, { start: 5, end: 10 }))
  await failsWith(t, 'CORRUPT', /ends at/, () => store.get('s1', id, { start: 0, end: 9e9 }))
  const given = await Promise.all(Array.from({ length: 20 }, () => store.get('s1', id)))
  for (const [n, stream] of given.entries()) {
    if (n % 2 === 0) await once(stream, 'data')
    const closed = new Promise((resolve) => stream.once('close', resolve))
    stream.on('error', () => {}).destroy(n % 3 === 0 ? new Error('client went away') : undefined)
    await closed
  }
  await failsWith(t, 'FILE_TOO_LARGE', /limit/, () => store.put('s1', streamOf(bytes), { limit: 2e6 }))
  await t.throwsAsync(
    store.put('s1', bytes, {
      ...NO_LIMIT,
      verify() {
        throw new Error('no')
      },
    }),
  )
  t.deepEqual(await openBelow(folder), [])
  await store.close()
  t.deepEqual(await readdir(join(folder, 'pending')), [`s1.${id}`])
})

test('a file cut short while it is read is CORRUPT in the stream, never an end', async (t) => {
  const folder = await ownFolder(t)
  const store = await openStore(t, folder)
  const { id } = await store.put('s1', Buffer.alloc(5_000_000), NO_LIMIT)
  const stream = await store.get('s1', id)
  await truncate(join(folder, 'pending', `s1.${id}`), 2_500_000)
  await failsWith(t, 'CORRUPT', /ends at byte 2500000/, () => bytesOf(stream))
  t.deepEqual(await openBelow(folder), [])
})

test('what is lent is the range, whatever its ends; each piece until the next', async (t) => {
  const store = await openStore(t, await ownFolder(t))
  const bytes = randomBytes(5_000_000)
  const { id } = await store.put('s1', bytes, NO_LIMIT)
  for (const [start, end] of [
    [0, 4_999_999],
    [0, 0],
    [1_048_576, 3_145_727],
    [123_456, 4_000_000],
  ] as const) {
    const pieces: Buffer[] = []
    for await (const piece of await store.lend('s1', id, { start, end })) pieces.push(Buffer.from(piece))
    t.true(Buffer.concat(pieces).equals(bytes.subarray(start, end + 1)))
  }
})

test('several readers of lent bytes do not mix', async (t) => {
  const store = await openStore(t, await ownFolder(t))
  const blobs = await Promise.all(
    Array.from({ length: 12 }, async (_, n) => {
      const bytes = Buffer.alloc(3_000_000, n)
      return { n, id: (await store.put('s1', bytes, NO_LIMIT)).id }
    }),
  )
  await Promise.all(
    blobs.map(async ({ n, id }) => {
      let size = 0
      for await (const piece of await store.lend('s1', id, { start: 0, end: 2_999_999 })) {
        await new Promise((resolve) => setImmediate(resolve))
        t.true(piece.every((byte) => byte === n))
        size += piece.length
      }
      t.is(size, 3_000_000)
    }),
  )
})

test('lent bytes: an early end, no beginning at all and a failure close the file; one cut short is CORRUPT', async (t) => {
  const folder = await ownFolder(t)
  const store = await openStore(t, folder)
  const { id } = await store.put('s1', Buffer.alloc(5_000_000), NO_LIMIT)
  const range = { start: 0, end: 4_999_999 }
  for await (const piece of await store.lend('s1', id, range)) {
    t.true(piece.length > 0)
    break
  }
  await (await store.lend('s1', id, range)).return()
  await failsWith(t, 'CORRUPT', /ends at byte 5000000/, () =>
    store.lend('s1', id, { start: 0, end: 5_000_000 }),
  )
  await failsWith(t, 'CORRUPT', /does not exist/, () => store.lend('s1', newBlobId(), range))
  const lent = await store.lend('s1', id, range)
  await lent.next()
  await truncate(join(folder, 'pending', `s1.${id}`), 100)
  await failsWith(t, 'CORRUPT', /ends at byte/, async () => {
    for await (const piece of lent) t.true(piece.length > 0)
  })
  t.deepEqual(await openBelow(folder), [])
})

test('a folder that cannot be made or written is UNAVAILABLE at open, naming it', async (t) => {
  const folder = await ownFolder(t)
  await writeFile(join(folder, 'file'), '')
  const store = new LocalBlobStore(join(folder, 'file', 'blobs'), { durability: 'full' })
  await failsWith(t, 'UNAVAILABLE', /file\/blobs/, () => store.open())
})

test('a store that is not open refuses to put, and close may be repeated', async (t) => {
  const store = new LocalBlobStore(await ownFolder(t), { durability: 'full' })
  await failsWith(t, 'UNAVAILABLE', /not open/, () => store.put('s1', Buffer.alloc(1), NO_LIMIT))
  await store.open()
  await store.close()
  await store.close()
})

test('a full disk is DISK_FULL, leaves nothing, and does not outlast the cause', async (t) => {
  if (process.getuid?.() !== 0) {
    t.log('skipped: mounting a small tmpfs needs root')
    t.pass()
    return
  }
  const folder = await ownFolder(t)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder])
  t.teardown(() => execFileSync('umount', ['-l', folder]))
  const store = await openStore(t, folder, { durability: 'full' })
  const large = Buffer.alloc(3_000_000)
  const kept = await store.put('s1', Buffer.alloc(1_000_000, 1), NO_LIMIT)
  await store.settle('s1', kept.id)
  for (const body of [large, streamOf(large), streamOf(large, 300_000)])
    await failsWith(t, 'DISK_FULL', /ENOSPC/, () => store.put('s1', body, NO_LIMIT))
  t.deepEqual(await readdir(join(folder, 'pending')), [])
  t.deepEqual(await openBelow(folder), [])
  const after = await store.put('s1', streamOf(Buffer.alloc(500_000, 2)), NO_LIMIT)
  t.is((await bytesOf(await store.get('s1', after.id))).length, 500_000)
  t.is((await bytesOf(await store.get('s1', kept.id))).length, 1_000_000)
})

test('too many open files is UNAVAILABLE, and service goes on when there are fewer', async (t) => {
  const folder = await ownFolder(t)
  const store = new URL('../../src/blobs/local/store.js', import.meta.url).href
  const script = `
    import { closeSync, openSync } from 'node:fs'
    const { LocalBlobStore } = await import(${JSON.stringify(store)})
    const store = new LocalBlobStore(${JSON.stringify(folder)}, { durability: 'full', packUpTo: -1 })
    await store.open()
    const blob = await store.put('s1', Buffer.alloc(10), { limit: 10 })
    const taken = []
    try { for (;;) taken.push(openSync('/dev/null', 'r')) } catch {}
    const codeOf = (doing) => doing.then(() => 'done', (error) => error.code)
    const put = () => codeOf(store.put('s1', Buffer.alloc(10), { limit: 10 }))
    const get = () => codeOf(store.get('s1', blob.id))
    const seen = [await put(), await get()]
    taken.forEach((fd) => closeSync(fd))
    seen.push(await put(), await get())
    console.log(seen.join(' '))
    process.exit()
  `
  const shell = 'ulimit -n 100 && exec "$0" --input-type=module -e "$1"'
  const printed = execFileSync('sh', ['-c', shell, process.execPath, script], { encoding: 'utf8' })
  t.is(printed, 'UNAVAILABLE UNAVAILABLE done done\n')
  t.is((await readdir(join(folder, 'pending'))).length, 2)
})
