import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { runCli, type ServerProcess, startServerProcess } from '../support/cli.js'
import { tempFolder } from '../support/folder.js'
import { freePort } from '../support/ports.js'
import { Random } from '../support/random.js'
import type { Found, ManifestLine } from './support/diligent.js'
import { LACKING, must, SpaceMount } from './support/mounting.js'
import { contentsOf, journalAgrees, journalOf } from './support/space-view.js'

/** kill -9 at any moment: what close(2) or fsync(2) acknowledged is there, once. The manifest says what that was. */

const DILIGENT = fileURLToPath(new URL('./support/diligent.js', import.meta.url))
const LONG = process.env.NOVEM_TEST_LONG === '1'
const ROUNDS = LONG ? 12 : 1
const WORKERS = 2
/** Killing comes after so many acknowledgements, and some more. */
const ACKNOWLEDGED = 40

const mountTest = LACKING.length === 0 ? test.serial : test.skip

type WriteMode = 'through' | 'back'

/** A server that comes back at its old address, and a mount that comes back with its old cache. */
class Scene {
  mount!: SpaceMount
  server!: ServerProcess
  readonly #settings: Readonly<Record<string, string>>
  #token = ''

  private constructor(
    readonly dataDir: string,
    private readonly places: { readonly dir: string; readonly cacheDir: string },
    private readonly kind: WriteMode,
    port: number,
  ) {
    this.#settings = { PORT: String(port) }
  }

  static async start(t: ExecutionContext, kind: WriteMode): Promise<Scene> {
    const places = { dir: join(tempFolder(t), 'mnt'), cacheDir: tempFolder(t) }
    mkdirSync(places.dir)
    const scene = new Scene(tempFolder(t), places, kind, await freePort())
    t.teardown(async () => {
      scene.mount?.abandon()
      await scene.server?.end('SIGKILL')
    })
    await scene.startServer()
    await scene.startMount()
    return scene
  }

  get dir(): string {
    return this.places.dir
  }

