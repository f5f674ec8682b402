import test from 'ava'
import { contentOf, json, refuses } from '../support/http.js'
import { type TestServer, testServer } from '../support/server.js'

let server: TestServer
test.before(async () => {
  server = await testServer({ settings: { corsOrigins: ['*'] } })
})
test.after.always(() => server.stop())

async function space(name: string, user = server) {
  const made = await user.fetch(`/v1/code/spaces/${name}`, { method: 'PUT' })
  if (made.status !== 201) throw new Error(await made.text())
  return contentOf(user, name)
}

async function usageOf(path: string) {
  return json(await server.fetch(`/v1/code/spaces/${path}/usage`))
}

test('?view=entry gives the metadata of a file or a folder, with the seq at which it was so', async (t) => {
  const files = await space('entries')
  const written = await json(await files.post('a/f', { body: 'hello', headers: { 'x-oc-mtime': '12.345' } }))
  const response = await files.get('a/f?view=entry')
  t.is(response.headers.get('x-nvm-seq'), '2')
  t.is(response.headers.get('etag'), `"${written.etag}"`)
  const { created, ...entry } = written
  t.deepEqual(await json(response), entry)
  t.is(entry.modified_ms, 12_345)
  const folder = await json(await files.get('a?view=entry'))
  t.like(folder, { kind: 'folder', name: 'a', path: 'a', size: 5, id: 1 })
  t.is(new Date(folder.created_on).getTime(), Math.floor(folder.created_ms / 1000) * 1000)
  t.like(await json(await files.get('?view=entry')), { kind: 'folder', path: '', id: 0, size: 5 })
  t.like(await json(await files.get(`f?base=${folder.id}&view=entry`)), { path: 'a/f' })
  await refuses(t, await files.get('no?view=entry'), 404, '"no"')
  await refuses(t, await files.get('a?view=all'), 400, '"all"', 'entry', 'children')
})

test('?view=children gives a folder and all that is in it, in one answer', async (t) => {
  const files = await space('children')
  t.like(await json(await files.get('?view=children')), { folder: { id: 0 }, children: [] })
  const headers = { 'x-nvm-executable': 'true' }
  const { etag, id, md5 } = await json(await files.post("d/'ä", { body: 'hello', headers }))
  await files.put('d/e/')
  const response = await files.get('d?view=children')
  t.is(response.headers.get('x-nvm-seq'), '3')
  const { folder, children } = await json(response)
  t.deepEqual(folder, await json(await files.get('d?view=entry')))
  const [file, below] = children
  t.deepEqual(file, {
    kind: 'file',
    id,
    name: "'ä",
    size: 5,
    etag,
    created_ms: file.created_ms,
    modified_ms: file.modified_ms,
    md5,
    executable: true,
  })
  t.deepEqual(Object.keys(below), ['kind', 'id', 'name', 'size', 'etag', 'created_ms', 'modified_ms'])
  await refuses(t, await files.get("d/'ä?view=children"), 409, 'folder')
})

test('a folder of many pages comes in one answer, too', async (t) => {
  const files = await space('pages')
  const names = Array.from({ length: 4500 }, (_, index) => `d${index}`)
  for (let from = 0; from < names.length; from += 100) {
    await Promise.all(names.slice(from, from + 100).map((name) => files.put(`many/${name}/`)))
  }
  const { folder, children } = await json(await files.get('many?view=children'))
  t.is(folder.name, 'many')
  t.deepEqual(children.map(({ name }: { name: string }) => name).toSorted(), names.toSorted())
})

test('…/usage says what a space holds and may hold', async (t) => {
  const files = await space('used')
  await files.post('a/f', { body: 'hello' })
  const response = await server.fetch('/v1/code/spaces/used/usage')
  const { plan } = server.account
  const usage = await json(response)
  t.regex(usage.id, /^[a-z2-7]{12}$/)
  t.is(usage.shortname, await (await server.fetch('/v1/code/spaces/used/shortname')).text())
  t.deepEqual(usage, {
    id: usage.id,
    shortname: usage.shortname,
    name: 'used',
    owner: 'ann',
    writable: true,
    bytes: 5,
    entries: 2,
    limits: { file_bytes: plan.fileBytes, space_bytes: plan.spaceBytes, entries: plan.entries },
    seq: 2,
    epoch: response.headers.get('x-nvm-epoch'),
  })
})

