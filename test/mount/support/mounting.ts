/** Mounted spaces for tests. A test never touches a mount itself: programs do, and each has its time. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import type { ProcessRequest } from '../../../src/commands/mounting/process.js'
import { cleanEnvironment, MAIN } from '../../support/cli.js'
import { isMounted, lacking } from '../../support/mounts.js'
import { type Ran, runProgram } from '../../support/programs.js'
import type { TestServer } from '../../support/server.js'

/** What the machine lacks for mounting: tests are left out where it is not nothing. */
export const LACKING = lacking({ root: false })

/** How a space is mounted: over HTTP in its two modes of writing, and in the server's own process. */
export const MOUNT_KINDS = ['through', 'back', 'direct'] as const
export type MountKind = (typeof MOUNT_KINDS)[number]

export interface MountOptions {
  readonly kind?: MountKind
  readonly readOnly?: boolean
  /** Default: new ones, which go with the mount. */
  readonly dir?: string
  readonly cacheDir?: string
  /** Further ones of `novem-spaces mount`. */
  readonly flags?: readonly string[]
}

/** Where a mount finds its space: over HTTP, or straight in the store of a server of this machine. */
export interface MountFrom {
  readonly space: string
  readonly server?: { readonly url: string; readonly token: string }
  readonly store?: { readonly redis: string; readonly folder: string; readonly owner: string }
}

/** What `serve --mount` runs for each of its mounts. */
const SERVER_MOUNT = fileURLToPath(new URL('../../../src/commands/mounting/process.js', import.meta.url))
/** Unmounting may have to send what is unsent. */
const END_PATIENCE = 60_000

const running = new Set<SpaceMount>()
process.on('exit', () => {
  for (const mount of running) mount.abandon()
})

/** A mounted space, in a process of its own. */
export class SpaceMount {
  #said = ''
  /** The exit code, or the signal that killed it. */
  readonly #ended: Promise<number | string>

