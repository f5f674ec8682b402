import test from 'ava'
import { Directory } from '../../src/accounts/directory.js'
import { makeSpace } from '../../src/accounts/lifecycle.js'
import { heedFailovers } from '../../src/failovers.js'
import { silentLog } from '../../src/log.js'
import { Spaces } from '../../src/space/spaces.js'
import { freePorts } from '../support/ports.js'
import { testRedis } from '../support/redis.js'

test('when a replica has become master, journals get another epoch, once', async (t) => {
  const [one, other] = await freePorts(2)
  const first = await testRedis({ settings: { port: String(one) } })
  const second = await testRedis({ settings: { port: String(other), 'repl-diskless-sync-delay': '0' } })
  t.teardown(async () => {
    await first.stop()
    await second.stop()
  })
  const parts = async (server: typeof first) => {
    const redis = await server.connect()
    return { redis, directory: new Directory(redis), spaces: new Spaces(redis) }
  }
  const before = await parts(first)
  // Connected before it is a replica, which no server would connect to.
  const after = await parts(second)
  const account = await before.directory.createAccount({
    name: 'ann',
    email: 'ann@example.org',
    plan: 'basic',
    spacesEnabled: true,
  })
  const { id } = await makeSpace(before.directory, before.spaces, account.id, 's')
  const op = {
    space: id,
    caller: { accountId: account.id },
    limits: { fileBytes: 1, spaceBytes: 1, entries: 1 },
  }
  const epoch = async ({ spaces }: typeof before) => (await spaces.info(op)).mark.epoch
  const old = await epoch(before)
  await heedFailovers(before, silentLog)
  t.is(await epoch(before), old, 'a master that always was one')

  await after.redis.replicaof('127.0.0.1', one as number)
  while (!(await after.redis.info('replication')).includes('master_link_status:up'));
  await after.redis.replicaof('NO', 'ONE')
  t.is(await epoch(after), old)
  await heedFailovers(after, silentLog)
  const fresh = await epoch(after)
  t.not(fresh, old)
  await heedFailovers(after, silentLog)
  t.is(await epoch(after), fresh)
  for (const { redis, spaces } of [before, after]) {
    await spaces.close()
    redis.disconnect()
  }
})
