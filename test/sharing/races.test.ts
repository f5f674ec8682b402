import test from 'ava'
import { Directory } from '../../src/accounts/directory.js'
import { SpaceError } from '../../src/space/errors.js'
import { freshName, type Somebody, somebody } from '../accounts/fixture.js'
import { testRedis } from '../support/redis.js'
import { accessOf, owner, team } from './fixture.js'

const ROUNDS = 40

const server = await testRedis()
const one = new Directory(await server.connect())
const two = new Directory(await server.connect('another process'))
test.after.always(() => server.stop())

/** All at once, in an order that changes from round to round; refusals are answers too. */
async function atOnce(round: number, ...actions: readonly (() => Promise<unknown>)[]): Promise<void> {
  const from = round % actions.length
  const turned = [...actions.slice(from), ...actions.slice(0, from)]
  for (const result of await Promise.allSettled(turned.map((action) => action()))) {
    if (result.status === 'rejected' && !(result.reason instanceof SpaceError)) throw result.reason
  }
}

function guest(): Promise<Somebody> {
  return somebody(one, { plan: 'basic', email: `${freshName('guest')}@example.org` })
}

test('join and revoke at once: never access without an invitation', async (t) => {
  const alice = await owner(one)
  for (let round = 0; round < ROUNDS; round++) {
    const bob = await guest()
    const { token } = await one.invitations.create(alice.account.id, {
      tag: 'data',
      email: bob.account.email,
    })
    await atOnce(
      round,
      () => one.invitations.join(bob.account.id, token),
      () => two.invitations.revoke(alice.account.id, token),
    )
    t.is(await accessOf(one, bob, alice), undefined)
    t.deepEqual(await one.invitations.list(bob.account.id), { made: [], received: [] })
  }
})

test('rotate and join at once: joined with the old token before, or not at all', async (t) => {
  const alice = await owner(one)
  for (let round = 0; round < ROUNDS; round++) {
    const bob = await guest()
    const { token } = await one.invitations.create(alice.account.id, {
      tag: 'data',
      email: bob.account.email,
    })
    let joined = false
    await atOnce(
      round,
      async () => {
        await one.invitations.join(bob.account.id, token)
        joined = true
      },
      () => two.invitations.rotate(alice.account.id, token),
    )
    const [listed] = (await one.invitations.list(bob.account.id)).received
    t.is(await accessOf(two, bob, alice), joined ? 'r' : undefined)
    t.is(listed?.acceptedBy, joined ? bob.account.name : undefined)
  }
})

test('accept and remove from the group at once: never a member, never access', async (t) => {
  const alice = await owner(one)
  const group = await team(one, alice)
  await one.shares.put(alice.account.id, alice.space, `@${alice.account.name}~team~rw`)
  for (let round = 0; round < ROUNDS; round++) {
    const bob = await guest()
    await one.groups.setRole(alice.account.id, group, bob.account.name, 'members')
    await atOnce(
      round,
      () => one.groups.answerInvite(bob.account.id, group, 'yes'),
      () => two.groups.removeMember(alice.account.id, group, bob.account.name),
    )
    t.is(await accessOf(one, bob, alice), undefined)
    t.deepEqual(await one.groups.list(bob.account.id), [])
  }
})

test('share and delete the group at once: never a share with nobody', async (t) => {
  const [alice, bob] = [await owner(one), await guest()]
  const target = `@${alice.account.name}~team`
  for (let round = 0; round < ROUNDS; round++) {
    const group = await team(one, alice, 'team', bob)
    await atOnce(
      round,
      () => one.shares.put(alice.account.id, alice.space, target),
      () => two.groups.delete(alice.account.id, group),
    )
    t.is(await accessOf(one, bob, alice), undefined)
    t.deepEqual(await one.shares.list(alice.account.id, alice.space), [])
  }
})

test('two founders who leave at once: one stays', async (t) => {
  for (let round = 0; round < ROUNDS; round++) {
    const [alice, bob] = [await guest(), await guest()]
    const group = await team(one, alice, 'team', bob)
    await one.groups.setRole(alice.account.id, group, bob.account.name, 'founders')
    await atOnce(
      round,
      () => one.groups.removeMember(alice.account.id, group, alice.account.name),
      () => two.groups.removeMember(bob.account.id, group, bob.account.name),
    )
    const left = [alice, bob].map(async ({ account }) => (await one.groups.list(account.id)).length)
    t.deepEqual((await Promise.all(left)).sort(), [0, 1])
  }
})
