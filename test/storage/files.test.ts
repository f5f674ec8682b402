import test from 'ava'
import { json } from '../support/http.js'
import { type TestServer, testServer } from '../support/server.js'
import { leavesNothing, refusedWith, type Storage, stateOf, storageOf } from './support.js'

/** Listing, copying, moving, deleting; and how paths are written. */

let server: TestServer
test.before(async () => {
  server = await testServer({ plans: { premium: { spaces: 100, spaceBytes: 100, entries: 20_000 } } })
})
test.after.always(() => server.stop())

let count = 0
const newStorage = () => storageOf(server, server, `f${count++}`)

interface Item {
  readonly path: string
  readonly pathId: string
  readonly id: string
  readonly size: number
  readonly updatedAt: number
  readonly isDirectory: boolean
}

async function items(storage: Storage, path = ''): Promise<Item[]> {
  const response = await storage.ask('GET', `list${path}`)
  return (await json(response)).items
}
const doTo = (
  storage: Storage,
  verb: string,
  path: string,
  body?: object,
  headers: Record<string, string> = {},
) => storage.ask('POST', `${verb}/${path}`, { ...(body && { body: JSON.stringify(body) }), headers })

test('a listing says of every entry where it is, and how to address it', async (t) => {
  const storage = await newStorage()
  await storage.upload('a/b/c.txt', 'hello', { 'X-OC-Mtime': '1700000000' })
  const [folder] = await items(storage)
  const pathId = (path: string) => Buffer.from(path).toString('base64url')
  t.like(folder, { path: 'a', pathId: pathId('a'), id: pathId('a'), size: 0, isDirectory: true })
  t.deepEqual(await items(storage, '/a/b'), [
    {
      path: 'c.txt',
      pathId: pathId('a/b/c.txt'),
      id: pathId('a/b/c.txt'),
      size: 5,
      updatedAt: 1_700_000_000_000,
      isDirectory: false,
    },
  ])
  const all = async (path: string) => (await items(storage, path)).map((item) => item.path)
  t.deepEqual(await all('?recursive=true'), ['a', 'a/b', 'a/b/c.txt'])
  t.deepEqual(await all('/a?recursive=true'), ['b', 'b/c.txt'])
  t.deepEqual(await all('/a?recursive=false'), ['b'])
  t.deepEqual(await all('/'), ['a'])
})

test('an empty folder, a file, nothing, and a query that is none', async (t) => {
  const storage = await newStorage()
  t.deepEqual(await items(storage), [])
  t.deepEqual(await items(storage, '?recursive=true'), [])
  await storage.upload('file', 'x')
  await refusedWith(t, await storage.ask('GET', 'list/file'), 400, 'BAD_REQUEST', 'file')
  await refusedWith(t, await storage.ask('GET', 'list/none'), 404, 'NOT_FOUND', 'none')
  await refusedWith(t, await storage.ask('GET', 'list?recursive=maybe'), 400, 'BAD_REQUEST', 'maybe')
})

test('a folder of thousands is listed whole', async (t) => {
  const storage = await newStorage()
  const op = { space: storage.space, caller: { accountId: server.account.id }, limits: server.account.plan }
  const names = Array.from({ length: 3000 }, (_, i) => `n${i}`)
  await Promise.all(names.map((name) => server.spaces.mkdir(op, { path: { names: [name], folded: [name] } })))
  t.deepEqual((await items(storage)).map((item) => item.path).sort(), names.sort())
})

