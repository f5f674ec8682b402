import { existsSync, readdirSync } from 'node:fs'
import test from 'ava'
import { type Asked, converse, shout } from '../support/conversation.js'
import { contentOf } from '../support/http.js'
import { Random } from '../support/random.js'
import { type TestServer, testServer } from '../support/server.js'
import { SETUP } from '../support/setup.js'

/**
 * Whatever bytes come, the answer is no 5xx, errors are JSON that say what is wrong, nothing crashes and nothing is left open.
 * A failure names the seed and the request; `NOVEM_TEST_SEED` runs the same again.
 */
const REQUESTS = 20_000
const GARBAGE = 1500
const BATCH = 40
const SOCKETS = 6

const random = Random.seeded()
const SEED = random.seed

/** Latin-1 text of bytes `from`…`to`. */
function bytes(length: number, from = 0, to = 255): string {
  return String.fromCharCode(...Array.from({ length }, () => from + random.below(to - from + 1)))
}

const METHODS = [
  'GET',
  'GET',
  'GET',
  'HEAD',
  'PUT',
  'POST',
  'POST',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'PROPFIND',
  'MKCOL',
  'SEARCH',
  'M-SEARCH',
]
const ROOTS = [
  '/',
  '/v1/code/spaces/s/content/',
  '/v1/code/spaces/s/content/',
  '/v1/code/spaces/s/content/',
  '/v1/code/spaces/s/changes',
  // Not the space itself: DELETE would end the game.
  '/v1/code/spaces/s/config/',
  '/v1/code/spaces/s/name',
  '/v1/code/spaces/',
  '/v1/users/ann/code/spaces/s/content/',
  '/v1/users/',
  '/v1/admin/',
  '/v1/admin/tokens/x',
  '/v1/admin/profile/',
  '/v1/whoami',
  '/v1/token',
  '/gql',
  '/healthz',
  '/readyz',
  '//',
  'http://fuzz/v1/code/',
]
const WORDS = [
  'a',
  'b',
  'A',
  'content',
  '..',
  '.',
  'CON',
  'name',
  'config',
  'access',
  '__proto__',
  'constructor',
  'x'.repeat(300),
]
const PARAMETERS = ['recursive', 'since', 'limit', 'epoch', 'cursor', 'base', 'wait', '__proto__', 'x']
const VALUES = [
  '',
  'true',
  '0',
  '1',
  '-1',
  '5',
  '1e3',
  '99999999999999999999',
  'NaN',
  '%zz',
  '%00',
  'e30',
  'null',
]
const HEADERS = [
  'If-Match',
  'If-None-Match',
  'If-Modified-Since',
  'If-Unmodified-Since',
  'If-Range',
  'Range',
  'Accept',
  'Content-Type',
  'Content-MD5',
  'Content-Digest',
  'Repr-Digest',
  'Content-Encoding',
  'Content-Range',
  'Idempotency-Key',
  'X-OC-Mtime',
  'X-NVM-Op',
  'X-NVM-Destination',
  'X-NVM-Executable',
  'Last-Event-ID',
  'Origin',
  'Access-Control-Request-Method',
  'Cookie',
  'Connection',
  'Upgrade',
  'TE',
  '__proto__',
]
const HEADER_VALUES = [
  '*',
  '"x"',
  'W/"0123456789abcdef0123456789abcdef"',
  '"',
  ',,,',
  'bytes=0-1',
  'bytes=-',
  'bytes=5-1,9-',
  'bytes=0-0,2-2,-1',
  'application/json',
  'application/x-ndjson',
  'text/plain',
  '*/*;q=0',
  'Fri, 29 Nov 2024 09:39:33 GMT',
  'sha-256=:AAAA:',
  'sha-256=:',
  'move',
  '/a/b',
  'a%zz',
  '1700000000',
  '-1e9',
  'true',
  'gzip',
  '',
]
const BODIES = [
  '',
  '{}',
  '[]',
  '{"name":"x"}',
  '{"to":"a/b/c"}',
  '{"to":7}',
  '{"name":',
  'null',
  '"x"',
  'name.txt',
  '{"username":"ann"}',
  '{"last_modified":"x"}',
  '{"executable":true,"last_modified":1e99}',
]

function path(): string {
  let text = random.pick(ROOTS)
  for (let segments = random.below(4); segments > 0; segments--) text += `${segment()}/`
  if (random.chance(0.5)) text = text.replace(/\/$/, '')
  if (random.chance(0.4)) {
    const pairs = Array.from({ length: 1 + random.below(3) }, () => pair())
    text += `?${pairs.join('&')}`
  }
  return text
}

