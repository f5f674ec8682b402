import { createHash } from 'node:crypto'
import test from 'ava'
import { contentOf, json, refuses } from '../support/http.js'
import { settled, type TestServer, testServer } from '../support/server.js'

let server: TestServer
let files: ReturnType<typeof contentOf>
test.before(async () => {
  server = await testServer()
  await server.fetch('/v1/code/spaces/s', { method: 'PUT' })
  files = contentOf(server, 's')
})
test.after.always(() => server.stop())

test('POST writes a file and makes its folders; 200 and `created` say which it was', async (t) => {
  const made = await files.post('w/reports/q1.csv', {
    body: 'a,b\n',
    headers: { 'content-type': 'text/csv' },
  })
  t.is(made.status, 200)
  const first = await json(made)
  t.is(made.headers.get('etag'), `"${first.etag}"`)
  t.regex(first.etag, /^[0-9a-f]{32}$/)
  t.like(first, {
    created: true,
    kind: 'file',
    name: 'q1.csv',
    path: 'w/reports/q1.csv',
    size: 4,
    content_type: 'text/csv',
  })
  t.deepEqual(Object.keys(first).slice(0, 9), [
    'created',
    'kind',
    'name',
    'path',
    'size',
    'content_type',
    'etag',
    'created_on',
    'last_modified',
  ])
  const again = await json(await files.post('W/REPORTS/Q1.csv', { body: 'a,b\n' }))
  t.like(again, { created: false, path: 'w/reports/q1.csv', id: first.id })
  t.not(again.etag, first.etag, 'the etag is new though the bytes are the same')
})

test('an empty POST touches: it makes an empty file, or empties one', async (t) => {
  t.like(await json(await files.post('w/touched')), { created: true, size: 0 })
  await files.post('w/touched', { body: 'full' })
  t.like(await json(await files.post('w/touched')), { created: false, size: 0 })
  t.is(await files.text('w/touched'), '')
})

test('PUT with a body writes a file, exactly as POST does', async (t) => {
  const response = await files.put('w/put.txt', { body: 'x' })
  t.is(response.status, 200)
  t.like(await json(response), { created: true, kind: 'file', path: 'w/put.txt', size: 1 })
  t.is(await files.text('w/put.txt'), 'x')
})

test('a body without announced length is written too, large or small, by POST or PUT', async (t) => {
  for (const [verb, size] of [
    ['post', 10],
    ['post', 300_000],
    ['put', 10],
    ['put', 300_000],
  ] as const) {
    const bytes = Buffer.alloc(size, 'chunk')
    const body = new ReadableStream({
      start(controller) {
        for (let at = 0; at < size; at += 5000) controller.enqueue(bytes.subarray(at, at + 5000))
        controller.close()
      },
    })
    const path = `w/chunked-${verb}-${size}`
    t.like(await json(await files[verb](path, { body, duplex: 'half' })), { created: true, size })
    t.is(
      createHash('md5')
        .update(await files.text(path))
        .digest('hex'),
      createHash('md5').update(bytes).digest('hex'),
    )
  }
  const empty = new ReadableStream({ start: (controller) => controller.close() })
  t.is((await files.put('w/chunked-folder', { body: empty, duplex: 'half' })).status, 201)
})

test('the content type is the declared one, or that of the name where none is meant', async (t) => {
  const typeOf = async (path: string, declared?: string) => {
    const headers: Record<string, string> = declared === undefined ? {} : { 'content-type': declared }
    return (await json(await files.post(path, { body: Buffer.from('x'), headers }))).content_type
  }
  t.is(await typeOf('w/t.csv', 'application/x-mine; a=b'), 'application/x-mine; a=b')
  t.is(await typeOf('w/t.csv'), 'text/csv')
  t.is(await typeOf('w/t.json', 'application/octet-stream'), 'application/json')
  t.is(await typeOf('w/t.png', 'application/x-www-form-urlencoded'), 'image/png')
  t.is(await typeOf('w/t.unheard-of'), 'application/octet-stream')
  await refuses(
    t,
    await files.post('w/t', { body: 'x', headers: { 'content-type': 'nonsense' } }),
    400,
    'nonsense',
  )
})

