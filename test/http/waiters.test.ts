import { readdir } from 'node:fs/promises'
import test from 'ava'
import { testServer } from '../support/server.js'

const WAITERS = 300

test('hundreds who wait cost one connection to Redis, and all wake', async (t) => {
  const server = await testServer()
  t.teardown(() => server.stop())
  await server.fetch('/v1/code/spaces/busy', { method: 'PUT' })
  const redis = await server.redis.connect('observer')
  const connections = async () =>
    String(await redis.client('LIST'))
      .trim()
      .split('\n').length
  const before = await connections()
  const ends = async () => (await readdir('/proc/self/fd')).length
  const idle = await ends()

  const waiting = Array.from({ length: WAITERS }, async () => {
    const answer = await server.fetch('/v1/code/spaces/busy/changes?since=0&wait=60')
    return ((await answer.json()) as { readonly changes: readonly { readonly path: string }[] }).changes
  })
  // Both ends of every connection are ours: when all are open, all wait. One was open before.
  while ((await ends()) < idle + 2 * (WAITERS - 1)) t.true(await redis.ping().then(Boolean))
  t.is(await connections(), before)
  await server.fetch('/v1/code/spaces/busy/content/news', { method: 'POST', body: 'x' })
  for (const changes of await Promise.all(waiting)) t.is(changes[0]?.path, 'news')
})
