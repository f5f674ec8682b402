import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { testServer } from '../support/server.js'
import { withServer } from './fixture.js'
import {
  davOf,
  journal,
  lockBody,
  lockToken,
  propfindBody,
  refusedAs,
  refusedFor,
  share,
  told,
  toldOne,
} from './support.js'

/**
 * The table of what webdav-server as shipped does wrong in the protocol (webdav.md §1), row by row; each row has more tests
 * elsewhere. Then where the drive meets the other surfaces. `hostile.test.ts` has the table of what breaks the package.
 */

const on = withServer()
const { dav, space } = on

const FUTURE = 'Fri, 01 Jan 2100 00:00:00 GMT'
const PAST = 'Mon, 01 Jan 2001 00:00:00 GMT'

test('row: ETag and Last-Modified on GET, HEAD and PUT', async (t) => {
  const { root } = await space()
  const put = await dav('PUT', `${root}/a`, {}, 'x')
  for (const method of ['GET', 'HEAD']) {
    const { headers } = await dav(method, `${root}/a`)
    t.is(headers.etag, put.headers.etag as string)
    t.false(Number.isNaN(Date.parse(headers['last-modified'] ?? '')))
  }
})

test('row: If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since, If-Range', async (t) => {
  const { root } = await space()
  const { headers } = await dav('PUT', `${root}/a`, {}, '0123456789')
  const etag = headers.etag as string
  const modified = (await dav('HEAD', `${root}/a`)).headers['last-modified'] as string
  for (const [name, value, status] of [
    ['if-none-match', etag, 304],
    ['if-none-match', '"0"', 200],
    ['if-match', '"0"', 412],
    ['if-modified-since', modified, 304],
    ['if-modified-since', FUTURE, 304],
    ['if-modified-since', PAST, 200],
    ['if-unmodified-since', PAST, 412],
  ] as const) {
    t.is((await dav('GET', `${root}/a`, { [name]: value })).status, status, `${name}: ${value}`)
  }
  t.is((await dav('GET', `${root}/a`, { range: 'bytes=2-3', 'if-range': etag })).text, '23')
  t.is((await dav('GET', `${root}/a`, { range: 'bytes=2-3', 'if-range': '"old"' })).text, '0123456789')
  t.is((await dav('PUT', `${root}/a`, { 'if-none-match': '*' }, 'y')).status, 412)
})

test('If-Unmodified-Since guards every change, of the source where there are two', async (t) => {
  const { root } = await space()
  const { root: other } = await space()
  const before = { 'if-unmodified-since': PAST }
  const since = { 'if-unmodified-since': FUTURE }
  const change = (method: string, headers: Readonly<Record<string, string>>, body?: string) =>
    dav(method, `${root}/a`, headers, body)
  await dav('PUT', `${root}/a`, {}, 'x')
  const modified = (await dav('HEAD', `${root}/a`)).headers['last-modified'] as string
  const setting =
    '<propertyupdate xmlns="DAV:"><set><prop><c xmlns="urn:x">1</c></prop></set></propertyupdate>'
  for (const [method, headers, body] of [
    ['PUT', {}, 'y'],
    ['PROPPATCH', {}, setting],
    ['COPY', { destination: `${root}/b` }],
    ['COPY', { destination: `${other}/b` }],
    ['MOVE', { destination: `${root}/b` }],
    ['DELETE', {}],
  ] as const) {
    t.is((await change(method, { ...headers, ...before }, body)).status, 412, method)
  }
  t.is((await dav('GET', `${root}/a`)).text, 'x')
  t.is((await change('PUT', { 'if-unmodified-since': modified }, 'y')).status, 204)
  t.is((await dav('PUT', `${root}/new`, before, 'z')).status, 201, 'nothing is there')
  t.is((await change('PUT', { ...before, 'if-match': '*' }, 'y')).status, 204, 'If-Match says more')
  t.is((await change('PUT', { 'if-unmodified-since': 'no date' }, 'y')).status, 204)
  t.is((await change('COPY', { destination: `${other}/b`, ...since })).status, 201)
  t.is((await change('MOVE', { destination: `${root}/b`, ...since })).status, 201)
  t.is((await dav('DELETE', `${root}/b`, since)).status, 204)
})

