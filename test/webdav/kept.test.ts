import test from 'ava'
import { redisWork } from '../costs/redis-watch.js'
import { must, teamOf } from '../sharing/http.js'
import { json } from '../support/http.js'
import { Random } from '../support/random.js'
import { type TestServer, testServer } from '../support/server.js'
import { type DavAnswer, type DavRequest, davOf } from './support.js'

/** A long listing that nobody has changed is answered as it was, and one that somebody has is read anew. */

const FILES = 1200
const FOUR =
  '<propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/><getlastmodified/><getetag/></prop></propfind>'

let server: TestServer
let dav: DavRequest
test.before(async () => {
  server = await testServer({ plan: 'premium' })
  dav = davOf(server, server)
  await server.fetch('/v1/code/spaces/s', { method: 'PUT' })
  await fill(dav, 'big')
})
test.after.always(() => server.stop())

async function fill(user: DavRequest, folder: string): Promise<void> {
  await user('MKCOL', `/dav/s/${folder}/`)
  await user('MKCOL', `/dav/s/${folder}/below/`)
  let next = 0
  const lane = async () => {
    while (next < FILES) await user('PUT', `/dav/s/${folder}/file-${next++}`, {}, 'x')
  }
  await Promise.all(Array.from({ length: 16 }, lane))
}

const list = (user: DavRequest, body = FOUR, path = '/dav/s/big/'): Promise<DavAnswer> =>
  user('PROPFIND', path, { depth: '1' }, body)

/** Gives an entry another time, as Windows does. */
function dated(path: string): Promise<DavAnswer> {
  const time =
    '<Win32LastModifiedTime xmlns="urn:schemas-microsoft-com:">Tue, 05 May 2020 05:05:05 GMT</Win32LastModifiedTime>'
  const body = `<propertyupdate xmlns="DAV:"><set><prop>${time}</prop></set></propertyupdate>`
  return dav('PROPPATCH', path, {}, body)
}

/** What it says of one member, or that it says nothing. */
function saidOf({ text }: DavAnswer, name: string): string | undefined {
  const responses = text.replace('</D:multistatus>', '').split('<D:response>')
  return responses.find((one) => one.includes(`/big/${name}</D:href>`))
}

test.serial('unchanged it is the same, and only the folder’s own entry is read', async (t) => {
  const first = await list(dav)
  t.is(first.status, 207)
  t.is(first.text.split('<D:response>').length - 1, FILES + 2)
  const redis = await server.redis.connect('kept')
  let second: DavAnswer | undefined
  const { sent, inScripts } = await redisWork(redis, async () => {
    second = await list(dav)
  })
  t.is(second?.text, first.text)
  t.is(sent.filter((name) => name.startsWith('eval')).length, 1, sent.join(' '))
  t.false(inScripts.includes('zrangebylex'), inScripts.join(' '))
})

test.serial('whatever changes in it or below is seen at once', async (t) => {
  const steps: readonly [string, () => Promise<DavAnswer>, string][] = [
    ['a new file', () => dav('PUT', '/dav/s/big/new', {}, 'abc'), 'new'],
    ['other bytes', () => dav('PUT', '/dav/s/big/file-7', {}, 'more'), 'file-7'],
    ['other times', () => dated('/dav/s/big/file-8'), 'file-8'],
    ['other times of a folder in it', () => dated('/dav/s/big/below/'), 'below/'],
    ['other times of its own', () => dated('/dav/s/big/'), ''],
    ['a removal', () => dav('DELETE', '/dav/s/big/file-9'), 'file-9'],
    ['a move out', () => dav('MOVE', '/dav/s/big/file-10', { destination: '/dav/s/out' }), 'file-10'],
    ['a copy into it', () => dav('COPY', '/dav/s/out', { destination: '/dav/s/big/in' }), 'in'],
    ['something far below', () => dav('PUT', '/dav/s/big/below/deep', {}, 'x'), 'below/'],
  ]
  for (const [what, change, name] of steps) {
    const before = saidOf(await list(dav), name)
    t.true((await change()).status < 300, what)
    const after = saidOf(await list(dav), name)
    t.not(after, before, what)
    const alone = await dav('PROPFIND', `/dav/s/big/${name}`, { depth: '0' }, FOUR)
    t.is(after, saidOf(alone, name), what)
  }
})