test('If-Match writes only over the version one knows: 412', async (t) => {
  const { etag } = await json(await files.post('w/match.txt', { body: '1' }))
  const write = (path: string, value: string) =>
    files.post(path, { body: '2', headers: { 'if-match': value } })
  await refuses(
    t,
    await write('w/match.txt', '"0123456789abcdef0123456789abcdef"'),
    412,
    'If-Match',
    'w/match.txt',
  )
  await refuses(t, await write('w/absent.txt', '*'), 412, 'If-Match', 'w/absent.txt')
  t.is(await files.text('w/match.txt'), '1')
  const next = await write('w/match.txt', etag)
  t.is(next.status, 200)
  t.is((await write('w/match.txt', `"x", W/${next.headers.get('etag')}`)).status, 200)
  t.is((await write('w/match.txt', '*')).status, 200)
})

test('If-Unmodified-Since: a file that is newer stays as it is', async (t) => {
  const at = (seconds: number) => new Date(seconds * 1000).toUTCString()
  await files.post('w/aged', { body: '1', headers: { 'x-oc-mtime': '1700000000.5' } })
  const over = (seconds: number) =>
    files.post('w/aged', {
      body: '2',
      headers: { 'if-unmodified-since': at(seconds), 'x-oc-mtime': '1700000000' },
    })
  await refuses(t, await over(1_699_999_999), 412, 'If-Unmodified-Since')
  t.is(await files.text('w/aged'), '1')
  t.is((await over(1_700_000_000)).status, 200)
  const headers = { 'if-unmodified-since': at(1_699_999_999) }
  await refuses(t, await files.patch('w/aged', { body: 'b\n', headers }), 412, 'If-Unmodified-Since')
  await refuses(t, await files.delete('w/aged', { headers }), 412, 'If-Unmodified-Since')
  t.is(await files.text('w/aged'), '2')
})

test('If-None-Match: * only creates: 412', async (t) => {
  const create = (path: string) => files.post(path, { body: 'mine', headers: { 'if-none-match': '*' } })
  t.is((await create('w/only-once')).status, 200)
  await refuses(t, await create('w/ONLY-ONCE'), 412, 'If-None-Match', 'w/ONLY-ONCE')
  await refuses(t, await files.put('w/only-once', { body: 'x', headers: { 'if-none-match': '*' } }), 412)
})

test('of writers that create at once, one wins', async (t) => {
  const tries = Array.from({ length: 8 }, (_, i) =>
    files.post('w/race', { body: `${i}`.repeat(i % 2 ? 10 : 100_000), headers: { 'if-none-match': '*' } }),
  )
  const statuses = (await Promise.all(tries)).map((response) => response.status).sort()
  t.deepEqual(statuses, [200, 412, 412, 412, 412, 412, 412, 412])
})

test('a folder is where the file should be, or a file where a folder should: 409', async (t) => {
  await files.post('w/clash/file', { body: 'x' })
  await refuses(t, await files.post('w/clash', { body: 'x' }), 409, 'w/clash')
  await refuses(t, await files.post('w/clash/file/below', { body: 'x' }), 409, 'w/clash/file')
  await refuses(t, await files.put('w/clash/file'), 409, 'w/clash/file')
  await refuses(t, await files.post('', { body: 'x' }), 409, 'root')
})

test('PUT without a body makes a folder: 201, 200 where it exists, with or without slash', async (t) => {
  const made = await files.put('f/a/b')
  t.is(made.status, 201)
  t.like(await json(made), { created: true, path: 'f/a/b' })
  const again = await files.put('F/A/B/')
  t.is(again.status, 200)
  t.like(await json(again), { created: false, path: 'f/a/b' })
  t.is((await files.put('f/c/')).status, 201)
  t.is((await files.put('')).status, 200)
  await refuses(t, await files.put('f/d/', { body: 'x' }), 400, 'f/d/')
  await refuses(t, await files.put('f/a', { headers: { 'if-none-match': '*' } }), 412, 'If-None-Match')
  const over = (path: string, etag: string) => files.put(path, { headers: { 'if-match': etag } })
  await refuses(t, await over('f/none', '*'), 412, 'If-Match', 'f/none')
  await refuses(t, await over('f/a', '"another"'), 412, 'If-Match', 'f/a')
  t.is((await over('f/a', (await files.head('f/a')).headers.get('etag') ?? '')).status, 200)
  t.deepEqual(await files.names('f'), ['a', 'c'])
})

