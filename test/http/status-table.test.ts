import test from 'ava'
import { userGroup } from '../../src/sharing/address.js'
import { contentOf, json, jsonBody, refuses } from '../support/http.js'
import { type TestServer, type TestUser, testServer } from '../support/server.js'

/** The status table of seed 002, line by line; what each means in detail is in the other files. */

let server: TestServer
let reader: TestUser
let files: ReturnType<typeof contentOf>
test.before(async () => {
  server = await testServer({ plans: { premium: { fileBytes: 200_000, spaceBytes: 300_000, entries: 40 } } })
  reader = await server.user('rob')
  const { directory, account } = server
  await server.fetch('/v1/code/spaces/s', { method: 'PUT' })
  const team = userGroup('ann', 'team')
  await directory.groups.create(account.id, team)
  await directory.groups.setRole(account.id, team, 'rob', 'members')
  await directory.groups.answerInvite(reader.account.id, team, 'yes')
  const { space } = await directory.load(server.token, { name: 's' })
  await directory.shares.put(account.id, space?.id ?? '', '@ann~team')
  files = contentOf(server, 's')
  await files.post('r/file', { body: 'x' })
  await files.post('r/folder/below', { body: 'x' })
})
test.after.always(() => server.stop())

const asReader = (path: string, init: RequestInit = {}) =>
  reader.fetch(`/v1/users/ann/code/spaces/s${path}`, init)

test('200: read, list, write, move, delete; `created` flags a fresh file', async (t) => {
  t.is((await files.get('r/file')).status, 200)
  t.is((await files.get('r')).status, 200)
  const written = await files.post('a/new', { body: 'x' })
  t.is(written.status, 200)
  t.true((await json(written)).created)
  t.is((await files.patch('a/new', { body: 'newer' })).status, 200)
  t.is((await files.delete('a/newer')).status, 200)
})

test('201: a folder was created', async (t) => {
  t.is((await files.put('b/folder')).status, 201)
})

test('304: If-None-Match matched on a read', async (t) => {
  const { etag } = await json(await files.get('r/file', { headers: { accept: 'application/json' } }))
  t.is((await files.get('r/file', { headers: { 'if-none-match': etag } })).status, 304)
})

test('400: invalid path or name, invalid move body, move into own subtree', async (t) => {
  await refuses(t, await files.get('%zz'), 400, '%zz')
  await refuses(t, await files.put('c/NUL.txt'), 400, 'NUL.txt')
  await refuses(t, await files.patch('r/file', jsonBody({ name: 'a', to: 'b' })), 400, 'exactly one')
  await refuses(
    t,
    await files.patch('r/folder', jsonBody({ to: 'r/folder/inside' })),
    400,
    'r/folder',
    'itself',
  )
})

test('403: one sees the space but may not write; reading works, and rows and headers say r', async (t) => {
  t.is(await (await asReader('/content/r/file')).text(), 'x')
  const listing = await asReader('/content/r')
  t.is(listing.headers.get('x-nvm-permissions'), 'r')
  for (const row of await json(listing)) {
    t.deepEqual(row.permissions, ['r'])
    t.deepEqual(row.actions, ['GET', 'OPTIONS'])
  }
  t.is((await asReader('/changes')).status, 200)
  for (const [method, path, body] of [
    ['POST', '/content/r/file', 'y'],
    ['POST', '/content/r/file', 'y'.repeat(100_000)],
    ['PUT', '/content/r/new'],
    ['PATCH', '/content/r/file', 'new'],
    ['DELETE', '/content/r/file'],
  ] as const) {
    await refuses(t, await asReader(path, { method, ...(body && { body }) }), 403, 'r/')
  }
  await refuses(t, await asReader('/summary', { method: 'POST', body: 'x' }), 403, 'owner')
  await refuses(t, await asReader('', { method: 'PATCH', body: 'mine' }), 403, '"s"')
  await refuses(t, await asReader('', { method: 'DELETE' }), 403, '"s"')
  t.is(await files.text('r/file'), 'x')
})

test('404: unknown space or path, and everything without read access', async (t) => {
  await refuses(t, await server.fetch('/v1/code/spaces/unknown/content'), 404, '"unknown"')
  await refuses(t, await files.get('unknown/path'), 404, 'unknown/path')
  const stranger = await server.user('sid')
  await refuses(t, await stranger.fetch('/v1/users/ann/code/spaces/s/content/r/file'), 404, '"s"', '"ann"')
})

test('409: file against folder, a folder that is not empty, a folder as destination', async (t) => {
  await refuses(t, await files.post('r/folder', { body: 'x' }), 409, 'r/folder')
  await refuses(t, await files.put('r/file'), 409, 'r/file')
  await refuses(t, await files.delete('r/folder'), 409, 'r/folder', 'recursive=true')
  await refuses(t, await files.patch('r/file', { body: 'folder' }), 409, 'r/folder')
})

test('412: If-Match or If-None-Match does not hold', async (t) => {
  await refuses(
    t,
    await files.post('r/file', { body: 'y', headers: { 'if-match': '"0"' } }),
    412,
    'If-Match',
    'r/file',
  )
  await refuses(
    t,
    await files.post('r/file', { body: 'y', headers: { 'if-none-match': '*' } }),
    412,
    'If-None-Match',
    'r/file',
  )
})

test('413: a file, a space, a number of entries over the limit', async (t) => {
  const write = (path: string, bytes: number) => files.post(path, { body: Buffer.alloc(bytes) })
  await refuses(t, await write('big', 200_001), 413, 'big', '200000')
  t.is((await write('fits', 200_000)).status, 200)
  await refuses(t, await write('no-room', 100_000), 413, 'no-room', '300000')
  await refuses(t, await files.put(Array(50).fill('d').join('/')), 413, '40 files and folders')
})
