import { readdirSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { Wire } from '../support/http.js'
import { type TestServer, testServer } from '../support/server.js'
import { type DavRequest, davOf, lockToken, propfindBody, refusedAs, toldOne } from './support.js'

/** Every row of the table of what breaks webdav-server as shipped (webdav.md §1), and what else strangers may try. */

let server: TestServer
let dav: DavRequest

test.before(async () => {
  server = await testServer()
  dav = davOf(server, server)
  await server.fetch('/v1/code/spaces/s', { method: 'PUT' })
})
test.after.always(() => server.stop())

/** The server still answers, and has nothing to report. */
test.afterEach.always(async (t) => {
  t.is((await davOf(server)('OPTIONS', '/dav/')).status, 200)
  t.deepEqual(server.errors, [])
})

const basic = () => `Authorization: Basic ${Buffer.from(`x:${server.token}`).toString('base64')}`

/** Sends a head as it is, and reads the status. */
async function raw(request: string, ...headers: readonly string[]): Promise<string> {
  const wire = await Wire.open(server.port)
  const answer = await wire
    .send([`${request} HTTP/1.1`, 'Host: x', ...headers, '', ''].join('\r\n'))
    .until(/^HTTP\/1\.1 \d{3}[\s\S]*\r\n\r\n/)
  wire.close()
  return answer.slice(9, 12)
}

test('broken escapes in the path: 400, with a token and without', async (t) => {
  for (const path of ['/dav/%zz', '/dav/s/%E0%A4%A', '/dav/s/%', '/dav/s/%ff', '/dav/s/a%00b']) {
    t.is(await raw(`GET ${path}`), '400')
    refusedAs(t, await dav('GET', path), 400)
    refusedAs(t, await dav('PROPFIND', path, { depth: '0' }), path.includes('%00') ? 404 : 400)
  }
})

test('paths lead nowhere but into the space', async (t) => {
  for (const path of [
    '..',
    '%2e%2e',
    '%2E%2e/x',
    '..%2f..',
    '%252e%252e',
    '..%5c..',
    'a/../../x',
    '.',
    'x%2Fy',
  ]) {
    const { status } = await dav('GET', `/dav/s/${path}`)
    t.is(status, path === '%252e%252e' ? 404 : 400, path)
  }
  t.is((await dav('GET', '/dav/../v1/whoami')).status, 404)
  t.is((await dav('GET', '/dav/constructor')).status, 404)
  t.is((await dav('GET', '/dav/__proto__/x')).status, 404)
  t.is((await dav('GET', '/dav/@a~b~c/x')).status, 404)
  t.is((await dav('PROPFIND', `/dav/s/${'a/'.repeat(100)}`, { depth: '0' })).status, 400)
  t.is((await dav('PROPFIND', '//dav///s//', { depth: '0' })).status, 207)
})

test('an announced length means no memory: 413 at once', async (t) => {
  for (const method of ['PROPFIND', 'PROPPATCH', 'LOCK', 'REPORT']) {
    t.is(await raw(`${method} /dav/s/a`, basic(), 'Content-Length: 99999999999'), '413', method)
  }
  t.is(await raw('MKCOL /dav/s/a', basic(), 'Content-Length: 99999999999'), '415')
  t.is(await raw('PUT /dav/s/a', basic(), 'Content-Length: 99999999999'), '507')
})

test('XML of 10 MB, or of 10,000 levels, or without end, is refused quickly', async (t) => {
  for (const body of [
    `<propfind xmlns="DAV:"><prop>${'<x/>'.repeat(2_500_000)}</prop></propfind>`,
    `<propfind xmlns="DAV:"><prop>${'<x/>'.repeat(200_000)}</prop></propfind>`,
    `<propfind xmlns="DAV:">${'<prop>'.repeat(10_000)}`,
    `<propfind xmlns="DAV:"><prop ${'a="" '.repeat(150_000)}/></propfind>`,
  ]) {
    const { status } = await dav('PROPFIND', '/dav/s', { depth: '1' }, body)
    t.is(status, body.length > 1024 * 1024 ? 413 : 400)
  }
})

test('a thousand properties of a thousand entries are read once, not once an entry', async (t) => {
  await dav('MKCOL', '/dav/s/many')
  await Promise.all(Array.from({ length: 300 }, (_, i) => dav('PUT', `/dav/s/many/${i}`, {}, 'x')))
  const names = Array.from({ length: 1000 }, (_, i) => `p${i}`)
  const began = process.cpuUsage()
  const { status, text } = await dav('PROPFIND', '/dav/s/many', { depth: '1' }, propfindBody(...names))
  t.is(status, 207)
  t.is(text.split('<D:response>').length - 1, 301)
  t.true(process.cpuUsage(began).user < 3_000_000)
})

test('entities are not expanded, external ones not fetched', async (t) => {
  const bomb = `<!DOCTYPE x [<!ENTITY a "${'x'.repeat(1000)}"><!ENTITY b "${'&a;'.repeat(1000)}">]>`
  const file = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
  for (const doctype of [bomb, file]) {
    const body = `${doctype}<propfind xmlns="DAV:"><prop><x>&b;&e;</x></prop></propfind>`
    refusedAs(t, await dav('PROPFIND', '/dav/s', { depth: '0' }, body), 400, 'document type')
  }
})

test('If headers: untagged, unknown, on MKCOL, huge', async (t) => {
  t.is((await dav('PUT', '/dav/s/if', { if: '(<urn:x>)' }, 'x')).status, 412)
  t.is((await dav('MKCOL', '/dav/s/if', { if: '(<urn:x>)' })).status, 412)
  t.is((await dav('MKCOL', '/dav/s/if', { if: '(Not <urn:x>)' })).status, 201)
  t.is((await dav('GET', '/dav/s/if', { if: '(<urn:x>)'.repeat(2500) })).status, 412)
  t.is((await dav('GET', '/dav/s/if', { if: '(<urn:x>)'.repeat(10_000) })).status, 431)
})

test('broken escapes in Destination', async (t) => {
  await dav('PUT', '/dav/s/from', {}, 'x')
  for (const method of ['MOVE', 'COPY']) {
    for (const destination of [
      '/dav/s/%zz',
      'http://127.0.0.1/dav/s/%E0%A4%A',
      'http://[/dav/s/x',
      '::',
      '',
    ]) {
      const { status } = await dav(method, '/dav/s/from', { destination })
      t.true(status === 400 || status === 502, `${destination} ${status}`)
    }
  }
  t.is((await dav('GET', '/dav/s/from')).text, 'x')
})

test('PROPPATCH in many steps, and of what is protected together with what is not', async (t) => {
  await dav('PUT', '/dav/s/pp', {}, 'x')
  const step = (n: number) =>
    `<set><prop><a${n} xmlns="urn:x:">${n}</a${n}></prop></set><remove><prop><b${n} xmlns="urn:x:"/></prop></remove>`
  const body = (inner: string) => `<propertyupdate xmlns="DAV:">${inner}</propertyupdate>`
  const many = await dav(
    'PROPPATCH',
    '/dav/s/pp',
    {},
    body(Array.from({ length: 50 }, (_, i) => step(i)).join('')),
  )
  t.is(toldOne(many).named(200).length, 100)
  const mixed = await dav(
    'PROPPATCH',
    '/dav/s/pp',
    {},
    body(`<remove><prop><getetag/></prop></remove>${step(1)}`),
  )
  t.deepEqual(toldOne(mixed).named(403), ['getetag'])
})

test('users that objects have are nobody: any user name with a token is its account, none without', async (t) => {
  for (const pair of ['constructor:', 'toString', '__proto__:x', 'constructor:constructor', ':']) {
    const authorization = `Basic ${Buffer.from(pair).toString('base64')}`
    t.is((await davOf(server)('PROPFIND', '/dav/', { authorization, depth: '0' })).status, 401, pair)
  }
  for (const digest of ['Digest username="constructor", response=""', 'Negotiate x', 'Basic', 'Basic %%%']) {
    t.is((await davOf(server)('PROPFIND', '/dav/', { authorization: digest, depth: '0' })).status, 401)
  }
  const encode = (name: string) => Buffer.from(`${name}:${server.token}`).toString('base64')
  // Names that make all of base64's characters appear.
  const awkward = ['~~~', '???', 'ÿÿÿ', 'û', '>>>'].filter((name) => /[+/]/.test(encode(name)))
  t.true(
    awkward.some((name) => encode(name).includes('+')) && awkward.some((name) => encode(name).includes('/')),
  )
  for (const name of ['any', '', ...awkward]) {
    const authorization = `Basic ${encode(name)}`
    t.is((await davOf(server)('PROPFIND', '/dav/', { authorization, depth: '0' })).status, 207, name)
  }
})

test('headers that are no numbers, dates or flags', async (t) => {
  await dav('PUT', '/dav/s/h', {}, '0123456789')
  for (const [method, name, value, status] of [
    ['PROPFIND', 'depth', 'x', 400],
    ['PROPFIND', 'depth', '-1', 400],
    ['GET', 'range', 'bytes=5-2', 400],
    ['GET', 'if-modified-since', 'x', 200],
    ['PUT', 'x-oc-mtime', 'x', 400],
    ['PUT', 'content-type', '<script>', 400],
    ['LOCK', 'timeout', 'Second-99999999999999999999', 200],
  ] as const) {
    const body =
      method === 'LOCK'
        ? '<lockinfo xmlns="DAV:"><lockscope><shared/></lockscope><locktype><write/></locktype></lockinfo>'
        : method === 'PUT'
          ? 'x'
          : undefined
    t.is((await dav(method, '/dav/s/h', { [name]: value }, body)).status, status, `${name}: ${value}`)
  }
})

/** Files of the blob store, and other files, that this process has open. */
function openFiles(): number {
  return readdirSync('/proc/self/fd').length
}

/** Waits until the condition holds; fails with the test's own time-out where it never does. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await delay(5)
}

const withProc = process.platform === 'linux' ? test.serial : test.serial.skip

withProc('a GET that the client leaves half-way closes its file', async (t) => {
  await dav('PUT', '/dav/s/large', {}, Buffer.alloc(20_000_000))
  const before = openFiles()
  for (let i = 0; i < 10; i++) {
    const wire = await Wire.open(server.port)
    await wire.send(`GET /dav/s/large HTTP/1.1\r\nHost: x\r\n${basic()}\r\n\r\n`).until(/200 OK/)
    wire.close()
  }
  await until(() => openFiles() <= before)
  t.pass()
})

withProc(
  'a PUT that the client leaves half-way leaves the old content, no file open, and no row',
  async (t) => {
    await dav('PUT', '/dav/s/kept', {}, 'old content')
    const token = await lockToken(dav, '/dav/s/kept')
    const before = openFiles()
    for (const framing of ['Content-Length: 1000000', 'Transfer-Encoding: chunked']) {
      for (let i = 0; i < 5; i++) {
        const wire = await Wire.open(server.port)
        wire.send(
          `PUT /dav/s/kept HTTP/1.1\r\nHost: x\r\n${basic()}\r\nIf: (<${token}>)\r\n${framing}\r\nExpect: 100-continue\r\n\r\n`,
        )
        await wire.until(/100 Continue/)
        wire.send('10000\r\n')
        await new Promise((resolve) => wire.socket.write(Buffer.alloc(60_000), resolve))
        wire.close()
      }
    }
    await until(() => openFiles() <= before)
    t.is((await dav('GET', '/dav/s/kept')).text, 'old content')
  },
)