test('names and paths that cannot be: 400 names them', async (t) => {
  const names = [
    'a<b',
    'a>b',
    'a:b',
    'a"b',
    'a\\b',
    'a|b',
    'a?b',
    'a*b',
    'a\tb',
    'a\u0085b',
    'CON',
    'nul.txt',
    'COM1.x',
    'LPT¹',
  ]
  for (const name of [...names, 'dot.', 'space ', 'CONIN$', 'x'.repeat(256), 'ö'.repeat(128)]) {
    for (const response of [
      await files.post(`bad/${encodeURIComponent(name)}`, { body: 'x' }),
      await files.put(`bad/${encodeURIComponent(name)}`),
    ]) {
      await refuses(
        t,
        response,
        400,
        name.includes('\t') || name.includes('\u0085')
          ? '\\u{'
          : name.slice(0, 20).replaceAll(/["\\]/g, '\\$&'),
      )
    }
  }
  await refuses(t, await files.post(Array(65).fill('d').join('/'), { body: 'x' }), 400, '64 levels')
  await refuses(t, await files.post(Array(5).fill('n'.repeat(250)).join('/'), { body: 'x' }), 400, '1024')
  await refuses(t, await files.get('a%2Fb'), 400, 'a/b')
  await refuses(t, await files.get('a%00b'), 400, '\\u{0}')
  await refuses(t, await files.get('a%zzb'), 400, '%zz')
  await refuses(t, await files.get('a%e4b'), 400, 'UTF-8')
  await refuses(t, await files.get('%ed%a0%80'), 400, 'UTF-8')
  await refuses(t, await files.get('bad'), 404, 'bad')
})

test('limits: a file, a space, a number of entries: 413 names the limit', async (t) => {
  const small = await testServer({
    plan: 'basic',
    plans: { basic: { fileBytes: 1000, spaceBytes: 2500, entries: 5 } },
  })
  try {
    await small.fetch('/v1/code/spaces/s', { method: 'PUT' })
    const content = contentOf(small, 's')
    t.is((await content.post('one', { body: Buffer.alloc(1000) })).status, 200)
    await refuses(t, await content.post('big', { body: Buffer.alloc(1001) }), 413, 'big', '1001', '1000')
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.alloc(1001))
        controller.close()
      },
    })
    await refuses(t, await content.post('big', { body, duplex: 'half' }), 413, 'big', '1000')
    t.is((await content.post('two', { body: Buffer.alloc(1000) })).status, 200)
    await refuses(t, await content.post('three', { body: Buffer.alloc(600) }), 413, 'three', '2500')
    t.is(
      (await content.post('one', { body: Buffer.alloc(900) })).status,
      200,
      'replacing frees what was there',
    )
    for (const name of ['d1', 'd2', 'd3']) await content.put(name)
    await refuses(t, await content.put('d4'), 413, 'd4', '5 files and folders')
    await refuses(t, await content.post('d4/x', { body: '' }), 413, 'd4/x')
    t.deepEqual(await content.names(), ['d1', 'd2', 'd3', 'one', 'two'])
    await small.directory.setAccount('ann', { plan: 'premium' })
    t.is((await content.post('big', { body: Buffer.alloc(5000) })).status, 200, 'another plan holds at once')
    t.deepEqual(small.errors, [])
  } finally {
    await small.stop()
  }
})

