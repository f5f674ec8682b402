import test from 'ava'
import { json, jsonBody, refuses } from '../support/http.js'
import { type TestServer, testServer } from '../support/server.js'

let server: TestServer
test.before(async () => {
  server = await testServer({ settings: { publicUrl: 'https://files.example.org' } })
})
test.after.always(() => server.stop())

const ROW = [
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
]
const DATE = /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d UTC$/

test('PUT makes a space: 201, and 409 where it exists', async (t) => {
  const { fetch } = await server.user('pia')
  const made = await fetch('/v1/code/spaces/project_data', { method: 'PUT' })
  t.is(made.status, 201)
  const { name, uri, shortname } = await json(made)
  t.deepEqual([name, uri], ['project_data', '/v1/users/pia/code/spaces/project_data'])
  t.regex(shortname, /^[a-z0-9]{5,8}$/)
  await refuses(
    t,
    await fetch('/v1/users/pia/code/spaces/project_data', { method: 'PUT' }),
    409,
    'project_data',
  )
})

test('the name of a space has its rules, and so has whose account it is made in', async (t) => {
  for (const name of ['Data', '_x', 'a.b', 'x'.repeat(129), 'a b']) {
    const response = await server.fetch(`/v1/code/spaces/${encodeURIComponent(name)}`, { method: 'PUT' })
    await refuses(t, response, 400, name.slice(0, 40))
  }
  await refuses(t, await server.fetch('/v1/users/pia2/code/spaces/x', { method: 'PUT' }), 403, '"pia2"')
})

test('the plan limits how many spaces there are: 413 names the limit', async (t) => {
  const { fetch } = await server.user('fay', { plan: 'free' })
  t.is((await fetch('/v1/code/spaces/one', { method: 'PUT' })).status, 201)
  await refuses(t, await fetch('/v1/code/spaces/two', { method: 'PUT' }), 413, 'two', 'free', '1 space')
  await server.directory.setAccount('fay', { plan: 'basic' })
  t.is((await fetch('/v1/code/spaces/two', { method: 'PUT' })).status, 201)
})

test('canonical and shorthand paths are the same tree; slashes may be doubled, one may follow', async (t) => {
  const { fetch } = await server.user('sue')
  await fetch('/v1/code/spaces/s', { method: 'PUT' })
  await fetch('/v1/code/spaces/s/content/a.txt', { method: 'POST', body: 'x' })
  for (const path of [
    '/v1/users/sue/code/spaces/s/content/a.txt',
    '/v1//code//spaces/s//content/a.txt',
    '/v1/code/spaces/s/content//a.txt/',
    '//v1/users/sue/code/spaces/s/content/%61.txt',
  ]) {
    t.is(await (await fetch(path)).text(), 'x', path)
  }
})

test('the listing of spaces has a row each, in the shape of every directory', async (t) => {
  const { fetch } = await server.user('lea')
  t.deepEqual(await json(await fetch('/v1/code/spaces')), [])
  await fetch('/v1/code/spaces/zoo', { method: 'PUT' })
  await fetch('/v1/code/spaces/ape', { method: 'PUT' })
  await fetch('/v1/code/spaces/zoo/content/f', { method: 'POST', body: '12345' })
  const response = await fetch('/v1/users/lea/code/spaces')
  t.is(response.headers.get('x-nvm-type'), 'dir')
  const rows = await json(response)
  t.deepEqual(Object.keys(rows[0]), ROW)
  t.deepEqual(
    rows.map((row: { name: string }) => row.name),
    ['ape', 'zoo'],
  )
  const [, zoo] = rows
  t.like(zoo, {
    uri: '/v1/users/lea/code/spaces/zoo',
    target: null,
    type: 'dir',
    permissions: ['r', 'w', 'd'],
    size: 5,
  })
  t.regex(zoo.created_on, DATE)
  t.regex(zoo.last_modified, DATE)
  t.is(zoo.ETag, zoo.etag)
})

