import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { LocalBlobStore } from '../../src/blobs/local/store.js'
import { all, FUTURE, failsWith, handFed, md5, NO_LIMIT, newSpace, ownFolder, streamOf } from './support.js'

/** Large bodies, whose digests a thread computes for the whole process; that they are right is in conformance-put.ts. */

const SIZE = 5_000_000
const LARGE = { ...NO_LIMIT, length: SIZE }

async function openStore(t: ExecutionContext): Promise<LocalBlobStore> {
  const store = new LocalBlobStore(await ownFolder(t), { durability: 'os' })
  await store.open()
  t.teardown(() => store.close())
  return store
}

async function assertRight(t: ExecutionContext, store: LocalBlobStore, bytes: Buffer): Promise<void> {
  const { md5: digest } = await store.put(newSpace(), streamOf(bytes), { ...NO_LIMIT, length: bytes.length })
  t.is(digest, md5(bytes))
}

test('many at once do not mix', async (t) => {
  const store = await openStore(t)
  await Promise.all(Array.from({ length: 12 }, (_, n) => assertRight(t, store, randomBytes(SIZE + n))))
})

test('uploads that are called off half-way leave nothing, and take nothing from those after them', async (t) => {
  const store = await openStore(t)
  const space = newSpace()
  const bodies = Array.from({ length: 12 }, () => handFed())
  const controls = bodies.map(() => new AbortController())
  const called = bodies.map(async (body, n) => {
    const putting = store.put(space, body, { ...LARGE, signal: controls[n]?.signal as AbortSignal })
    await failsWith(t, 'BODY_BROKEN', /called off/, () => putting)
    t.true(body.isPaused())
  })
  for (const body of bodies) for (let n = 0; n < 50; n++) body.push(Buffer.alloc(65_536))
  await Promise.all(bodies.map((body) => once(body, 'pause')))
  for (const control of controls) control.abort()
  await Promise.all(called)
  t.deepEqual(await all(store.pending(FUTURE)), [])
  t.deepEqual(await all(store.list(space)), [])
  await Promise.all(Array.from({ length: 12 }, () => assertRight(t, store, randomBytes(SIZE))))
})

test('one whose client has stalled holds up nobody', async (t) => {
  const store = await openStore(t)
  const bytes = randomBytes(SIZE)
  const stalled = Array.from({ length: 12 }, () => {
    const body = handFed()
    body.push(bytes.subarray(0, 1_000_000))
    return { body, putting: store.put(newSpace(), body, LARGE) }
  })
  await assertRight(t, store, randomBytes(SIZE))
  for (const { body } of stalled) {
    body.push(bytes.subarray(1_000_000))
    body.push(null)
  }
  for (const { putting } of stalled) t.is((await putting).md5, md5(bytes))
})

/** What `hash-once.ts` says of `bytes` bytes. */
async function hashedElsewhere(t: ExecutionContext, bytes: number, threads: 'threads' | 'no-threads') {
  const program = fileURLToPath(new URL('hash-once.js', import.meta.url))
  const args = [program, await ownFolder(t), String(bytes), threads]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const [code] = await once(child, 'close')
  return { code, said }
}

test('a process ends by itself once its upload has, and not before', async (t) => {
  const said = `1 thread, ${md5(Buffer.alloc(SIZE))}\n`
  t.deepEqual(await hashedElsewhere(t, SIZE, 'threads'), { code: 0, said })
})

test('small bodies start no thread', async (t) => {
  const said = `0 threads, ${md5(Buffer.alloc(1_000_000))}\n`
  t.deepEqual(await hashedElsewhere(t, 1_000_000, 'threads'), { code: 0, said })
})

test('where no thread can be started it is done without', async (t) => {
  const said = `0 threads, ${md5(Buffer.alloc(SIZE))}\n`
  t.deepEqual(await hashedElsewhere(t, SIZE, 'no-threads'), { code: 0, said })
})
