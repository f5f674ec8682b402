import { once } from 'node:events'
import { Readable } from 'node:stream'
import test from 'ava'
import { SpaceError } from '../../src/space/errors.js'
import { contentOf, refuses, Wire } from '../support/http.js'
import { overriding } from '../support/overriding.js'
import { pendingBlobs, settled, type TestServer, testServer } from '../support/server.js'
import { ownRedis } from '../support/setup.js'

/** Requests that go wrong half-way, or were wrong from the start: what the client sees, and what is left behind. */

let server: TestServer
let files: ReturnType<typeof contentOf>
test.before(async () => {
  server = await testServer()
  await server.fetch('/v1/code/spaces/s', { method: 'PUT' })
  files = contentOf(server, 's')
})
test.after.always(() => server.stop())

const head = (method: string, path: string, ...headers: string[]) =>
  [
    `${method} ${path} HTTP/1.1`,
    'Host: test',
    `Authorization: Bearer ${server.token}`,
    ...headers,
    '',
    '',
  ].join('\r\n')

const post = (path: string, ...headers: string[]) =>
  head('POST', `/v1/code/spaces/s/content/${path}`, ...headers)

test('a body that breaks off changes nothing, whether its length was announced or not', async (t) => {
  await files.post('broken/kept', { body: 'kept' })
  for (const [name, length, body] of [
    ['kept', 'Content-Length: 10', 'half'],
    ['new', 'Content-Length: 10', 'half'],
    ['large', 'Content-Length: 1000000', 'x'.repeat(100_000)],
    ['chunked', 'Transfer-Encoding: chunked', '4\r\nhalf\r\n'],
  ] as const) {
    const wire = await Wire.open(server.port)
    wire.send(post(`broken/${name}`, length)).send(body)
    wire.socket.end()
    await wire.untilClosed()
  }
  await settled(server)
  t.deepEqual(await files.names('broken'), ['kept'])
  t.is(await files.text('broken/kept'), 'kept')
})

test('a client that closes its sending half early gets its 400 said', async (t) => {
  const wire = await Wire.open(server.port)
  wire.send(post('half', 'Content-Length: 10')).send('half')
  wire.socket.end()
  const answer = await wire.untilClosed()
  t.regex(answer, /^HTTP\/1\.1 400 /)
  t.regex(answer, /"message":"/)
})

test('what will not be let in is refused before its body is sent', async (t) => {
  await files.post('early/folder/x', { body: 'x' })
  const tooLarge = String(server.account.plan.fileBytes + 1)
  for (const [request, status, named] of [
    [post('early/big', `Content-Length: ${tooLarge}`), 413, tooLarge],
    [post('early/folder', 'Content-Length: 1000000'), 409, 'early/folder'],
    [post('early/new', 'Content-Length: 1000000', 'If-Match: "0"'), 412, 'If-Match'],
    [post('early/chunked', 'Transfer-Encoding: chunked', 'If-Match: "0"'), 412, 'If-Match'],
    [head('POST', '/v1/code/spaces/none/content/x', 'Content-Length: 1000000'), 404, 'none'],
    [head('POST', '/v1/users/bob/code/spaces/s/content/x', 'Content-Length: 1000000'), 404, 'bob'],
    [head('PATCH', '/v1/code/spaces/s/content/x', 'Content-Length: 1000000'), 413, '65536'],
    [head('DELETE', '/v1/whoami', 'Content-Length: 1000000'), 405, 'DELETE'],
  ] as const) {
    const wire = await Wire.open(server.port)
    const answer = await wire.send(request).until(/\r\n\r\n\{.*\}$/)
    t.true(answer.startsWith(`HTTP/1.1 ${status} `), answer)
    t.true(answer.includes(named), answer)
    t.regex(answer, /Connection: close/i)
    wire.close()
  }
})

test('a client that goes on sending still gets to see the answer', async (t) => {
  const body = Buffer.alloc(8_000_000)
  const response = await files.post('early/sending', { body, headers: { 'if-match': '"0"' } })
  await refuses(t, response, 412, 'If-Match')
})

test('Expect: 100-continue is answered after the checks', async (t) => {
  const welcome = await Wire.open(server.port)
  welcome.send(post('expect/ok', 'Content-Length: 5', 'Expect: 100-continue'))
  await welcome.until(/^HTTP\/1\.1 100 Continue\r\n\r\n/)
  await welcome.send('hello').until(/HTTP\/1\.1 200 OK[\s\S]*"size":5[\s\S]*\}$/)
  welcome.close()
  for (const [path, ...headers] of [
    ['expect/no', 'If-Match: "0"', 'Content-Length: 5'],
    ['expect/no', 'If-Match: "0"', 'Transfer-Encoding: chunked'],
    ['expect/CON', 'Content-Length: 5'],
  ] as const) {
    const refused = await Wire.open(server.port)
    const answer = await refused.send(post(path, 'Expect: 100-continue', ...headers)).until(/\}$/)
    t.regex(answer, /^HTTP\/1\.1 4\d\d /)
    refused.close()
  }
  const text = await Wire.open(server.port)
  text.send(head('PATCH', '/v1/code/spaces/s/content/expect/ok', 'Content-Length: 3', 'Expect: 100-continue'))
  await text.until(/^HTTP\/1\.1 100 Continue/)
  await text.send('new').until(/HTTP\/1\.1 200 OK[\s\S]*"from":"expect\/ok"/)
  text.close()
  const other = await Wire.open(server.port)
  t.regex(
    await other.send(post('x', 'Expect: a-miracle', 'Content-Length: 1')).untilClosed(),
    /^HTTP\/1\.1 417 [\s\S]*a-miracle/,
  )
})

