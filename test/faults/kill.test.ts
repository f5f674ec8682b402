import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import test from 'ava'
import { redisPid, runCli, startServerProcess } from '../support/cli.js'
import { tempFolder } from '../support/folder.js'
import { testRedis } from '../support/redis.js'
import { CONTENT, type Scene, survives } from './survival.js'

/** kill -9 at any moment: what was acknowledged is there, byte for byte, and nothing half is. */

function killRedis(dataDir: string): void {
  process.kill(redisPid(dataDir), 'SIGKILL')
}

async function startAgain(scene: Scene): Promise<void> {
  await scene.server.end('SIGKILL')
  scene.server = await startServerProcess(scene.dataDir, scene.settings)
}

test('the server is killed', (t) => survives(t, { harm: startAgain }))

test('Redis is killed, and the server brings it back', (t) =>
  survives(t, { harm: async ({ dataDir }) => killRedis(dataDir), goesOn: true }))

test('server and Redis are killed', (t) =>
  survives(t, {
    harm: (scene) => {
      killRedis(scene.dataDir)
      return startAgain(scene)
    },
  }))

test('a full disk is told, changes nothing, and is over as soon as there is room', async (t) => {
  if (process.getuid?.() !== 0) {
    t.log('skipped: mounting a small tmpfs needs root')
    t.pass()
    return
  }
  const dataDir = tempFolder(t)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', dataDir], { stdio: 'ignore' })
  } catch {
    t.log('skipped: this machine lets nobody mount a tmpfs')
    t.pass()
    return
  }
  const redis = await testRedis()
  const settings = { REDIS_URL: redis.socket }
  const server = await startServerProcess(dataDir, settings)
  t.teardown(async () => {
    await server.end('SIGKILL')
    await redis.stop()
    execFileSync('umount', [dataDir])
  })
  const call = (path: string, init: RequestInit = {}) =>
    fetch(`${server.url}${CONTENT}/${path}`, {
      ...init,
      headers: { authorization: `Bearer ${server.token}` },
    })
  const megabyte = Buffer.alloc(1_000_000, 'x')
  const post = (path: string, body: Buffer = megabyte) => call(path, { method: 'POST', body })
  t.is((await post('a')).status, 200)
  t.is((await post('b')).status, 200)
  const refused = await post('dir/c', Buffer.concat([megabyte, megabyte]))
  t.is(refused.status, 507)
  t.regex(((await refused.json()) as { message: string }).message, /^.*no room.*\.$|^.*full.*\.$/i)
  t.is((await call('dir')).status, 404)
  t.deepEqual(readdirSync(`${dataDir}/pending`), [])
  t.is((await call('a')).status, 200)
  t.is((await post('small', Buffer.from('still fits'))).status, 200)
  t.is((await call('a', { method: 'DELETE' })).status, 200)
  const freed = await runCli(['gc', '--freed-grace', '0'], { ...settings, DATA_DIR: dataDir })
  t.is(freed.code, 0, freed.stderr)
  t.is((await post('dir/c')).status, 200)
  const checked = await runCli(['fsck', '--deep'], { ...settings, DATA_DIR: dataDir })
  t.is(checked.code, 0, checked.stdout + checked.stderr)
})

test('while Redis is away everything is 503 and says so; afterwards it is served, and nothing is left behind', async (t) => {
  t.timeout(60_000)
  const dataDir = tempFolder(t)
  const redis = await testRedis({ aof: 'always' })
  const server = await startServerProcess(dataDir, { REDIS_URL: redis.socket })
  t.teardown(async () => {
    await server.end('SIGKILL')
    await redis.stop()
  })
  const call = (path: string, init: RequestInit = {}) =>
    fetch(`${server.url}${CONTENT}/${path}`, {
      ...init,
      headers: { authorization: `Bearer ${server.token}` },
    })
  t.is((await call('before', { method: 'POST', body: 'bytes' })).status, 200)
  await redis.kill9()
  const answers = await Promise.all([
    call('before'),
    call(''),
    call('new', { method: 'POST', body: 'bytes' }),
    call('new', { method: 'PUT' }),
    call('before', { method: 'DELETE' }),
  ])
  for (const answer of answers) {
    t.is(answer.status, 503)
    t.regex(((await answer.json()) as { message: string }).message, /Redis .*\.$/)
  }
  await redis.restart()
  t.is(await (await call('before')).text(), 'bytes')
  t.is((await call('new')).status, 404)
  t.is((await call('new', { method: 'POST', body: 'other bytes' })).status, 200)
  t.is(await (await call('new')).text(), 'other bytes')
  const settings = { REDIS_URL: redis.socket, DATA_DIR: dataDir }
  const checked = await runCli(['fsck', '--deep'], settings)
  t.is(checked.code, 0, checked.stdout + checked.stderr)
})
