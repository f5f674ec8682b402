import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { request } from 'node:http'
import test, { type ExecutionContext } from 'ava'
import { silentLog } from '../../src/log.js'
import { Maintenance } from '../../src/maintenance.js'
import { openStore } from '../../src/store.js'
import { redisPid, runCli, type ServerProcess, startServerProcess } from '../support/cli.js'
import { tempFolder } from '../support/folder.js'
import { Random } from '../support/random.js'
import { testRedis } from '../support/redis.js'
import { HttpWorker, readState, type State, type Target } from './http-worker.js'

/** kill -9 at any moment: what was acknowledged is there, byte for byte, and nothing half is. */

const CONTENT = '/v1/code/spaces/files/content'
const WORKERS = 6
const ROUNDS = process.env.NOVEM_TEST_LONG === '1' ? 20 : 2
/** Killing comes after so many acknowledged changes, give or take. */
const CHANGES = 150

/** Several workers at once. */
class Workload {
  readonly workers: readonly HttpWorker[]
  readonly #ended: Promise<unknown>
  #waiting: { count: number; resolve: () => void }[] = []

  constructor(target: Target, random: Random, states: readonly State[]) {
    this.workers = states.map(
      (state, index) => new HttpWorker(target, `w${index}`, random.fork(), () => this.#wake(), state),
    )
    this.#ended = Promise.all(this.workers.map((worker) => worker.work()))
  }

  get acknowledged(): number {
    return this.workers.reduce((sum, worker) => sum + worker.acknowledged, 0)
  }

  /** Resolves after so many acknowledged changes, or when nobody works any more. */
  async reached(count: number): Promise<void> {
    const enough = new Promise<void>((resolve) => {
      this.#waiting.push({ count, resolve })
      this.#wake()
    })
    await Promise.race([enough, this.#ended])
  }

  async end(): Promise<void> {
    for (const worker of this.workers) worker.stop()
    await this.#ended
  }

  #wake(): void {
    const { acknowledged } = this
    for (const { count, resolve } of this.#waiting) if (acknowledged >= count) resolve()
  }
}

interface Scene {
  server: ServerProcess
  readonly dataDir: string
}

/** `kill` ends what it will, and brings a server back. `goesOn`: clients are served all the while. */
async function survives(
  t: ExecutionContext,
  kill: (scene: Scene) => Promise<void>,
  goesOn: boolean,
): Promise<void> {
  t.timeout(120_000)
  const random = Random.seeded()
  t.log(`seed ${random.seed}`)
  const dataDir = tempFolder(t)
  const scene: Scene = { dataDir, server: await startServerProcess(dataDir, { DURABILITY: 'full' }) }
  t.teardown(() => scene.server.end('SIGKILL'))
  const target: Target = { url: scene.server.url + CONTENT, token: scene.server.token as string }
  let states: readonly State[] = Array.from({ length: WORKERS }, () => new Map())
  for (let round = 0; round < ROUNDS; round++) {
    const load = new Workload(target, random, states)
    const upload = beginUpload(target, `half-${round}`)
    await load.reached(CHANGES + random.below(CHANGES))
    const before = load.acknowledged
    t.true(before >= CHANGES, 'there is something to lose')
    await kill(scene)
    if (goesOn) await load.reached(load.acknowledged + CHANGES)
    await load.end()
    upload.destroy()
    if (goesOn) t.true(load.acknowledged > before, 'it went on')
    t.deepEqual(
      load.workers.flatMap((worker) => worker.surprises),
      [],
    )
    target.url = scene.server.url + CONTENT
    states = await Promise.all(load.workers.map((worker) => check(t, target, worker)))
    t.is((await readState(target, `half-${round}`)).size, 0)
  }
  await scene.server.end('SIGTERM')
  await clean(t, dataDir, states)
}

/** The worker's folder is as it was acknowledged, with or without the one change that was not answered. */
async function check(t: ExecutionContext, target: Target, worker: HttpWorker): Promise<State> {
  const real = await readState(target, worker.top)
  const [acknowledged = new Map(), other = acknowledged] = worker.possible
  const matches = same(real, acknowledged) || same(real, other)
  if (!matches) t.deepEqual(real, acknowledged)
  t.pass()
  return real
}

function same(a: State, b: State): boolean {
  return a.size === b.size && [...a].every(([path, kind]) => b.get(path) === kind)
}

/** An upload that never ends by itself. */
function beginUpload({ url, token }: Target, path: string) {
  const upload = request(`${url}/${path}/file`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-length': 3_000_000 },
  })
  upload.on('error', () => undefined)
  upload.write(Buffer.alloc(1_000_000))
  return upload
}

/** All agrees, and when the collector has been, nothing is left but what entries need. */
async function clean(t: ExecutionContext, dataDir: string, states: readonly State[]): Promise<void> {
  const checked = await runCli(['fsck', '--deep'], { DATA_DIR: dataDir })
  t.is(checked.code, 0, checked.stdout + checked.stderr)
  const store = await openStore({ dataDir, durability: 'os' }, 'command', silentLog)
  try {
    const grace = { pendingGraceMs: 0, freedGraceMs: 0 }
    const maintenance = new Maintenance({ ...store, log: silentLog }, grace)
    for await (const { id } of store.directory.allSpaces()) store.spaces.reap(id)
    await store.spaces.reaped()
    t.like(await maintenance.round(), { failed: 0 })
  } finally {
    await store.close()
  }
  t.deepEqual(readdirSync(`${dataDir}/pending`), [])
  const files = states.flatMap((state) => [...state.values()].filter((kind) => kind !== 'folder'))
  t.is(blobFiles(dataDir), files.length)
  const again = await runCli(['fsck', '--deep'], { DATA_DIR: dataDir })
  t.is(again.code, 0, again.stdout + again.stderr)
}

function blobFiles(dataDir: string): number {
  const all = readdirSync(`${dataDir}/blobs`, { recursive: true, withFileTypes: true })
  return all.filter((entry) => entry.isFile()).length
}

function killRedis(dataDir: string): void {
  process.kill(redisPid(dataDir), 'SIGKILL')
}

test('the server is killed', async (t) => {
  await survives(
    t,
    async (scene) => {
      await scene.server.end('SIGKILL')
      scene.server = await startServerProcess(scene.dataDir, { DURABILITY: 'full' })
    },
    false,
  )
})

test('Redis is killed, and the server brings it back', async (t) => {
  await survives(
    t,
    async ({ dataDir }) => {
      killRedis(dataDir)
    },
    true,
  )
})

test('server and Redis are killed', async (t) => {
  await survives(
    t,
    async (scene) => {
      killRedis(scene.dataDir)
      await scene.server.end('SIGKILL')
      scene.server = await startServerProcess(scene.dataDir, { DURABILITY: 'full' })
    },
    false,
  )
})

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