test('access that goes while a body comes: nothing is written', async (t) => {
  const lose = {
    revoked: [401, (name: string, id: string) => server.directory.revokeToken(id, 'test').then(() => name)],
    unflagged: [404, (name: string) => server.directory.setAccount(name, { spacesEnabled: false })],
    deleted: [
      404,
      (_name: string, _id: string, user: Awaited<ReturnType<TestServer['user']>>) =>
        user.fetch('/v1/code/spaces/s', { method: 'DELETE' }),
    ],
  } as const
  for (const [name, [status, act]] of Object.entries(lose)) {
    const user = await server.user(name)
    await user.fetch('/v1/code/spaces/s', { method: 'PUT' })
    const wire = await Wire.open(server.port)
    const request = post('x', 'Content-Length: 200000', 'Expect: 100-continue').replace(
      server.token,
      user.token,
    )
    await wire.send(request).until(/100 Continue/)
    wire.send('x'.repeat(100_000))
    await act(name, user.account.id, user)
    const answer = await wire.send('x'.repeat(100_000)).until(/\}$/)
    t.regex(answer, new RegExp(`HTTP/1\\.1 ${status} `), name)
    wire.close()
  }
  await settled(server)
})

test('a plan that shrinks while a body comes holds for it', async (t) => {
  const own = await testServer({ plan: 'premium', plans: { free: { spaceBytes: 1000 } } })
  try {
    await own.fetch('/v1/code/spaces/s', { method: 'PUT' })
    const wire = await Wire.open(own.port)
    await wire
      .send(post('x', 'Content-Length: 200000', 'Expect: 100-continue').replace(server.token, own.token))
      .until(/100 C/)
    await own.directory.setAccount('ann', { plan: 'free' })
    t.regex(await wire.send('x'.repeat(200_000)).until(/\}$/), /HTTP\/1\.1 413 [\s\S]*1000/)
    wire.close()
    await settled(own)
  } finally {
    await own.stop()
  }
})

