import test from 'ava'
import { redisWork } from '../costs/redis-watch.js'
import { json } from '../support/http.js'
import type { TestUser } from '../support/server.js'
import { ownRedis } from '../support/setup.js'
import {
  type Ask,
  BODY,
  CHANGES,
  davOf,
  isAnn,
  makeAs,
  must,
  novemOf,
  postAs,
  put,
  putAs,
  SHARES,
  tree,
  type World,
  world,
} from './presume-world.js'

/** Changes are made on the presumption that who asks is still who it was, and never once that is not true any more. */

const json200 = { 'content-type': 'application/json' }

/** Every way to change a tree, on things named anew each time by `n`; `prepare` what must be there before. */
const WAYS: Readonly<Record<string, { readonly prepare?: readonly string[]; readonly ask: Ask }>> = {
  'PUT by WebDAV': { ask: putAs },
  MKCOL: { ask: makeAs },
  MOVE: {
    prepare: ['from'],
    ask: (who, n) =>
      who.fetch(`${davOf(who)}/from${n}`, {
        method: 'MOVE',
        headers: { destination: `${davOf(who)}/to${n}` },
      }),
  },
  'DELETE by WebDAV': {
    prepare: ['gone'],
    ask: (who, n) => who.fetch(`${davOf(who)}/gone${n}`, { method: 'DELETE' }),
  },
  POST: { ask: postAs },
  PUT: { ask: (who, n) => who.fetch(`${novemOf(who)}/folder${n}/`, { method: 'PUT' }) },
  'PATCH to a name': {
    prepare: ['named'],
    ask: (who, n) =>
      who.fetch(`${novemOf(who)}/named${n}`, {
        method: 'PATCH',
        headers: { 'content-type': 'text/plain' },
        body: `renamed${n}`,
      }),
  },
  'PATCH of times': {
    prepare: ['timed'],
    ask: (who, n) =>
      who.fetch(`${novemOf(who)}/timed${n}`, {
        method: 'PATCH',
        headers: json200,
        body: '{"last_modified":"2001-02-03T04:05:06Z"}',
      }),
  },
  DELETE: {
    prepare: ['bye'],
    ask: (who, n) => who.fetch(`${novemOf(who)}/bye${n}`, { method: 'DELETE' }),
  },
}

/** How many things each way has to work on. */
const ROUNDS = 6

async function prepare({ ann, bob }: World): Promise<void> {
  for (const who of [ann, bob]) {
    for (const { prepare: names = [] } of Object.values(WAYS)) {
      for (const name of names) {
        for (let n = first(who); n < first(who) + ROUNDS; n++)
          await must(ann.fetch(`/v1/code/spaces/s/content/${name}${n}`, { method: 'POST', body: 'x' }))
      }
    }
  }
}
const first = (who: TestUser) => (isAnn(who) ? 0 : 100)

/** As often as it takes until nothing is asked any more before a change is made. */
async function untilPresumed(who: TestUser, from: number): Promise<number> {
  for (let n = from; n < from + 3; n++) for (const { ask } of Object.values(WAYS)) await must(ask(who, n))
  return from + 3
}

for (const [what, [change, expected]] of Object.entries(CHANGES)) {
  test.serial(`the next change of every kind is refused as it must be once ${what}`, async (t) => {
    const there = await world(t)
    await prepare(there)
    const { ann, bob } = there
    for (const who of [ann, bob]) await untilPresumed(who, first(who))
    const before = await tree(there)
    await change(there)
    for (const who of [ann, bob]) {
      for (const [way, { ask }] of Object.entries(WAYS)) {
        const { status } = await ask(who, first(who) + 3)
        const shown = status < 300 ? 200 : status
        t.is(shown, expected[who.account.name as 'ann' | 'bob'], `${who.account.name}: ${way}`)
      }
    }
    if (expected.ann === 200 && expected.bob !== 200) {
      const bobs = (await tree(there)).filter((row: string) => !before.includes(row) && /\D103 /.test(row))
      t.deepEqual(bobs, [])
    }
  })
}

/** Each change is the first one after its cause. */
for (const [way, { ask }] of Object.entries(WAYS)) {
  test.serial(
    `${way}: the very next one after a share has ended is refused, and changes nothing`,
    async (t) => {
      const there = await world(t)
      await prepare(there)
      const { ann, bob } = there
      await untilPresumed(bob, 100)
      await must(ann.fetch(`${SHARES}/@ann~team`, { method: 'DELETE' }))
      const before = await tree(there)
      t.is((await ask(bob, 103)).status, 404)
      t.deepEqual(await tree(there), before)
      await put(ann, `${SHARES}/@ann~team~rw`)
      t.true((await ask(bob, 103)).status < 300)
    },
  )
}

