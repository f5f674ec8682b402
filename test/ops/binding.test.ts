import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { bindStore, folderPlace } from '../../src/binding.js'
import { testRedis } from '../support/redis.js'

test('a data folder and a Redis that belong together stay together, and no others meet', async (t) => {
  const [one, other] = [await testRedis(), await testRedis()]
  const folder = await mkdtemp('/tmp/novem-binding-')
  const empty = await mkdtemp('/tmp/novem-binding-')
  t.teardown(async () => {
    await Promise.all([one.stop(), other.stop()])
    for (const path of [folder, empty]) await rm(path, { recursive: true })
  })
  const [redis, stranger] = [await one.connect(), await other.connect()]
  await Promise.all([bindStore(redis, folderPlace(folder)), bindStore(redis, folderPlace(folder))])
  await mkdir(join(folder, 'pending'))
  await writeFile(join(folder, 'pending', 'x.y'), 'bytes')
  await t.notThrowsAsync(bindStore(redis, folderPlace(folder)))
  await t.throwsAsync(bindStore(stranger, folderPlace(folder)), { message: /does not know.*REDIS_URL/ })
  await t.throwsAsync(bindStore(redis, folderPlace(empty)), { message: /bytes are elsewhere.*DATA_DIR/ })
  t.is(await stranger.dbsize(), 0)
})

test('a start that died between folder and Redis is made good by the next', async (t) => {
  const server = await testRedis()
  const folder = await mkdtemp('/tmp/novem-binding-')
  t.teardown(async () => {
    await server.stop()
    await rm(folder, { recursive: true })
  })
  await writeFile(join(folder, 'store.id'), 'some-id')
  const redis = await server.connect()
  await bindStore(redis, folderPlace(folder))
  t.is(await redis.get('{acct}:store'), 'some-id')
})
