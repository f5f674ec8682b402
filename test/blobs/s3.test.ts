import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { RedisNotes } from '../../src/blobs/redis-notes.js'
import type { S3Place } from '../../src/blobs/s3/client.js'
import { S3BlobStore, type S3BlobStoreOptions } from '../../src/blobs/s3/store.js'
import { type TestRedis, testRedis } from '../support/redis.js'
import { noS3, sharedS3, type TestS3 } from '../support/s3.js'
import { S3Proxy } from '../support/s3-proxy.js'
import { blobStoreConformance } from './conformance.js'
import {
  all,
  bytesOf,
  FUTURE,
  failsWith,
  handFed,
  md5,
  NO_LIMIT,
  newSpace,
  sorted,
  streamOf,
} from './support.js'

/** Larger than a part, and no multiple of one. */
const LARGE = 20_000_001

let s3: TestS3
let redis: TestRedis
let notes: RedisNotes
let shared: S3BlobStore

async function storeAt(t: ExecutionContext, place: S3Place, options: Partial<S3BlobStoreOptions> = {}) {
  const store = new S3BlobStore(place, { notes, ...options })
  t.teardown(() => store.close())
  await store.open()
  return store
}

/** A store that is reached through a proxy. */
async function harmed(t: ExecutionContext, options: Partial<S3BlobStoreOptions> = {}) {
  const proxy = await S3Proxy.start(s3.endpoint)
  t.teardown(() => proxy.stop())
  const store = await storeAt(t, { ...shared.bucket.place, endpoint: proxy.endpoint }, options)
  return { proxy, store }
}

async function nothingLeft(t: ExecutionContext, space: string) {
  t.deepEqual(await all(shared.list(space)), [])
  t.false((await all(shared.pending(FUTURE))).some((one) => one.space === space))
}

const without = noS3()
if (without !== undefined) {
  test('S3', (t) => {
    t.log(`Not run: ${without}.`)
    t.pass()
  })
} else {
  test.before(async () => {
    ;[s3, redis] = await Promise.all([sharedS3(), testRedis()])
    notes = new RedisNotes(await redis.connect())
    shared = new S3BlobStore(s3.place(), { notes })
    await shared.open()
  })
  test.after.always(async () => {
    await shared?.close()
    await redis?.stop()
  })
  blobStoreConformance(test, async () => shared)
  s3Tests()
}