test('row: If is evaluated, tagged and untagged', async (t) => {
  const { root } = await space()
  const { headers } = await dav('PUT', `${root}/a`, {}, 'x')
  const etag = headers.etag as string
  for (const [value, status] of [
    [`([${etag}])`, 204],
    [`(["0"])`, 412],
    [`<${root}/a> (["0"])`, 412],
    ['<http://127.0.0.1/none> (<urn:x>)', 412],
    ['(<urn:x>)', 412],
    ['(Not <urn:x>)', 204],
  ] as const) {
    t.is(
      (await dav('PROPFIND', `${root}/a`, { if: value, depth: '0' })).status,
      status === 204 ? 207 : 412,
      value,
    )
  }
})

test('row: ranges are bytes of the file: 206 with the whole length, 416 beyond it, several in one answer', async (t) => {
  const { root } = await space()
  await dav('PUT', `${root}/a`, {}, '0123456789a')
  for (const [range, status, text, contentRange] of [
    ['bytes=0-1', 206, '01', 'bytes 0-1/11'],
    ['bytes=9-', 206, '9a', 'bytes 9-10/11'],
    ['bytes=-2', 206, '9a', 'bytes 9-10/11'],
    ['bytes=8-1000', 206, '89a', 'bytes 8-10/11'],
  ] as const) {
    const answer = await dav('GET', `${root}/a`, { range })
    t.deepEqual([answer.status, answer.text, answer.headers['content-range']], [status, text, contentRange])
  }
  t.is((await dav('GET', `${root}/a`, { range: 'bytes=100-200' })).status, 416)
  const several = await dav('GET', `${root}/a`, { range: 'bytes=0-0,-1' })
  t.is(several.status, 206)
  t.regex(several.headers['content-type'] ?? '', /^multipart\/byteranges; boundary=/)
  t.true(several.text.includes('Content-Range: bytes 10-10/11'), several.text)
})

test('row: PUT with Content-Range is refused; overwriting is 204, and so is DELETE', async (t) => {
  const { root } = await space()
  t.is((await dav('PUT', `${root}/a`, {}, 'old')).status, 201)
  refusedAs(t, await dav('PUT', `${root}/a`, { 'content-range': 'bytes 0-0/3' }, 'x'), 400, 'Content-Range')
  t.is((await dav('GET', `${root}/a`)).text, 'old')
  t.is((await dav('PUT', `${root}/a`, {}, 'new')).status, 204)
  t.is((await dav('DELETE', `${root}/a`)).status, 204)
})

test('row: without Overwrite it is T; COPY with Depth 0 is the folder alone; another host is 502', async (t) => {
  const { root } = await space()
  await dav('MKCOL', `${root}/d`)
  await dav('PUT', `${root}/d/x`, {}, 'x')
  await dav('PUT', `${root}/a`, {}, 'a')
  t.is((await dav('COPY', `${root}/d/x`, { destination: `${root}/a` })).status, 204)
  t.is((await dav('MOVE', `${root}/d/x`, { destination: `${root}/a` })).status, 204)
  await dav('PUT', `${root}/d/x`, {}, 'x')
  t.is((await dav('COPY', `${root}/d`, { destination: `${root}/e`, depth: '0' })).status, 201)
  t.is((await dav('GET', `${root}/e/x`)).status, 404)
  t.is((await dav('COPY', `${root}/d`, { destination: `https://other.example${root}/f` })).status, 502)
})

test('row: PROPFIND without a depth is the tree, with nonsense 400; broken XML is 400, a body of MKCOL 415', async (t) => {
  const { root } = await space()
  await dav('MKCOL', `${root}/d`)
  await dav('MKCOL', `${root}/d/e`)
  t.is(told(await dav('PROPFIND', root, {}, propfindBody('resourcetype'))).length, 3)
  refusedAs(t, await dav('PROPFIND', root, { depth: '2' }), 400, 'Depth')
  refusedAs(t, await dav('PROPFIND', root, { depth: '0' }, '<propfind xmlns="DAV:"><prop>'), 400)
  refusedAs(t, await dav('MKCOL', `${root}/f`, { 'content-type': 'text/xml' }, '<x/>'), 415)
})

