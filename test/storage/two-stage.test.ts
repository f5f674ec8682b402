import { randomBytes } from 'node:crypto'
import test from 'ava'
import { UrlSigner } from '../../src/http/storage/signing.js'
import { contentOf, json, Wire } from '../support/http.js'
import { type TestServer, type TestUser, testServer } from '../support/server.js'
import { leavesNothing, refusedWith, type Storage, storageAt, storageOf } from './support.js'

/** Uploads in two stages: the URL lets whoever has it write one file, as it was described, in the name of who asked for it. */

let server: TestServer
let user: TestUser
test.before(async () => {
  server = await testServer({ plans: { premium: { fileBytes: 1_000_000, spaces: 1000 } } })
  user = await server.user('uma')
})
test.after.always(() => server.stop())

let count = 0
const newStorage = () => storageOf(server, server, `s${count++}`)

interface UploadRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

const FILE = { type: 'text/csv', size: 5 }

async function requested(
  storage: Storage,
  path: string,
  file: object = FILE,
  headers: Record<string, string> = {},
): Promise<UploadRequest> {
  const answer = await json(await storage.describe(path, { file }, headers))
  return answer.uploadRequest
}

const put = (
  { url, method, headers }: UploadRequest,
  body: string | Buffer<ArrayBuffer>,
  more: object = {},
) => fetch(url, { method, headers: { ...headers, ...more }, body })

test('the answer is the request to be sent, to our own origin; nothing is there before the bytes', async (t) => {
  const storage = await newStorage()
  const asked = await storage.describe('a/b.csv', { file: FILE })
  const answer = await json(asked)
  t.like(answer, { id: Buffer.from('a/b.csv').toString('base64url'), path: 'a/b.csv' })
  const { uploadRequest } = answer
  t.deepEqual(uploadRequest.headers, { 'Content-Type': 'text/csv', 'Content-Length': '5' })
  t.is(uploadRequest.method, 'PUT')
  t.is(new URL(uploadRequest.url).origin, new URL(asked.url).origin)
  t.is((await storage.ask('GET', 'download/a/b.csv')).status, 404)
  const done = await put(uploadRequest, 'a,b\n\n')
  t.is(done.status, 200)
  t.deepEqual(await json(done), { id: answer.id, path: 'a/b.csv' })
  const got = await storage.ask('GET', 'download/a/b.csv')
  t.is(got.headers.get('content-type'), 'text/csv')
  t.is(got.headers.get('etag'), done.headers.get('etag'))
  t.is(await got.text(), 'a,b\n\n')
})

test('the file appears with its last byte', async (t) => {
  const storage = await newStorage()
  const bytes = randomBytes(300_000)
  const { url } = await requested(storage, 'big.bin', { type: 'application/zip', size: bytes.length })
  const { pathname, search } = new URL(url)
  const wire = await Wire.open(server.port)
  wire.send(`PUT ${pathname}${search} HTTP/1.1\r\nHost: test\r\nContent-Length: ${bytes.length}\r\n\r\n`)
  wire.send(bytes.subarray(0, -1))
  await stored(storage)
  t.is((await storage.ask('GET', 'download/big.bin')).status, 404)
  wire.send(bytes.subarray(-1))
  t.regex(await wire.until(/}$/), /^HTTP\/1.1 200 /)
  wire.close()
  const got = await storage.ask('GET', 'download/big.bin')
  t.true(Buffer.from(await got.arrayBuffer()).equals(bytes))
})

/** Once bytes are on their way into the blob store. */
async function stored({ space }: Storage): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    for await (const { pending } of server.blobs.list(space)) if (pending) return
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('a URL is good for one file; one that failed is still good', async (t) => {
  const storage = await newStorage()
  const request = await requested(storage, 'once.csv')
  const { pathname, search } = new URL(request.url)
  await leavesNothing(t, server, storage, async () => {
    const wire = await Wire.open(server.port)
    wire.send(`PUT ${pathname}${search} HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nabc`)
    await stored(storage)
    wire.close()
    await refusedWith(t, await put(request, 'four', { 'Content-Length': '4' }), 400, 'BAD_REQUEST', '4', '5')
  })
  t.is((await put(request, 'first')).status, 200)
  await leavesNothing(t, server, storage, async () => {
    await refusedWith(t, await put(request, 'secon'), 409, 'CONFLICT', 'already', 'once.csv')
  })
  await storage.ask('POST', 'delete/once.csv')
  await refusedWith(t, await put(request, 'third'), 409, 'CONFLICT', 'already')
})

