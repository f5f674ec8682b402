import test from 'ava'
import { type TestServer, testServer } from '../support/server.js'
import { type SpaceClient, sdkClient } from './sdk.js'

/** A client that others wrote and publish: `@chatbotkit/sdk`, told of our origin. */

let server: TestServer
let client: SpaceClient
test.before(async () => {
  server = await testServer()
  client = await sdkClient({ secret: server.token, baseUrl: server.url, retries: 0 })
})
test.after.always(() => server.stop())

const dataUrl = (text: string) => `data:text/plain;base64,${Buffer.from(text).toString('base64')}`

test('spaces are made, listed, fetched, changed and deleted', async (t) => {
  const made = await client.create({ name: 'Q1 Report', description: 'numbers', meta: { a: 1 } })
  t.like(await client.fetch(made.id), {
    id: made.id,
    name: 'Q1 Report',
    description: 'numbers',
    meta: { a: 1 },
  })
  t.like(
    (await client.list()).items.find(({ id }) => id === made.id),
    { id: made.id, name: 'Q1 Report' },
  )
  t.is((await server.fetch('/v1/code/spaces/q1-report')).status, 200, 'it is a space like any other')
  await client.update(made.id, { name: 'Q2 Report', alias: 'q2' })
  const fetched = await client.fetch(made.id)
  t.like(fetched, { id: made.id, name: 'Q2 Report', description: 'numbers' })
  t.true(Math.abs(fetched.createdAt - Date.now()) < 60_000)
  t.is((await server.fetch('/v1/code/spaces/q2')).status, 200)
  t.deepEqual(await client.delete(made.id), { id: made.id })
  await t.throwsAsync(() => client.fetch(made.id), { code: 'NOT_FOUND', message: /no space/ })
})

test('files are uploaded, listed, downloaded, copied, moved and deleted', async (t) => {
  const { id } = await client.create({ name: 'files' })
  const { storage } = client
  const path = 'photos/été & co/a+b.txt'
  const uploaded = await storage.upload(id, path, { file: dataUrl('hello') })
  t.is(uploaded.path, path)
  t.is(Buffer.from(uploaded.id, 'base64url').toString(), path)
  t.is(uploaded.uploadRequest, undefined)
  const downloaded = await storage.download(id, path)
  t.is(downloaded.id, uploaded.id)
  t.is(await (await fetch(downloaded.url)).text(), 'hello')

  t.deepEqual(await storage.copy(id, path, { destinationPath: 'copies/one.txt' }), { path: 'copies/one.txt' })
  t.deepEqual(await storage.move(id, path, { destinationPath: 'moved.txt' }), { path: 'moved.txt' })
  const { items } = await storage.list(id)
  t.deepEqual(
    items.map(({ path: name, isDirectory, size }) => [name, isDirectory, size]),
    [
      ['copies', true, 0],
      ['moved.txt', false, 5],
      ['photos', true, 0],
    ],
  )
  const all = await storage.list(id, undefined, { recursive: true })
  t.deepEqual(all.items.map((item) => item.path).sort(), [
    'copies',
    'copies/one.txt',
    'moved.txt',
    'photos',
    'photos/été & co',
  ])
  const below = await storage.list(id, 'photos')
  t.is(below.items[0]?.path, 'été & co', 'relative to the folder that is listed')
  t.is(Buffer.from(below.items[0]?.id ?? '', 'base64url').toString(), 'photos/été & co')

  await t.throwsAsync(() => storage.delete(id, 'copies'), {
    code: 'CONFLICT',
    message: /copies.*not empty/,
  })
  t.deepEqual(await storage.delete(id, 'copies', { recursive: true }), { path: 'copies' })
  await t.throwsAsync(() => storage.list(id, 'copies'), { code: 'NOT_FOUND', message: /copies/ })
})

test('an upload in two stages, with the request as it is answered', async (t) => {
  const { id } = await client.create({ name: 'stages' })
  const bytes = Buffer.alloc(300_000, 'two-stage ')
  const file = { type: 'image/png', size: bytes.length }
  const { uploadRequest } = await client.storage.upload(id, 'big.png', { file })
  t.truthy(uploadRequest)
  const { method = '', url = '', headers } = uploadRequest ?? {}
  t.is((await fetch(url, { method, headers: { ...headers }, body: bytes })).status, 200)
  const { url: from } = await client.storage.download(id, 'big.png')
  const got = await fetch(from)
  t.is(got.headers.get('content-type'), 'image/png')
  t.deepEqual(Buffer.from(await got.arrayBuffer()), bytes)
})

test('a form as the client builds it', async (t) => {
  const { id } = await client.create({ name: 'forms' })
  const file = { data: 'a,b\n', type: 'text/csv', name: 'x.csv' }
  await client.clientFetch(`/api/v1/space/${id}/storage/upload/form.csv`, { file })
  const { url } = await client.storage.download(id, 'form.csv')
  const got = await fetch(url)
  t.is(got.headers.get('content-type'), 'text/csv')
  t.is(await got.text(), 'a,b\n')
})