test('digests announced are checked: 400, and nothing changes', async (t) => {
  const body = 'hello'
  const digest = (algorithm: string) => createHash(algorithm).update(body).digest('base64')
  const write = (headers: Record<string, string>) => files.post('w/digest', { body, headers })
  t.is((await write({ 'content-md5': digest('md5') })).status, 200)
  t.is((await write({ 'repr-digest': `sha-256=:${digest('sha256')}:` })).status, 200)
  t.is(
    (await write({ 'content-digest': `sha-512=:${digest('sha512')}:, md5=:${digest('md5')}:` })).status,
    200,
  )
  const { etag } = await json(await files.get('w/digest', { headers: { accept: 'application/json' } }))
  const wrong = createHash('sha256').update('other').digest('base64')
  await refuses(t, await write({ 'repr-digest': `sha-256=:${wrong}:` }), 400, 'Repr-Digest', 'w/digest')
  await refuses(t, await write({ 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' }), 400, 'Content-MD5')
  await refuses(t, await write({ 'content-md5': 'short' }), 400, 'Content-MD5', 'short')
  t.is((await json(await files.get('w/digest', { headers: { accept: 'application/json' } }))).etag, etag)
})

test('X-OC-Mtime keeps the caller’s time, of files and folders; the answer says so', async (t) => {
  const headers = { 'x-oc-mtime': '1700000000.5' }
  const file = await files.post('w/mtime', { body: 'x', headers })
  t.is(file.headers.get('x-oc-mtime'), 'accepted')
  t.is((await json(file)).last_modified, 'Tue, 14 Nov 2023 22:13:20 UTC')
  t.is((await files.get('w/mtime')).headers.get('last-modified'), 'Tue, 14 Nov 2023 22:13:20 GMT')
  t.is((await files.put('w/mtime-folder', { headers })).headers.get('x-oc-mtime'), 'accepted')
  t.is((await files.head('w/mtime-folder')).headers.get('last-modified'), 'Tue, 14 Nov 2023 22:13:20 GMT')
  await refuses(
    t,
    await files.post('w/mtime', { headers: { 'x-oc-mtime': '-5' } }),
    400,
    'X-OC-Mtime',
    '1969',
  )
  for (const value of ['soon', '1e5']) {
    await refuses(
      t,
      await files.post('w/mtime', { body: 'y', headers: { 'x-oc-mtime': value } }),
      400,
      'X-OC-Mtime',
      value,
    )
  }
})

test('X-NVM-Executable sets the exec bit; without it a rewrite keeps it', async (t) => {
  const write = (headers: Record<string, string>) => files.post('w/run.sh', { body: '#!/bin/sh', headers })
  t.true((await json(await write({ 'x-nvm-executable': 'true' }))).executable)
  t.true((await json(await write({}))).executable)
  t.false((await json(await write({ 'x-nvm-executable': 'false' }))).executable)
  await refuses(t, await write({ 'x-nvm-executable': 'maybe' }), 400, 'X-NVM-Executable', 'maybe')
})

test('a write repeated with its Idempotency-Key gets the first answer, and happens once', async (t) => {
  const write = (body: string, key: string) =>
    files.post('w/idem', { body, headers: { 'idempotency-key': key } })
  const first = await json(await write('one', 'k1'))
  await files.post('w/idem', { body: 'meanwhile' })
  t.deepEqual(await json(await write('one', 'k1')), first)
  t.is(await files.text('w/idem'), 'meanwhile')
  await refuses(
    t,
    await files.post('w/other', { body: 'x', headers: { 'idempotency-key': 'k1' } }),
    400,
    'Idempotency-Key',
  )
  const rows = (await json(await server.fetch('/v1/code/spaces/s/changes'))).changes
  t.is(rows.filter((row: { path: string }) => row.path === 'w/idem').length, 2)
})

test('so does a large one, whose condition does not hold any more: it was met when it was made', async (t) => {
  const write = (headers: Record<string, string>, key: string) =>
    files.post('w/large', { body: 'x'.repeat(200_000), headers: { ...headers, 'idempotency-key': key } })
  const first = await json(await write({ 'if-none-match': '*' }, 'l1'))
  t.deepEqual(await json(await write({ 'if-none-match': '*' }, 'l1')), first)
  const second = await json(await write({ 'if-match': first.etag }, 'l2'))
  t.deepEqual(await json(await write({ 'if-match': first.etag }, 'l2')), second)
  t.is((await write({ 'if-match': first.etag }, 'l3')).status, 412)
  await refuses(t, await write({ 'if-match': second.etag }, 'k1'), 400, 'Idempotency-Key')
  const rows = (await json(await server.fetch('/v1/code/spaces/s/changes'))).changes
  t.is(rows.filter((row: { path: string }) => row.path === 'w/large').length, 2)
  await settled(server)
})

test('bytes come as they are stored: an encoding or a part of a file is refused', async (t) => {
  const write = (headers: Record<string, string>) => files.post('w/plain', { body: 'x', headers })
  await refuses(t, await write({ 'content-encoding': 'gzip' }), 400, 'Content-Encoding', 'gzip')
  await refuses(t, await write({ 'content-range': 'bytes 0-0/5' }), 400, 'Content-Range')
  t.is((await write({ 'content-encoding': 'identity' })).status, 200)
})

test('?base=<folder id> writes below a folder wherever it is now, and makes no parents', async (t) => {
  const { id } = await json(await files.put('w/base'))
  await files.patch('w/base', { body: 'base-moved' })
  t.is((await json(await files.post(`f.txt?base=${id}`, { body: 'x' }))).path, 'w/base-moved/f.txt')
  await refuses(t, await files.post(`no/f.txt?base=${id}`, { body: 'x' }), 409, 'no/f.txt')
  await refuses(t, await files.put(`no/d?base=${id}`), 409, 'no/d')
})

test('the answer to a change names its place in the journal', async (t) => {
  const response = await files.post('w/seq', { body: 'x' })
  const { latest_seq, epoch } = await json(await server.fetch('/v1/code/spaces/s/changes?since=0&limit=1'))
  t.true(Number(response.headers.get('x-nvm-seq')) <= latest_seq)
  t.is(response.headers.get('x-nvm-epoch'), epoch)
})
