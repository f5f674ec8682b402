import { Directory } from '../../src/accounts/directory.js'
import { planTable } from '../../src/accounts/plans.js'
import { userGroup } from '../../src/sharing/address.js'
import { makeSpace, type Somebody, somebody } from '../accounts/fixture.js'
import { join } from '../sharing/fixture.js'
import { testRedis } from '../support/redis.js'
import type { Group } from './group.js'
import { rate } from './load.js'
import type { Measurement } from './measure.js'

/**
 * The first round trip of every request, which also finds out what the caller may do: with one group and one share, and
 * with 1,000 groups and 20,000 shares.
 */
export const sharing: Group = async function* () {
  const server = await testRedis()
  const redis = await server.connect('bench')
  const directory = new Directory(redis, { plans: planTable({ basic: { spaces: SPACES } }) })
  try {
    const few = await scene(directory, 1, 1)
    const many = await scene(directory, GROUPS, SPACES)
    const loads = ({ owner, member, stranger }: Scene, who: 'owner' | 'member' | 'stranger') => {
      const { token } = { owner, member, stranger }[who]
      const target = { owner: owner.account.name, name: 'space-0' }
      return rate(LOADS, WIDTH, () => directory.load(token, target))
    }
    for (const who of ['owner', 'member', 'stranger'] as const) {
      yield {
        name: `who asks, and what may they do there: ${who}`,
        unit: '/s',
        sides: [
          { name: `${GROUPS} groups, ${GROUPS * SPACES} shares`, run: () => loads(many, who) },
          { name: 'one group, one share', run: () => loads(few, who) },
        ],
        // To a stranger with a thousand groups each of them is compared with the space's thousand.
        ...(who !== 'stranger' && { target: FLAT }),
      }
    }
  } finally {
    await server.stop()
  }
}

const FLAT: NonNullable<Measurement['target']> = {
  says: 'nine tenths of the rate with one share',
  reached: ([all = 0, one = 0]) => all >= 0.9 * one,
}
const SPACES = 20
const GROUPS = 1000
const LOADS = 20_000
const WIDTH = 64
const SETUP_WIDTH = 50

/** The member is in all groups that the spaces are shared with, the stranger in as many others. */
interface Scene {
  readonly owner: Somebody
  readonly member: Somebody
  readonly stranger: Somebody
}

async function scene(directory: Directory, groups: number, spaces: number): Promise<Scene> {
  const person = () => somebody(directory, { plan: 'basic' })
  const [owner, member, stranger] = [await person(), await person(), await person()]
  const ids: string[] = []
  for (let i = 0; i < spaces; i++) ids.push(await makeSpace(directory, owner.account.id, `space-${i}`))
  let next = 0
  await rate(groups, SETUP_WIDTH, async () => {
    const name = `group-${next++}`
    const group = userGroup(owner.account.name, name)
    await directory.groups.create(owner.account.id, group)
    await join(directory, owner, group, member)
    await directory.groups.create(stranger.account.id, userGroup(stranger.account.name, name))
    for (const id of ids) await directory.shares.put(owner.account.id, id, `@${owner.account.name}~${name}`)
  })
  return { owner, member, stranger }
}
