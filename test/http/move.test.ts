import test from 'ava'
import { contentOf, json, jsonBody, refuses } from '../support/http.js'
import { type TestServer, testServer } from '../support/server.js'

let server: TestServer
let files: ReturnType<typeof contentOf>
test.before(async () => {
  server = await testServer()
  await server.fetch('/v1/code/spaces/s', { method: 'PUT' })
  files = contentOf(server, 's')
})
test.after.always(() => server.stop())

const fill = async (path: string, body = path) => json(await files.post(path, { body }))

test('PATCH with text renames among siblings; the answer is the entry with `from`', async (t) => {
  const before = await fill('a/one.txt')
  const response = await files.patch('a/one.txt', { body: 'Two.txt\n' })
  t.is(response.status, 200)
  const moved = await json(response)
  t.like(moved, {
    kind: 'file',
    name: 'Two.txt',
    path: 'a/Two.txt',
    from: 'a/one.txt',
    id: before.id,
    etag: before.etag,
  })
  t.is(response.headers.get('etag'), `"${before.etag}"`)
  t.deepEqual(await files.names('a'), ['Two.txt'])
})

test('PATCH with JSON renames by `name`, moves by `to`, and makes missing parents', async (t) => {
  await fill('b/x.csv')
  t.is((await json(await files.patch('b/x.csv', jsonBody({ name: 'y.csv' })))).path, 'b/y.csv')
  t.is(
    (await json(await files.patch('b/y.csv', jsonBody({ to: 'b/deep/er/z.csv' })))).path,
    'b/deep/er/z.csv',
  )
  t.is(await files.text('b/deep/er/z.csv'), 'b/x.csv')
})

test('POST with X-NVM-Op: move is the same, destination percent-encoded in a header', async (t) => {
  await fill('c/x')
  const move = (headers: Record<string, string>) => files.post('c/x', { headers })
  const moved = await move({ 'x-nvm-op': 'move', 'x-nvm-destination': 'c/with%20space/%C3%A9' })
  t.like(await json(moved), { path: 'c/with space/é', from: 'c/x' })
  await fill('c/x')
  await refuses(t, await move({ 'x-nvm-op': 'copy', 'x-nvm-destination': 'c/y' }), 400, 'X-NVM-Op', 'copy')
  await refuses(t, await move({ 'x-nvm-op': 'move' }), 400, 'X-NVM-Destination')
  await refuses(t, await move({ 'x-nvm-op': 'move', 'x-nvm-destination': 'a%zz' }), 400, '%zz')
  await refuses(t, await move({ 'x-nvm-op': 'move', 'x-nvm-destination': '/' }), 400, 'X-NVM-Destination')
})

test('a folder moves with all it holds, in one step of the journal', async (t) => {
  for (const path of ['d/t/1', 'd/t/u/2', 'd/t/u/v/3']) await fill(path)
  const { latest_seq } = await json(await server.fetch('/v1/code/spaces/s/changes?limit=1'))
  const moved = await json(await files.patch('d/t', jsonBody({ to: 'd/new' })))
  t.like(moved, { kind: 'folder', path: 'd/new', from: 'd/t' })
  t.is(await files.text('d/new/u/v/3'), 'd/t/u/v/3')
  await refuses(t, await files.get('d/t'), 404, 'd/t')
  const { changes } = await json(await server.fetch(`/v1/code/spaces/s/changes?since=${latest_seq}`))
  t.is(changes.filter((row: { path: string }) => row.path.startsWith('d/')).length, 1)
})

test('a rename that only changes case or normal form works', async (t) => {
  await fill('e/readme')
  t.is((await json(await files.patch('e/readme', { body: 'README' }))).path, 'e/README')
  await fill('e/\u00e9')
  t.is((await files.patch(encodeURI('e/\u00e9'), { body: 'e\u0301' })).status, 200)
  t.deepEqual(await files.names('e'), ['README', '\u00e9'])
})

test('a file at the destination is overwritten, unless If-None-Match: * says not to', async (t) => {
  await fill('f/from', 'new')
  await fill('f/to', 'old')
  const move = (headers: Record<string, string> = {}) =>
    files.patch('f/from', jsonBody({ to: 'f/to' }, headers))
  await refuses(t, await move({ 'if-none-match': '*' }), 412, 'If-None-Match', 'f/to')
  t.is(await files.text('f/to'), 'old')
  const moved = await json(await move())
  t.like(moved, { created: false, path: 'f/to' })
  t.is(await files.text('f/to'), 'new')
})

