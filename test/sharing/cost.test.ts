import test from 'ava'
import type { Redis } from 'ioredis'
import { Directory } from '../../src/accounts/directory.js'
import { planTable } from '../../src/accounts/plans.js'
import type { Plan } from '../../src/accounts/types.js'
import { userGroup } from '../../src/sharing/address.js'
import { makeSpace, somebody } from '../accounts/fixture.js'
import { testRedis } from '../support/redis.js'
import { accessOf, join, owner, team } from './fixture.js'

const SPACES = 20
const GROUPS = 1000

const server = await testRedis()
const redis = await server.connect()
const directory = new Directory(redis, {
  plans: planTable({ basic: { spaces: SPACES } satisfies Partial<Plan> }),
})
test.after.always(() => server.stop())

/** How often Redis ran which command, those of scripts included. */
async function commands(counter: Redis, run: () => Promise<unknown>): Promise<Record<string, number>> {
  await run()
  await counter.config('RESETSTAT')
  await run()
  const counts: Record<string, number> = {}
  for (const line of (await counter.info('commandstats')).split('\r\n')) {
    const [, name, calls] = /^cmdstat_([^:]+):calls=(\d+)/.exec(line) ?? []
    if (name && !/^(?:config|info)/.test(name)) counts[name] = Number(calls)
  }
  return counts
}

test.serial('a request asks as much whether there are two shares or twenty thousand', async (t) => {
  const [alice, bob] = [await owner(directory), await somebody(directory)]
  const { id, name } = alice.account
  const spaces = ['data']
  for (let i = 1; i < SPACES; i++) {
    spaces.push(`space-${i}`)
    await makeSpace(directory, id, `space-${i}`)
  }
  const shortnames = new Map((await directory.visible.of(id, name)).map((space) => [space.name, space.id]))
  const share = (space: string, group: string) =>
    directory.shares.put(id, shortnames.get(space) as string, `@${name}~${group}`)
  await team(directory, alice, 'group-0', bob)
  await share('data', 'group-0')

  const asBob = () => accessOf(directory, bob, alice)
  const asAlice = () => accessOf(directory, alice, alice)
  const few = { bob: await commands(redis, asBob), alice: await commands(redis, asAlice) }

  for (let at = 1; at < GROUPS; at += 50) {
    await Promise.all(
      Array.from({ length: Math.min(50, GROUPS - at) }, async (_, i) => {
        const group = `group-${at + i}`
        await directory.groups.create(id, userGroup(name, group))
        await join(directory, alice, userGroup(name, group), bob)
        for (const space of spaces) await share(space, group)
      }),
    )
  }
  for (const space of spaces.slice(1)) await share(space, 'group-0')
  t.is((await directory.groups.list(bob.account.id)).length, GROUPS)
  t.is((await directory.visible.shared(bob.account.id)).length, SPACES)
  t.is(await asBob(), 'r')
  t.deepEqual({ bob: await commands(redis, asBob), alice: await commands(redis, asAlice) }, few)
})