test('path ids: both alphabets, padded or not; what is none is refused', async (t) => {
  const storage = await newStorage()
  const byId = (id: string) => storage.ask('POST', `${encodeURIComponent(id)}/upload`, { body: 'x' })
  for (const path of [
    'photos/profile.png',
    'a',
    'ab',
    'abc',
    'd/~~~/ÿÿÿ',
    'x?y>z>~'.replaceAll(/[?>]/g, 'ÿ'),
    'x+y z',
  ]) {
    const standard = Buffer.from(path).toString('base64')
    const safe = Buffer.from(path).toString('base64url')
    for (const id of [standard, standard.replace(/=+$/, ''), safe, safe.padEnd(standard.length, '=')]) {
      const answer = await byId(id)
      t.is(answer.status, 200, id)
      t.deepEqual(await json(answer), { id, path })
    }
  }
  const unescaped = await storage.ask('POST', 'cGhvdG9zL3Byb2ZpbGUucG5n/upload', { body: 'x' })
  t.is((await json(unescaped)).path, 'photos/profile.png', 'as the seed has it')
  await leavesNothing(t, server, storage, async () => {
    for (const [id, text] of [
      ['a', 'base64'],
      ['YQ=', 'base64'],
      ['YQ===', 'base64'],
      ['YR', 'base64'],
      ['Y Q', 'base64'],
      ['Y*Q', 'base64'],
      ['ü', 'base64'],
      ['/w==', 'UTF-8'],
      ['7aCA', 'UTF-8'],
      [Buffer.from('a/../b').toString('base64'), '".."'],
      [Buffer.from('nul').toString('base64'), 'nul'],
      [Buffer.from('a%2Fb:').toString('base64'), 'a%2Fb:'],
      ['Lw==', 'root'],
    ] as const) {
      await refusedWith(t, await byId(id), 400, 'BAD_REQUEST', text)
    }
  })
  await refusedWith(t, await storage.ask('POST', 'YQ/other', { body: 'x' }), 404, 'NOT_FOUND')
  await refusedWith(t, await storage.ask('POST', 'YQ', { body: 'x' }), 405, 'METHOD_NOT_ALLOWED', 'POST')
})

test('paths in the URL: escaped once, a plus is a plus, slashes collapse', async (t) => {
  const storage = await newStorage()
  t.is((await json(await storage.upload('/a//b+c%20d%25/%C3%A9/', 'x'))).path, 'a/b+c d%/é')
  await refusedWith(t, await storage.upload('a%zz', 'x'), 400, 'BAD_REQUEST', '%zz')
  await refusedWith(t, await storage.upload('a%ff', 'x'), 400, 'BAD_REQUEST', 'UTF-8')
  await refusedWith(t, await storage.upload('a%2Fb', 'x'), 400, 'BAD_REQUEST', 'a/b')
})

test('a copy costs no bytes: it shares the blob, also beyond the original', async (t) => {
  const storage = await newStorage()
  await storage.upload('a/file', 'x'.repeat(20))
  const { blobs } = await stateOf(server, storage)
  t.deepEqual(await json(await doTo(storage, 'copy', 'a/file', { destinationPath: 'new/folder/copy' })), {
    path: 'new/folder/copy',
  })
  t.is((await doTo(storage, 'copy', 'a', { destinationPath: 'tree' })).status, 200)
  t.deepEqual((await stateOf(server, storage)).blobs, blobs)
  await doTo(storage, 'delete', 'a', { recursive: true })
  t.is(await storage.text('new/folder/copy'), 'x'.repeat(20))
  t.is(await storage.text('tree/file'), 'x'.repeat(20))
  for (const to of ['x1', 'x2', 'x3']) {
    t.is((await doTo(storage, 'copy', 'tree/file', { destinationPath: to })).status, 200)
  }
  await leavesNothing(t, server, storage, async () => {
    const over = await doTo(storage, 'copy', 'tree/file', { destinationPath: 'x4' })
    await refusedWith(t, over, 429, 'LIMITS_REACHED', 'x4', '100 bytes')
  })
})

test('a move is a rename anywhere, and replaces a file', async (t) => {
  const storage = await newStorage()
  await storage.upload('a/one', '1')
  await storage.upload('two', '2')
  t.deepEqual(await json(await doTo(storage, 'move', 'a/one', { destinationPath: 'two' })), { path: 'two' })
  t.is(await storage.text('two'), '1')
  t.deepEqual(await json(await doTo(storage, 'move', 'a', { destinationPath: '/b//c/' })), { path: 'b/c' })
})