test('row: dead properties come back under the names they were set by', async (t) => {
  const { root } = await space()
  await dav('PUT', `${root}/a`, {}, 'x')
  for (const uri of ['http://example.com/ns/', 'urn:x', 'urn:x:', 'DAV:x', 'a', 'http://example.com/ns#y']) {
    const element = `<p xmlns="${uri}">value of ${uri}</p>`
    const body = `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop>${element}</D:prop></D:set></D:propertyupdate>`
    t.deepEqual(toldOne(await dav('PROPPATCH', `${root}/a`, {}, body)).named(200), [`{${uri}}p`])
    const ask = `<D:propfind xmlns:D="DAV:"><D:prop><p xmlns="${uri}"/></D:prop></D:propfind>`
    const found = toldOne(await dav('PROPFIND', `${root}/a`, { depth: '0' }, ask))
    t.is(found.text(`{${uri}}p`), `value of ${uri}`)
  }
})

test('row: LOCK answers elements of DAV:, a token in brackets, and seconds', async (t) => {
  const { root } = await space()
  const answer = await dav('LOCK', `${root}/a`, { timeout: 'Second-100' }, lockBody())
  t.regex(answer.headers['lock-token'] ?? '', /^<urn:uuid:[\da-f-]+>$/)
  t.regex(answer.text, /<D:locktype><D:write\/><\/D:locktype>/)
  t.regex(answer.text, /<D:lockscope><D:exclusive\/><\/D:lockscope>/)
  t.regex(answer.text, /<D:timeout>Second-(?:100|99)<\/D:timeout>/)
})

test('row: an href leads back to what it is about, whatever the name', async (t) => {
  const { root } = await space()
  const names = [
    'a#b',
    'a;b',
    'a&b',
    'a+b',
    'a%b',
    'a%20b',
    'a b',
    "a'b",
    'a[b]',
    'ü ☃',
    'a,b=c@d!$~(e)^`{f}',
  ]
  for (const name of names)
    t.is((await dav('PUT', `${root}/${encodeURIComponent(name)}`, {}, name)).status, 201)
  const listed = told(await dav('PROPFIND', `${root}/`, { depth: '1' })).slice(1)
  t.deepEqual(listed.map((one) => one.text('displayname')).sort(), names.sort())
  for (const { href, text } of listed) t.is((await dav('GET', href)).text, text('displayname') as string)
})

test('row: what separates paths elsewhere does not here: %5C and %2F are 400; NFC and NFD are one file', async (t) => {
  const { root } = await space()
  refusedAs(t, await dav('PUT', `${root}/a%5Cb`, {}, 'x'), 400)
  refusedAs(t, await dav('PUT', `${root}/a%2Fb`, {}, 'x'), 400)
  t.is((await dav('PUT', `${root}/%C3%A9`, {}, 'x')).status, 201)
  t.is((await dav('PUT', `${root}/e%CC%81`, {}, 'y')).status, 204)
})

test('row: a slash at the end does not matter, and ".." leads nowhere', async (t) => {
  const { root } = await space()
  await dav('MKCOL', `${root}/d/`)
  t.is(toldOne(await dav('PROPFIND', `${root}/d`, { depth: '0' })).href, `${root}/d/`)
  t.is((await dav('PROPFIND', `${root}/d/`, { depth: '0' })).status, 207)
  refusedAs(t, await dav('GET', `${root}/d/%2E%2E/%2E%2E/x`), 400)
})

test('row: other origins only as the operator says, never with credentials', async (t) => {
  const { root } = await space()
  const headers = { origin: 'https://app.example', 'access-control-request-method': 'PROPFIND' }
  const silent = await davOf(on.server)('OPTIONS', root, headers)
  t.is(silent.headers['access-control-allow-origin'], undefined)
  const open = await testServer({ settings: { corsOrigins: ['https://app.example'] } })
  t.teardown(() => open.stop())
  const preflight = await davOf(open)('OPTIONS', '/dav/', headers)
  t.is(preflight.headers['access-control-allow-origin'], 'https://app.example')
  t.true(preflight.headers['access-control-allow-methods']?.includes('PROPFIND'))
  t.is(preflight.headers['access-control-allow-credentials'], undefined)
  const other = await davOf(open)('OPTIONS', '/dav/', { ...headers, origin: 'https://evil.example' })
  t.is(other.headers['access-control-allow-origin'], undefined)
})

