import { randomBytes } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { parseRange } from '../../src/http/remote/addresses.js'
import { RemoteFetcher } from '../../src/http/remote/fetcher.js'
import { userGroup } from '../../src/sharing/address.js'
import { contentOf, json } from '../support/http.js'
import { type TestServer, type TestUser, testServer } from '../support/server.js'
import { leavesNothing, listen, refusedWith, type Storage, storageAt, storageOf } from './support.js'
import { type Remote, type Way, waysIn } from './ways.js'

/** What holds for every way in alike: what is written, what is refused, and that nothing stays of what was refused. */

let server: TestServer
let reader: TestUser
let remote: Remote & { close(): void }
test.before(async () => {
  const fetcher = new RemoteFetcher({ allow: [parseRange('127.0.0.1')] })
  server = await testServer({
    plans: { premium: { fileBytes: 50_000, spaceBytes: 120_000, entries: 30, spaces: 1000 } },
    wrap: (deps) => ({ ...deps, fetcher }),
  })
  reader = await server.user('rob')
  const files: Remote['files'] = new Map()
  remote = { ...(await listen((req, res) => res.end(files.get(req.url ?? '')))), files }
})
test.after.always(async () => {
  remote.close()
  await server.stop()
})

const WAYS = Object.keys(waysIn({ url: '', files: new Map() }))
const bytes = (size = 10) => randomBytes(size)

let count = 0
const newStorage = () => storageOf(server, server, `w${count++}`)

/** One test for every way in. */
function each(
  title: string,
  run: (t: ExecutionContext, way: Way, storage: Storage) => Promise<void>,
  names: readonly string[] = WAYS,
): void {
  for (const name of names) {
    test(`${title}: ${name}`, async (t) => run(t, waysIn(remote)[name] as Way, await newStorage()))
  }
}

each('a file is written whole, replaced, and its parents made', async (t, way, storage) => {
  const body = bytes(10_000)
  const made = await way(storage, 'a/b/file.csv', body)
  t.is(made.status, 200)
  const answer = await json(made)
  t.like(answer, { path: 'a/b/file.csv' })
  t.is(Buffer.from(answer.id, 'base64').toString(), 'a/b/file.csv')
  const got = await storage.ask('GET', 'download/a/b/file.csv')
  t.deepEqual(Buffer.from(await got.arrayBuffer()), body)
  t.is(got.headers.get('etag'), made.headers.get('etag'))
  t.is(got.headers.get('content-type'), 'text/csv', 'by the name, as nothing else was said')
  t.is(got.headers.get('content-disposition'), 'attachment; filename="file.csv"')
  t.is((await way(storage, 'A/B/FILE.csv', bytes(3))).status, 200)
  t.is((await storage.text('a/b/file.csv')).length > 0, true)
  const { changes } = await server.spaces.changes(
    { space: storage.space, caller: { accountId: server.account.id }, limits: server.account.plan },
    { since: 0, limit: 100 },
  )
  t.deepEqual(
    changes.map(({ change, path }) => `${change} ${path}`),
    ['create a', 'create a/b', 'create a/b/file.csv', 'update a/b/file.csv'],
  )
})

each('an empty file is a file', async (t, way, storage) => {
  t.is((await way(storage, 'empty', Buffer.alloc(0))).status, 200)
  t.is(await storage.text('empty'), '')
})

each('what is in the way, or wrong with the name, is refused', async (t, way, storage) => {
  await storage.upload('folder/file', 'x')
  await leavesNothing(t, server, storage, async () => {
    await refusedWith(t, await way(storage, 'folder', bytes()), 400, 'BAD_REQUEST', '"folder"')
    await refusedWith(t, await way(storage, 'folder/file/below', bytes()), 400, 'BAD_REQUEST', 'folder/file')
    await refusedWith(t, await way(storage, 'a:b', bytes()), 400, 'BAD_REQUEST', 'a:b')
    await refusedWith(t, await way(storage, 'folder/nul.txt', bytes()), 400, 'BAD_REQUEST', 'nul.txt')
    await refusedWith(t, await way(storage, `${'d/'.repeat(64)}f`, bytes()), 400, 'BAD_REQUEST', '64')
    await refusedWith(t, await way(storage, '/', bytes()), 400, 'BAD_REQUEST', 'root')
  })
})

