import test from 'ava'
import { Directory } from '../../src/accounts/directory.js'
import { repairSpaces, type Trees } from '../../src/accounts/repair.js'
import { testRedis } from '../support/redis.js'
import { makeSpace, refuses, somebody } from './fixture.js'

const server = await testRedis()
const directory = new Directory(await server.connect())
test.after.always(() => server.stop())

/** Trees that take some visits until they are freed. */
class SlowTrees implements Trees {
  readonly deleted: string[] = []
  #visits: number

  constructor(visits: number) {
    this.#visits = visits
  }

  async deleteSpace(id: string): Promise<void> {
    this.deleted.push(id)
  }

  async burySpace(): Promise<boolean> {
    return --this.#visits < 0
  }
}

test.serial('a reservation is given up when its maker had time enough, not before', async (t) => {
  const { account } = await somebody(directory)
  const { id } = await directory.reserveSpace(account.id, 'data')
  const trees = new SlowTrees(0)
  t.deepEqual(await repairSpaces(directory, trees), { abandoned: 0, forgotten: 0, dying: 0 })
  t.deepEqual(trees.deleted, [])
  t.deepEqual(await repairSpaces(directory, trees, 0), { abandoned: 1, forgotten: 1, dying: 0 })
  t.deepEqual(trees.deleted, [id])
  await refuses(t, 'NOT_FOUND', /deleted while/, () => directory.confirmSpace(id))
  await makeSpace(directory, account.id, 'data')
})

test.serial('a dropped space is forgotten when its tree is gone, and one in use is left alone', async (t) => {
  const { account } = await somebody(directory, { plan: 'basic' })
  await makeSpace(directory, account.id, 'keep')
  const id = await makeSpace(directory, account.id, 'drop')
  await directory.dropSpace(account.id, 'drop')
  const trees = new SlowTrees(1)
  t.deepEqual(await repairSpaces(directory, trees), { abandoned: 0, forgotten: 0, dying: 1 })
  t.deepEqual(await repairSpaces(directory, trees), { abandoned: 0, forgotten: 1, dying: 0 })
  t.deepEqual(await repairSpaces(directory, trees), { abandoned: 0, forgotten: 0, dying: 0 })
  t.deepEqual(trees.deleted, [id, id])
  t.like(await directory.listSpaces(account.id), [{ name: 'keep' }])
})
