import test from 'ava'
import { contentOf, json, refuses } from '../support/http.js'
import { type TestServer, testServer } from '../support/server.js'

let server: TestServer
let files: ReturnType<typeof contentOf>
test.before(async () => {
  server = await testServer()
  await server.fetch('/v1/code/spaces/s', { method: 'PUT' })
  files = contentOf(server, 's')
})
test.after.always(() => server.stop())

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz'
const fill = async (path: string, body: string | Buffer = ALPHABET, headers: Record<string, string> = {}) =>
  json(await files.post(path, { body, headers: { 'content-type': 'text/plain', ...headers } }))

test('GET of a file is its bytes, as a download, with all that is known of it', async (t) => {
  const { etag } = await fill('r/q1 é.csv', 'a,b\n', { 'content-type': 'text/csv' })
  const response = await files.get('r/q1%20%C3%A9.csv')
  t.is(response.status, 200)
  t.is(await response.text(), 'a,b\n')
  const header = (name: string) => response.headers.get(name)
  t.is(header('etag'), `"${etag}"`)
  t.is(header('content-type'), 'text/csv')
  t.is(header('content-length'), '4')
  t.is(header('content-disposition'), `attachment; filename="q1 _.csv"; filename*=UTF-8''q1%20%C3%A9.csv`)
  t.regex(header('last-modified') ?? '', / GMT$/)
  t.is(header('accept-ranges'), 'bytes')
  t.is(header('x-nvm-type'), 'file')
  t.is(header('x-nvm-permissions'), 'r, w, d')
  t.is(header('x-content-type-options'), 'nosniff')
})

test('Accept: application/json gets metadata, but not where everything is accepted', async (t) => {
  const { etag, id } = await fill('m/meta.txt', 'hello')
  const ask = (accept: string) => files.get('m/meta.txt', { headers: { accept } })
  for (const accept of ['application/json', 'application/*', 'text/html, application/json;q=0.5']) {
    const response = await ask(accept)
    t.is(response.headers.get('etag'), `"${etag}"`)
    const found = await json(response)
    t.deepEqual(Object.keys(found), [
      'kind',
      'name',
      'path',
      'size',
      'content_type',
      'etag',
      'created_on',
      'last_modified',
      'id',
      'md5',
      'executable',
      'created_ms',
      'modified_ms',
    ])
    t.like(found, {
      kind: 'file',
      name: 'meta.txt',
      path: 'm/meta.txt',
      size: 5,
      content_type: 'text/plain',
      etag,
      id,
    })
    t.is(found.md5, '5d41402abc4b2a76b9719d911017c592')
    t.regex(found.last_modified, /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d UTC$/)
  }
  for (const accept of ['*/*', 'application/json, text/plain, */*', 'text/html', 'application/json;q=0']) {
    t.is(await (await ask(accept)).text(), 'hello', accept)
  }
})

test('If-None-Match answers 304 however the etag is written', async (t) => {
  const { etag } = await fill('c/304.txt')
  for (const value of [`"${etag}"`, etag, `W/"${etag}"`, `"x", "${etag}"`, '*']) {
    const response = await files.get('c/304.txt', { headers: { 'if-none-match': value } })
    t.is(response.status, 304, value)
    t.is(response.headers.get('etag'), `"${etag}"`)
    t.is(await response.text(), '')
  }
  t.is((await files.get('c/304.txt', { headers: { 'if-none-match': '"x"' } })).status, 200)
  await refuses(t, await files.get('c/304.txt', { headers: { 'if-none-match': '"' } }), 400, 'If-None-Match')
})

test('If-Match, If-Modified-Since and If-Unmodified-Since guard reads too', async (t) => {
  const { etag } = await fill('c/guard.txt', 'x', { 'x-oc-mtime': '1700000000' })
  const ask = (headers: Record<string, string>) => files.get('c/guard.txt', { headers })
  const at = (time: number) => new Date(time * 1000).toUTCString()
  t.is((await ask({ 'if-match': `"${etag}"` })).status, 200)
  await refuses(t, await ask({ 'if-match': '"x"' }), 412, 'If-Match')
  t.is((await ask({ 'if-modified-since': at(1_700_000_000) })).status, 304)
  t.is((await ask({ 'if-modified-since': at(1_699_999_999) })).status, 200)
  t.is((await ask({ 'if-modified-since': at(1_800_000_000), 'if-none-match': '"x"' })).status, 200)
  await refuses(t, await ask({ 'if-unmodified-since': at(1_699_999_999) }), 412, 'If-Unmodified-Since')
  t.is((await ask({ 'if-unmodified-since': at(1_700_000_000) })).status, 200)
})