test('every change has its row in the journal, and what is refused has none', async (t) => {
  const { name, root } = await space()
  const patch =
    '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="urn:x:">1</x></prop></set></propertyupdate>'
  const to = (path: string, overwrite = 'T') => ({ destination: `${root}/${path}`, overwrite })
  const changes = [
    ['MKCOL', 'd', {}, undefined, ['create d']],
    ['PUT', 'd/a', {}, 'x', ['create d/a']],
    ['PUT', 'd/a', {}, 'y', ['update d/a']],
    ['PROPPATCH', 'd/a', {}, patch, ['update d/a']],
    ['LOCK', 'null', {}, lockBody(), ['create null']],
    ['COPY', 'd', to('e'), undefined, ['create e', 'create e/a']],
    ['MOVE', 'd', to('f'), undefined, ['move f']],
    ['MOVE', 'f', to('e'), undefined, ['delete e/a', 'delete e', 'move e']],
    ['COPY', 'e/a', to('b'), undefined, ['create b']],
    ['COPY', 'e/a', to('b'), undefined, ['update b']],
    ['DELETE', 'e', {}, undefined, ['delete e/a', 'delete e']],
  ] as const
  let rows: string[] = []
  for (const [method, path, headers, body, expected] of changes) {
    const { status, text } = await dav(method, `${root}/${path}`, headers, body)
    t.true(status < 300, text)
    const now = await journal(on.server, name)
    t.deepEqual(now.slice(rows.length), [...expected], `${method} ${path}`)
    rows = now
  }
  for (const [method, path, headers, body, expected] of [
    ['PUT', 'no/a', {}, 'x', 409],
    ['PUT', 'b', { 'if-match': '"0"' }, 'x', 412],
    ['PUT', 'b', { if: '(["0"])' }, 'x', 412],
    ['PUT', 'null', {}, 'x', 423],
    ['PUT', 'a:b', {}, 'x', 400],
    ['MKCOL', 'b', {}, undefined, 405],
    ['MOVE', 'b', to('no/b'), undefined, 409],
    ['MOVE', 'b', to('null', 'F'), undefined, 412],
    ['MOVE', 'b', to('null'), undefined, 423],
    ['COPY', 'b', to('b'), undefined, 403],
    ['DELETE', 'none', {}, undefined, 404],
    ['DELETE', 'null', {}, undefined, 423],
    ['PROPPATCH', 'null', {}, patch, 423],
    ['GET', 'b', {}, undefined, 200],
    ['PROPFIND', 'b', { depth: '0' }, undefined, 207],
  ] as const) {
    t.is((await dav(method, `${root}/${path}`, headers, body)).status, expected, `${method} ${path}`)
  }
  t.deepEqual(await journal(on.server, name), rows)
})

test('a space shared for reading: everything that changes is 403, everything else works', async (t) => {
  const { name, root } = await space()
  await dav('PUT', `${root}/a`, {}, 'x')
  await dav('MKCOL', `${root}/d`)
  const reader = await on.server.user(`reader-${name}`)
  await share(on.server, name, '', reader)
  const ask = davOf(on.server, reader)
  const shared = `/dav/@ann~${name}`
  const patch =
    '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="urn:x:">1</x></prop></set></propertyupdate>'
  for (const [method, path, headers, body] of [
    ['PUT', 'a', {}, 'y'],
    ['PUT', 'new', {}, 'y'],
    ['PUT', 'new', { 'content-length': '100000', expect: '100-continue' }, undefined],
    ['MKCOL', 'e', {}, undefined],
    ['DELETE', 'a', {}, undefined],
    ['MOVE', 'a', { destination: `${shared}/b` }, undefined],
    ['COPY', 'a', { destination: `${shared}/b` }, undefined],
    ['COPY', 'd', { destination: `${shared}/b` }, undefined],
    ['PROPPATCH', 'a', {}, patch],
    ['LOCK', 'a', {}, lockBody()],
    ['LOCK', 'new', {}, lockBody()],
  ] as const) {
    refusedAs(t, await ask(method, `${shared}/${path}`, headers, body), 403, 'read')
  }
  t.is((await ask('GET', `${shared}/a`)).text, 'x')
  t.is((await ask('PROPFIND', shared, { depth: '1' })).status, 207)
  t.false((await ask('OPTIONS', shared)).headers.allow?.includes('PUT'))
  const top = told(await ask('PROPFIND', '/dav/', { depth: '1' }))
  t.deepEqual(
    top.map(({ href }) => href),
    ['/dav/', `${shared}/`],
  )
  t.is(top[1]?.text('displayname'), `@ann~${name}`)
  t.true((await ask('GET', '/dav/')).text.includes(`href="${shared}/"`))
  t.is((await ask('PROPFIND', root, { depth: '0' })).status, 404)
  t.deepEqual(await journal(on.server, name), ['create a', 'create d'])
})