test('If-Match guards the source', async (t) => {
  const { etag } = await fill('g/from')
  const move = (value: string) => files.patch('g/from', { body: 'to', headers: { 'if-match': value } })
  await refuses(t, await move('"0"'), 412, 'If-Match', 'g/from')
  t.is((await move(`W/"${etag}"`)).status, 200)
})

test('a folder is never overwritten, and never replaces a file: 409', async (t) => {
  await fill('h/file')
  await fill('h/folder/x')
  await fill('h/other/x')
  await refuses(t, await files.patch('h/file', { body: 'folder' }), 409, 'h/folder')
  await refuses(t, await files.patch('h/other', { body: 'folder' }), 409, 'h/folder')
  await refuses(t, await files.patch('h/other', { body: 'file' }), 409, 'h/file')
  await refuses(t, await files.patch('h/file', jsonBody({ to: 'h/file/below' })), 409, 'h/file')
})

test('a folder cannot move into itself: 400', async (t) => {
  await fill('i/folder/x')
  await refuses(
    t,
    await files.patch('i/folder', jsonBody({ to: 'i/folder/sub/new' })),
    400,
    'i/folder',
    'itself',
  )
  await refuses(t, await files.patch('i/FOLDER', jsonBody({ to: 'i/folder/new' })), 400, 'itself')
})

test('a move body says exactly one thing: 400 says what is wrong', async (t) => {
  await fill('j/x')
  const patch = async (body: unknown, ...texts: string[]) =>
    refuses(t, await files.patch('j/x', jsonBody(body)), 400, ...texts)
  await patch({}, 'exactly one', '"name"', '"to"')
  await patch({ name: 'a', to: 'b' }, 'exactly one')
  await patch({ name: 'a', executable: true }, 'exactly one')
  await patch({ name: 7 }, '"name"', '7')
  await patch({ to: null }, '"to"', 'null')
  await patch({ to: '' }, '"to"')
  await patch({ rename: 'a' }, '"rename"')
  await patch({ name: 'a/b' }, 'a/b')
  await patch({ name: '..' }, '".."')
  await patch({ to: 'a/CON/b' }, 'CON')
  await patch({ to: 'a/\ud800' }, '\\u{d800}')
  await patch({ name: 'a', to_base: 1 }, 'to_base')
  await patch({ to: 'a', to_base: 'x' }, 'to_base', 'x')
  await patch(['a'], '["a"]'.replaceAll('"', '\\"'))
  await refuses(
    t,
    await files.patch('j/x', { body: '{"name"', headers: { 'content-type': 'application/json' } }),
    400,
    '{\\"name\\"',
  )
  await refuses(t, await files.patch('j/x'), 400, 'empty')
  await refuses(t, await files.patch('j/x', { body: Buffer.from([0xc3]) }), 400, 'UTF-8')
  await refuses(t, await files.patch('j/x', { body: 'n'.repeat(70_000) }), 413, '65536')
  await refuses(t, await files.patch('j/nope', { body: 'x' }), 404, 'j/nope')
  t.deepEqual(await files.names('j'), ['x'])
})

test('the root moves nowhere: 403', async (t) => {
  await refuses(t, await files.patch('', { body: 'x' }), 403, 'root')
  await refuses(t, await files.patch('', jsonBody({ to: 'x' })), 403, 'root')
  await refuses(t, await files.patch('', jsonBody({ executable: true })), 403, 'root')
})

test('a move that would push what is below over a limit is refused whole: 400', async (t) => {
  await files.put(`k/${Array(60).fill('d').join('/')}`)
  await fill('k2/1/2/3/4')
  await refuses(
    t,
    await files.patch('k2/1', jsonBody({ to: `k/${Array(60).fill('d').join('/')}/1` })),
    400,
    '64',
  )
  t.is(await files.text('k2/1/2/3/4'), 'k2/1/2/3/4')
})