test('ranges: the first, the last, the open, several; and those that are none', async (t) => {
  await fill('c/range.txt')
  const ask = (range: string, headers: Record<string, string> = {}) =>
    files.get('c/range.txt', { headers: { range, ...headers } })
  for (const [range, bytes, contentRange] of [
    ['bytes=0-4', 'abcde', 'bytes 0-4/26'],
    ['bytes=24-', 'yz', 'bytes 24-25/26'],
    ['bytes=-3', 'xyz', 'bytes 23-25/26'],
    ['bytes=20-99', 'uvwxyz', 'bytes 20-25/26'],
  ] as const) {
    const response = await ask(range)
    t.is(response.status, 206)
    t.is(response.headers.get('content-range'), contentRange)
    t.is(response.headers.get('content-length'), String(bytes.length))
    t.is(await response.text(), bytes)
  }
  const beyond = await ask('bytes=26-')
  t.is(beyond.headers.get('content-range'), 'bytes */26')
  await refuses(t, beyond, 416, 'bytes=26-', '26')
  await refuses(t, await ask('bytes=5-1'), 400, 'bytes=5-1')
  t.is((await ask('lines=1-2')).status, 200)
})

test('several ranges come as parts', async (t) => {
  await fill('c/parts.bin', Buffer.alloc(5000, 'ab'))
  const response = await files.get('c/parts.bin', { headers: { range: 'bytes=0-1,4000-4003' } })
  t.is(response.status, 206)
  const boundary = /boundary=(\S+)$/.exec(response.headers.get('content-type') ?? '')?.[1]
  const body = await response.text()
  t.is(response.headers.get('content-length'), String(body.length))
  const part = (range: string, bytes: string) =>
    `\r\n--${boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes ${range}/5000\r\n\r\n${bytes}`
  t.is(body, `${part('0-1', 'ab')}${part('4000-4003', 'abab')}\r\n--${boundary}--\r\n`)
})

test('If-Range: a part of the same version, or the whole of another', async (t) => {
  const { etag } = await fill('c/ifrange.txt')
  const ask = async (ifRange: string) =>
    (await files.get('c/ifrange.txt', { headers: { range: 'bytes=0-1', 'if-range': ifRange } })).text()
  t.is(await ask(`"${etag}"`), 'ab')
  t.is(await ask('"other"'), ALPHABET)
  t.is(await ask(`W/"${etag}"`), ALPHABET)
})

test('an empty file has no bytes to serve and none to choose from', async (t) => {
  await fill('c/empty', '')
  const whole = await files.get('c/empty')
  t.is(whole.headers.get('content-length'), '0')
  t.is(await whole.text(), '')
  t.is((await files.get('c/empty', { headers: { range: 'bytes=-1' } })).status, 200)
  await refuses(t, await files.get('c/empty', { headers: { range: 'bytes=0-' } }), 416, 'bytes=0-')
})

test('a large file comes whole and in parts, byte for byte', async (t) => {
  const bytes = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => i % 251))
  await fill('c/large.bin', bytes)
  t.true(bytes.equals(Buffer.from(await (await files.get('c/large.bin')).arrayBuffer())))
  const response = await files.get('c/large.bin', { headers: { range: 'bytes=1000000-2000000' } })
  t.true(bytes.subarray(1_000_000, 2_000_001).equals(Buffer.from(await response.arrayBuffer())))
  const abandoned = await files.get('c/large.bin')
  await abandoned.body?.cancel()
  t.is((await files.get('c/large.bin')).status, 200)
})

test('names are found in any case and normal form, and shown as they were given', async (t) => {
  await fill('Straße/Ünïcode.TXT', 'x')
  for (const path of ['straße/ünïcode.txt', 'STRAßE/U\u0308NI\u0308CODE.txt']) {
    const response = await files.get(encodeURI(path), { headers: { accept: 'application/json' } })
    t.is((await json(response)).path, 'Straße/Ünïcode.TXT')
  }
  await refuses(t, await files.get(encodeURI('strasse/Ünïcode.TXT')), 404, 'strasse/Ünïcode.TXT')
})

test('a plus is a plus, and escapes are decoded once', async (t) => {
  await fill('p/a+b', 'plus')
  await fill('p/%2525', 'percent')
  t.is(await files.text('p/a+b'), 'plus')
  t.is(await files.text('p/a%2Bb'), 'plus')
  t.deepEqual(await files.names('p'), ['%25', 'a+b'])
})

test('?base=<folder id> reads relative to a folder, wherever it is now', async (t) => {
  await fill('b/old/deep/f.txt', 'here')
  const rows = await json(await files.get('b'))
  const { id } = rows[0]
  await files.patch('b/old', { body: 'new' })
  t.is(await files.text(`deep/f.txt?base=${id}`), 'here')
  t.deepEqual(await files.names(`?base=${id}`), ['deep'])
  await refuses(t, await files.get('deep/f.txt?base=x'), 400, 'base', '"x"')
  await refuses(t, await files.get('f.txt?base=99999'), 404, '99999')
})

test('what does not exist is 404 and named, also below a file', async (t) => {
  await fill('n/file')
  for (const path of ['nope', 'n/nope', 'n/file/below', 'x/y/z']) {
    await refuses(t, await files.get(path), 404, path)
  }
})
