import test, { type ExecutionContext } from 'ava'
import { Directory } from '../../src/accounts/directory.js'
import { connectRedis } from '../../src/redis/connect.js'
import { type GroupAddress, userGroup } from '../../src/sharing/address.js'
import type { NewInvitation } from '../../src/sharing/invitations.js'
import { freshName, type Somebody, somebody } from '../accounts/fixture.js'
import { lossyPath } from '../support/lossy.js'
import { testRedis } from '../support/redis.js'
import { accessOf, type Owner, owner, team } from './fixture.js'

const server = await testRedis()
const plain = new Directory(await server.connect())
test.after.always(() => server.stop())

interface Scene {
  readonly alice: Owner
  /** Invited, by a token, and to the group. */
  readonly bob: Somebody
  readonly group: GroupAddress
  /** The group, as a share's target. */
  readonly target: string
  readonly invitation: NewInvitation
}

/** Every mutation: what it does, and what must be true afterwards, once. */
const MUTATIONS: Record<
  string,
  {
    readonly before?: (scene: Scene) => Promise<unknown>
    readonly run: (directory: Directory, scene: Scene) => Promise<unknown>
    readonly after: (t: ExecutionContext, scene: Scene, result: unknown) => Promise<unknown>
  }
> = {
  'groups.create': {
    run: ({ groups }, { alice }) => groups.create(alice.account.id, userGroup(alice.account.name, 'new')),
    after: async (t, { alice }) => t.is((await plain.groups.list(alice.account.id)).length, 2),
  },
  'groups.delete': {
    run: ({ groups }, { alice, group }) => groups.delete(alice.account.id, group),
    after: async (t, { alice }) => t.deepEqual(await plain.groups.list(alice.account.id), []),
  },
  'groups.setRole': {
    before: ({ alice, bob, group }) => plain.groups.removeMember(alice.account.id, group, bob.account.name),
    run: ({ groups }, { alice, bob, group }) =>
      groups.setRole(alice.account.id, group, bob.account.name, 'members'),
    after: async (t, { bob }, result) => {
      t.is(result, 'invited')
      t.is((await plain.groups.listInvites(bob.account.id)).length, 1)
    },
  },
  'groups.answerInvite': {
    run: ({ groups }, { bob, group }) => groups.answerInvite(bob.account.id, group, 'yes'),
    after: async (t, { bob }) => t.is((await plain.groups.list(bob.account.id)).length, 1),
  },
  'groups.removeMember': {
    run: ({ groups }, { bob, group }) => groups.removeMember(bob.account.id, group, bob.account.name),
    after: async (t, { bob }) => t.deepEqual(await plain.groups.listInvites(bob.account.id), []),
  },
  'groups.writeProfile': {
    run: ({ groups }, { alice, group }) => groups.writeProfile(alice.account.id, group, 'name', 'Us'),
    after: async (t, { alice, group }) =>
      t.is((await plain.groups.read(alice.account.id, group)).files.name?.text, 'Us'),
  },
  'shares.put': {
    run: ({ shares }, { alice, target }) => shares.put(alice.account.id, alice.space, target),
    after: async (t, { alice }, result) => {
      t.is(result, 'created')
      t.is((await plain.shares.list(alice.account.id, alice.space)).length, 1)
    },
  },
  'shares.delete': {
    before: ({ alice, target }) => plain.shares.put(alice.account.id, alice.space, target),
    run: ({ shares }, { alice, target }) => shares.delete(alice.account.id, alice.space, target),
    after: async (t, { alice }) => t.deepEqual(await plain.shares.list(alice.account.id, alice.space), []),
  },
  'tags.put': {
    run: ({ tags }, { alice }) => tags.put(alice.account.id, alice.space, 'fav'),
    after: async (t, _scene, result) => t.true(result),
  },
  'tags.delete': {
    before: ({ alice }) => plain.tags.put(alice.account.id, alice.space, 'fav'),
    run: ({ tags }, { alice }) => tags.delete(alice.account.id, alice.space, 'fav'),
    after: async (t, { alice }) => t.deepEqual(await plain.tags.list(alice.account.id, alice.space), []),
  },
  'invitations.create': {
    run: ({ invitations }, { alice }) =>
      invitations.create(alice.account.id, { tag: 'data', email: 'carol@example.org' }),
    after: async (t, { alice }, result) => {
      t.like(await plain.invitations.preview((result as NewInvitation).token), { tag: 'data' })
      t.is((await plain.invitations.list(alice.account.id)).made.length, 2)
    },
  },
  'invitations.join': {
    run: ({ invitations }, { bob, invitation }) => invitations.join(bob.account.id, invitation.token),
    after: async (t, { alice, bob }, result) => {
      t.like(result, { acceptedBy: bob.account.name })
      t.is(await accessOf(plain, bob, alice), 'r')
    },
  },
  'invitations.rotate': {
    run: ({ invitations }, { alice, invitation }) => invitations.rotate(alice.account.id, invitation.token),
    after: async (t, _scene, result) => {
      t.like(await plain.invitations.preview((result as NewInvitation).token), { tag: 'data' })
    },
  },
  'invitations.revoke': {
    run: ({ invitations }, { alice, invitation }) => invitations.revoke(alice.account.id, invitation.token),
    after: async (t, { alice }) => t.deepEqual((await plain.invitations.list(alice.account.id)).made, []),
  },
}

for (const [name, { before, run, after }] of Object.entries(MUTATIONS)) {
  test(`${name} happens once and answers once when the reply is lost`, async (t) => {
    const path = await lossyPath(server.socket)
    const redis = await connectRedis(path.socket, { name: 'lossy' })
    t.teardown(async () => {
      redis.disconnect()
      await path.close()
    })
    const email = `${freshName('guest')}@example.org`
    const [alice, bob] = [await owner(plain), await somebody(plain, { plan: 'basic', email })]
    const group = await team(plain, alice)
    await plain.groups.setRole(alice.account.id, group, bob.account.name, 'members')
    const invitation = await plain.invitations.create(alice.account.id, { tag: 'data', email })
    const scene: Scene = { alice, bob, group, target: `@${alice.account.name}~team`, invitation }
    await before?.(scene)
    const lost = path.loseNextReply()
    const result = await run(new Directory(redis), scene)
    await lost
    await after(t, scene, result)
  })
}