test('a space is a folder with fixed contents', async (t) => {
  const { fetch } = await server.user('kim')
  await fetch('/v1/code/spaces/s', { method: 'PUT' })
  const response = await fetch('/v1/code/spaces/s')
  t.is(response.headers.get('x-nvm-permissions'), 'r, w, d')
  const rows = await json(response)
  t.deepEqual(
    rows.map((row: { name: string; type: string }) => `${row.name} ${row.type}`),
    [
      'changes system_file',
      'config system_dir',
      'content system_dir',
      'description system_file',
      'name system_file',
      'shared system_dir',
      'shortname system_file',
      'summary system_file',
      'tags system_dir',
      'url system_file',
    ],
  )
  for (const row of rows) {
    t.deepEqual(Object.keys(row), ROW)
    t.is((await fetch(row.uri)).status, 200, row.uri)
    const { actions, permissions } = await json(await fetch(row.uri, { method: 'OPTIONS' }))
    t.deepEqual([row.actions, row.permissions], [actions, permissions], row.uri)
  }
  const config = await json(await fetch('/v1/code/spaces/s/config'))
  t.is(config[0].uri, '/v1/users/kim/code/spaces/s/config/access')
  const access = await json(await fetch(config[0].uri))
  t.deepEqual(
    access.map((row: { name: string }) => row.name),
    ['ssh', 'web'],
  )
  for (const folder of ['shared', 'tags'])
    t.deepEqual(await json(await fetch(`/v1/code/spaces/s/${folder}`)), [])
})

test('small text files are written with POST, read with GET, cleared with DELETE', async (t) => {
  const { fetch } = await server.user('tom')
  await fetch('/v1/code/spaces/s', { method: 'PUT' })
  for (const file of ['name', 'summary', 'description', 'config/access/ssh', 'config/access/web']) {
    const path = `/v1/code/spaces/s/${file}`
    const before = await fetch(path)
    t.is(before.status, 200)
    t.is(before.headers.get('x-nvm-default'), 'true')
    t.is(before.headers.get('x-nvm-type'), 'file')
    t.is(before.headers.get('x-nvm-permissions'), 'r, w, d')
    t.regex(before.headers.get('content-type') ?? '', /^text\/plain/)
    t.is(await before.text(), '')
    t.is((await fetch(path, { method: 'POST', body: 'Grüße' })).status, 200)
    const after = await fetch(path)
    t.is(after.headers.get('x-nvm-default'), null)
    t.is(await after.text(), 'Grüße')
    const etag = after.headers.get('etag') ?? ''
    t.is((await fetch(path, { headers: { 'if-none-match': etag } })).status, 304)
    t.is((await fetch(path, { method: 'DELETE' })).status, 200)
    const cleared = await fetch(path)
    t.is(cleared.headers.get('x-nvm-default'), 'true')
    t.is(await cleared.text(), '')
  }
})

test('small text files are small, and text', async (t) => {
  const { fetch } = await server.user('max')
  await fetch('/v1/code/spaces/s', { method: 'PUT' })
  const write = (body: string | Buffer) => fetch('/v1/code/spaces/s/summary', { method: 'POST', body })
  await refuses(t, await write('x'.repeat(65_537)), 413, '65536')
  await refuses(t, await write(Buffer.from([0xff, 0xfe])), 400, 'UTF-8')
  t.is(await (await fetch('/v1/code/spaces/s/summary')).text(), '')
})

test('url is absolute, shortname is short; nobody writes them', async (t) => {
  const { fetch } = await server.user('una')
  const { shortname } = await json(await fetch('/v1/code/spaces/s', { method: 'PUT' }))
  t.is(await (await fetch('/v1/code/spaces/s/shortname')).text(), shortname)
  const url = await (await fetch('/v1/code/spaces/s/url')).text()
  t.is(url, 'https://files.example.org/v1/users/una/code/spaces/s')
  await refuses(t, await fetch('/v1/code/spaces/s/url', { method: 'POST', body: 'x' }), 405, 'url')
})

