import test, { type ExecutionContext } from 'ava'
import { Directory } from '../../src/accounts/directory.js'
import { Scripts, scriptsFolder } from '../../src/redis/scripts.js'
import { runCli, startServerProcess } from '../support/cli.js'
import { tempFolder } from '../support/folder.js'
import { RedisProxy } from '../support/proxy.js'
import { testRedis } from '../support/redis.js'

/** The same over HTTP: the client sees success once, the journal has its rows once, and no live blob is gone. */

const CONTENT = '/v1/code/spaces/files/content'
const JSON_BODY = { 'content-type': 'application/json' }

interface Step {
  readonly script: string
  readonly method: string
  readonly path: string
  readonly body?: string
  readonly headers?: Record<string, string>
  readonly status: number
  /** Journal rows it makes. */
  readonly rows: number
}

const write = (path: string, body: string, status: number, rows: number): Step => {
  return { script: 'write', method: 'POST', path, body, status, rows }
}
const patch = (path: string, body: unknown, script: string, rows: number): Step => {
  return { script, method: 'PATCH', path, body: JSON.stringify(body), headers: JSON_BODY, status: 200, rows }
}

const STEPS: readonly Step[] = [
  write('a/b/file', 'first bytes', 200, 3),
  write('a/b/file', 'second bytes', 200, 1),
  write('large', 'x'.repeat(300_000), 200, 1),
  { script: 'mkdir', method: 'PUT', path: 'folder/below', status: 201, rows: 2 },
  patch('a/b', { to: 'c/d' }, 'move', 2),
  write('other', 'other bytes', 200, 1),
  patch('other', { to: 'c/d/file' }, 'move', 2),
  patch('c/d/file', { executable: true }, 'touch', 1),
  { script: 'remove', method: 'DELETE', path: 'folder/below', status: 200, rows: 1 },
  { script: 'remove', method: 'DELETE', path: 'large', status: 200, rows: 1 },
  { script: 'remove', method: 'DELETE', path: 'a?recursive=true', status: 200, rows: 1 },
  write('last/file', 'last bytes', 200, 2),
  { script: 'remove', method: 'DELETE', path: 'last?recursive=true', status: 200, rows: 2 },
]

async function start(t: ExecutionContext) {
  const redis = await testRedis()
  const proxy = await RedisProxy.start(redis.socket)
  const dataDir = tempFolder(t)
  const server = await startServerProcess(dataDir, { REDIS_URL: proxy.socket })
  t.teardown(async () => {
    await server.end('SIGKILL')
    await proxy.stop()
    await redis.stop()
  })
  const scripts = new Scripts(
    await redis.connect(),
    scriptsFolder(import.meta.url.replace('/test/faults/', '/src/space/'), 'space'),
  )
  const headers = { authorization: `Bearer ${server.token}` }
  const call = (path: string, init: RequestInit = {}) =>
    fetch(`${server.url}${path}`, { ...init, headers: { ...headers, ...init.headers } })
  return {
    proxy,
    scripts,
    call,
    url: server.url,
    token: server.token,
    directory: new Directory(await redis.connect()),
    fsck: () => runCli(['fsck', '--deep'], { REDIS_URL: redis.socket, DATA_DIR: dataDir }),
  }
}

for (const keyed of [false, true]) {
  test(`each change whose answer Redis loses succeeds once${keyed ? ', with an Idempotency-Key' : ''}`, async (t) => {
    const { proxy, scripts, call, fsck } = await start(t)
    let seq = 0
    for (const [index, { script, method, path, body, headers, status, rows }] of STEPS.entries()) {
      const lost = proxy.loseReply(scripts.source(script))
      const init = {
        method,
        ...(body !== undefined && { body }),
        headers: { ...headers, ...(keyed && { 'Idempotency-Key': `key-${index}` }) },
      }
      const answer = await call(`${CONTENT}/${path}`, init)
      await lost.happened
      const what = `${method} ${path}`
      t.is(answer.status, status, what)
      const told = (await answer.json()) as { etag?: string; path?: string; size?: number }
      const changes = await call(`/v1/code/spaces/files/changes?since=${seq}`)
      const { latest_seq: latest } = (await changes.json()) as { latest_seq: number }
      t.is(latest - seq, rows, what)
      seq = latest
      if (script === 'write') {
        const read = await call(`${CONTENT}/${path}`)
        t.is(await read.text(), body ?? '', what)
        t.is(read.headers.get('etag'), `"${told.etag}"`, what)
        t.like(told, { path, size: Buffer.byteLength(body ?? '') })
      }
      if (!keyed) continue
      const again = await call(`${CONTENT}/${path}`, init)
      t.is(again.status, status, what)
      t.deepEqual(await again.json(), told, what)
    }
    t.is(await (await call(`${CONTENT}/c/d/file`)).text(), 'other bytes')
    const checked = await fsck()
    t.is(checked.code, 0, checked.stdout + checked.stderr)
  })
}

for (const keyed of [false, true]) {
  test(`a write that nobody answers for keeps its bytes, also where its token is revoked before it is asked again${keyed ? ', with an Idempotency-Key' : ''}`, async (t) => {
    const { proxy, scripts, call, url, token, directory, fsck } = await start(t)
    const { session } = await directory.load(token)
    const account = session?.account.id ?? ''
    const other = await directory.createToken(account, { name: 'other' })
    const write = (name: string) =>
      fetch(`${url}${CONTENT}/${name}`, {
        method: 'POST',
        body: `the bytes of ${name}`,
        headers: { authorization: `Bearer ${other.token}`, ...(keyed && { 'Idempotency-Key': name }) },
      })
    // Until it is presumed who asks.
    for (let n = 0; n < 5; n++) t.is((await write(`before${n}`)).status, 200)
    const lost = proxy.loseReply(scripts.source('write'))
    const answer = write('last')
    await lost.happened
    await directory.revokeToken(account, 'other')
    t.is((await answer).status, 401)
    t.is(await (await call(`${CONTENT}/last`)).text(), 'the bytes of last')
    const checked = await fsck()
    t.is(checked.code, 0, checked.stdout + checked.stderr)
  })
}