test('~shortname finds content, journal and use of a space, whatever it is called by now', async (t) => {
  const files = await space('before')
  await files.post('f', { body: 'hello' })
  const { id, shortname } = await usageOf('before')
  await server.fetch('/v1/code/spaces/before', { method: 'PATCH', body: 'after' })
  await space('before')
  const lasting = contentOf(server, `~${shortname}`)
  t.is(await lasting.text('f'), 'hello')
  t.is((await lasting.post('g', { body: 'more' })).status, 200)
  t.like(await usageOf(`~${shortname}`), { id, name: 'after', entries: 2 })
  const { changes } = await json(await server.fetch(`/v1/code/spaces/~${shortname}/changes`))
  t.is(changes.length, 2)
  await refuses(t, await server.fetch('/v1/code/spaces/~zzzzz/usage'), 404, '~zzzzz')
})

test('~shortname opens nothing else, and nothing to others', async (t) => {
  await space('closed')
  const { shortname } = await usageOf('closed')
  const other = await server.user('bob')
  for (const path of ['/usage', '/content', '/changes', '/content/f']) {
    t.is((await other.fetch(`/v1/code/spaces/~${shortname}${path}`)).status, 404, path)
    t.is((await other.fetch(`/v1/users/ann/code/spaces/~${shortname}${path}`)).status, 404, path)
  }
  for (const [method, path] of [
    ['GET', ''],
    ['DELETE', ''],
    ['GET', '/name'],
    ['GET', '/shared'],
    ['GET', '/tags'],
  ] as const)
    t.is(
      (await server.fetch(`/v1/code/spaces/~${shortname}${path}`, { method })).status,
      404,
      `${method} ${path}`,
    )
  t.is((await server.fetch(`/v1/code/spaces/~${shortname}`, { method: 'PUT' })).status, 400)
  t.is((await usageOf('closed')).entries, 0)
})

test('every refusal names its code, since several share a status', async (t) => {
  const files = await space('codes')
  await files.post('f', { body: 'x' })
  const codes = async (response: Promise<Response>) => {
    const { status, headers } = await response
    t.regex(headers.get('access-control-expose-headers') ?? '', /X-NVM-Error/)
    return [status, headers.get('x-nvm-error')]
  }
  const headers = { origin: 'https://example.org' }
  t.deepEqual(await codes(files.put('f/', { headers })), [409, 'TYPE_CLASH'])
  t.deepEqual(await codes(files.post('no/f?base=0', { body: 'x', headers })), [409, 'NO_PARENT'])
  t.deepEqual(await codes(files.get('no', { headers })), [404, 'NOT_FOUND'])
  t.deepEqual(await codes(files.get('a:b', { headers })), [400, 'BAD_NAME'])
  t.is((await files.get('f')).headers.get('x-nvm-error'), null)
})

test('a folder that is made says what it is', async (t) => {
  const files = await space('made')
  const made = await json(await files.put('a/b/'))
  const { created, ...entry } = made
  t.true(created)
  t.deepEqual(entry, await json(await files.get('a/b?view=entry')))
})

test('a precondition is looked at last: what would be refused anyway is refused for that', async (t) => {
  const files = await space('order')
  await files.post('d/f', { body: 'x' })
  const { id } = await usageOf('order')
  const op = { space: id, caller: { accountId: server.account.id }, limits: server.account.plan }
  const lock = { token: 'urn:uuid:1', scope: 'exclusive', depth: 0, owner: '', timeoutMs: 60_000 } as const
  const headers = { 'if-match': '"0"' }
  const code = async (path: string) => (await files.delete(path, { headers })).headers.get('x-nvm-error')
  t.is(await code('d'), 'NOT_EMPTY')
  t.is(await code('d/f'), 'PRECONDITION_FAILED')
  await server.spaces.lock(op, { path: { names: ['d', 'f'], folded: ['d', 'f'] } }, lock)
  t.is(await code('d/f'), 'LOCKED')
})