each('preconditions hold, or nothing happens', async (t, way, storage) => {
  const { headers } = await storage.upload('file', 'x')
  const etag = headers.get('etag') ?? ''
  await leavesNothing(t, server, storage, async () => {
    const none = await way(storage, 'file', bytes(), { 'If-None-Match': '*' })
    await refusedWith(t, none, 412, 'PRECONDITION_FAILED', 'If-None-Match')
    const other = await way(storage, 'file', bytes(), { 'If-Match': `"${'0'.repeat(32)}"` })
    await refusedWith(t, other, 412, 'PRECONDITION_FAILED', 'If-Match')
  })
  t.is((await way(storage, 'file', bytes(), { 'If-Match': etag })).status, 200)
  t.is((await way(storage, 'new', bytes(), { 'If-None-Match': '*' })).status, 200)
})

each('over a limit of the plan', async (t, way, storage) => {
  await leavesNothing(t, server, storage, async () => {
    await refusedWith(t, await way(storage, 'big', bytes(50_001)), 429, 'LIMITS_REACHED', 'big', '50000')
    await refusedWith(t, await way(storage, 'd/'.repeat(31), bytes()), 429, 'LIMITS_REACHED', '30 files')
  })
  for (const name of ['a', 'b']) t.is((await way(storage, name, bytes(50_000))).status, 200)
  await leavesNothing(t, server, storage, async () => {
    await refusedWith(t, await way(storage, 'c', bytes(20_001)), 429, 'LIMITS_REACHED', '"c"', '120000')
  })
  t.is((await way(storage, 'c', bytes(20_000))).status, 200)
})

each('a lock of somebody binds', async (t, way, storage) => {
  await storage.upload('file', 'x')
  const op = { space: storage.space, caller: { accountId: server.account.id }, limits: server.account.plan }
  const path = { names: ['file'], folded: ['file'] }
  const request = {
    token: `urn:uuid:${storage.id}`,
    scope: 'exclusive',
    depth: 0,
    owner: '',
    timeoutMs: 60_000,
  } as const
  await server.spaces.lock(op, { path }, request)
  await leavesNothing(t, server, storage, async () => {
    await refusedWith(t, await way(storage, 'file', bytes()), 423, 'LOCKED', '/file')
  })
  await server.spaces.unlock(op, { path }, request.token)
  t.is((await way(storage, 'file', bytes())).status, 200)
})

each('who may only read, and who may not even that', async (t, way, storage) => {
  const { directory, account } = server
  const team = userGroup('ann', `team${storage.id}`)
  await directory.groups.create(account.id, team)
  await directory.groups.setRole(account.id, team, 'rob', 'members')
  const asReader = storageAt(reader, storage)
  await leavesNothing(t, server, storage, async () => {
    await refusedWith(t, await way(asReader, 'file', bytes()), 404, 'NOT_FOUND', storage.id)
    await directory.groups.answerInvite(reader.account.id, team, 'yes')
    await directory.shares.put(account.id, storage.space, `@ann~${team.name}`)
    await refusedWith(t, await way(asReader, 'file', bytes()), 403, 'NOT_AUTHORIZED', 'file')
  })
  await directory.shares.put(account.id, storage.space, `@ann~${team.name}~rw`)
  t.is((await way(asReader, 'file', bytes())).status, 200)
})

each(
  'the same Idempotency-Key writes once, and gets the same answer',
  async (t, way, storage) => {
    const key = { 'Idempotency-Key': 'one' }
    const body = bytes()
    const [first, second] = [await way(storage, 'file', body, key), await way(storage, 'file', body, key)]
    t.is(second.headers.get('etag'), first.headers.get('etag'))
    t.deepEqual(await json(second), await json(first))
    await refusedWith(t, await way(storage, 'other', body, key), 400, 'BAD_REQUEST', 'Idempotency-Key')
  },
  // Each request for a URL gets another, so there the key belongs to the PUT: see two-stage.test.ts.
  WAYS.filter((name) => name !== 'two stages'),
)

each('times and the exec bit are kept where they are given', async (t, way, storage) => {
  const headers = { 'X-OC-Mtime': '1700000000', 'X-NVM-Executable': 'true' }
  t.is((await way(storage, 'script', bytes(), headers)).status, 200)
  const metadata = await contentOf(server, storage.name).get('script', {
    headers: { accept: 'application/json' },
  })
  t.like(await json(metadata), { executable: true, last_modified: 'Tue, 14 Nov 2023 22:13:20 UTC' })
})

each('an owner without early access has no spaces', async (t, way) => {
  const user = await server.user(`off${count++}`)
  const storage = await storageOf(server, user, 's')
  await server.directory.setAccount(user.account.name, { spacesEnabled: false })
  await refusedWith(t, await way(storage, 'file', bytes()), 404, 'NOT_FOUND')
  await server.directory.setAccount(user.account.name, { spacesEnabled: true })
  t.is((await way(storage, 'file', bytes())).status, 200)
})