test('of PUTs to one URL at once, one writes; with an Idempotency-Key all get its answer', async (t) => {
  const storage = await newStorage()
  const race = await requested(storage, 'race')
  const answers = await Promise.all(Array.from({ length: 5 }, (_, i) => put(race, `race${i}`)))
  t.deepEqual(answers.map(({ status }) => status).sort(), [200, 409, 409, 409, 409])
  const request = await requested(storage, 'keyed')
  const key = { 'Idempotency-Key': 'k' }
  const [first, second] = [await put(request, 'first', key), await put(request, 'first', key)]
  t.is(second.status, 200)
  t.is(second.headers.get('etag'), first.headers.get('etag'))
})

test('two URLs for the same are two', async (t) => {
  const storage = await newStorage()
  const [one, other] = [await requested(storage, 'same'), await requested(storage, 'same')]
  t.is((await put(one, 'first')).status, 200)
  t.is((await put(other, 'later')).status, 200)
  t.is(await storage.text('same'), 'later')
})

test('the size is exact: fewer, more, or unknown until it has come', async (t) => {
  const storage = await newStorage()
  const request = await requested(storage, 'exact')
  const chunked = (text: string) =>
    fetch(request.url, {
      method: 'PUT',
      duplex: 'half',
      body: new ReadableStream({
        start(controller) {
          controller.enqueue(Buffer.from(text))
          controller.close()
        },
      }),
    } as RequestInit)
  await leavesNothing(t, server, storage, async () => {
    await refusedWith(
      t,
      await put(request, 'longer', { 'Content-Length': '6' }),
      400,
      'BAD_REQUEST',
      '6',
      '5',
    )
    await refusedWith(t, await chunked('longer'), 400, 'BAD_REQUEST', '5')
    await refusedWith(t, await chunked('less'), 400, 'BAD_REQUEST', '5')
  })
  t.is((await chunked('exact')).status, 200)
})

test('another type than the signed one is refused; none at all is fine', async (t) => {
  const storage = await newStorage()
  const request = await requested(storage, 'typed')
  await leavesNothing(t, server, storage, async () => {
    const other = await put(request, 'bytes', { 'Content-Type': 'text/html' })
    await refusedWith(t, other, 400, 'BAD_REQUEST', 'text/html', 'text/csv')
  })
  t.is((await fetch(request.url, { method: 'PUT', body: Buffer.from('bytes') })).status, 200)
  t.is((await storage.ask('GET', 'download/typed')).headers.get('content-type'), 'text/csv')
})

test('what is signed cannot be changed: path, claims, signature, method, space', async (t) => {
  const [storage, other] = [await newStorage(), await newStorage()]
  const request = await requested(storage, 'signed.csv')
  const url = new URL(request.url)
  const changed = (change: (copy: URL) => void) => {
    const copy = new URL(url)
    change(copy)
    return { ...request, url: copy.href }
  }
  const claims = JSON.parse(Buffer.from(url.searchParams.get('claims') ?? '', 'base64url').toString())
  const claiming = (more: object) =>
    changed(({ searchParams }) =>
      searchParams.set('claims', Buffer.from(JSON.stringify({ ...claims, ...more })).toString('base64url')),
    )
  const signature = url.searchParams.get('signature') ?? ''
  await leavesNothing(t, server, storage, async () => {
    for (const wrong of [
      changed((copy) => {
        copy.pathname = copy.pathname.replace('signed.csv', 'other.csv')
      }),
      changed((copy) => {
        copy.pathname = copy.pathname.replace('signed.csv', 'SIGNED.csv')
      }),
      claiming({ size: 6 }),
      claiming({ type: 'text/html' }),
      claiming({ issuer: user.account.id }),
      claiming({ space: other.space }),
      claiming({ expires: claims.expires + 1 }),
      changed(({ searchParams }) => searchParams.set('signature', `A${signature.slice(1)}B`)),
      changed(({ searchParams }) => searchParams.set('signature', signature.slice(0, -2))),
      changed(({ searchParams }) => searchParams.delete('signature')),
      changed(({ searchParams }) => searchParams.delete('claims')),
    ]) {
      await refusedWith(t, await put(wrong, 'bytes'), 403, 'NOT_AUTHORIZED', 'signature')
    }
    await refusedWith(t, await fetch(request.url), 403, 'NOT_AUTHORIZED', 'GET')
    const elsewhere = changed((copy) => {
      copy.pathname = copy.pathname.replace(storage.id, other.id)
    })
    await refusedWith(t, await put(elsewhere, 'bytes'), 404, 'NOT_FOUND', other.id)
  })
  t.is((await put(request, 'bytes')).status, 200)
})

