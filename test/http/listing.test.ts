import test from 'ava'
import { contentOf, json, refuses } from '../support/http.js'
import { type TestServer, testServer } from '../support/server.js'

let server: TestServer
test.before(async () => {
  server = await testServer()
})
test.after.always(() => server.stop())

async function space(name: string) {
  const made = await server.fetch(`/v1/code/spaces/${name}`, { method: 'PUT' })
  if (made.status !== 201) throw new Error(await made.text())
  return contentOf(server, name)
}

/** Many entries, past HTTP, which is not under test here. */
async function crowd(name: string, folder: string, count: number): Promise<void> {
  const loaded = await server.directory.load(server.token, { name })
  const op = {
    space: loaded.space?.id ?? '',
    caller: loaded.session?.caller ?? { accountId: '', principals: [] },
    limits: server.account.plan,
  }
  const names = Array.from({ length: count }, (_, i) => `${folder}e${String(i).padStart(6, '0')}`)
  for (let at = 0; at < count; at += 500) {
    await Promise.all(
      names.slice(at, at + 500).map((path) => {
        const names = path.split('/')
        return server.spaces.mkdir(op, { path: { names, folded: names } })
      }),
    )
  }
}

test('a folder is a JSON array of rows in the shape of every directory', async (t) => {
  const files = await space('rows')
  await files.post('a b/sub dir/x', { body: '123' })
  const file = await json(
    await files.post('a b/Zoë.csv', { body: 'x,y', headers: { 'content-type': 'text/csv' } }),
  )
  const response = await files.get('a%20b')
  t.is(response.status, 200)
  t.regex(response.headers.get('content-type') ?? '', /^application\/json/)
  t.is(response.headers.get('x-nvm-type'), 'dir')
  t.is(response.headers.get('x-nvm-permissions'), 'r, w, d')
  const rows = await json(response)
  const common = [
    'name',
    'uri',
    'target',
    'type',
    'permissions',
    'actions',
    'ETag',
    'etag',
    'created_on',
    'last_modified',
    'size',
    'content_type',
  ]
  t.deepEqual(Object.keys(rows[0]), [...common, 'id'])
  t.deepEqual(Object.keys(rows[1]), [...common, 'id', 'md5', 'executable'])
  t.like(rows[0], {
    name: 'sub dir',
    uri: '/v1/users/ann/code/spaces/rows/content/a%20b/sub%20dir',
    target: null,
    type: 'dir',
    permissions: ['r', 'w', 'd'],
    actions: ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    size: 3,
    content_type: null,
  })
  t.like(rows[1], {
    name: 'Zoë.csv',
    uri: '/v1/users/ann/code/spaces/rows/content/a%20b/Zo%C3%AB.csv',
    type: 'file',
    actions: ['GET', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS'],
    ETag: file.etag,
    etag: file.etag,
    size: 3,
    content_type: 'text/csv',
    executable: false,
  })
  for (const row of rows) t.is((await server.fetch(row.uri)).status, 200)
})

test('the content root lists, also when empty; a folder’s etag tells when anything below changed', async (t) => {
  const files = await space('root')
  const empty = await files.get('')
  t.is(empty.headers.get('x-nvm-type'), 'dir')
  t.deepEqual(await json(empty), [])
  await files.post('a/b/c', { body: 'x' })
  const { headers } = await files.get('')
  const known = { 'if-none-match': headers.get('etag') ?? '' }
  t.is((await files.get('', { headers: known })).status, 304)
  await files.post('a/b/c', { body: 'y' })
  t.is((await files.get('', { headers: known })).status, 200)
})

test('a folder of thousands comes as one array, in order', async (t) => {
  const files = await space('large')
  await crowd('large', '', 5000)
  const rows = await json(await files.get(''))
  t.is(rows.length, 5000)
  t.deepEqual(
    rows.map((row: { name: string }) => row.name),
    rows.map((row: { name: string }) => row.name).sort(),
  )
})

test('limit and cursor page a folder; what stays is never missed', async (t) => {
  const files = await space('pages')
  await crowd('pages', '', 25)
  const names: string[] = []
  let next: string | undefined = '?limit=10'
  let pages = 0
  while (next) {
    const response = await files.get(next)
    names.push(...(await json(response)).map((row: { name: string }) => row.name))
    const cursor = response.headers.get('x-nvm-cursor')
    const link = /^<\/v1\/code\/spaces\/pages\/content(\?[^>]*)>; rel="next"$/.exec(
      response.headers.get('link') ?? '',
    )?.[1]
    t.is(link === undefined, cursor === null)
    if (pages++ === 0) {
      await files.delete('e000003')
      await files.put('e000000a')
    }
    next = link
  }
  t.is(pages, 3)
  t.deepEqual(names, [...new Set(names)])
  t.is(names.length, 25)
  await refuses(t, await files.get('?limit=0'), 400, 'limit', '0')
  await refuses(t, await files.get('?limit=ten'), 400, 'limit', 'ten')
  await refuses(t, await files.get('?limit=10&cursor=%20'), 400, 'cursor')
  await refuses(t, await files.get('?limit=%zz'), 400, '%zz')
})

test('?recursive=true lists the whole tree, parents first, exact at the seq it names', async (t) => {
  const files = await space('tree')
  for (const path of ['b/c/1', 'a', 'b/2']) await files.post(path, { body: path })
  const response = await files.get('?recursive=true')
  t.is(response.headers.get('x-nvm-snapshot'), 'exact')
  t.is(response.headers.get('x-nvm-seq'), '5')
  t.regex(response.headers.get('x-nvm-epoch') ?? '', /^[0-9a-f]+$/)
  const rows = await json(response)
  t.deepEqual(rows.map((row: { path: string }) => row.path).sort(), ['a', 'b', 'b/2', 'b/c', 'b/c/1'])
  const at = (path: string) => rows.findIndex((row: { path: string }) => row.path === path)
  t.true(at('b') < at('b/c') && at('b/c') < at('b/c/1'))
  for (const row of rows) t.is((await server.fetch(row.uri)).status, 200, row.uri)
  const below = await json(await files.get('b/c?recursive=true'))
  t.deepEqual(
    below.map((row: { path: string }) => row.path),
    ['b/c/1'],
  )
  await files.put('empty')
  t.deepEqual(await json(await files.get('empty?recursive=1')), [])
  await refuses(t, await files.get('?recursive=perhaps'), 400, 'recursive', 'perhaps')
})

test('recursive as NDJSON: one row a line', async (t) => {
  const files = await space('ndjson')
  for (const path of ['x/y', 'z']) await files.post(path, { body: path })
  const response = await files.get('?recursive=true', { headers: { accept: 'application/x-ndjson' } })
  t.is(response.headers.get('content-type'), 'application/x-ndjson')
  const lines = (await response.text()).trimEnd().split('\n')
  t.deepEqual(lines.map((line) => JSON.parse(line).path).sort(), ['x', 'x/y', 'z'])
})

test('over 10,000 entries the listing is a walk, and says so', async (t) => {
  const files = await space('walk')
  await crowd('walk', 'd/', 10_001)
  const response = await files.get('?recursive=true')
  t.is(response.headers.get('x-nvm-snapshot'), 'walk')
  t.is((await json(response)).length, 10_002)
})

test('a client that leaves in the middle of a listing disturbs nobody', async (t) => {
  const files = await space('leave')
  await crowd('leave', '', 3000)
  const response = await files.get('')
  await response.body?.cancel()
  t.is((await json(await files.get('?limit=1'))).length, 1)
  t.deepEqual(server.errors, [])
})
