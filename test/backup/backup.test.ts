import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { runCli, startServerProcess } from '../support/cli.js'
import { tempFolder } from '../support/folder.js'
import { testRedis } from '../support/redis.js'

const FILES = '/v1/code/spaces/files'

test('a backup under load is restored elsewhere whole, and clients start over', async (t) => {
  const root = tempFolder(t)
  const [dataDir, backup, fresh] = ['data', 'backup', 'fresh'].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ]
  const server = await startServerProcess(dataDir)
  t.teardown(() => server.end('SIGTERM'))
  const headers = { authorization: `Bearer ${server.token}` }
  const acknowledged: string[] = []
  let stopped = false
  const write = async (client: number) => {
    for (let count = 0; !stopped; count++) {
      const name = `c${client}-${count}`
      const path = `${server.url}${FILES}/content/${name}`
      const answer = await fetch(path, { method: 'POST', headers, body: `bytes of ${name}` })
      if (answer.status === 200) acknowledged.push(name)
      // Some are replaced and some go, so that blobs are let go all the while.
      if (count % 3 === 1) await fetch(path, { method: 'POST', headers, body: `bytes of ${name}` })
      if (count % 3 === 2) await fetch(path, { method: 'DELETE', headers })
    }
  }
  const load = Promise.all([write(1), write(2)])
  while (acknowledged.length < 100) await new Promise((resolve) => setImmediate(resolve))
  const before = acknowledged.filter((name) => Number(name.split('-')[1]) % 3 !== 2)
  const taken = await runCli(['backup', backup], { DATA_DIR: dataDir })
  t.is(taken.code, 0, taken.stderr)
  stopped = true
  await load
  const { epoch: old } = (await (await fetch(`${server.url}${FILES}/changes`, { headers })).json()) as {
    epoch: string
  }

  const restored = await runCli(['restore', backup, '--json'], { DATA_DIR: fresh, DURABILITY: 'os' })
  t.is(restored.code, 0, restored.stderr)
  t.like(JSON.parse(restored.stdout), { spaces: 1, left: 0 })
  const checked = await runCli(['fsck', '--deep'], { DATA_DIR: fresh, DURABILITY: 'os' })
  t.is(checked.code, 0, checked.stdout)

  const again = await startServerProcess(fresh)
  t.teardown(() => again.end('SIGTERM'))
  for (const name of before.slice(0, 60)) {
    const answer = await fetch(`${again.url}${FILES}/content/${name}`, { headers })
    t.is(await answer.text(), `bytes of ${name}`)
  }
  const since = await fetch(`${again.url}${FILES}/changes?since=5&epoch=${old}`, { headers })
  t.is(since.status, 410)
  // What is written now is a new life, and lasts.
  const written = await fetch(`${again.url}${FILES}/content/new`, { method: 'POST', headers, body: 'x' })
  t.is(written.status, 200)
})

test('what is in the way is refused, and says so', async (t) => {
  const root = tempFolder(t)
  const [dataDir, backup] = [join(root, 'data'), join(root, 'backup')]
  t.is((await runCli(['backup', backup], { DATA_DIR: dataDir, DURABILITY: 'os' })).code, 0)
  t.true((await readdir(backup)).includes('backup.json'))
  const settings = { DATA_DIR: dataDir, DURABILITY: 'os' }
  const again = await runCli(['backup', backup], settings)
  t.is(again.code, 1)
  t.regex(again.stderr, /backup is not empty/)
  t.regex((await runCli(['restore', backup], settings)).stderr, /data is not empty/)
  t.regex((await runCli(['restore', root], { DATA_DIR: join(root, 'x') })).stderr, /no backup in/)
  const redis = await testRedis({ settings: { appendonly: 'yes' } })
  t.teardown(redis.stop)
  const elsewhere = { DATA_DIR: join(root, 'x'), DURABILITY: 'os', REDIS_URL: redis.socket }
  const stranger = await runCli(['restore', backup], elsewhere)
  t.is(stranger.code, 1)
  t.regex(stranger.stderr, /does not hold the snapshot/)
  t.false(existsSync(elsewhere.DATA_DIR))
})
