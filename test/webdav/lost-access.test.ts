import test from 'ava'
import { organisation, orgGroup, userGroup } from '../../src/sharing/address.js'
import { join, team } from '../sharing/fixture.js'
import { contentOf, refuses } from '../support/http.js'
import { type TestServer, type TestUser, testServer } from '../support/server.js'
import { type DavRequest, davOf, lockBody, lockToken, propfindBody, refusedFor, share } from './support.js'

/** A lock ends with its holder's write access, however that was lost, and on every surface (contract §9). */

let server: TestServer
let dav: DavRequest
let count = 0

test.before(async () => {
  server = await testServer({ plan: 'enterprise' })
  dav = davOf(server, server)
})
test.after.always(() => server.stop())

interface Case {
  readonly server: TestServer
  readonly bob: TestUser
  /** Name and id of ann's space. */
  readonly name: string
  readonly id: string
}

/** How bob comes to write in ann's space, and loses that again. */
interface Way {
  readonly give: (one: Case) => Promise<unknown>
  readonly take: (one: Case) => Promise<unknown>
}

const groupOf = ({ name }: Case) => userGroup('ann', `with-${name}`)
const targetOf = ({ name }: Case, letters = '~rw') => `@ann~with-${name}${letters}`
const byGroup = ({ name, bob }: Case) => share(server, name, '~rw', bob)
const ann = () => server.account.id

const WAYS: Readonly<Record<string, Way>> = {
  'the share is revoked': {
    give: byGroup,
    take: (one) => server.directory.shares.delete(ann(), one.id, targetOf(one)),
  },
  'the share is lowered to reading': {
    give: byGroup,
    take: (one) => server.directory.shares.put(ann(), one.id, targetOf(one, '')),
  },
  'the member leaves the group': {
    give: byGroup,
    take: (one) => server.directory.groups.removeMember(ann(), groupOf(one), one.bob.account.name, 'members'),
  },
  'the group is deleted': {
    give: byGroup,
    take: (one) => server.directory.groups.delete(ann(), groupOf(one)),
  },
  'the member of an organisation’s group leaves the organisation': {
    give: async ({ name, id, bob }) => {
      const org = organisation(`org-${name}`)
      const group = orgGroup(`org-${name}`, 'g')
      await server.directory.groups.create(ann(), org)
      await join(server.directory, server, org, bob)
      await server.directory.groups.create(ann(), group)
      await join(server.directory, server, group, bob)
      await server.directory.shares.put(ann(), id, `+org-${name}~g~rw`)
    },
    take: ({ name, bob }) =>
      server.directory.groups.removeMember(ann(), organisation(`org-${name}`), bob.account.name, 'members'),
  },
  'the invitation is revoked': {
    give: async ({ name, bob }) => {
      const { email } = bob.account
      const { token } = await server.directory.invitations.create(ann(), {
        tag: name,
        email,
        permission: 'write',
      })
      await server.directory.invitations.join(bob.account.id, token)
    },
    take: async ({ name }) => {
      const { made } = await server.directory.invitations.list(ann())
      const handle = made.find(({ tag }) => tag === name)?.handle ?? ''
      await server.directory.invitations.revoke(ann(), handle)
    },
  },
  'the holder’s early access ends': {
    give: byGroup,
    take: ({ bob }) => server.directory.setAccount(bob.account.name, { spacesEnabled: false }),
  },
  'the holder’s account is deleted': {
    give: byGroup,
    take: ({ bob }) => server.directory.deleteAccount(bob.account.name),
  },
}

async function setUp(way: Way): Promise<Case> {
  const name = `s${++count}`
  await server.fetch(`/v1/code/spaces/${name}`, { method: 'PUT' })
  const id = (await server.directory.listSpaces(ann())).find((one) => one.name === name)?.id ?? ''
  const one: Case = { server, name, id, bob: await server.user(`bob-${name}`, { plan: 'premium' }) }
  await way.give(one)
  return one
}

for (const [how, way] of Object.entries(WAYS)) {
  test(`${how}: the locks bind nobody any more`, async (t) => {
    const one = await setUp(way)
    const { name, bob } = one
    const asBob = davOf(server, bob)
    const files = contentOf(server, name)
    for (const path of ['a', 'b', 'c', 'd']) await lockToken(asBob, `/dav/@ann~${name}/${path}`)
    const root = `/dav/${name}`
    await refuses(t, await files.post('a', { body: 'x' }), 423, '"/a"')
    refusedFor(t, await dav('PUT', `${root}/a`, {}, 'x'), 423, 'lock-token-submitted', `${root}/a`)
    await way.take(one)
    t.is((await files.post('a', { body: 'x' })).status, 200)
    t.is((await dav('PUT', `${root}/b`, {}, 'x')).status, 204)
    t.is((await dav('LOCK', `${root}/c`, {}, lockBody())).status, 200)
    t.is((await dav('PUT', `${root}/c`, {}, 'x')).status, 423, 'ann’s own binds')
    t.is((await dav('MOVE', `${root}/d`, { destination: `${root}/e` })).status, 201)
    const found = await dav('PROPFIND', root, { depth: '1' }, propfindBody('lockdiscovery'))
    t.is(found.text.split('<D:activelock>').length, 2, found.text)
  })
}

test('several at once, and one that a recursive change meets, with an Idempotency-Key', async (t) => {
  const one = await setUp(WAYS['the share is revoked'] as Way)
  const asBob = davOf(server, one.bob)
  await dav('MKCOL', `/dav/${one.name}/d`)
  for (const path of ['d/a', 'd/b']) {
    await lockToken(asBob, `/dav/@ann~${one.name}/${path}`, {}, 'shared')
    await lockToken(asBob, `/dav/@ann~${one.name}/${path}`, {}, 'shared')
  }
  const remove = () =>
    contentOf(server, one.name).delete('d?recursive=true', { headers: { 'idempotency-key': 'k1' } })
  t.is((await remove()).status, 423)
  await WAYS['the share is revoked']?.take(one)
  t.is((await remove()).status, 200)
  t.is((await remove()).status, 200)
})

test('whoever still writes, through another share, keeps the lock; and it never helps who lost access', async (t) => {
  const one = await setUp(WAYS['the share is revoked'] as Way)
  const { name, id, bob } = one
  const second = await team(server.directory, server, `second-${name}`, bob)
  await server.directory.shares.put(ann(), id, `@ann~${second.name}~rw`)
  const asBob = davOf(server, bob)
  const token = await lockToken(asBob, `/dav/@ann~${name}/a`)
  await WAYS['the share is revoked']?.take(one)
  t.is((await dav('PUT', `/dav/${name}/a`, {}, 'x')).status, 423)
  t.is((await asBob('PUT', `/dav/@ann~${name}/a`, { if: `(<${token}>)` }, 'x')).status, 204)
  await server.directory.groups.delete(ann(), second)
  t.is((await asBob('PUT', `/dav/@ann~${name}/a`, { if: `(<${token}>)` }, 'x')).status, 404)
  t.is((await dav('PUT', `/dav/${name}/a`, {}, 'y')).status, 204)
})
