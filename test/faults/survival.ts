/** A server under load that is harmed, and what must be true of it afterwards. */
import { request } from 'node:http'
import type { ExecutionContext } from 'ava'
import type { StoreConfig } from '../../src/config.js'
import { silentLog } from '../../src/log.js'
import { Maintenance } from '../../src/maintenance.js'
import { openStore } from '../../src/store.js'
import { runCli, type ServerProcess, startServerProcess } from '../support/cli.js'
import { tempFolder } from '../support/folder.js'
import { Random } from '../support/random.js'
import { HttpWorker, readState, type State, type Target } from './http-worker.js'

export const CONTENT = '/v1/code/spaces/files/content'
const WORKERS = 6
/** Harm comes after so many acknowledged changes, give or take. */
const CHANGES = 150

export interface Scene {
  server: ServerProcess
  readonly dataDir: string
  /** Of the server, DATA_DIR left out. */
  readonly settings: Readonly<Record<string, string>>
}

export interface Survival {
  /** Does harm, and sees to it that there is a server again. */
  readonly harm: (scene: Scene) => Promise<void>
  /** Clients are served all the while: some wait, none is sent away. Absent: they may be. */
  readonly goesOn?: boolean
  readonly rounds?: number
  /** Of the server; DURABILITY is full unless said. */
  readonly settings?: Readonly<Record<string, string>>
  /** What the store is opened with at the end, for who takes a way to it of its own. */
  readonly config?: Partial<StoreConfig>
}

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

/**
 * Loads a server, does it harm, and compares what is there with the manifests of what was acknowledged, byte by byte; and again.
 * In the end fsck is clean, and the collector leaves nothing but what entries need.
 */
export async function survives(t: ExecutionContext, options: Survival): Promise<void> {
  const { harm, goesOn = false, rounds = process.env.NOVEM_TEST_LONG === '1' ? 20 : 2 } = options
  t.timeout(120_000 + 60_000 * rounds)
  const random = Random.seeded()
  t.log(`seed ${random.seed}`)
  const dataDir = tempFolder(t)
  const settings = { DURABILITY: 'full', ...options.settings }
  const scene: Scene = { dataDir, settings, server: await startServerProcess(dataDir, settings) }
  t.teardown(() => scene.server.end('SIGKILL'))
  const target: Target = { url: scene.server.url + CONTENT, token: scene.server.token as string }
  let states: readonly State[] = Array.from({ length: WORKERS }, () => new Map())
  let acknowledged = 0
  for (let round = 0; round < rounds; round++) {
    const load = new Workload(target, random, states)
    const upload = beginUpload(target, `half-${round}`)
    await load.reached(CHANGES + random.below(CHANGES))
    const before = load.acknowledged
    t.true(before >= CHANGES, 'there is something to lose')
    await harm(scene)
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
    acknowledged += load.acknowledged
  }
  t.log(`${acknowledged} changes were acknowledged, and are there`)
  await scene.server.end('SIGTERM')
  await clean(t, scene, states, options.config ?? {})
}

/** The worker's folder is as it was acknowledged, with or without the one change that was not answered. */
async function check(t: ExecutionContext, target: Target, worker: HttpWorker): Promise<State> {
  const real = await readState(target, worker.top)
  const [acknowledged = new Map(), other = acknowledged] = worker.possible
  if (differences(real, other).length > 0) t.deepEqual(differences(real, acknowledged), [])
  t.pass()
  return real
}

/** What is there and what should be, for each path where they are not the same. */
function differences(real: State, expected: State): string[] {
  return [...new Set([...real.keys(), ...expected.keys()])].flatMap((path) => {
    const [is, should] = [real, expected].map((state) => state.get(path) ?? 'nothing')
    return is === should ? [] : [`${path} is ${is}, not ${should}`]
  })
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
async function clean(
  t: ExecutionContext,
  { dataDir, settings }: Scene,
  states: readonly State[],
  config: Partial<StoreConfig>,
): Promise<void> {
  const fsck = async () => {
    const checked = await runCli(['fsck', '--deep'], { ...settings, DATA_DIR: dataDir })
    t.is(checked.code, 0, checked.stdout + checked.stderr)
  }
  await fsck()
  const store = await openStore({ dataDir, durability: 'os', ...config }, 'command', silentLog)
  try {
    const grace = { pendingGraceMs: 0, freedGraceMs: 0 }
    const maintenance = new Maintenance({ ...store, log: silentLog }, grace)
    for await (const { id } of store.directory.allSpaces()) store.spaces.reap(id)
    await store.spaces.reaped()
    t.like(await maintenance.round(), { failed: 0 })
    for await (const pending of store.blobs.pending(Number.POSITIVE_INFINITY)) t.fail(JSON.stringify(pending))
    let blobs = 0
    for await (const { id } of store.directory.allSpaces()) {
      for await (const { pending } of store.blobs.list(id)) {
        t.false(pending)
        blobs++
      }
    }
    t.is(blobs, states.flatMap((state) => [...state.values()].filter((kind) => kind !== 'folder')).length)
  } finally {
    await store.close()
  }
  await fsck()
}
