import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { Directory } from '../../src/accounts/directory.js'
import { Spaces } from '../../src/space/spaces.js'
import { redisWork } from '../costs/redis-watch.js'
import { type TestServer, type TestUser, testServer } from '../support/server.js'

/** What has been answered once is answered again without looking, but never once it is not true any more. */

interface Question {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

const PROPS =
  '<propfind xmlns="DAV:"><prop><getetag/><getcontentlength/><lockdiscovery/><quota-available-bytes/></prop></propfind>'
const ALL = '<propfind xmlns="DAV:"><allprop/></propfind>'

/** All that may be remembered, about one file of ann's space `s`, as whoever asks addresses it. */
function questions(dav: string, novem: string): Question[] {
  const propfind = (path: string, depth: string, body: string, headers = {}): Question => ({
    method: 'PROPFIND',
    path,
    headers: { depth, ...headers },
    body,
  })
  return [
    { path: `${dav}/dir/file.txt` },
    { path: `${dav}/dir/file.txt`, headers: { range: 'bytes=1-2' } },
    { path: `${dav}/dir/file.txt`, headers: { 'if-modified-since': 'Sat, 01 Jan 2050 00:00:00 GMT' } },
    { method: 'HEAD', path: `${dav}/dir/file.txt` },
    propfind(`${dav}/dir/file.txt`, '0', PROPS),
    propfind(`${dav}/dir/file.txt`, '0', ALL),
    propfind(`${dav}/dir/file.txt`, '0', PROPS, { prefer: 'return=minimal' }),
    propfind(`${dav}/dir/file.txt`, '0', ''),
    propfind(`${dav}/dir`, '1', PROPS),
    propfind(`${dav}/`, '0', PROPS),
    { path: `${novem}/content/dir/file.txt` },
    { path: `${novem}/content/dir/file.txt`, headers: { accept: 'application/json' } },
    { path: `${novem}/content/dir/file.txt?view=entry` },
    { path: `${novem}/content/dir` },
    { path: `${novem}/content/dir?limit=1` },
  ]
}

interface Seen {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

async function ask(who: TestUser, { method = 'GET', path, headers, body }: Question): Promise<Seen> {
  const response = await who.fetch(path, {
    method,
    headers: { ...headers },
    ...(body !== undefined && body !== '' && { body }),
  })
  const { 'x-request-id': _id, date: _date, ...others } = Object.fromEntries(response.headers)
  // How long a lock still lasts is another number every second.
  const text = (await response.text()).replace(/Second-\d+/g, 'Second-n')
  return { status: response.status, headers: others, body: text }
}

/** The same, looked at anew: so is every request that names another host. */
const askAnew = (who: TestUser, question: Question): Promise<Seen> =>
  ask(who, { ...question, headers: { ...question.headers, 'x-forwarded-host': 'elsewhere' } })

/** What another process does. */
interface Other {
  readonly server: TestServer
  readonly ann: TestUser
  readonly bob: TestUser
  readonly directory: Directory
  readonly spaces: Spaces
}

const at = (path: string) => `/v1/code/spaces/s/content/${path}`
const must = async (answer: Promise<Response>): Promise<Response> => {
  const response = await answer
  if (response.status >= 300) throw new Error(`${response.status}: ${await response.text()}`)
  return response
}
const dav = (method: string, path: string, headers: Record<string, string> = {}, body?: string) => {
  return ({ ann }: Other) =>
    must(ann.fetch(`/dav/s/${path}`, { method, headers, ...(body !== undefined && { body }) }))
}

/** The one after which all is as before. */
const LOCK_ENDS = 'its folder is locked, and the lock ends'

const CHANGES: Readonly<Record<string, (other: Other) => Promise<unknown>>> = {
  'the file is written over': ({ ann }) =>
    must(ann.fetch(at('dir/file.txt'), { method: 'POST', body: 'other' })),
  'its times change': ({ ann }) =>
    must(
      ann.fetch(at('dir/file.txt'), {
        method: 'PATCH',
        headers: { 'content-type': 'application/json' },
        body: '{"last_modified":"2001-02-03T04:05:06Z"}',
      }),
    ),
  'it gets a property': dav(
    'PROPPATCH',
    'dir/file.txt',
    {},
    '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="y">z</x></prop></set></propertyupdate>',
  ),
  'it is locked': dav(
    'LOCK',
    'dir/file.txt',
    { timeout: 'Second-3000' },
    '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>',
  ),
  [LOCK_ENDS]: async ({ ann }) => {
    const lock =
      '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>'
    const locked = await must(
      ann.fetch('/dav/s/dir/', { method: 'LOCK', headers: { timeout: 'Second-1' }, body: lock }),
    )
    await locked.text()
    const asked = () =>
      ask(ann, { method: 'PROPFIND', path: '/dav/s/dir/', headers: { depth: '0' }, body: PROPS })
    while ((await asked()).body.includes('activelock')) await delay(50)
  },
  'another file is made': ({ ann }) => must(ann.fetch(at('dir/second.txt'), { method: 'POST', body: '2' })),
  'it is renamed': dav('MOVE', 'dir/file.txt', { destination: '/dav/s/dir/named.txt' }),
  'its folder is moved away': dav('MOVE', 'dir', { destination: '/dav/s/elsewhere' }),
  'it is deleted': dav('DELETE', 'dir/file.txt'),
  'the plan becomes another one': ({ directory }) => directory.setAccount('ann', { plan: 'basic' }),
  'the feature is taken away': ({ directory }) => directory.setAccount('ann', { spacesEnabled: false }),
  'the token is revoked': ({ directory, server }) => directory.revokeToken(server.account.id, 'test'),
  'the share ends': ({ ann }) => must(ann.fetch('/v1/code/spaces/s/shared/@ann~team', { method: 'DELETE' })),
  'the share becomes one that may write': ({ ann }) =>
    must(ann.fetch('/v1/code/spaces/s/shared/@ann~team~rw', { method: 'PUT' })),
  'the member leaves the group': ({ ann }) =>
    must(ann.fetch('/v1/admin/groups/team/roles/members/bob', { method: 'DELETE' })),
  'the group is dissolved': ({ ann }) => must(ann.fetch('/v1/admin/groups/team', { method: 'DELETE' })),
  'the account that shares is deleted': ({ directory }) => directory.deleteAccount('ann'),
  'the space is renamed': ({ directory, server }) => directory.renameSpace(server.account.id, 's', 't'),
  'the space is deleted': ({ ann }) => must(ann.fetch('/v1/code/spaces/s', { method: 'DELETE' })),
  'the space is deleted, and made again': async ({ ann }) => {
    await must(ann.fetch('/v1/code/spaces/s', { method: 'DELETE' }))
    await must(ann.fetch('/v1/code/spaces/s', { method: 'PUT' }))
    await must(ann.fetch(at('dir/file.txt'), { method: 'POST', body: 'again' }))
  },
  'the journal begins anew': async ({ server, spaces }) => {
    const { space } = await server.directory.load(server.token, { name: 's' })
    await spaces.renewEpoch(space?.id ?? '', '0123456789abcdef')
  },
}

async function world(): Promise<Other> {
  const server = await testServer({ plans: { basic: { spaceBytes: 1_000_000 } } })
  const ann = server
  const bob = await server.user('bob')
  await must(ann.fetch('/v1/code/spaces/s', { method: 'PUT' }))
  await must(ann.fetch(at('dir/file.txt'), { method: 'POST', body: 'content' }))
  await must(ann.fetch('/v1/admin/groups/team', { method: 'PUT' }))
  await must(ann.fetch('/v1/admin/groups/team/roles/members/bob', { method: 'PUT' }))
  await must(bob.fetch('/v1/admin/invites/@ann~team/accept', { method: 'POST', body: 'yes' }))
  await must(ann.fetch('/v1/code/spaces/s/shared/@ann~team', { method: 'PUT' }))
  const redis = await server.redis.connect('another process')
  const directory = new Directory(redis)
  return { server, ann, bob, directory, spaces: new Spaces(redis) }
}

async function serverWithSpace(t: ExecutionContext): Promise<TestServer> {
  const server = await testServer()
  t.teardown(() => server.stop())
  await must(server.fetch('/v1/code/spaces/s', { method: 'PUT' }))
  return server
}

// One after the other: each has a Redis of its own, which may be a cluster.
for (const [what, change] of Object.entries(CHANGES)) {
  test.serial(`what is remembered is not answered any more when ${what}`, async (t) => {
    const other = await world()
    t.teardown(() => other.server.stop())
    const { ann, bob } = other
    const asked = [
      ...questions('/dav/s', '/v1/code/spaces/s').map((one) => [ann, one] as const),
      ...questions('/dav/@ann~s', '/v1/users/ann/code/spaces/s').map((one) => [bob, one] as const),
    ]
    const before: Seen[] = []
    for (const [who, one] of asked) {
      await ask(who, one)
      await ask(who, one)
      const seen = await ask(who, one)
      t.deepEqual(seen, await askAnew(who, one), one.path)
      t.true(seen.status < 400, `${one.path}: ${seen.status}`)
      before.push(seen)
    }
    await change(other)
    let different = 0
    for (const [index, [who, one]] of asked.entries()) {
      const seen = await ask(who, one)
      t.deepEqual(seen, await askAnew(who, one), `${who.account.name}: ${one.method} ${one.path}`)
      if (JSON.stringify(seen) !== JSON.stringify(before[index])) different++
    }
    const isSeen =
      what !== 'its folder is locked, and the lock ends' && what !== 'the member leaves the group'
    if (isSeen) t.true(different > 0, 'the change was not to be seen')
  })
}

test.serial(
  'what is remembered costs Redis two commands, and those who ask in one turn share them',
  async (t) => {
    const server = await serverWithSpace(t)
    await must(server.fetch(at('a.txt'), { method: 'POST', body: 'a' }))
    const one = { path: '/dav/s/a.txt' }
    for (let times = 0; times < 6; times++) await ask(server, one)
    const redis = await server.redis.connect('watch')
    const asked = await redisWork(redis, () => ask(server, one))
    t.deepEqual([...asked.sent].sort(), ['get', 'hmget'])
    t.deepEqual(asked.inScripts, [])

    const loaded = await server.directory.load(server.token, { name: 's' })
    const { space, session } = loaded
    if (!space || !session) throw new Error('There is no space.')
    const { mark } = await server.spaces.info({
      space: space.id,
      caller: session.caller,
      limits: session.account.plan,
    })
    const check = async () => [
      await server.directory.isAsLoaded(loaded),
      await server.spaces.isUnchanged(space.id, mark),
    ]
    const many = await redisWork(redis, async () => {
      const answers = await Promise.all(Array.from({ length: 40 }, check))
      t.true(answers.flat().every((answer) => answer))
    })
    t.deepEqual([...many.sent].sort(), ['get', 'hmget'])
  },
)

test.serial(
  'whoever has heard that a write is done reads it, however many others read at the same time',
  async (t) => {
    const server = await serverWithSpace(t)
    let written = 0
    let isOver = false
    const write = async (count: number) => {
      await must(server.fetch(at('n.txt'), { method: 'POST', body: String(count) }))
      written = count
    }
    await write(1)
    const reading = Array.from({ length: 8 }, async () => {
      while (!isOver) {
        const least = written
        const { body } = await ask(server, { path: '/dav/s/n.txt' })
        if (Number(body) < least) throw new Error(`${body} was read after ${least} had been written.`)
      }
    })
    for (let count = 2; count <= 150; count++) {
      await write(count)
      // Long enough for what was read to be remembered.
      if (count % 3 === 0) for (let times = 0; times < 3; times++) await ask(server, { path: '/dav/s/n.txt' })
    }
    isOver = true
    await Promise.all(reading)
    t.pass()
  },
)