  get at() {
    return { url: this.server.url, token: this.#token, space: 'files' }
  }

  async startServer(): Promise<void> {
    this.server = await startServerProcess(this.dataDir, this.#settings)
    this.#token ||= this.server.token ?? ''
  }

  /** At the same place: what the last one has left there is taken away. */
  async startMount(): Promise<void> {
    this.mount = await SpaceMount.start(
      { space: 'files', server: this.at },
      { ...this.places, kind: this.kind },
    )
  }

  /** A change by somebody else. */
  async put(path: string, body: string): Promise<void> {
    const { url, token } = this.at
    const headers = { authorization: `Bearer ${token}` }
    const answer = await fetch(`${url}/v1/code/spaces/files/content/${path}`, {
      method: 'POST',
      body,
      headers,
    })
    if (!answer.ok) throw new Error(await answer.text())
  }

  async agrees(t: ExecutionContext): Promise<void> {
    await journalAgrees(t, this.at)
    await this.server.end('SIGTERM')
    const fsck = await runCli(['fsck', '--deep'], { DATA_DIR: this.dataDir })
    t.is(fsck.code, 0, fsck.stdout + fsck.stderr)
  }
}

/** What may be at a path, by what was acknowledged and what was only tried. */
type Possible = Map<string, Set<Found>>

function readManifest(file: string): { readonly possible: Possible; readonly acknowledged: number } {
  const possible: Possible = new Map()
  let acknowledged = 0
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
  for (const text of lines.filter((line) => line !== '')) {
    const line: ManifestLine = JSON.parse(text)
    if ('done' in line) {
      acknowledged++
      for (const [path, found] of Object.entries(line.done)) possible.set(path, new Set([found]))
    } else {
      for (const [path, found] of Object.entries(line.try)) {
        possible.set(path, (possible.get(path) ?? new Set([null])).add(found))
      }
    }
  }
  return { possible, acknowledged }
}

interface Worker {
  readonly folder: string
  readonly manifest: string
  readonly process: ChildProcess
  readonly ended: Promise<unknown>
}

async function startWorkers(
  t: ExecutionContext,
  scene: Scene,
  round: number,
  random: Random,
): Promise<Worker[]> {
  const manifests = tempFolder(t)
  const workers: Worker[] = []
  for (let index = 0; index < WORKERS; index++) {
    const folder = `round ${round} worker ${index}`
    await must(t, 'mkdir', [join(scene.dir, folder)])
    const manifest = join(manifests, `${index}`)
    const child = spawn(
      process.execPath,
      [DILIGENT, join(scene.dir, folder), manifest, String(random.below(1e9))],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    )
    t.teardown(() => child.kill('SIGKILL'))
    workers.push({ folder, manifest, process: child, ended: once(child, 'exit') })
  }
  return workers
}

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 60_000; !(await condition()); ) {
    if (Date.now() > end) throw new Error(`It did not come to this: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Each file is as it was acknowledged, or as the change without an answer made it; and there are no others. */
function check(t: ExecutionContext, worker: Worker, contents: ReadonlyMap<string, string>): void {
  const { possible, acknowledged } = readManifest(worker.manifest)
  t.true(acknowledged >= ACKNOWLEDGED, `there is something to lose: ${acknowledged}`)
  const real = new Map<string, Found>()
  for (const [path, found] of contents) {
    if (path.startsWith(`${worker.folder}/`)) real.set(path.slice(worker.folder.length + 1), found)
  }
  const wrong = [...new Set([...possible.keys(), ...real.keys()])]
    .map((path) => ({ path, seen: real.get(path) ?? null, expected: [...(possible.get(path) ?? [null])] }))
    .filter(({ seen, expected }) => !expected.includes(seen))
  t.deepEqual(wrong, [])
}

/** Nothing was sent twice: a file that was made once has one row that made it, and no version came again. */
async function checkJournal(t: ExecutionContext, scene: Scene): Promise<void> {
  const rows = await journalOf(scene.at)
  const made = rows
    .filter(({ change, path }) => change === 'create' && /\/file \d+$/.test(path))
    .map(({ path }) => path)
  t.is(new Set(made).size, made.length, 'each was made once')
  t.deepEqual(
    rows.filter(({ path }) => path.includes('(conflict')),
    [],
  )
}

type Victim = 'mount' | 'server' | 'both'

for (const kind of ['through', 'back'] as const) {
  for (const victim of ['mount', 'server', 'both'] as const satisfies readonly Victim[]) {
    mountTest(
      `${kind}: kill -9 of ${victim === 'both' ? 'mount and server' : `the ${victim}`}`,
      async (t) => {
        t.timeout(LONG ? 900_000 : 180_000)
        const random = Random.seeded()
        t.log(`seed ${random.seed}`)
        const scene = await Scene.start(t, kind)
        for (let round = 0; round < ROUNDS; round++) {
          const workers = await startWorkers(t, scene, round, random)
          const enough = ACKNOWLEDGED + random.below(ACKNOWLEDGED)
          const reached = () => workers.every(({ manifest }) => readManifest(manifest).acknowledged >= enough)
          await until(reached, `${enough} acknowledged changes`)
          if (victim !== 'server') await scene.mount.kill()
          if (victim !== 'mount') {
            await scene.server.end('SIGKILL')
            if (victim === 'server') await until(() => workers.some(hasFailed(kind)), 'work without a server')
            await scene.startServer()
          }
          for (const { process } of workers) process.kill('SIGTERM')
          await Promise.all(workers.map(({ ended }) => ended))
          if (victim !== 'server') await scene.startMount()
          await must(t, 'ls', ['-R', scene.dir])
          await scene.mount.end()
          const contents = await contentsOf(scene.at)
          for (const worker of workers) check(t, worker, contents)
          await checkJournal(t, scene)
          if (round < ROUNDS - 1) await scene.startMount()
        }
        await scene.agrees(t)
      },
    )
  }
}

/** A worker has met the absence of the server, where it can; closing goes on where writes are sent later. */
function hasFailed(kind: WriteMode): (worker: Worker) => boolean {
  return ({ manifest }) => kind === 'back' || existsSync(`${manifest}.errors`)
}

/** A shell script in the mount, which must end well. */
function sh(t: ExecutionContext, { dir }: Scene, script: string): Promise<string> {
  const env = { GIT_CONFIG_GLOBAL: '/dev/null', HOME: dir, LC_ALL: 'C' }
  return must(t, 'sh', ['-ec', script], { cwd: dir, env })
}

async function rowsSince(scene: Scene, seq: number): Promise<string[]> {
  const rows = (await journalOf(scene.at)).slice(seq)
  return rows.map(({ change, path }) => `${change} ${path.replace(/conflict \S+ [\d-]+ \d+/, 'conflict')}`)
}

mountTest(
  'back: what was closed while the server was away is sent at the next mount, once, conflicts too',
  async (t) => {
    const scene = await Scene.start(t, 'back')
    await scene.put('theirs', 'first')
    await sh(t, scene, 'mkdir dir; echo one > dir/old; sync dir/old; ls -R; cat theirs dir/old')
    await scene.server.end('SIGKILL')
    await sh(
      t,
      scene,
      'echo mine > theirs; echo two > dir/old; echo new > dir/new; echo saved > dir/tmp; mv dir/tmp dir/saved',
    )
    await sh(t, scene, 'echo gone > dir/gone; rm dir/gone; echo three > dir/old; cat dir/*')
    await scene.mount.kill()
    await scene.startServer()
    await scene.put('theirs', 'their own')
    const { length } = await journalOf(scene.at)
    await scene.startMount()
    await scene.mount.end()
    t.deepEqual((await rowsSince(scene, length)).sort(), [
      'create dir/new',
      'create dir/saved',
      'create theirs (conflict)',
      'update dir/old',
    ])
    await scene.startMount()
    t.is(await sh(t, scene, 'cat dir/*; cat theirs theirs\\ *'), 'new\nthree\nsaved\ntheir ownmine\n')
    await scene.mount.end()
    t.is((await rowsSince(scene, length)).length, 4)
    await scene.agrees(t)
  },
)

mountTest(
  'back: what was closed outlives a program that writes it anew and does not come to an end',
  async (t) => {
    const scene = await Scene.start(t, 'back')
    await sh(t, scene, 'echo one > a; echo one > b; sync a b; ls; cat a b')
    await scene.server.end('SIGKILL')
    await sh(t, scene, 'echo acknowledged > a; echo acknowledged > b; echo acknowledged > c')
    // Not a shell: it closes a handle with each redirection.
    const script = `for (const [name, flags] of [['a', 'w'], ['b', 'r+'], ['c', 'a']]) {
    const fd = fs.openSync(name, flags)
    fs.writeSync(fd, 'half')
  }
  process.stdin.resume()
  console.log('half')`
    const program = spawn(process.execPath, ['-e', script], { cwd: scene.dir, stdio: 'pipe' })
    t.teardown(() => program.kill('SIGKILL'))
    let said = ''
    program.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    await until(() => said === 'half\n', 'half of it was written')
    await scene.mount.kill()
    await scene.startServer()
    await scene.startMount()
    t.is(await sh(t, scene, 'cat a b c'), 'acknowledged\n'.repeat(3))
    await scene.mount.end()
    await scene.agrees(t)
  },
)

mountTest(
  'back: commits made while the server was away arrive with their objects before their refs',
  async (t) => {
    const scene = await Scene.start(t, 'back')
    const commit = 'git -c user.name=n -c user.email=a@b -c core.fsync=none -c gc.auto=0 commit -qam'
    await sh(
      t,
      scene,
      `git init -q repo; cd repo; echo 0 > file; git add file; ${commit} first; sync .git/HEAD`,
    )
    await sh(
      t,
      scene,
      'cd repo/.git/objects; for a in 0 1 2 3 4 5 6 7 8 9 a b c d e f; do for b in 0 1 2 3 4 5 6 7 8 9 a b c d e f; do mkdir -p $a$b; done; done',
    )
    await sh(
      t,
      scene,
      'sync repo/file; ls -R repo > /dev/null; cat $(find repo -type f) > /dev/null; cd repo; git status',
    )
    const { length } = await journalOf(scene.at)
    await scene.server.end('SIGKILL')
    await sh(t, scene, `cd repo; for i in 1 2 3; do echo $i > file; ${commit} $i; done`)
    const log = await sh(t, scene, 'cd repo; git log --format=%H')
    await scene.mount.kill()
    await scene.startServer()
    await scene.startMount()
    await scene.mount.end()
    const rows = await rowsSince(scene, length)
    const ref = rows.findIndex((row) => /refs\/heads\/\w+$/.test(row))
    const object = rows.findLastIndex((row) => /objects\/../.test(row))
    t.true(object > 5 && ref > object, rows.join('\n'))
    await scene.startMount()
    t.is(await sh(t, scene, 'cd repo; git fsck --strict; git status --short; git log --format=%H'), log)
    await scene.mount.end()
    await scene.agrees(t)
  },
)