/** What is said of each member, by its href; asked in other words, which no kept listing answers. */
async function afresh(path: string): Promise<Map<string, string>> {
  return responsesOf(await list(dav, `${FOUR}\n${' '.repeat(asked++ % 1000)}`, path))
}
let asked = 0

/** What two listings say differently, in whatever order they say it. */
function unlike(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>) {
  return [...new Set([...a.keys(), ...b.keys()])]
    .filter((href) => a.get(href) !== b.get(href))
    .map((href) => [href, a.get(href), b.get(href)])
}

function responsesOf({ text }: DavAnswer): Map<string, string> {
  const responses = text.replace('</D:multistatus>', '').split('<D:response>').slice(1)
  return new Map(responses.map((one) => [/<D:href>([^<]*)/.exec(one)?.[1] ?? '', one]))
}

/** The listing over the novem API, by name; and page by page, which is never kept. */
async function novemRows(query = ''): Promise<Map<string, string>> {
  const rows = await json(await server.fetch(`/v1/code/spaces/s/content/big${query}`))
  return new Map(rows.map((row: { name: string }) => [row.name, JSON.stringify(row)]))
}

test.serial('after a change what the journal tells of is read, and nothing else', async (t) => {
  await list(dav)
  await dav('PUT', '/dav/s/big/file-20', {}, 'changed')
  await dav('PUT', '/dav/s/big/added', {}, 'x')
  await dav('DELETE', '/dav/s/big/file-21')
  const redis = await server.redis.connect('changed')
  let listing: DavAnswer | undefined
  const { inScripts } = await redisWork(redis, async () => {
    listing = await list(dav)
  })
  t.false(inScripts.includes('zrangebylex'), inScripts.join(' '))
  t.deepEqual(unlike(responsesOf(listing as DavAnswer), await afresh('/dav/s/big/')), [])

  await novemRows()
  await dav('PUT', '/dav/s/big/file-22', {}, 'changed')
  await dav('DELETE', '/dav/s/big/added')
  let rows = new Map<string, string>()
  const novem = await redisWork(redis, async () => {
    rows = await novemRows()
  })
  t.false(novem.inScripts.includes('zrangebylex'), novem.inScripts.join(' '))
  t.deepEqual(unlike(rows, await novemRows('?limit=10000')), [])
})

test.serial('changes of all kinds, one upon the other, show as they do when all is read', async (t) => {
  t.timeout(60_000)
  await dav('MKCOL', '/dav/s/aside/')
  const random = Random.seeded()
  t.log(`seed ${random.seed}`)
  const files = Array.from({ length: 30 }, (_, n) => `/dav/s/big/file-${100 + n}`)
  const to = (destination: string) => ({ destination, overwrite: 'T' })
  const steps: readonly (() => Promise<unknown>)[] = [
    () => dav('PUT', random.pick(files), {}, 'x'.repeat(random.below(50))),
    () => dav('PUT', `/dav/s/big/new-${random.below(10)}`, {}, 'new'),
    () => dav('DELETE', random.pick(files)),
    () => dav('DELETE', `/dav/s/big/new-${random.below(10)}`),
    () => dav('MOVE', random.pick(files), to(random.pick(files))),
    () => dav('MOVE', random.pick(files), to(random.pick(files).replace('file', 'FILE'))),
    () => dav('MOVE', random.pick(files), to('/dav/s/aside/one')),
    () => dav('MOVE', '/dav/s/aside/one', to(random.pick(files))),
    () => dav('COPY', '/dav/s/big/file-5', to(random.pick(files))),
    () => dav('MKCOL', '/dav/s/big/below/deeper/'),
    () => dav('PUT', '/dav/s/big/below/deeper/file', {}, 'deep'),
    () => dav('MOVE', '/dav/s/big/below/deeper/', to('/dav/s/big/lifted/')),
    () => dav('MOVE', '/dav/s/big/lifted/', to('/dav/s/big/below/deeper/')),
    () => dav('DELETE', '/dav/s/big/lifted/'),
    () => dated(random.pick(files)),
  ]
  for (let round = 0; round < 40; round++) {
    for (let count = random.below(6); count >= 0; count--) await random.pick(steps)()
    t.deepEqual(unlike(responsesOf(await list(dav)), await afresh('/dav/s/big/')), [], `round ${round}`)
    t.deepEqual(unlike(await novemRows(), await novemRows('?limit=10000')), [], `round ${round}`)
  }
})