test.serial('another plan holds for the very next write, in both directions', async (t) => {
  const there = await world(t)
  const { ann, directory } = there
  const write = (name: string) => ann.fetch(`/dav/s/${name}`, { method: 'PUT', body: BODY })
  for (let n = 0; n < 5; n++) t.is((await write(`a${n}`)).status, 201)
  await directory.setAccount('ann', { plan: 'basic' })
  t.is((await write('b')).status, 507)
  t.is((await ann.fetch('/v1/code/spaces/s/content/c', { method: 'POST', body: BODY })).status, 413)
  for (let n = 0; n < 5; n++)
    t.is((await ann.fetch(`/dav/s/s${n}`, { method: 'PUT', body: 'x' })).status, 201)
  await directory.setAccount('ann', { plan: 'premium' })
  t.is((await write('d')).status, 201)
  await directory.setAccount('ann', { plan: 'enterprise' })
  t.is((await write('e')).status, 507)
})

for (const [way, { ask }] of Object.entries(WAYS)) {
  test.serial(`${way}: the very next one is about the space that has taken another’s name`, async (t) => {
    const there = await world(t)
    const { ann, directory } = there
    await prepare(there)
    await directory.renameSpace(ann.account.id, 's', 'other')
    await put(ann, '/v1/code/spaces/s')
    await prepare(there)
    await untilPresumed(ann, 0)
    const [old, before] = [await tree(there), await tree(there, 'other')]
    await directory.renameSpace(ann.account.id, 's', 'old')
    await directory.renameSpace(ann.account.id, 'other', 's')
    const answer = await ask(ann, 3)
    t.true(answer.status < 300, `${answer.status} ${await answer.text()}`)
    t.deepEqual(await tree(there, 'old'), old)
    if (way !== 'PATCH of times') t.notDeepEqual(await tree(there), before)
    if (/^P(?:OST|UT by)/.test(way)) {
      const name = way === 'POST' ? 'posted3' : 'put3'
      t.is(await (await ann.fetch(`/v1/code/spaces/s/content/${name}`)).text(), BODY)
    }
  })
}

test.serial(
  'a write that repeats itself in the space that has taken the name is answered as before',
  async (t) => {
    const { ann, directory } = await world(t)
    const write = (name: string, headers: Record<string, string> = {}) =>
      ann.fetch(`/v1/code/spaces/s/content/${name}`, { method: 'POST', body: BODY, headers })
    await directory.renameSpace(ann.account.id, 's', 'other')
    await put(ann, '/v1/code/spaces/s')
    for (let n = 0; n < 5; n++) await must(write(`a${n}`))
    await directory.renameSpace(ann.account.id, 's', 'old')
    await directory.renameSpace(ann.account.id, 'other', 's')
    const keyed = { 'idempotency-key': 'k' }
    const first = await json(await must(write('b', keyed)))
    t.deepEqual(await json(await must(write('b', keyed))), first)
    t.is((await write('c', { 'if-match': '"0123456789abcdef0123456789abcdef"' })).status, 412)
  },
)

test.serial('who may not ask any more is not told what else is wrong with the request', async (t) => {
  const { ann, directory } = await world(t)
  const wrong = (path: string, method = 'PUT') =>
    ann.fetch(path, { method, body: 'x', headers: { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' } })
  for (let n = 0; n < 5; n++) await must(ann.fetch(`/dav/s/a${n}`, { method: 'PUT', body: 'x' }))
  t.is((await wrong('/dav/s/b')).status, 400)
  t.is((await wrong('/v1/code/spaces/s/content/b', 'POST')).status, 400)
  await directory.revokeToken(ann.account.id, 'test')
  t.is((await wrong('/dav/s/b')).status, 401)
  t.is((await wrong('/v1/code/spaces/s/content/b', 'POST')).status, 401)
})

test.serial('where nothing about accounts changes, a change is one trip to Redis', async (t) => {
  const { server, ann } = await world(t)
  const redis = await server.redis.connect('watch')
  let made = 0
  const make = () => must(ann.fetch(`/dav/s/${made++}`, { method: 'MKCOL' }))
  const trips = async () => (await redisWork(redis, make)).sent.length
  // On a cluster accounts are on another node, which is asked first.
  const least = ownRedis ? 1 : 2
  for (let n = 0; n < 10; n++) await make()
  t.is(await trips(), least)
  await server.user('carol')
  t.true((await trips()) > 1)
  for (let n = 0; n < 10; n++) await make()
  t.is(await trips(), least)
})