for (const verb of ['copy', 'move']) {
  test(`what cannot be: ${verb}`, async (t) => {
    const storage = await newStorage()
    await storage.upload('folder/file', 'x')
    await storage.upload('other/file', 'y')
    const run = (path: string, to: unknown, headers = {}) =>
      doTo(storage, verb, path, { destinationPath: to }, headers)
    await leavesNothing(t, server, storage, async () => {
      await refusedWith(t, await run('none', 'x'), 404, 'NOT_FOUND', 'none')
      await refusedWith(t, await run('folder/file', 'other'), 409, 'CONFLICT', 'other')
      await refusedWith(t, await run('folder', 'folder/below'), 400, 'BAD_REQUEST', 'folder')
      await refusedWith(t, await run('folder', 'other/file'), 400, 'BAD_REQUEST', 'other/file')
      await refusedWith(t, await run('folder/file', 'other/file/x'), 400, 'BAD_REQUEST', 'other/file')
      await refusedWith(t, await run('folder/file', 'con'), 400, 'BAD_REQUEST', 'con')
      await refusedWith(t, await run('folder/file', ''), 400, 'BAD_REQUEST', 'destinationPath')
      await refusedWith(t, await run('folder/file', '/'), 400, 'BAD_REQUEST', 'destinationPath')
      await refusedWith(t, await run('folder/file', 7), 400, 'BAD_REQUEST', 'destinationPath')
      await refusedWith(t, await doTo(storage, verb, 'folder/file'), 400, 'BAD_REQUEST', 'JSON')
      await refusedWith(t, await run('', 'x'), 400, 'BAD_REQUEST', 'root')
      const guarded = { 'If-None-Match': '*' }
      await refusedWith(t, await run('folder/file', 'other/file', guarded), 412, 'PRECONDITION_FAILED')
      const stale = { 'If-Match': `"${'0'.repeat(32)}"` }
      await refusedWith(t, await run('folder/file', 'new', stale), 412, 'PRECONDITION_FAILED')
    })
    await refusedWith(t, await storage.ask('GET', `${verb}/folder/file`), 405, 'METHOD_NOT_ALLOWED', 'POST')
  })
}

test('delete: a file, an empty folder, a tree if it is said', async (t) => {
  const storage = await newStorage()
  await storage.upload('a/b/c', 'x')
  await storage.upload('file', 'x')
  await leavesNothing(t, server, storage, async () => {
    await refusedWith(t, await doTo(storage, 'delete', 'a'), 409, 'CONFLICT', 'not empty')
    await refusedWith(
      t,
      await doTo(storage, 'delete', 'a', { recursive: false }),
      409,
      'CONFLICT',
      'not empty',
    )
    await refusedWith(t, await doTo(storage, 'delete', 'a', { recursive: 'yes' }), 400, 'BAD_REQUEST', 'yes')
    await refusedWith(
      t,
      await doTo(storage, 'delete', '', { recursive: true }),
      403,
      'NOT_AUTHORIZED',
      'root',
    )
    await refusedWith(t, await doTo(storage, 'delete', 'none'), 404, 'NOT_FOUND', 'none')
    const stale = { 'If-Match': `"${'0'.repeat(32)}"` }
    await refusedWith(t, await doTo(storage, 'delete', 'file', {}, stale), 412, 'PRECONDITION_FAILED')
  })
  t.deepEqual(await json(await doTo(storage, 'delete', 'file')), { path: 'file' })
  t.deepEqual(await json(await doTo(storage, 'delete', 'a/', { recursive: true })), { path: 'a' })
  t.deepEqual(await items(storage), [])
})

test('a space by its owner and name, too; by nothing else', async (t) => {
  const storage = await newStorage()
  await storage.upload('file', 'x')
  const { name } = storage
  const at = (id: string) => server.fetch(`/api/v1/space/${id}/storage/list`)
  t.is((await at(`ann~${name}`)).status, 200)
  t.is((await at(storage.id)).status, 200)
  for (const id of [name, `bob~${name}`, `ann~${storage.id}`, `~${name}`, 'ann~', 'x', '%7E', 'ann~f~0']) {
    await refusedWith(t, await at(id), 404, 'NOT_FOUND', decodeURIComponent(id))
  }
})

test('without a token, with a wrong one, with another verb, at another path', async (t) => {
  const storage = await newStorage()
  const url = `${server.url}/api/v1/space/${storage.id}/storage/list`
  await refusedWith(t, await fetch(url), 401, 'NOT_AUTHENTICATED', 'Authorization')
  const wrong = { headers: { authorization: 'Bearer nbt-wrong' } }
  await refusedWith(t, await fetch(url, wrong), 401, 'NOT_AUTHENTICATED', 'token')
  const put = await storage.ask('PUT', 'upload/x', { body: 'x' })
  await refusedWith(t, put, 405, 'METHOD_NOT_ALLOWED', 'PUT', 'POST')
  t.is(put.headers.get('allow'), 'POST, OPTIONS')
  await refusedWith(t, await storage.ask('GET', 'nothing/here'), 404, 'NOT_FOUND', 'nothing/here')
  await refusedWith(t, await server.fetch('/api/v1/space'), 405, 'METHOD_NOT_ALLOWED')
})
