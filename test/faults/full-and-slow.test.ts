import test from 'ava'
import { runCli, startServerProcess } from '../support/cli.js'
import { tempFolder } from '../support/folder.js'
import { testRedis } from '../support/redis.js'
import { slowPath } from '../support/slow-path.js'
import { CONTENT, survives } from './survival.js'

/** A Redis that is full, and one that is far away. */

test('when Redis is full, writes are refused and change nothing; reading, deleting and collecting go on and make room', async (t) => {
  t.timeout(60_000)
  const redis = await testRedis()
  const settings = { REDIS_URL: redis.socket, DATA_DIR: tempFolder(t) }
  const server = await startServerProcess(settings.DATA_DIR, settings)
  t.teardown(async () => {
    await server.end('SIGKILL')
    await redis.stop()
  })
  const root = `${server.url}/v1/code/spaces`
  const headers = { authorization: `Bearer ${server.token}` }
  const call = (method: string, path: string, body?: string) =>
    fetch(root + path, { method, headers, ...(body !== undefined && { body }) })
  const file = (path: string) => `${CONTENT.replace('/v1/code/spaces', '')}/${path}`
  for (const path of ['a/b', 'a/c', 'a/d/e', 'f']) t.true((await call('POST', file(path), path)).ok)
  t.true((await call('PUT', '/other')).ok)
  const admin = await redis.connect()
  await admin.config('SET', 'maxmemory', '1')

  const refused = await call('POST', file('new'), 'x')
  t.is(refused.status, 503)
  t.regex(((await refused.json()) as { message: string }).message, /Redis refuses to work: OOM/)
  t.is((await call('PUT', file('folder/'))).status, 503)
  t.is((await call('PUT', '/third')).status, 503)
  t.is(await (await call('GET', file('a/b'))).text(), 'a/b')
  t.is((await call('DELETE', file('f'))).status, 200)
  t.like(await (await call('DELETE', `${file('a')}?recursive=true`)).json(), { deleted: 5 })
  t.true((await call('DELETE', '/other')).ok)
  const changes = (await (await call('GET', '/files/changes?since=0')).json()) as {
    changes: { path: string }[]
  }
  t.is(changes.changes.length, 12)
  const gc = await runCli(['gc', '--freed-grace', '0', '--json'], settings)
  t.like(JSON.parse(gc.stdout), { blobs_deleted: 4, failed: 0 }, gc.stderr)

  await admin.config('SET', 'maxmemory', '0')
  t.true((await call('POST', file('new'), 'x')).ok)
  const checked = await runCli(['fsck', '--deep'], settings)
  t.is(checked.code, 0, checked.stdout + checked.stderr)
})

const testLong = process.env.NOVEM_TEST_LONG === '1' ? test : test.skip
testLong('a Redis 200 ms away makes everything slow and nothing wrong', async (t) => {
  const redis = await testRedis()
  const path = await slowPath(redis.socket, 200)
  t.teardown(async () => {
    await path.stop()
    await redis.stop()
  })
  await survives(t, {
    rounds: 1,
    goesOn: true,
    settings: { REDIS_URL: path.socket },
    config: { redisUrl: redis.socket },
    harm: async () => {},
  })
})
