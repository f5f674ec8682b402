import test, { type ExecutionContext } from 'ava'
import { Directory } from '../../src/accounts/directory.js'
import { Watcher } from '../../src/space/watcher.js'
import { freshName, somebody } from '../accounts/fixture.js'
import { testRedis } from '../support/redis.js'
import { type Owner, owner, team } from './fixture.js'

const server = await testRedis()
const directory = new Directory(await server.connect())
const watcher = new Watcher(await server.connect('watcher'))
test.after.always(async () => {
  watcher.close()
  await server.stop()
})

const LONG_MS = 60_000

/** Who waits for the journal of the space is woken by `change`. */
async function wakes(t: ExecutionContext, space: string, reader: string, change: () => Promise<unknown>) {
  const watch = await watcher.watch(space, reader)
  try {
    const woken = watch.changed(LONG_MS)
    await change()
    t.true(await woken)
  } finally {
    watch.close()
  }
}

async function shared(): Promise<{
  alice: Owner
  bob: Awaited<ReturnType<typeof somebody>>
  target: string
}> {
  const email = `${freshName('guest')}@example.org`
  const [alice, bob] = [await owner(directory), await somebody(directory, { plan: 'basic', email })]
  await team(directory, alice, 'team', bob)
  const target = `@${alice.account.name}~team`
  await directory.shares.put(alice.account.id, alice.space, target)
  return { alice, bob, target }
}

test('whoever reads live is woken by whatever may end it', async (t) => {
  const { alice, bob, target } = await shared()
  const group = { kind: '@', owner: alice.account.name, name: 'team' } as const
  const by = alice.account.id
  const { groups, shares, invitations } = directory
  const invite = await invitations.create(by, { tag: 'data', email: bob.account.email })
  await invitations.join(bob.account.id, invite.token)
  const changes: Record<string, () => Promise<unknown>> = {
    'other letters': () => shares.put(by, alice.space, `${target}~rw`),
    'the end of the share': () => shares.delete(by, alice.space, target),
    'a new share': () => shares.put(by, alice.space, target),
    'the end of an invitation': () => invitations.revoke(by, invite.handle),
    'the end of a membership': () => groups.removeMember(by, group, bob.account.name),
    'the end of the group': () => groups.delete(by, group),
    'a revoked token': () => directory.revokeToken(bob.account.id, 'token'),
    'another flag of the reader': () => directory.setAccount(bob.account.name, { spacesEnabled: false }),
    'another flag of the owner': () => directory.setAccount(alice.account.name, { spacesEnabled: false }),
    'the end of the reader': () => directory.deleteAccount(bob.account.name),
    'the end of the owner': () => directory.deleteAccount(alice.account.name),
  }
  for (const [what, change] of Object.entries(changes)) {
    t.log(what)
    await wakes(t, alice.space, bob.account.id, change)
  }
})

test('nobody else is woken', async (t) => {
  const [{ alice, target }, other] = [await shared(), await shared()]
  const watch = await watcher.watch(other.alice.space, other.bob.account.id)
  await wakes(t, alice.space, 'nobody', () => directory.shares.delete(alice.account.id, alice.space, target))
  t.false(await watch.changed(0))
  watch.close()
})

test('a watcher that lost its connection looks at everything again', async (t) => {
  const connection = await server.connect('lossy watcher')
  const lossy = new Watcher(connection)
  const { alice } = await shared()
  const watch = await lossy.watch(alice.space)
  const woken = watch.changed(LONG_MS)
  connection.disconnect(true)
  t.true(await woken)
  lossy.close()
})