test('with base and to_base, both ends are relative to folders wherever they are now', async (t) => {
  await fill('l/from/f')
  await fill('l/to/other')
  const rows = await json(await files.get('l'))
  const [from, to] = rows.map((row: { id: number }) => row.id)
  await files.patch('l/from', { body: 'was-from' })
  await files.patch('l/to', { body: 'was-to' })
  t.is((await json(await files.patch(`f?base=${from}`, { body: 'g' }))).path, 'l/was-from/g')
  t.is(
    (await json(await files.patch(`g?base=${from}`, jsonBody({ to: 'g', to_base: to })))).path,
    'l/was-to/g',
  )
  t.is((await json(await files.patch(`?base=${to}`, { body: 'renamed-by-id' }))).path, 'l/renamed-by-id')
  await refuses(t, await files.patch(`?base=${from}`, jsonBody({ to: 'x/y', to_base: to })), 409, 'x/y')
})

test('attributes: time and exec bit change alone, the etag stays, the journal says update', async (t) => {
  const { etag } = await fill('m/x.sh')
  const patch = (body: unknown, headers = {}) => files.patch('m/x.sh', jsonBody(body, headers))
  const response = await patch({ last_modified: '2023-11-14T22:13:20Z', executable: true })
  t.is(response.status, 200)
  t.like(await json(response), { etag, executable: true, last_modified: 'Tue, 14 Nov 2023 22:13:20 UTC' })
  for (const time of [1_700_000_000, 'Tue, 14 Nov 2023 22:13:20 GMT', 'Tue, 14 Nov 2023 22:13:20 UTC']) {
    t.is((await json(await patch({ last_modified: time }))).last_modified, 'Tue, 14 Nov 2023 22:13:20 UTC')
  }
  t.false((await json(await patch({ executable: false }))).executable)
  await refuses(t, await patch({ last_modified: 'yesterday' }), 400, 'last_modified', 'yesterday')
  await refuses(t, await patch({ last_modified: -1 }), 400, 'last_modified', '1969')
  await refuses(t, await patch({ executable: 'yes' }), 400, 'executable', 'yes')
  await refuses(t, await patch({ executable: true }, { 'if-match': '"0"' }), 412, 'If-Match')
  const { changes } = await json(await server.fetch('/v1/code/spaces/s/changes'))
  const row = changes.findLast((one: { path: string }) => one.path === 'm/x.sh')
  t.like(row, { change: 'update', etag })
  await files.put('m/folder')
  t.is((await files.patch('m/folder', jsonBody({ last_modified: 1_700_000_000 }))).status, 200)
})

test('a move repeated with its Idempotency-Key gets the first answer, and happens once', async (t) => {
  await fill('n/x')
  const move = () => files.patch('n/x', jsonBody({ name: 'y' }, { 'idempotency-key': 'n1' }))
  const first = await json(await move())
  await fill('n/x', 'another')
  t.deepEqual(await json(await move()), first)
  t.is(await files.text('n/x'), 'another')
})

test('DELETE removes a file, an empty folder, and a full one only when told: 409', async (t) => {
  await fill('o/f')
  await files.put('o/empty')
  await fill('o/full/a/b')
  t.deepEqual(await json(await files.delete('o/f')), { deleted: 1 })
  t.deepEqual(await json(await files.delete('o/empty')), { deleted: 1 })
  await refuses(t, await files.delete('o/full'), 409, 'o/full', 'recursive=true')
  await refuses(t, await files.delete('o/full?recursive=perhaps'), 400, 'recursive', 'perhaps')
  t.deepEqual(await json(await files.delete('o/full?recursive=true')), { deleted: 3 })
  await refuses(t, await files.delete('o/full'), 404, 'o/full')
  await refuses(t, await files.delete('?recursive=true'), 403, 'root')
  t.deepEqual(await files.names('o'), [])
})

test('DELETE honours If-Match, and an Idempotency-Key', async (t) => {
  const { etag } = await fill('q/f')
  await refuses(t, await files.delete('q/f', { headers: { 'if-match': '"0"' } }), 412, 'If-Match', 'q/f')
  const headers = { 'if-match': `"${etag}"`, 'idempotency-key': 'q1' }
  t.deepEqual(await json(await files.delete('q/f', { headers })), { deleted: 1 })
  t.deepEqual(await json(await files.delete('q/f', { headers })), { deleted: 1 })
})
