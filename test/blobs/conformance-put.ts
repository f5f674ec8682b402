import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import type { ExecutionContext, TestFn } from 'ava'
import type { BlobStore } from '../../src/blobs/store.js'
import { all, bytesOf, FUTURE, failsWith, handFed, NO_LIMIT, newSpace, streamOf } from './support.js'

/** The part of the conformance suite about bodies: limits, everything that breaks one, digests. */
export function putConformance(test: TestFn, makeStore: (t: ExecutionContext) => Promise<BlobStore>) {
  const nothingLeft = async (t: ExecutionContext, store: BlobStore, space: string) => {
    const pending = await all(store.pending(FUTURE))
    t.false(pending.some((one) => one.space === space))
    t.deepEqual(await all(store.list(space)), [])
  }

  test('exactly the limit is let in, one byte more is refused, announced or not', async (t) => {
    const store = await makeStore(t)
    const space = newSpace()
    for (const limit of [0, 10, 200_000]) {
      const over = Buffer.alloc(limit + 1)
      const exact = await store.put(space, streamOf(over.subarray(1)), { limit, length: limit })
      t.is(exact.size, limit)
      t.is((await store.put(space, streamOf(over.subarray(1)), { limit })).size, limit)
      await store.discard(space, exact.id)
      const untouched = streamOf(over)
      const message = new RegExp(`limit of ${limit} bytes`)
      const refused = await failsWith(t, 'FILE_TOO_LARGE', message, () =>
        store.put(space, untouched, { limit, length: limit + 1 }),
      )
      t.deepEqual(refused?.details, { limit })
      t.false(untouched.readableDidRead, 'an announced length is judged before a byte is read')
      await failsWith(t, 'FILE_TOO_LARGE', message, () => store.put(space, streamOf(over), { limit }))
      await failsWith(t, 'FILE_TOO_LARGE', message, () => store.put(space, over, { limit }))
    }
    t.is((await all(store.list(space))).length, 3)
  })

  test('an endless body is cut off at the limit, and not destroyed', async (t) => {
    const store = await makeStore(t)
    const space = newSpace()
    const body = handFed()
    body._read = () => body.push(Buffer.alloc(65_536))
    await failsWith(t, 'FILE_TOO_LARGE', /limit of 3000000 bytes/, () =>
      store.put(space, body, { limit: 3e6 }),
    )
    t.false(body.destroyed)
    t.true(body.isPaused())
    t.is(body.listenerCount('data'), 0)
    body.destroy(new Error('too late to matter'))
    await nothingLeft(t, store, space)
  })

  const broken: Record<string, (body: Readable) => void> = {
    'fails at once': (body) => body.destroy(new Error('ECONNRESET')),
    'closes at once': (body) => body.destroy(),
    'fails after some bytes': (body) => {
      body.push(Buffer.alloc(100))
      body.once('data', () => body.destroy(new Error('ECONNRESET')))
    },
    'closes after many bytes': (body) => {
      for (let n = 0; n < 40; n++) body.push(Buffer.alloc(65_536))
      let seen = 0
      body.on('data', (chunk) => {
        seen += chunk.length
        if (seen > 2_000_000) body.destroy()
      })
    },
    'ends a byte early': (body) => {
      body.push(Buffer.alloc(2_999_999))
      body.push(null)
    },
    'is a byte too long': (body) => {
      body.push(Buffer.alloc(3_000_001))
      body.push(null)
    },
  }
  for (const [what, breakIt] of Object.entries(broken))
    test(`a body that ${what} leaves nothing behind`, async (t) => {
      const store = await makeStore(t)
      const space = newSpace()
      const body = handFed()
      // Keeps a body that fails before the store listens from being an uncaught error of the test.
      body.on('error', () => {})
      const putting = store.put(space, body, { limit: 1e7, length: 3_000_000 })
      breakIt(body)
      await failsWith(t, 'BODY_BROKEN', /bytes/, () => putting)
      await nothingLeft(t, store, space)
    })

  test('a body that is dead already, or was read by somebody else, is BODY_BROKEN', async (t) => {
    const store = await makeStore(t)
    const space = newSpace()
    const dead = handFed()
    dead.destroy()
    await failsWith(t, 'BODY_BROKEN', /cut off after 0 bytes/, () => store.put(space, dead, NO_LIMIT))
    const read = streamOf(Buffer.from('read by somebody'))
    await bytesOf(read)
    await failsWith(t, 'BODY_BROKEN', /read before/, () => store.put(space, read, NO_LIMIT))
    await nothingLeft(t, store, space)
  })

  test('an HTTP request that breaks off leaves nothing, and the server goes on', async (t) => {
    const store = await makeStore(t)
    const space = newSpace()
    const server = createServer()
    t.teardown(() => server.close())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const client = request({ port, method: 'PUT', headers: { 'content-length': 1_000_000 } })
    client.on('error', () => {})
    client.write(Buffer.alloc(600_000))
    const [incoming] = (await once(server, 'request')) as [Readable]
    const putting = store.put(space, incoming, { ...NO_LIMIT, length: 1_000_000 })
    incoming.once('data', () => client.destroy())
    await failsWith(t, 'BODY_BROKEN', /of 1000000 bytes/, () => putting)
    await nothingLeft(t, store, space)
  })

  test('an aborted signal calls the put off: before, while waiting for the client, at the end', async (t) => {
    const store = await makeStore(t)
    const space = newSpace()
    const before = handFed()
    await failsWith(t, 'BODY_BROKEN', /called off/, () =>
      store.put(space, before, { ...NO_LIMIT, signal: AbortSignal.abort() }),
    )
    for (const bytes of [0, 10, 2_000_000]) {
      const control = new AbortController()
      const stalled = handFed()
      const putting = store.put(space, stalled, { ...NO_LIMIT, signal: control.signal })
      if (bytes > 0) {
        stalled.push(Buffer.alloc(bytes))
        await once(stalled, 'data')
      }
      control.abort(new Error('shutting down'))
      const error = await failsWith(t, 'BODY_BROKEN', /called off/, () => putting)
      t.like(error?.cause, { message: 'shutting down' })
      t.false(stalled.destroyed)
    }
    await nothingLeft(t, store, space)
  })

  test('digests are handed to verify, whose throw undoes the put', async (t) => {
    const store = await makeStore(t)
    const space = newSpace()
    let seen: Readonly<Record<string, string>> = {}
    const verify = (digests: Readonly<Record<string, string>>) => {
      seen = digests
    }
    const { id } = await store.put(space, streamOf(Buffer.from('abc')), {
      ...NO_LIMIT,
      digests: ['sha256', 'sha512'],
      verify,
    })
    t.is(seen.md5, '900150983cd24fb0d6963f7d28e17f72')
    t.is(seen.sha256, 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    t.is(seen.sha512?.length, 128)
    await store.discard(space, id)
    const refusal = new Error('not the announced digest')
    const refuse = () => {
      throw refusal
    }
    for (const body of [Buffer.from('abc'), streamOf(Buffer.alloc(2_000_000))])
      t.is(await t.throwsAsync(() => store.put(space, body, { ...NO_LIMIT, verify: refuse })), refusal)
    await nothingLeft(t, store, space)
  })

  // About 1 MiB, from where on another thread hashes, and about what goes there at a time.
  for (const size of [0, 1, 1_048_575, 1_048_576, 1_048_577, 1_179_647, 1_179_648, 1_179_649, 6_000_001])
    test(`every digest of a body of ${size} bytes is right, however it comes`, async (t) => {
      const store = await makeStore(t)
      const space = newSpace()
      const bytes = randomBytes(size)
      const hex = (name: string) => createHash(name).update(bytes).digest('hex')
      const expected = { md5: hex('md5'), sha256: hex('sha256'), sha512: hex('sha512') }
      for (const body of [bytes, streamOf(bytes), streamOf(bytes, 65_521), streamOf(bytes, 2_000_000)]) {
        const seen: Readonly<Record<string, string>>[] = []
        const blob = await store.put(space, body, {
          ...NO_LIMIT,
          length: size,
          digests: ['sha256', 'sha512'],
          verify: (digests) => seen.push(digests),
        })
        t.deepEqual(seen, [expected])
        t.is(blob.md5, expected.md5)
      }
    })

  test('a large body that is not what it was announced to be is undone', async (t) => {
    const store = await makeStore(t)
    const space = newSpace()
    const refusal = new Error('not the announced digest')
    const verify = () => {
      throw refusal
    }
    const putting = () => store.put(space, Buffer.alloc(3_000_000), { ...NO_LIMIT, verify })
    t.is(await t.throwsAsync(putting), refusal)
    await nothingLeft(t, store, space)
  })
}
