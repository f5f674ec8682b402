import test from 'ava'
import { UrlSigner } from '../../src/http/storage/signing.js'
import { userGroup } from '../../src/sharing/address.js'
import { json } from '../support/http.js'
import { type TestServer, testServer } from '../support/server.js'
import { refusedWith, type Storage, storageAt, storageOf } from './support.js'

/** Downloads: the bytes, or a URL that needs no token and ends with its issuer's access and with the file. */

let server: TestServer
test.before(async () => {
  server = await testServer({ plans: { premium: { spaces: 100 } } })
})
test.after.always(() => server.stop())

let count = 0
const newStorage = () => storageOf(server, server, `d${count++}`)

async function urlOf(storage: Storage, path: string): Promise<string> {
  return (await json(await urlAnswer(storage, path))).url
}

function urlAnswer(storage: Storage, path: string): Promise<Response> {
  return storage.ask('GET', `download/${path}`, { headers: { accept: 'application/json' } })
}

test('the bytes come under the file’s name, whole or in part, if they have changed', async (t) => {
  const storage = await newStorage()
  const { headers } = await storage.upload('a/été.txt', 'hello', { 'content-type': 'text/plain' })
  const etag = headers.get('etag') ?? ''
  const get = (more: Record<string, string> = {}, method = 'GET') =>
    storage.ask(method, 'download/a/été.txt', { headers: more })
  const whole = await get({ accept: 'text/plain, application/json, */*' })
  t.is(await whole.text(), 'hello')
  t.is(
    whole.headers.get('content-disposition'),
    'attachment; filename="_t_.txt"; filename*=UTF-8\'\'%C3%A9t%C3%A9.txt',
  )
  t.is(whole.headers.get('content-type'), 'text/plain')
  t.is(await (await get({ range: 'bytes=1-3' })).text(), 'ell')
  t.is((await get({ 'if-none-match': etag })).status, 304)
  const head = await get({}, 'HEAD')
  t.is(head.headers.get('content-length'), '5')
  await refusedWith(t, await get({ range: 'bytes=9-' }), 416, 'RANGE_NOT_SATISFIABLE', '5')
})

test('a folder, the root, and what is not there', async (t) => {
  const storage = await newStorage()
  await storage.upload('a/b', 'x')
  for (const accept of ['*/*', 'application/json']) {
    const get = (path: string) => storage.ask('GET', `download/${path}`, { headers: { accept } })
    await refusedWith(t, await get('a'), 400, 'BAD_REQUEST', '"a"', 'folder')
    await refusedWith(t, await get(''), 400, 'BAD_REQUEST', 'folder')
    await refusedWith(t, await get('none'), 404, 'NOT_FOUND', 'none')
    await refusedWith(t, await get('a/nul'), 400, 'BAD_REQUEST', 'nul')
  }
})

test('the URL gives what its issuer would get', async (t) => {
  const storage = await newStorage()
  await storage.upload('a b/ü+.txt', 'hello', { 'content-type': 'text/plain' })
  const answer = await urlAnswer(storage, 'a b/ü+.txt')
  const { url } = await json(answer)
  t.is(new URL(url).origin, new URL(answer.url).origin)
  const got = await fetch(url)
  t.is(await got.text(), 'hello')
  t.regex(got.headers.get('content-disposition') ?? '', /^attachment/)
  t.is(await (await fetch(url, { headers: { range: 'bytes=0-1' } })).text(), 'he')
  t.is((await fetch(url, { method: 'HEAD' })).headers.get('content-length'), '5')
  t.is((await fetch(url, { headers: { 'if-none-match': got.headers.get('etag') ?? '' } })).status, 304)
  await refusedWith(t, await fetch(url, { method: 'POST', body: 'x' }), 401, 'NOT_AUTHENTICATED')
  await refusedWith(t, await fetch(url, { method: 'PUT', body: 'x' }), 403, 'NOT_AUTHORIZED', 'PUT')
  const other = url.replace('a%20b/', 'other/')
  await refusedWith(t, await fetch(other), 403, 'NOT_AUTHORIZED')
})