test('it ends after a day', async (t) => {
  const storage = await newStorage()
  const { expires } = JSON.parse(
    Buffer.from(
      new URL((await requested(storage, 'x')).url).searchParams.get('claims') ?? '',
      'base64url',
    ).toString(),
  )
  t.true(Math.abs(expires - Date.now() - 86_400_000) < 60_000)
  const claims = { space: storage.space, issuer: server.account.id, size: 5, type: 'text/csv' }
  const late = new UrlSigner(server.urlSecret).sign('PUT', storage.id, 'late.csv', claims, Date.now() - 1)
  await leavesNothing(t, server, storage, async () => {
    const response = await fetch(server.url + late, { method: 'PUT', body: Buffer.from('bytes') })
    await refusedWith(t, response, 403, 'NOT_AUTHORIZED', 'expired')
  })
})

test('who issued it is asked again when it is used: access, flag, limits, existence', async (t) => {
  const { directory } = server
  const issuer = await server.user(`issuer${count++}`)
  const own = await storageOf(server, issuer, 'own')
  const uses = async (change: () => Promise<unknown>, status: number, code: string) => {
    const request = await requested(own, 'file')
    await change()
    await leavesNothing(t, server, own, async () => refusedWith(t, await put(request, 'bytes'), status, code))
    return request
  }
  const flag = (spacesEnabled: boolean) => directory.setAccount(issuer.account.name, { spacesEnabled })
  const hidden = await uses(() => flag(false), 404, 'NOT_FOUND')
  await flag(true)
  t.is((await put(hidden, 'bytes')).status, 200, 'what was refused is good again')

  const guest = await server.user(`guest${count++}`)
  const invitation = { tag: 'own', email: guest.account.email, permission: 'write' } as const
  const { token, handle } = await directory.invitations.create(issuer.account.id, invitation)
  await directory.invitations.join(guest.account.id, token)
  const asGuest = storageAt(guest, own)
  const request = await requested(asGuest, 'guest')
  await directory.invitations.revoke(issuer.account.id, handle)
  await leavesNothing(t, server, own, async () => {
    await refusedWith(t, await put(request, 'bytes'), 404, 'NOT_FOUND', own.id)
  })
  const gone = await requested(own, 'gone')
  await issuer.fetch('/v1/code/spaces/own', { method: 'DELETE' })
  await refusedWith(t, await put(gone, 'bytes'), 404, 'NOT_FOUND', own.id)
})

test('what has changed meanwhile is seen when it is used: folder in the way, quota', async (t) => {
  const limited = await server.user(`limited${count++}`, { plan: 'free' })
  const storage = await storageOf(server, limited, 's')
  const request = await requested(storage, 'place')
  await storage.upload('place/file', 'x')
  await leavesNothing(t, server, storage, async () => {
    await refusedWith(t, await put(request, 'bytes'), 400, 'BAD_REQUEST', 'place')
  })
  const big = { type: 'text/plain', size: 1_000_001 }
  const asOwner = await newStorage()
  await refusedWith(t, await asOwner.describe('big', { file: big }), 429, 'LIMITS_REACHED', '1000000')
})

test('preconditions of the first stage hold in the second', async (t) => {
  const storage = await newStorage()
  const request = await requested(storage, 'new', FILE, { 'If-None-Match': '*' })
  const { headers } = await storage.upload('new', 'x')
  await leavesNothing(t, server, storage, async () => {
    await refusedWith(t, await put(request, 'bytes'), 412, 'PRECONDITION_FAILED', 'If-None-Match')
  })
  const over = await requested(storage, 'new', FILE, { 'If-Match': headers.get('etag') ?? '' })
  t.is((await put(over, 'bytes')).status, 200)
})