test('PATCH renames a space, as text and as JSON', async (t) => {
  const { fetch } = await server.user('ray')
  await fetch('/v1/code/spaces/one', { method: 'PUT' })
  await fetch('/v1/code/spaces/taken', { method: 'PUT' })
  await fetch('/v1/code/spaces/one/content/f', { method: 'POST', body: 'kept' })
  const rename = (from: string, init: RequestInit) =>
    fetch(`/v1/code/spaces/${from}`, { method: 'PATCH', ...init })
  const renamed = await rename('one', { body: 'two\n' })
  t.is(renamed.status, 200)
  t.like(await json(renamed), { name: 'two', from: 'one', uri: '/v1/users/ray/code/spaces/two' })
  t.is((await rename('two', jsonBody({ name: 'three' }))).status, 200)
  t.is(await (await fetch('/v1/code/spaces/three/content/f')).text(), 'kept')
  await refuses(t, await fetch('/v1/code/spaces/one'), 404, '"one"')
  await refuses(t, await rename('three', { body: 'taken' }), 409, 'taken')
  await refuses(t, await rename('three', { body: 'No Name' }), 400, 'No Name')
  await refuses(t, await rename('three', jsonBody({ title: 'x' })), 400, '"title"')
  await refuses(t, await rename('three', jsonBody({})), 400, '"name"')
  await refuses(
    t,
    await rename('three', { body: '{', headers: { 'content-type': 'application/json' } }),
    400,
    '"{"',
  )
  await refuses(t, await rename('one', { body: 'four' }), 404, 'one')
  await refuses(t, await fetch('/v1/users/ann/code/spaces/x', { method: 'PATCH', body: 'four' }), 404, '"x"')
})

test('DELETE ends a space and everything in it; one made again under the name is empty', async (t) => {
  const { fetch } = await server.user('dan')
  await fetch('/v1/code/spaces/s', { method: 'PUT' })
  await fetch('/v1/code/spaces/s/content/a/b/c', { method: 'POST', body: 'x' })
  await fetch('/v1/code/spaces/s/summary', { method: 'POST', body: 'x' })
  t.is((await fetch('/v1/code/spaces/s', { method: 'DELETE' })).status, 200)
  await refuses(t, await fetch('/v1/code/spaces/s/content'), 404, '"s"')
  await refuses(t, await fetch('/v1/code/spaces/s', { method: 'DELETE' }), 404, 's')
  t.is((await fetch('/v1/code/spaces/s', { method: 'PUT' })).status, 201)
  t.deepEqual(await json(await fetch('/v1/code/spaces/s/content')), [])
  t.is(await (await fetch('/v1/code/spaces/s/summary')).text(), '')
})

test('management repeated with its Idempotency-Key gets the first answer, and happens once', async (t) => {
  const { fetch } = await server.user('ida')
  const twice = async (method: string, path: string, body?: string) => {
    const init = {
      method,
      headers: { 'idempotency-key': `${method} 1`.replace(' ', '-') },
      ...(body && { body }),
    }
    const first = await fetch(path, init)
    const second = await fetch(path, init)
    t.is(second.status, first.status)
    t.deepEqual(await json(second), await json(first))
    return first.status
  }
  t.is(await twice('PUT', '/v1/code/spaces/s'), 201)
  t.is(await twice('PATCH', '/v1/code/spaces/s', 'renamed'), 200)
  t.is(await twice('DELETE', '/v1/code/spaces/renamed'), 200)
  await refuses(t, await fetch('/v1/code/spaces/renamed'), 404)
  await refuses(
    t,
    await fetch('/v1/code/spaces/t', { method: 'PUT', headers: { 'idempotency-key': 'a b' } }),
    400,
    'a b',
  )
  const long = 'k'.repeat(256)
  await refuses(
    t,
    await fetch('/v1/code/spaces/t', { method: 'PUT', headers: { 'idempotency-key': long } }),
    400,
    'kkk',
  )
})

test('folders above the spaces list what they hold', async (t) => {
  const names = async (path: string) =>
    (await json(await server.fetch(path))).map((row: { name: string }) => row.name)
  t.deepEqual(await names('/'), ['gql', 'v1'])
  t.deepEqual(await names('/v1/'), ['admin', 'code', 'groups', 'orgs', 'tags', 'token', 'users', 'whoami'])
  t.deepEqual(await names('/v1/code'), ['spaces'])
  t.deepEqual(await names('/v1/admin'), ['groups', 'invites', 'orgs', 'profile', 'tokens'])
})