test('it ends with the file: replaced, moved or deleted, not touched', async (t) => {
  const storage = await newStorage()
  await storage.upload('file', 'first')
  const url = await urlOf(storage, 'file')
  const patch = {
    method: 'PATCH',
    body: '{"executable":true}',
    headers: { 'content-type': 'application/json' },
  }
  t.is((await server.fetch(`/v1/code/spaces/${storage.name}/content/file`, patch)).status, 200)
  t.is((await fetch(url)).status, 200)
  await storage.upload('file', 'second')
  await refusedWith(t, await fetch(url), 404, 'NOT_FOUND', 'file')
  const next = await urlOf(storage, 'file')
  await storage.ask('POST', 'move/file', { body: '{"destinationPath":"moved"}' })
  await refusedWith(t, await fetch(next), 404, 'NOT_FOUND', 'file')
  await storage.ask('POST', 'move/moved', { body: '{"destinationPath":"file"}' })
  t.is(await (await fetch(next)).text(), 'second', 'the same file in the same place again')
  await storage.ask('POST', 'delete/file')
  await refusedWith(t, await fetch(next), 404, 'NOT_FOUND', 'file')
  await storage.ask('POST', 'upload/file/below', { body: 'x' })
  await refusedWith(t, await fetch(next), 400, 'BAD_REQUEST', 'file')
})

test('it ends with what its issuer may', async (t) => {
  const { directory } = server
  const owner = await server.user(`owner${count}`)
  const guest = await server.user(`guest${count}`)
  const own = await storageOf(server, owner, 'own')
  await own.upload('file', 'hello')
  const team = userGroup(owner.account.name, 'team')
  await directory.groups.create(owner.account.id, team)
  await directory.groups.setRole(owner.account.id, team, guest.account.name, 'members')
  await directory.groups.answerInvite(guest.account.id, team, 'yes')
  await directory.shares.put(owner.account.id, own.space, `@${owner.account.name}~team`)
  const url = await urlOf(storageAt(guest, own), 'file')
  const byOwner = await urlOf(own, 'file')
  t.is(await (await fetch(url)).text(), 'hello')
  const flag = (name: string, spacesEnabled: boolean) => directory.setAccount(name, { spacesEnabled })
  for (const name of [guest.account.name, owner.account.name]) {
    await flag(name, false)
    await refusedWith(t, await fetch(url), 404, 'NOT_FOUND', own.id)
    await flag(name, true)
    t.is((await fetch(url)).status, 200)
  }
  await directory.groups.removeMember(owner.account.id, team, guest.account.name)
  await refusedWith(t, await fetch(url), 404, 'NOT_FOUND', own.id)
  t.is((await fetch(byOwner)).status, 200, 'that of somebody else is untouched')
  await directory.groups.setRole(owner.account.id, team, guest.account.name, 'members')
  await directory.groups.answerInvite(guest.account.id, team, 'yes')
  t.is((await fetch(url)).status, 200)
  await directory.deleteAccount(guest.account.name)
  await refusedWith(t, await fetch(url), 404, 'NOT_FOUND', own.id)
  await owner.fetch('/v1/code/spaces/own', { method: 'DELETE' })
  await refusedWith(t, await fetch(byOwner), 404, 'NOT_FOUND', own.id)
})

test('it ends after a day, and nobody else can make one', async (t) => {
  const storage = await newStorage()
  const { headers } = await storage.upload('file', 'hello')
  const claims = {
    space: storage.space,
    issuer: server.account.id,
    etag: headers.get('etag')?.replaceAll('"', '') ?? '',
  }
  const sign = (secret: Buffer, expires: number) =>
    server.url + new UrlSigner(secret).sign('GET', storage.id, 'file', claims, expires)
  t.is((await fetch(sign(server.urlSecret, Date.now() + 60_000))).status, 200)
  await refusedWith(t, await fetch(sign(server.urlSecret, Date.now() - 1)), 403, 'NOT_AUTHORIZED', 'expired')
  await refusedWith(t, await fetch(sign(Buffer.alloc(32), Date.now() + 60_000)), 403, 'NOT_AUTHORIZED')
})

test('where the operator lets clients read from the blob store, its own URL is given', async (t) => {
  const presigned: unknown[] = []
  const own = await testServer({
    wrap: (deps) => ({
      ...deps,
      presign: async (space, blob, options) => {
        presigned.push([space, blob, options])
        return `https://s3.example.org/${blob}`
      },
    }),
  })
  const storage = await storageOf(own, own, 's')
  const { headers } = await storage.upload('a/file.csv', Buffer.from('hello'))
  const blob = headers.get('etag')?.replaceAll('"', '')
  t.is(await urlOf(storage, 'a/file.csv'), `https://s3.example.org/${blob}`)
  const disposition = 'attachment; filename="file.csv"'
  t.deepEqual(presigned, [[storage.space, blob, { seconds: 86_400, contentType: 'text/csv', disposition }]])
  const asked = await storage.describe('new', { file: { type: 'text/csv', size: 1 } })
  const { uploadRequest } = await json(asked)
  t.is(new URL(uploadRequest.url).origin, new URL(asked.url).origin, 'uploads always pass through us')
  await own.stop()
})