test('digests of the bytes are checked', async (t) => {
  const storage = await newStorage()
  const request = await requested(storage, 'digest')
  await leavesNothing(t, server, storage, async () => {
    const wrong = await put(request, 'bytes', { 'Content-MD5': 'AAAAAAAAAAAAAAAAAAAAAA==' })
    await refusedWith(t, wrong, 400, 'BAD_REQUEST', 'Content-MD5')
  })
})

test('meta is kept with the file: in metadata and listings, through moves and copies, until the next upload', async (t) => {
  const storage = await newStorage()
  const metaAt = async (path: string) => {
    const headers = { accept: 'application/json' }
    return (await json(await contentOf(server, storage.name).get(path, { headers }))).meta
  }
  const meta = { description: 'User <photo> & "more" ]]> é', nested: { a: [1, null] } }
  t.is((await put(await requested(storage, 'photo', { ...FILE, meta }), 'bytes')).status, 200)
  t.deepEqual(await metaAt('photo'), meta)
  await storage.ask('POST', 'copy/photo', { body: JSON.stringify({ destinationPath: 'copy' }) })
  await contentOf(server, storage.name).patch('photo', { body: 'moved' })
  t.deepEqual(await metaAt('moved'), meta)
  t.deepEqual(await metaAt('copy'), meta)
  const { items } = await json(await storage.ask('GET', 'list'))
  t.deepEqual(
    items.map((item: { path: string; meta?: object }) => [item.path, item.meta]),
    [
      ['copy', meta],
      ['moved', meta],
    ],
  )
  await contentOf(server, storage.name).post('moved', { body: 'edited in place' })
  t.deepEqual(await metaAt('moved'), meta, 'who edits a file has said nothing of its meta')
  await storage.upload('moved', 'another file')
  t.is(await metaAt('moved'), undefined, 'an upload replaces the file with its meta')
  t.is((await put(await requested(storage, 'copy', { ...FILE, meta: {} }), 'bytes')).status, 200)
  t.is(await metaAt('copy'), undefined)
})

test('a WebDAV client may write what it likes into meta; it is told only while it is ours', async (t) => {
  const storage = await newStorage()
  await storage.upload('file', 'x')
  for (const value of ['not JSON', '5', '']) {
    const body = `<propertyupdate xmlns="DAV:"><set><prop><meta xmlns="urn:novem-spaces">${value}</meta></prop></set></propertyupdate>`
    t.is((await server.fetch(`/dav/${storage.name}/file`, { method: 'PROPPATCH', body })).status, 207)
    t.is((await json(await storage.ask('GET', 'list'))).items[0].meta, undefined)
  }
})

test('what is described wrongly is refused, naming the member', async (t) => {
  const storage = await newStorage()
  await leavesNothing(t, server, storage, async () => {
    for (const [file, text] of [
      [{ size: 5 }, '"type"'],
      [{ type: '', size: 5 }, '"type"'],
      [{ type: 'nonsense', size: 5 }, 'nonsense'],
      [{ type: 7, size: 5 }, '7'],
      [{ type: 'text/plain' }, '"size"'],
      [{ type: 'text/plain', size: '5' }, '"size"'],
      [{ type: 'text/plain', size: -1 }, '-1'],
      [{ type: 'text/plain', size: 1.5 }, '1.5'],
      [{ ...FILE, meta: 'text' }, '"meta"'],
      [{ ...FILE, meta: [1] }, '"meta"'],
      [{ ...FILE, meta: { long: 'x'.repeat(4096) } }, '4096'],
    ] as const) {
      await refusedWith(t, await storage.describe('wrong', { file }), 400, 'BAD_REQUEST', text)
    }
  })
})

test('links begin with what the operator says', async (t) => {
  const proxied = await testServer({ settings: { publicUrl: 'https://files.example.org/base' } })
  const storage = await storageOf(proxied, proxied, 's')
  const { uploadRequest } = await json(await storage.describe('x', { file: FILE }))
  t.true(uploadRequest.url.startsWith('https://files.example.org/base/api/v1/space/'))
  await proxied.stop()
})