  private constructor(
    readonly dir: string,
    readonly cacheDir: string,
    readonly process: ChildProcess,
    private readonly own: readonly string[],
  ) {
    process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text
    })
    this.#ended = once(process, 'close').then(([code, signal]) => (code ?? signal) as number | string)
    running.add(this)
  }

  /** Resolves when it is mounted. Whoever calls this ends or abandons it; `mountSpace` does so with the test. */
  static async start(from: MountFrom, options: MountOptions = {}): Promise<SpaceMount> {
    const own: string[] = []
    const folder = (name: string) => {
      const made = mkdtempSync(`/tmp/novem-${name}-`)
      own.push(made)
      return made
    }
    const { cacheDir = folder('cache') } = options
    const dir = options.dir ?? `${folder('mount')}/mnt`
    if (options.dir === undefined) mkdirSync(dir)
    // Where the user's records of mounts are.
    const env = { XDG_STATE_HOME: cacheDir, XDG_CONFIG_HOME: cacheDir, XDG_CACHE_HOME: cacheDir }
    const child = from.server
      ? spawnCommand(from.server, from.space, { ...options, dir, cacheDir }, env)
      : spawnServerMount(from, { ...options, dir, cacheDir }, env)
    const mount = new SpaceMount(dir, cacheDir, child, own)
    const ready = child.stdout && from.server ? once(child.stdout, 'data') : once(child, 'message')
    const said = String(
      await Promise.race([ready.then(([word]) => JSON.stringify(String(word.ready ?? word))), mount.#ended]),
    )
    if (said.startsWith('"Mounted ')) return mount
    mount.abandon()
    throw new Error(`The mount said ${said}: ${mount.said()}`)
  }

  /** What it has logged. */
  said(): string {
    return this.#said
  }

  /** Unmounts as its user does, by SIGTERM; resolves when the process is gone. */
  async end(): Promise<void> {
    this.process.kill('SIGTERM')
    let hung = ''
    const late = setTimeout(() => {
      hung = ` after ${END_PATIENCE} ms, when its threads were\n${threadsOf(this.process.pid)}\n`
      this.abandon()
    }, END_PATIENCE)
    const code = await this.#ended
    clearTimeout(late)
    this.abandon()
    if (code !== 0) throw new Error(`The mount ended with ${code}${hung}: ${this.#said}`)
  }

  /** kill -9: the mount point stays behind, dead. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL')
    await this.#ended
  }

  /** The last resort: nothing of it stays. */
  abandon(): void {
    this.process.kill('SIGKILL')
    if (isMounted(this.dir)) spawnSync('fusermount3', ['-uz', this.dir], { stdio: 'ignore', timeout: 10_000 })
    for (const folder of this.own) rmSync(folder, { recursive: true, force: true })
    running.delete(this)
  }
}

/** What each thread of a process is doing, as the kernel tells it. */
function threadsOf(pid: number | undefined): string {
  const tasks = `/proc/${pid}/task`
  try {
    return readdirSync(tasks)
      .map((id) =>
        ['comm', 'wchan', 'syscall'].map((name) => readFileSync(`${tasks}/${id}/${name}`, 'utf8').trim()),
      )
      .map((words) => words.join(' '))
      .join('\n')
  } catch (error) {
    return String(error)
  }
}

interface Places {
  readonly dir: string
  readonly cacheDir: string
}

/** `novem-spaces mount`, as a user runs it. */
function spawnCommand(
  { url, token }: NonNullable<MountFrom['server']>,
  space: string,
  { kind, readOnly, dir, cacheDir, flags = [] }: MountOptions & Places,
  env: Readonly<Record<string, string>>,
): ChildProcess {
  const write = kind === 'back' ? 'back' : 'through'
  const args = [
    '--server',
    url,
    '--write',
    write,
    '--cache-dir',
    cacheDir,
    ...(readOnly ? ['--read-only'] : []),
  ]
  return spawn(process.execPath, ['--enable-source-maps', MAIN, 'mount', space, dir, ...args, ...flags], {
    env: cleanEnvironment({ ...env, NOVEM_TOKEN: token }),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

function spawnServerMount(
  { space, store }: MountFrom,
  { readOnly = false, dir, cacheDir }: MountOptions & Places,
  env: Readonly<Record<string, string>>,
): ChildProcess {
  if (!store) throw new Error('There is nothing to mount.')
  const { redis, folder, owner } = store
  const child = spawn(process.execPath, ['--enable-source-maps', SERVER_MOUNT], {
    env: cleanEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const request: ProcessRequest = {
    source: { kind: 'store', config: { dataDir: folder, redisUrl: redis, durability: 'os' }, owner, space },
    settings: {
      ...{ dir, cacheDir, readOnly, server: folder, cacheBytes: 1e9, write: 'through' },
      ...{ allowOther: false, nonEmpty: false },
    },
    ...{ stay: false, logLevel: 'info' },
  }
  child.send(request)
  return child
}

/** Mounts a space of the server's first account; the mount goes with the test at the latest. */
export async function mountSpace(
  t: ExecutionContext,
  server: Pick<TestServer, 'url' | 'token' | 'redis' | 'folder' | 'account'>,
  space: string,
  options: MountOptions = {},
): Promise<SpaceMount> {
  const mount = await SpaceMount.start(placeOf(server, space, options.kind), options)
  t.teardown(() => mount.abandon())
  return mount
}

/** Where a mount finds the space. */
export function placeOf(
  { url, token, redis, folder, account }: Pick<TestServer, 'url' | 'token' | 'redis' | 'folder' | 'account'>,
  space: string,
  kind?: MountKind,
): MountFrom {
  return kind === 'direct'
    ? { space, store: { redis: redis.socket, folder, owner: account.name } }
    : { space, server: { url, token } }
}

/** Runs a program that must not take longer than so many seconds. */
export function runTimed(
  name: string,
  args: readonly string[],
  options: Parameters<typeof runProgram>[2] & { readonly seconds?: number } = {},
): Promise<Ran> {
  const { seconds = 60, ...rest } = options
  return runProgram('timeout', ['-k', '1', String(seconds), name, ...args], rest)
}

/** The same of one that must end well; answers what it said. */
export async function must(
  t: ExecutionContext,
  name: string,
  args: readonly string[],
  options: Parameters<typeof runTimed>[2] = {},
): Promise<string> {
  const { code, said } = await runTimed(name, args, options)
  t.is(code, 0, `${[name, ...args].join(' ').slice(0, 500)}\n${said.slice(-4000)}`)
  return said
}
