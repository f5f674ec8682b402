import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import test from 'ava'
import { Spaces } from '../../src/space/spaces.js'
import { Watcher } from '../../src/space/watcher.js'
import { testRedis } from '../support/redis.js'
import { LIMITS, TestSpace } from '../support/space.js'

test('a connection that breaks again and again while it subscribes anew is ridden out', async (t) => {
  const redis = await testRedis()
  t.teardown(() => redis.stop())
  const spaces = new Spaces(await redis.connect())
  const op = { space: randomBytes(6).toString('hex'), caller: { accountId: 'a1' }, limits: LIMITS }
  await spaces.createSpace(op.space, op.caller.accountId)
  const subscriber = await redis.connect('subscriber')
  const watcher = new Watcher(subscriber)
  const watch = await watcher.watch(op.space)
  for (let times = 0; times < 3; times++) {
    subscriber.stream?.destroy()
    await once(subscriber, 'ready')
  }
  // An unhandled rejection would fail this file, and end a server.
  while (await watch.changed(100));
  const heard = watch.changed(30_000)
  await new TestSpace(spaces, op).write('a')
  t.true(await heard)
})