test.serial('a folder that has moved, or another in its place, is listed as it is', async (t) => {
  await list(dav)
  await dav('MOVE', '/dav/s/big/', { destination: '/dav/s/large/' })
  t.is((await list(dav)).status, 404)
  t.deepEqual(unlike(responsesOf(await list(dav, FOUR, '/dav/s/large/')), await afresh('/dav/s/large/')), [])
  await dav('MKCOL', '/dav/s/big/')
  t.is(responsesOf(await list(dav)).size, 1)
  await dav('DELETE', '/dav/s/big/')
  await dav('MOVE', '/dav/s/large/', { destination: '/dav/s/big/' })
  await dav('PUT', '/dav/s/big/back', {}, 'x')
  t.deepEqual(unlike(responsesOf(await list(dav)), await afresh('/dav/s/big/')), [])
})

test.serial(
  'over the novem API it says what the caller may do, and 304 where nothing has changed',
  async (t) => {
    await novemRows()
    const reader = await server.user('reader')
    const team = await teamOf(server, 'readers', reader)
    await must(server, 'PUT', `/v1/code/spaces/s/shared/${team}~r`)
    const path = `/v1/users/${server.account.name}/code/spaces/s/content/big`
    const theirs = await json(await reader.fetch(path))
    const [mine = ''] = (await novemRows()).values()
    t.is(theirs.length, (await novemRows()).size)
    t.not(theirs[0].permissions?.join(), JSON.parse(mine).permissions?.join())
    const listing = await server.fetch('/v1/code/spaces/s/content/big')
    const etag = listing.headers.get('etag') ?? ''
    await listing.arrayBuffer()
    const again = await server.fetch('/v1/code/spaces/s/content/big', { headers: { 'if-none-match': etag } })
    t.is(again.status, 304)
  },
)

test.serial('so many changes that reading all is less', async (t) => {
  t.timeout(60_000)
  await list(dav)
  let next = 0
  const lane = async () => {
    while (next < 400) await dav('PUT', `/dav/s/big/file-${200 + next++}`, {}, 'other')
  }
  await Promise.all(Array.from({ length: 8 }, lane))
  t.deepEqual(unlike(responsesOf(await list(dav)), await afresh('/dav/s/big/')), [])
})

test.serial('another question has another answer, and locks are told as they are', async (t) => {
  await list(dav)
  const names = await list(dav, '<propfind xmlns="DAV:"><prop><displayname/></prop></propfind>')
  t.true(saidOf(names, 'file-1')?.includes('<D:displayname>file-1</D:displayname>'))
  t.false(names.text.includes('getetag'))
  const locks = '<propfind xmlns="DAV:"><prop><getetag/><lockdiscovery/></prop></propfind>'
  t.false((await list(dav, locks)).text.includes('opaquelocktoken'))
  const lock = await dav(
    'LOCK',
    '/dav/s/big/file-1',
    {},
    '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>',
  )
  t.is(lock.status, 200)
  t.regex(saidOf(await list(dav, locks), 'file-1') ?? '', /opaquelocktoken|urn:uuid/)
})

test.serial('it is nobody else’s, and gone with the right to see it', async (t) => {
  const first = await list(dav)
  const bob = await server.user('bob')
  const other = davOf(server, bob)
  t.is((await list(other)).status, 404)
  await bob.fetch('/v1/code/spaces/s', { method: 'PUT' })
  t.is((await list(other)).status, 404)
  await other('MKCOL', '/dav/s/big/')
  t.is((await list(other)).text.split('<D:response>').length - 1, 1)
  t.is((await list(dav)).text, first.text)
  await server.fetch('/v1/code/spaces/s', { method: 'PATCH', body: 'renamed' })
  t.is((await list(dav)).status, 404)
  t.true((await list(dav, FOUR, '/dav/renamed/big/')).text.includes('/dav/renamed/big/file-1<'))
})