test('a refused write leaves no blob behind', async (t) => {
  const own = await testServer()
  try {
    await own.fetch('/v1/code/spaces/s', { method: 'PUT' })
    const content = contentOf(own, 's')
    await content.post('taken/x', { body: 'x' })
    await refuses(t, await content.post('taken', { body: 'small' }), 409, 'taken')
    await refuses(t, await content.post('x', { body: 'small', headers: { 'if-match': '"0"' } }), 412)
    const headers = { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' }
    await refuses(t, await content.post('x', { body: 'small', headers }), 400)
    await settled(own)
    t.is(await pendingBlobs(own), 0)
  } finally {
    await own.stop()
  }
})

test('when nobody knows what the tree said, the blob stays for the collector: 503', async (t) => {
  const own = await testServer({
    wrap: (deps) => {
      const write = async () => Promise.reject(new SpaceError('UNAVAILABLE', 'Redis does not answer.'))
      return { ...deps, tree: overriding(deps.tree, { write }) }
    },
  })
  try {
    await own.fetch('/v1/code/spaces/s', { method: 'PUT' })
    const response = await contentOf(own, 's').post('x', { body: 'x' })
    t.truthy(response.headers.get('retry-after'))
    await refuses(t, response, 503, 'Redis')
    t.is(await pendingBlobs(own), 1)
  } finally {
    await own.stop()
  }
})

test('an error nobody foresaw is a 500 that says nothing of the inside, and a line in the log', async (t) => {
  const own = await testServer({
    wrap: (deps) => {
      const look = async () => Promise.reject(new TypeError('secret inside'))
      return { ...deps, tree: overriding(deps.tree, { look }) }
    },
  })
  try {
    const response = await own.fetch('/v1/code/spaces/s/content?secret=1')
    t.is(response.status, 500)
    const text = await response.text()
    t.false(text.includes('secret'))
    t.regex(
      own.errors.join(),
      /GET \/v1\/code\/spaces\/s\/content \(request [0-9a-f-]{36}\): TypeError: secret inside/,
    )
    t.false(own.errors.join().includes('secret=1'))
  } finally {
    await own.stop()
  }
})

test('bytes that fail half-way cut the connection, so that no part passes for the whole', async (t) => {
  const own = await testServer({
    wrap: (deps) => {
      const get = async (...args: Parameters<typeof deps.blobs.get>) => {
        const stream = await deps.blobs.get(...args)
        stream.once('data', () => stream.destroy(new Error('bad sector')))
        return stream
      }
      return { ...deps, blobs: overriding(deps.blobs, { get, lend: undefined }) }
    },
  })
  try {
    await own.fetch('/v1/code/spaces/s', { method: 'PUT' })
    await contentOf(own, 's').post('x', { body: Buffer.alloc(5_000_000) })
    await t.throwsAsync(async () => (await contentOf(own, 's').get('x')).arrayBuffer())
    t.regex(own.errors.join(), /bad sector/)
  } finally {
    await own.stop()
  }
})

test('a full disk in the middle of a body is 507, and the connection lives on', async (t) => {
  const own = await testServer({
    wrap: (deps) => {
      const put = async (_space: string, body: Readable | Uint8Array) => {
        if (body instanceof Readable) body.once('data', () => body.pause())
        await once(body as Readable, 'data')
        throw new SpaceError('DISK_FULL', 'The disk is full.')
      }
      return { ...deps, blobs: overriding(deps.blobs, { put }) }
    },
  })
  try {
    await own.fetch('/v1/code/spaces/s', { method: 'PUT' })
    const wire = await Wire.open(own.port)
    wire.send(post('x', 'Content-Length: 60000').replace(server.token, own.token) + 'x'.repeat(30_000))
    t.regex(await wire.until(/\}$/), /^HTTP\/1\.1 507 [\s\S]*\\"x\\" was not written. The disk is full/)
    wire.send('x'.repeat(30_000) + head('GET', '/v1/whoami').replace(server.token, own.token))
    t.regex(await wire.until(/ann$/), /HTTP\/1\.1 200 /)
    wire.close()
  } finally {
    await own.stop()
  }
})

const testOfRedis = ownRedis ? test : test.skip
testOfRedis('while Redis is away the answer is 503; when it is back, so are we', async (t) => {
  const own = await testServer({ redis: { aof: 'always' } })
  try {
    await own.fetch('/v1/code/spaces/s', { method: 'PUT' })
    await contentOf(own, 's').post('x', { body: 'kept' })
    await own.redis.kill9()
    const [refused, sick] = await Promise.all([own.fetch('/v1/whoami'), fetch(`${own.url}/readyz`)])
    await refuses(t, refused, 503, 'Redis')
    t.is(sick.status, 503)
    await own.redis.restart()
    t.is(await contentOf(own, 's').text('x'), 'kept')
  } finally {
    await own.stop()
  }
})