test('a lock that is not refreshed ends with its time', async (t) => {
  const { root } = await space()
  const token = await lockToken(dav, `${root}/a`)
  const held = { if: `(<${token}>)` }
  t.is((await dav('PUT', `${root}/a`, held, 'x')).status, 204)
  refusedFor(t, await dav('PUT', `${root}/a`, {}, 'y'), 423, 'lock-token-submitted')
  t.is((await dav('LOCK', `${root}/a`, { ...held, timeout: 'Second-1' })).status, 200)
  for (
    const end = Date.now() + 30_000;
    (await dav('PUT', `${root}/a`, {}, 'y')).status === 423;
    await delay(50)
  ) {
    if (Date.now() > end) t.fail('the lock goes on')
  }
  const found = toldOne(await dav('PROPFIND', `${root}/a`, { depth: '0' }, propfindBody('lockdiscovery')))
  t.is(found.text('lockdiscovery'), '')
  t.is((await dav('LOCK', `${root}/a`, held)).status, 412)
  t.is((await dav('PUT', `${root}/a`, held, 'z')).status, 412)
  await lockToken(dav, `${root}/a`)
})

test('behind a proxy: hrefs, Destination and If are as the public URL says', async (t) => {
  const behind = await testServer({ settings: { publicUrl: 'https://files.example.org/store' } })
  t.teardown(() => behind.stop())
  const ask = davOf(behind, behind)
  await behind.fetch('/v1/code/spaces/s', { method: 'PUT' })
  await ask('PUT', '/dav/s/a', {}, 'x')
  const hrefs = async (path: string) =>
    told(await ask('PROPFIND', path, { depth: '1' })).map(({ href }) => href)
  t.deepEqual(await hrefs('/dav/s'), ['/store/dav/s/', '/store/dav/s/a'])
  t.deepEqual(await hrefs('/dav/'), ['/store/dav/', '/store/dav/s/'])
  t.true((await ask('GET', '/dav/s/')).text.includes('href="/store/dav/s/a"'))
  const move = (from: string, destination: string, headers = {}) =>
    ask('MOVE', `/dav/s/${from}`, { destination, ...headers })
  t.is((await move('a', 'https://files.example.org/store/dav/s/b')).status, 201)
  t.is((await move('b', '/store/dav/s/c')).status, 201)
  refusedAs(t, await move('c', '/dav/s/d'), 403, '/store/dav/')
  refusedAs(t, await move('c', 'https://elsewhere.example.org/store/dav/s/d'), 502)
  const locked = await ask('LOCK', '/dav/s/c', {}, lockBody())
  t.true(locked.text.includes('<D:lockroot><D:href>/store/dav/s/c</D:href></D:lockroot>'), locked.text)
  const token = locked.headers['lock-token'] ?? ''
  const tagged = { if: `<https://files.example.org/store/dav/s/c> (${token})` }
  t.is((await ask('PUT', '/dav/s/c', tagged, 'y')).status, 204)
  refusedFor(t, await ask('PUT', '/dav/s/c', {}, 'y'), 423, 'lock-token-submitted', '/store/dav/s/c')
})