/** Anything that can stand in a request line: no spaces and no line ends. */
function segment(): string {
  if (random.chance(0.4)) return random.pick(WORDS)
  if (random.chance(0.3)) return bytes(random.below(20), 0x21, 0x7e).replace(/[?#]/g, '')
  // Node refuses raw bytes in the request line and ends the conversation: seldom, then.
  if (random.chance(0.005)) return bytes(1 + random.below(8), 0x80, 0xff)
  return Array.from(
    { length: 1 + random.below(6) },
    () => `%${random.below(256).toString(16).padStart(2, '0')}`,
  ).join('')
}

/** Waiting is tested elsewhere. */
function pair(): string {
  const name = parameter()
  return name === 'wait' ? `wait=${random.pick(['0', '-1', '61', 'x'])}` : `${name}=${queryValue()}`
}

function parameter(): string {
  return random.chance(0.9) ? random.pick(PARAMETERS) : segment()
}

function queryValue(): string {
  return random.chance(0.7) ? random.pick(VALUES) : segment()
}

/** What the parser lets into a header: no control characters but the tab. */
function headerValue(): string {
  return random.chance(0.6)
    ? random.pick(HEADER_VALUES)
    : bytes(random.below(40), 0x20, 0xff).replaceAll('\x7f', '')
}

function request(token: string): Asked {
  const method = random.pick(METHODS)
  const lines = [`${method} ${path() || '/'} HTTP/1.1`, 'Host: fuzz']
  if (random.chance(0.9)) lines.push(`Authorization: Bearer ${token}`)
  else if (random.chance(0.5)) lines.push(`Authorization: ${headerValue()}`)
  for (let count = random.below(4); count > 0; count--) {
    const name = random.pick(HEADERS)
    const value = headerValue()
    // What would end the conversation by right is not what is under test.
    if (!/^(?:Connection|Upgrade|TE)$/.test(name) || !/close|upgrade/i.test(value))
      lines.push(`${name}: ${value}`)
  }
  const body = random.chance(0.6) ? random.pick(BODIES) : bytes(random.below(300))
  const hasBody = random.chance(0.5)
  if (hasBody && random.chance(0.3)) {
    lines.push('Transfer-Encoding: chunked')
    const chunk = body === '' ? '' : `${body.length.toString(16)}\r\n${body}\r\n`
    return { method, text: `${lines.join('\r\n')}\r\n\r\n${chunk}0\r\n\r\n` }
  }
  if (hasBody) lines.push(`Content-Length: ${body.length}`)
  return { method, text: `${lines.join('\r\n')}\r\n\r\n${hasBody ? body : ''}` }
}

function openFiles(): number | undefined {
  return existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : undefined
}

async function connections(server: TestServer): Promise<number> {
  return new Promise((resolve, reject) => {
    server.app.server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
  })
}

/** All conversations have ended; what `fetch` keeps open for another request may stay. */
async function quiet(server: TestServer): Promise<void> {
  while ((await connections(server)) > 1) await new Promise((resolve) => setTimeout(resolve, 5))
}

let server: TestServer
test.before(async () => {
  server = await testServer()
  await server.fetch('/v1/code/spaces/s', { method: 'PUT' })
  // The files that small bodies share are opened once.
  await server.fetch('/v1/code/spaces/s/content/first', { method: 'POST', body: 'x' })
  await server.fetch('/v1/code/spaces/s/content/first')
})
test.after.always(() => server.stop())

test.serial(`${REQUESTS} requests of random paths, headers and bodies`, async (t) => {
  t.timeout(120_000)
  await converse(server.port, [request(server.token)])
  await quiet(server)
  const filesBefore = openFiles()
  let answered = 0
  const statuses = new Set<number>()
  const talk = async () => {
    while (answered < REQUESTS) {
      const requests = Array.from({ length: BATCH }, () => request(server.token))
      const answers = await converse(server.port, requests)
      answered += answers.length
      for (const [index, { status, headers, body }] of answers.entries()) {
        const context = () => `seed ${SEED}: ${JSON.stringify(requests[index]?.text)} → ${headers}\n${body}`
        statuses.add(status)
        if (status >= 500) t.fail(context())
        if (status < 400 || requests[index]?.method === 'HEAD') continue
        if (!/\r\nContent-Type: application\/json/i.test(headers)) t.fail(context())
        if (typeof JSON.parse(Buffer.from(body, 'latin1').toString()).message !== 'string') t.fail(context())
      }
    }
  }
  await Promise.all(Array.from({ length: SOCKETS }, talk))
  for (const expected of [200, 201, 400, 401, 404, 405]) {
    t.true(statuses.has(expected), `seed ${SEED}: some request should have been answered ${expected}`)
  }
  await quiet(server)
  const filesAfter = openFiles()
  // Connections to other machines' services are kept for the next request.
  const kept = SETUP === 'local' ? 2 : 100
  if (filesBefore !== undefined && filesAfter !== undefined)
    t.true(filesAfter <= filesBefore + kept, `${filesAfter} open files, before ${filesBefore}`)
  t.deepEqual(server.errors, [], `seed ${SEED}`)
})

test.serial(`${GARBAGE} connections that do not speak HTTP, or stop in the middle of it`, async (t) => {
  t.timeout(120_000)
  let made = 0
  const talk = async () => {
    while (made++ < GARBAGE) {
      const whole = request(server.token).text
      const cut = whole.slice(0, random.below(whole.length))
      const text = random.pick([bytes(random.below(200)), cut, cut + bytes(20), `${cut}\r\n\r\n`])
      const received = await shout(server.port, text)
      const status = Number(/^HTTP\/1\.1 (\d+)/.exec(received)?.[1] ?? 400)
      if (status >= 500) t.fail(`seed ${SEED}: ${JSON.stringify(text)} → ${received}`)
    }
  }
  await Promise.all(Array.from({ length: SOCKETS }, talk))
  await quiet(server)
  t.deepEqual(server.errors, [], `seed ${SEED}`)
  // One of the random requests may have deleted or renamed it, as it should.
  const headers = { authorization: `Bearer ${server.token}` }
  await fetch(`${server.url}/v1/code/spaces/s`, { method: 'PUT', headers })
  const files = contentOf(server, 's')
  t.is((await files.post('still-alive', { body: 'yes' })).status, 200)
  t.is(await files.text('still-alive'), 'yes')
})
