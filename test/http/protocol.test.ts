import { once } from 'node:events'
import { connect } from 'node:net'
import test from 'ava'
import { makeSpace } from '../../src/accounts/lifecycle.js'
import { contentOf, json, Wire } from '../support/http.js'
import { settled, type TestServer, testServer } from '../support/server.js'

/** HTTP itself: what is none, how connections live and end. */

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

test('what is no HTTP is told so in JSON, and the connection closes', async (t) => {
  for (const [bytes, status] of [
    ['nonsense\r\n\r\n', 400],
    ['GET / HTTP/9.9\r\n\r\n', 400],
    ['FLY / HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nHost: x\r\nX: \0\r\n\r\n', 400],
    ['POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n', 400],
    ['POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
    [`GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`, 431],
    [`GET /${'y'.repeat(40_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
    ['CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n', 405],
  ] as const) {
    const wire = await Wire.open(server.port)
    const answer = await wire.send(bytes).untilClosed()
    t.true(answer.startsWith(`HTTP/1.1 ${status} `), `${bytes.slice(0, 60)}: ${answer}`)
    const body = answer.slice(answer.indexOf('\r\n\r\n') + 4)
    t.is(typeof JSON.parse(body).message, 'string')
  }
})

test('HTTP/1.1 needs a Host, HTTP/1.0 does not; targets may be absolute', async (t) => {
  const ask = async (bytes: string) => {
    const wire = await Wire.open(server.port)
    const answer = await wire.send(bytes).until(/\r\n\r\n./)
    wire.close()
    return answer
  }
  const token = `Authorization: Bearer ${server.token}`
  t.regex(await ask(`GET /v1/whoami HTTP/1.1\r\n${token}\r\n\r\n`), /^HTTP\/1\.1 400 [\s\S]*Host/)
  t.regex(
    await ask(`GET /v1/whoami HTTP/1.1\r\nHost: x\r\nhost: y\r\n${token}\r\n\r\n`),
    /^HTTP\/1\.1 400 [\s\S]*Host comes 2 times/,
  )
  t.regex(await ask(`GET /v1/whoami HTTP/1.0\r\n${token}\r\n\r\n`), /^HTTP\/1\.1 200 [\s\S]*ann$/)
  t.regex(
    await ask(`GET http://x/v1/whoami HTTP/1.1\r\nHost: x\r\n${token}\r\n\r\n`),
    /^HTTP\/1\.1 200 [\s\S]*ann$/,
  )
  t.regex(await ask(`OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n`), /^HTTP\/1\.1 200 [\s\S]*actions/)
  t.regex(await ask(`GET * HTTP/1.1\r\nHost: x\r\n${token}\r\n\r\n`), /^HTTP\/1\.1 404 /)
})

test('a transfer coding that nobody undoes is refused, not stored', async (t) => {
  const wire = await Wire.open(server.port)
  wire.send(`${post('zipped', 'Transfer-Encoding: gzip, chunked')}3\r\nabc\r\n0\r\n\r\n`)
  t.regex(await wire.until(/\r\n\r\n./), /^HTTP\/1\.1 400 [\s\S]*Transfer-Encoding is \\"gzip, chunked\\"/)
  wire.close()
  t.is((await files.get('zipped')).status, 404)
})

test('a precondition behind thousands of other headers counts', async (t) => {
  const wire = await Wire.open(server.port)
  const others = Array.from({ length: 3000 }, () => 'X: y')
  wire.send(post('guarded', ...others, 'If-Match: "nothing"', 'Content-Length: 0'))
  t.regex(await wire.until(/\r\n\r\n./), /^HTTP\/1\.1 412 /)
  wire.close()
})

test('requests sent at once on one connection are answered in order', async (t) => {
  const wire = await Wire.open(server.port)
  wire.send(
    head('GET', '/v1/whoami') +
      head('GET', '/v1/nope') +
      post('pipe', 'Content-Length: 2') +
      'hi' +
      head('GET', '/v1/whoami', 'Connection: close'),
  )
  const answer = await wire.untilClosed()
  t.deepEqual(answer.match(/HTTP\/1\.1 \d+/g), [
    'HTTP/1.1 200',
    'HTTP/1.1 404',
    'HTTP/1.1 200',
    'HTTP/1.1 200',
  ])
})

test('a connection on which nothing moves is closed, and what came of a body is gone', async (t) => {
  const own = await testServer({ settings: { idleTimeoutMs: 300 } })
  try {
    await makeSpace(own.directory, own.spaces, own.account.id, 's')
    const wire = await Wire.open(own.port)
    wire.send(post('x', 'Content-Length: 100000').replace(server.token, own.token)).send('stalls')
    await wire.untilClosed()
    await settled(own)
    t.pass()
  } finally {
    await own.stop()
  }
})

test('stopping lets a running upload finish', async (t) => {
  const own = await testServer()
  await own.fetch('/v1/code/spaces/s', { method: 'PUT' })
  const wire = await Wire.open(own.port)
  await wire
    .send(post('x', 'Content-Length: 100000', 'Expect: 100-continue').replace(server.token, own.token))
    .until(/100 C/)
  const stopped = own.stop()
  await refusedConnection(own.port)
  t.regex(await wire.send('x'.repeat(100_000)).until(/\}$/), /HTTP\/1\.1 200 OK[\s\S]*"size":100000/)
  await stopped
})

async function refusedConnection(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const outcome = await Promise.race([
      once(socket, 'connect').then(() => 'open'),
      once(socket, 'error').then(() => 'refused'),
    ]).catch(() => 'refused')
    socket.destroy()
    if (outcome === 'refused') return
  }
}

test('what was given back is JSON even where the client asked for something else', async (t) => {
  const response = await files.get('nope', { headers: { accept: 'text/html' } })
  t.regex(response.headers.get('content-type') ?? '', /^application\/json/)
  t.deepEqual(Object.keys(await json(response)).includes('message'), true)
})
