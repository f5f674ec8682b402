import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { redisPid, runCli, type ServerProcess, startServerProcess } from '../support/cli.js'
import { tempFolder } from '../support/folder.js'
import { testRedis } from '../support/redis.js'

const FILES = '/v1/code/spaces/files/content'

/** Starts a server that ends with the test. */
async function start(
  t: ExecutionContext,
  dataDir: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  const server = await startServerProcess(dataDir, settings)
  t.teardown(() => server.end('SIGTERM'))
  return server
}

function call(server: ServerProcess, token: string | undefined, path: string, init: RequestInit = {}) {
  return fetch(server.url + path, { ...init, headers: { Authorization: `Bearer ${token}` } })
}

/** Begins an upload and resolves once the server has asked for the body and has its first half. */
async function halfUpload(server: ServerProcess, name: string): Promise<ClientRequest> {
  const upload = request(`${server.url}${FILES}/${name}`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${server.token}`,
      'Content-Length': 200_000,
      Expect: '100-continue',
      Connection: 'close',
    },
  })
  upload.flushHeaders()
  await once(upload, 'continue')
  await new Promise((resolve) => upload.write(Buffer.alloc(100_000, 'a'), resolve))
  return upload
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(10)
}

/** An orphan that has ended may stay a zombie where process 1 is no real init, as in many containers. */
function isAlive(pid: number): boolean {
  const state = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim()
  return state !== '' && !state.startsWith('Z')
}

test('the first start makes an account whose token works; later ones say how to make another', async (t) => {
  const dataDir = tempFolder(t)
  const first = await startServerProcess(dataDir)
  const { token } = first
  t.is((await call(first, token, FILES, { method: 'GET' })).status, 200)
  t.is((await fetch(`${first.url}/readyz`)).status, 200)
  t.is(await first.end('SIGINT'), 0)

  const second = await start(t, dataDir)
  t.is(second.token, undefined)
  t.is((await call(second, token, FILES)).status, 200)
})

test('SIGTERM finishes a running upload, refuses new requests, and ends Redis last', async (t) => {
  const dataDir = tempFolder(t)
  const server = await startServerProcess(dataDir, { DURABILITY: 'full' })
  const redis = redisPid(dataDir)
  const upload = await halfUpload(server, 'slow.bin')
  const answered = once(upload, 'response') as Promise<[IncomingMessage]>
  const ended = server.end('SIGTERM')
  await until(() => server.stderr().includes('Stopping'))
  await until(() =>
    fetch(`${server.url}/readyz`).then(
      (response) => response.status === 503,
      () => true,
    ),
  )
  t.true(isAlive(redis))
  upload.end(Buffer.alloc(100_000, 'b'))
  const [response] = await answered
  t.is(response.statusCode, 200)
  response.resume()
  t.is(await ended, 0)
  t.false(isAlive(redis))

  const again = await start(t, dataDir)
  const bytes = Buffer.from(await (await call(again, server.token, `${FILES}/slow.bin`)).arrayBuffer())
  t.is(bytes.length, 200_000)
  t.is(bytes.subarray(99_999, 100_001).toString(), 'ab')
})

test('a second signal cuts running uploads off, and nothing of them is left', async (t) => {
  const dataDir = tempFolder(t)
  const server = await startServerProcess(dataDir)
  const upload = await halfUpload(server, 'broken.bin')
  const failed = once(upload, 'error')
  const ended = server.end('SIGTERM')
  await until(() => server.stderr().includes('Stopping'))
  process.kill(server.pid, 'SIGTERM')
  await failed
  t.is(await ended, 0)

  const again = await start(t, dataDir)
  t.is((await call(again, server.token, `${FILES}/broken.bin`)).status, 404)
})

test('after kill -9 of the server its Redis is ended cleanly by the next start, and nothing is lost', async (t) => {
  const dataDir = tempFolder(t)
  const server = await startServerProcess(dataDir, { DURABILITY: 'full' })
  t.is((await call(server, server.token, `${FILES}/a`, { method: 'POST', body: 'kept' })).status, 200)
  const orphan = redisPid(dataDir)
  t.is(await server.end('SIGKILL'), null)
  t.true(isAlive(orphan))

  const again = await start(t, dataDir)
  t.false(isAlive(orphan))
  t.not(redisPid(dataDir), orphan)
  t.is(await (await call(again, server.token, `${FILES}/a`)).text(), 'kept')
})

test('after kill -9 of Redis the same server serves on, with everything acknowledged', async (t) => {
  const dataDir = tempFolder(t)
  const server = await start(t, dataDir, { DURABILITY: 'full' })
  t.is((await call(server, server.token, `${FILES}/a`, { method: 'POST', body: 'kept' })).status, 200)
  process.kill(redisPid(dataDir), 'SIGKILL')
  const response = await call(server, server.token, `${FILES}/a`)
  t.is(response.status, 200, 'requests wait for the restart instead of failing')
  t.is(await response.text(), 'kept')
})

test('a second start on the data folder is refused, says who holds it, and may join by REDIS_URL', async (t) => {
  const dataDir = tempFolder(t)
  const server = await start(t, dataDir)
  const refused = await runCli(['serve'], { DATA_DIR: dataDir, PORT: '0' })
  t.is(refused.code, 1)
  t.true(refused.stderr.includes(`process ${server.pid}`), refused.stderr)
  const url = /REDIS_URL=(\S+)/.exec(refused.stderr)?.[1]?.replace(/;$/, '') ?? ''

  const joined = await start(t, dataDir, { REDIS_URL: url })
  await call(server, server.token, `${FILES}/shared`, { method: 'POST', body: 'one store' })
  t.is(await (await call(joined, server.token, `${FILES}/shared`)).text(), 'one store')
})

test('an operator’s own Redis is used as it is and left running', async (t) => {
  const redis = await testRedis({ aof: 'everysec' })
  t.teardown(redis.stop)
  const server = await startServerProcess(tempFolder(t), { REDIS_URL: redis.socket })
  t.is((await call(server, server.token, FILES)).status, 200)
  t.is(await server.end('SIGTERM'), 0)
  const client = await redis.connect()
  t.is(await client.ping(), 'PONG')
})

test('accounts and tokens change beside the running server, with the next request', async (t) => {
  const dataDir = tempFolder(t)
  const server = await start(t, dataDir)
  const added = await runCli(['user', 'add', 'ann', '--plan', 'basic'], { DATA_DIR: dataDir })
  t.is(added.code, 0, added.stderr)
  const token = added.stdout.trim().split('\n').at(-1)
  t.is(await (await call(server, token, '/v1/whoami')).text(), 'ann')

  t.is((await runCli(['user', 'set', 'ann', '--spaces', 'off'], { DATA_DIR: dataDir })).code, 0)
  t.is((await call(server, token, '/v1/code/spaces')).status, 404)

  t.is((await runCli(['token', 'revoke', 'ann', 'token'], { DATA_DIR: dataDir })).code, 0)
  t.is((await call(server, token, '/v1/whoami')).status, 401)
})

test('a port that is taken is named, and nothing is left running', async (t) => {
  const server = await start(t, tempFolder(t))
  const dataDir = tempFolder(t)
  const { port } = new URL(server.url)
  const refused = await runCli(['serve'], { DATA_DIR: dataDir, PORT: port })
  t.is(refused.code, 1)
  t.true(refused.stderr.includes(`Port ${port} on 127.0.0.1 is in use`), refused.stderr)
  t.throws(() => redisPid(dataDir))
})
