/** Mounted spaces for tests. A test never touches a mount itself: programs do, and each has its time. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import { isMounted, lacking } from '../../support/mounts.js'
import { type Ran, runProgram } from '../../support/programs.js'
import type { TestServer } from '../../support/server.js'
import type { MountSettings } from './mount-space.js'

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
}

const PROGRAM = fileURLToPath(new URL('./mount-space.js', import.meta.url))
/** Unmounting may have to send what is unsent. */
const END_PATIENCE = 60_000

const running = new Set<SpaceMount>()
process.on('exit', () => {
  for (const mount of running) mount.abandon()
})

/** A mounted space, in a process of its own. */
export class SpaceMount {
  #said = ''
  readonly #ended: Promise<number | null>

  private constructor(
    readonly dir: string,
    readonly cacheDir: string,
    readonly process: ChildProcess,
    private readonly own: readonly string[],
  ) {
    process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text
    })
    this.#ended = once(process, 'close').then(([code]) => code as number | null)
    running.add(this)
  }

  /** Resolves when it is mounted. Whoever calls this ends or abandons it; `mountSpace` does so with the test. */
  static async start(
    from: Pick<MountSettings, 'server' | 'store' | 'space'>,
    options: MountOptions = {},
  ): Promise<SpaceMount> {
    const own: string[] = []
    const folder = (name: string) => {
      const made = mkdtempSync(`/tmp/novem-${name}-`)
      own.push(made)
      return made
    }
    const { kind = 'through', readOnly = false, cacheDir = folder('cache') } = options
    const dir = options.dir ?? `${folder('mount')}/mnt`
    mkdirSync(dir, { recursive: true })
    const settings: MountSettings = {
      ...from,
      ...{ dir, cacheDir, readOnly, write: kind === 'back' ? 'back' : 'through' },
    }
    const child = spawn(process.execPath, ['--enable-source-maps', PROGRAM, JSON.stringify(settings)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const mount = new SpaceMount(dir, cacheDir, child, own)
    const ready = await Promise.race([once(child.stdout, 'data'), mount.#ended])
    if (Array.isArray(ready)) return mount
    mount.abandon()
    throw new Error(`The mount ended with ${ready}: ${mount.said()}`)
  }

  /** What it has logged. */
  said(): string {
    return this.#said
  }

  /** Unmounts as its user does, by SIGTERM; resolves when the process is gone. */
  async end(): Promise<void> {
    this.process.kill('SIGTERM')
    const late = setTimeout(() => this.abandon(), END_PATIENCE)
    const code = await this.#ended
    clearTimeout(late)
    this.abandon()
    if (code !== 0) throw new Error(`The mount ended with ${code}: ${this.#said}`)
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
): Pick<MountSettings, 'server' | 'store' | 'space'> {
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