function s3Tests() {
  test('a large blob goes in parts and comes back as it was, length announced or not', async (t) => {
    const space = newSpace()
    const bytes = randomBytes(LARGE)
    for (const body of [bytes, streamOf(bytes), streamOf(bytes, 100_000)]) {
      const length = Buffer.isBuffer(body) ? {} : { length: LARGE }
      const blob = await shared.put(space, body, { ...NO_LIMIT, ...length })
      t.deepEqual({ size: blob.size, md5: blob.md5 }, { size: LARGE, md5: md5(bytes) })
      t.true((await bytesOf(await shared.get(space, blob.id))).equals(bytes))
      const range = { start: 8_388_600, end: 16_777_300 }
      t.true(
        (await bytesOf(await shared.get(space, blob.id, range))).equals(
          bytes.subarray(8_388_600, 16_777_301),
        ),
      )
    }
    t.is((await all(shared.list(space))).length, 3)
  })

  const broken: Record<string, (store: S3BlobStore, space: string) => Promise<unknown>> = {
    'is over the limit': (store, space) =>
      store.put(space, streamOf(Buffer.alloc(LARGE)), { limit: LARGE - 1 }),
    'ends early': (store, space) =>
      store.put(space, streamOf(Buffer.alloc(LARGE)), { ...NO_LIMIT, length: LARGE + 1 }),
    breaks: (store, space) => {
      const body = handFed().on('error', () => {})
      body.push(Buffer.alloc(LARGE))
      setImmediate(() => body.destroy(new Error('ECONNRESET')))
      return store.put(space, body, NO_LIMIT)
    },
    'is not what it was announced to be': (store, space) =>
      store.put(space, streamOf(Buffer.alloc(LARGE)), {
        ...NO_LIMIT,
        verify() {
          throw new Error('another digest')
        },
      }),
  }
  for (const [what, put] of Object.entries(broken))
    test(`a large body that ${what} leaves neither object nor parts nor note`, async (t) => {
      const space = newSpace()
      await t.throwsAsync(() => put(shared, space))
      await nothingLeft(t, space)
      t.deepEqual(
        (await all(shared.bucket.unfinished(FUTURE))).filter((upload) => upload.space === space),
        [],
      )
    })

  test('what a killed process leaves, whole or in parts, is pending, with and without its note', async (t) => {
    const place = s3.place()
    const space = newSpace()
    const store = await storeAt(t, place)
    const program = fileURLToPath(new URL('s3-uploader.js', import.meta.url))
    for (const notesAreLost of [false, true]) {
      const args = [program, redis.socket, JSON.stringify(place), space, String(LARGE)]
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      const [said] = (await once(child.stdout, 'data')) as [Buffer]
      const [whole = '', half = ''] = said.toString().trim().split(' ')
      child.kill('SIGKILL')
      await once(child, 'exit')
      if (notesAreLost) await notes.drop(space, [half])
      const pending = (await all(store.pending(FUTURE))).filter((one) => one.space === space)
      t.deepEqual(sorted(pending.map((one) => one.blob)), sorted([whole, half]))
      t.true(pending.every((one) => one.since > Date.now() - 60_000 && one.since < Date.now() + 5000))
      for (const { blob } of pending) await store.discard(space, blob)
      t.deepEqual(await all(store.bucket.unfinished(FUTURE)), [])
      t.deepEqual(await all(store.list(space)), [])
      t.deepEqual(
        (await all(store.pending(FUTURE))).filter((one) => one.space === space),
        [],
      )
    }
  })

  test('a stalled upload is kept from looking dead', async (t) => {
    const space = newSpace()
    const store = await storeAt(t, shared.bucket.place, { heartbeatMs: 5 })
    const body = handFed()
    const control = new AbortController()
    const putting = store.put(space, body, { ...NO_LIMIT, signal: control.signal })
    const began = Date.now()
    body.push(Buffer.alloc(1_000_000))
    const mine = async (olderThan: number) =>
      (await all(store.pending(olderThan))).filter((one) => one.space === space).length
    while ((await mine(FUTURE)) === 0);
    while ((await mine(began + 50)) > 0);
    control.abort()
    await failsWith(t, 'BODY_BROKEN', /called off/, () => putting)
  })

  test('blobs live below the folder that the place names', async (t) => {
    const bucket = s3.place().bucket
    const one = await storeAt(t, { ...s3.place(), bucket, prefix: 'one/' })
    const two = await storeAt(t, { ...s3.place(), bucket, prefix: 'two/three/' })
    const { id } = await one.put('s1', Buffer.from('1'), NO_LIMIT)
    t.is(await two.size('s1', id), undefined)
    t.is((await all(one.list('s1'))).length, 1)
    t.deepEqual(await all(two.list('s1')), [])
    t.true(await two.bucket.isEmpty())
    t.false(await one.bucket.isEmpty())
  })

  test('a presigned address gives the bytes to whoever has it, as the type that was asked', async (t) => {
    const space = newSpace()
    const { id } = await shared.put(space, Buffer.from('for all'), NO_LIMIT)
    const url = await shared.presign(space, id, {
      seconds: 60,
      contentType: 'text/x-test',
      disposition: 'inline',
    })
    const answer = await fetch(url)
    t.is(await answer.text(), 'for all')
    t.is(answer.headers.get('content-type'), 'text/x-test')
    t.is(answer.headers.get('content-disposition'), 'inline')
    t.is((await fetch(url.replace(/X-Amz-Signature=./, 'X-Amz-Signature=x'))).status, 403)
  })

  test('a bucket that cannot be used is UNAVAILABLE at open, saying what to set', async (t) => {
    const place = s3.place()
    const open = (changed: Partial<S3Place>) => () =>
      new S3BlobStore({ ...place, ...changed }, { notes }).open()
    await failsWith(
      t,
      'UNAVAILABLE',
      /127\.0\.0\.1:1 .*S3_ENDPOINT/,
      open({ endpoint: 'http://127.0.0.1:1' }),
    )
    await failsWith(t, 'UNAVAILABLE', /in\.valid .*S3_ENDPOINT/, open({ endpoint: 'http://in.valid' }))
    const proxy = await S3Proxy.start(s3.endpoint)
    t.teardown(() => proxy.stop())
    proxy.plan(() => true, 403)
    await failsWith(t, 'UNAVAILABLE', /credentials.*not allowed/, open({ endpoint: proxy.endpoint }))
  })

  test('what S3 refuses for the moment is tried again', async (t) => {
    const { proxy, store } = await harmed(t)
    const space = newSpace()
    const bytes = randomBytes(LARGE)
    for (const fault of [503, 500, 'refuse', 'lose-answer'] as const) {
      const always = (verb: string) => proxy.plan((method) => method === verb, fault, 2)
      always('PUT')
      const small = await store.put(space, Buffer.from('small'), NO_LIMIT)
      always('PUT')
      always('POST')
      const large = await store.put(space, streamOf(bytes), NO_LIMIT)
      always('GET')
      t.is(String(await store.read(space, small.id, { start: 0, end: 4 })), 'small')
      t.true((await bytesOf(await store.get(space, large.id))).equals(bytes))
      always('HEAD')
      t.is(await store.size(space, small.id), 5)
      always('GET')
      t.is((await all(store.list(space))).length, 2)
      always('POST')
      await store.delete(space, [small.id, large.id])
    }
    t.is(proxy.struck, 4 * 14)
    // Uploads were begun twice where the answer was lost; the collector meets them.
    const strays = (await all(store.pending(FUTURE))).filter((one) => one.space === space)
    t.is(strays.length, 2)
    for (const { blob } of strays) await store.settle(space, blob)
    await nothingLeft(t, space)
  })

  test('an answer that breaks off half-way goes on where it ended', async (t) => {
    const { proxy, store } = await harmed(t)
    const space = newSpace()
    const bytes = randomBytes(LARGE)
    const { id } = await shared.put(space, bytes, NO_LIMIT)
    proxy.plan((method) => method === 'GET', 'half-answer', 6)
    t.true((await bytesOf(await store.get(space, id))).equals(bytes))
    t.is(proxy.struck, 6)
    proxy.plan((method) => method === 'GET', 'half-answer', 2)
    const range = { start: 5_000_000, end: 9_000_000 }
    t.true((await bytesOf(await store.get(space, id, range))).equals(bytes.subarray(5_000_000, 9_000_001)))
    proxy.plan((method) => method === 'GET', 'half-answer')
    t.true((await store.read(space, id, { start: 9, end: 1000 })).equals(bytes.subarray(9, 1001)))
  })

  test('a reader whose blob goes in the middle gets CORRUPT, never an end', async (t) => {
    const { proxy, store } = await harmed(t)
    const space = newSpace()
    const { id } = await shared.put(space, randomBytes(LARGE), NO_LIMIT)
    proxy.plan((method) => method === 'GET', 'half-answer')
    const stream = await store.get(space, id)
    await shared.delete(space, [id])
    await t.throwsAsync(() => bytesOf(stream), { message: /reading a blob|does not exist/ })
  })

  test.serial(
    'an S3 that does not work is UNAVAILABLE, and what it may have kept is pending until it is back',
    async (t) => {
      const { proxy, store } = await harmed(t, { requestMs: 300 })
      const space = newSpace()
      const { id } = await shared.put(space, Buffer.from('there'), NO_LIMIT)
      await shared.settle(space, id)
      for (const fault of [503, 'refuse', 'stall'] as const) {
        proxy.plan(() => true, fault, Number.POSITIVE_INFINITY)
        const fails = (doing: () => Promise<unknown>) =>
          failsWith(t, 'UNAVAILABLE', /does not work: .+ failed: /, doing)
        await Promise.all([
          fails(() => store.put(space, Buffer.from('new'), NO_LIMIT)),
          fails(() => store.put(space, streamOf(Buffer.alloc(LARGE)), NO_LIMIT)),
          fails(() => store.get(space, id)),
          fails(() => store.size(space, id)),
          fails(() => store.delete(space, [id])),
          fails(() => all(store.list(space))),
          fails(() => store.discard(space, id)),
        ])
        proxy.heal()
        const pending = (await all(store.pending(FUTURE))).filter((one) => one.space === space)
        t.is(pending.length, 2, String(fault))
        for (const { blob } of pending) await store.discard(space, blob)
      }
      t.deepEqual(await all(store.list(space)), [{ blob: id, size: 5, pending: false }])
    },
  )

  test('a Redis that is away refuses a put before a byte went out', async (t) => {
    const other = await testRedis()
    const store = new S3BlobStore(s3.place(), { notes: new RedisNotes(await other.connect()) })
    t.teardown(() => store.close())
    await store.open()
    await other.stop()
    await failsWith(t, 'UNAVAILABLE', /Redis/, () => store.put('s1', Buffer.from('x'), NO_LIMIT))
    t.true(await store.bucket.isEmpty())
  })
}
