import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { runCli, startServerProcess } from '../support/cli.js'
import { tempFolder } from '../support/folder.js'
import { type ClusterNode, testCluster } from '../support/redis-cluster.js'
import type { RedisServer } from '../support/redis-process.js'
import { testSentinel } from '../support/redis-sentinel.js'

/** Backups of a Redis that is several nodes: taken by our command, given back by Redis' own means, mended by our command. */

const SPACES = ['files', 'one', 'two', 'three', 'four']
const DURABLE = { DURABILITY: 'os' }

/** A server on that Redis with a file in each of several spaces, while others come and go; a backup taken of it; then its end. */
async function backedUp(t: ExecutionContext, redisUrl: string): Promise<{ backup: string; token: string }> {
  const root = tempFolder(t)
  const [dataDir, backup] = [join(root, 'data'), join(root, 'backup')]
  const server = await startServerProcess(dataDir, { REDIS_URL: redisUrl })
  const token = server.token as string
  const ask = async (method: string, path: string, body?: string) => {
    const headers = { authorization: `Bearer ${token}` }
    const answer = await fetch(`${server.url}/v1/code/spaces/${path}`, {
      method,
      headers,
      ...(body !== undefined && { body }),
    })
    t.true(answer.ok, `${method} ${path}: ${answer.status} ${await answer.text()}`)
  }
  for (const space of SPACES) {
    if (space !== 'files') await ask('PUT', space)
    await ask('POST', `${space}/content/kept`, `bytes in ${space}`)
  }
  let stopped = false
  const load = SPACES.map(async (space) => {
    for (let count = 0; !stopped; count++) await ask('POST', `${space}/content/more-${count % 7}`, `${count}`)
  })
  const taken = await runCli(['backup', backup], { DATA_DIR: dataDir, REDIS_URL: redisUrl, ...DURABLE })
  stopped = true
  await Promise.all(load)
  t.is(taken.code, 0, taken.stderr)
  await server.end('SIGTERM')
  return { backup, token }
}

async function restored(t: ExecutionContext, backup: string, redisUrl: string, token: string): Promise<void> {
  const settings = { DATA_DIR: join(tempFolder(t), 'fresh'), REDIS_URL: redisUrl, ...DURABLE }
  const done = await runCli(['restore', backup, '--json'], settings)
  t.is(done.code, 0, done.stderr)
  t.like(JSON.parse(done.stdout), { spaces: SPACES.length, left: 0 })
  const checked = await runCli(['fsck', '--deep'], settings)
  t.is(checked.code, 0, checked.stdout)
  const server = await startServerProcess(settings.DATA_DIR, { REDIS_URL: redisUrl })
  t.teardown(() => server.end('SIGTERM'))
  for (const space of SPACES) {
    const headers = { authorization: `Bearer ${token}` }
    const answer = await fetch(`${server.url}/v1/code/spaces/${space}/content/kept`, { headers })
    t.is(await answer.text(), `bytes in ${space}`)
  }
}

/** What an operator does: each node gets its file while none runs. */
async function given(servers: readonly RedisServer[], files: ReadonlyMap<RedisServer, string>) {
  await Promise.all(servers.map((server) => server.signal('SIGKILL')))
  for (const [server, file] of files) await copyFile(file, join(server.folder, 'dump.rdb'))
  await Promise.all(servers.map((server) => server.start()))
}

test('of a cluster: a snapshot of each master, which says whose slots it holds', async (t) => {
  t.timeout(120_000)
  const old = await testCluster()
  t.teardown(old.stop)
  const { backup, token } = await backedUp(t, old.url)

  const { snapshots } = JSON.parse(await readFile(join(backup, 'backup.json'), 'utf8')) as {
    snapshots: { file: string; slots: [number, number][] }[]
  }
  t.is(snapshots.length, 3)
  const slots = snapshots.flatMap((snapshot) => snapshot.slots.map(([first, last]) => last - first + 1))
  t.is(
    slots.reduce((sum, count) => sum + count, 0),
    16_384,
  )

  const fresh = await testCluster()
  t.teardown(fresh.stop)
  const files = new Map<RedisServer, string>()
  for (const { file, slots } of snapshots) {
    const [[first]] = slots as [[number, number]]
    const at = fresh.nodes.slice(0, 3).findLastIndex((_, index) => Math.floor((16_384 * index) / 3) <= first)
    files.set((fresh.nodes[at] as ClusterNode).server, join(backup, file))
  }
  await given(
    fresh.nodes.map(({ server }) => server),
    files,
  )
  await fresh.isWhole()
  await restored(t, backup, fresh.url, token)
})

test('behind sentinels: of whoever is master', async (t) => {
  t.timeout(120_000)
  const old = await testSentinel()
  t.teardown(old.stop)
  const { backup, token } = await backedUp(t, old.url)

  const fresh = await testSentinel({ replicas: 0 })
  t.teardown(fresh.stop)
  const master = await fresh.master()
  await given([master], new Map([[master, join(backup, 'redis.rdb')]]))
  await restored(t, backup, fresh.url, token)
})
