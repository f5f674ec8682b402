import { execFile } from 'node:child_process'
import { statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { MB } from './files.js'
import type { Group } from './group.js'
import { milliseconds } from './load.js'
import { type Measurement, moreIsBetter, type Side } from './measure.js'
import { fillLocal, fillSpace, localSources, PER_FOLDER, type Sizes } from './mount/fill.js'
import type { Mounted } from './mount/mounted.js'
import {
  type Space,
  startBindfs,
  startDavfs,
  startLeastMount,
  startOurMount,
  startRcloneMount,
  startSshd,
  startSshfs,
} from './mount/peers.js'
import { LIMIT, startLeast } from './peers/least.js'
import { startOurs } from './peers/ours.js'
import { quiet } from './quiet.js'
import { Stage } from './stage.js'
import { BINDFS, DAVFS, GIT, missing, RCLONE, SSHD, SSHFS, type Tool } from './tools/install.js'

/**
 * Our mount beside others of the same machine, each in a process of its own, all on the disk of TMPDIR, with nothing
 * waiting for that disk unless said (sshd honours `fsync` by itself). What is written through is compared with sshfs and
 * davfs2, what is written back with `rclone mount`. davfs2 and rclone use our WebDAV endpoint, each on a space of its own.
 */

const FULL: Sizes = { created: 1000, folders: 100, copied: 500, checkout: 2000, largeBytes: 90 * MB }
const QUICK: Sizes = { created: 100, folders: 10, copied: 50, checkout: 200, largeBytes: 90 * MB }
const PATIENCE = 180
const PROMISES =
  'fsync does not promise the same everywhere: ours returns when the server has the bytes, in both modes, and so does that of sshfs (whose server then ' +
  'also waits for its disk); davfs2 and rclone send them behind it, and theirs returns when they are in the local cache. What rclone promises is the line without fsync.'
const NOTHING = `${LIMIT} fuse-native, nothing behind`
const LEAST = `${LIMIT} fuse-native, node:http with Redis`
const RCLONE_MOUNT = 'rclone mount'
/** After its default of 5 s it sends what was written (`--vfs-write-back`); a folder with files that are under way it cannot remove. */
const RCLONE_REST = 12_000
const MAX_OUTPUT = 100 * MB
/** What is removed stays on a server's disk for a while, and a cache on a full disk hangs. */
const DISK_BYTES = 20_000 * MB

export const mount: Group = async function* ({ quick }) {
  if (missing(GIT) !== undefined) {
    yield `nothing measured: ${missing(GIT)}`
    return
  }
  const { bavail, bsize } = await statfs(tmpdir())
  if (!quick && bavail * bsize < DISK_BYTES) {
    yield `nothing measured: ${tmpdir()} has ${Math.floor((bavail * bsize) / MB)} MB free, and ${DISK_BYTES / MB} are needed`
    return
  }
  const stage = new Stage()
  try {
    const bench = new Bench(stage, quick ? QUICK : FULL)
    yield* bench.measurements()
  } finally {
    await stage.end()
  }
}

/** A mount that is measured, or why there is none. */
interface Place {
  readonly name: string
  readonly mounted?: Mounted
  readonly why?: string
}

interface Places {
  readonly through: Place
  readonly back: Place
  readonly durable: Place
  readonly sshfs: Place
  readonly davfs: Place
  readonly rclone: Place
  readonly bindfs: Place
  readonly nothing: Place
  readonly least: Place
}

type Target = NonNullable<Measurement['target']>

interface Line {
  readonly name: string
  readonly unit: string
  /** Some send what was written behind their answer, into what is measured next. */
  readonly writes?: true
  readonly target?: Target
  run(mounted: Mounted): Promise<number>
}

class Bench {
  readonly #stage: Stage
  readonly #sizes: Sizes
  #next = 0
  /** What the last round has copied there. */
  readonly #copies = new Map<Mounted, string>()

  constructor(stage: Stage, sizes: Sizes) {
    this.#stage = stage
    this.#sizes = sizes
  }

  async *measurements(): AsyncGenerator<Measurement | string> {
    const sizes = this.#sizes
    const sources = await localSources(await this.#folder(), sizes)
    const places = await this.#mountAll(sources.large)
    const { through, back, durable, sshfs, davfs, rclone, bindfs, nothing, least } = places
    const everywhere = [through, sshfs, davfs, rclone]
    const throughAndBack = function* (line: Line): Generator<Measurement> {
      yield measurement({ ...line, name: `${line.name}, written through` }, [
        through,
        sshfs,
        davfs,
        durable,
        nothing,
        least,
      ])
      yield measurement({ ...line, name: `${line.name}, written back` }, [back, rclone])
    }
    yield* throughAndBack({
      name: `create ${sizes.created} files of 5 bytes`,
      unit: 'ms',
      writes: true,
      run: ({ folder }) => work('create', join(folder, this.#name()), sizes.created),
    })
    const entries = sizes.folders * PER_FOLDER
    const metadata = [through, bindfs, sshfs, davfs, rclone]
    yield measurement(
      {
        name: `ls -lR of ${entries.toLocaleString('en')} files, again`,
        unit: 'ms',
        target: nearBindfs((ours, bindfs) => 0.8 * ours <= bindfs),
        run: ({ folder }) => timed('ls', '-lR', join(folder, 'many')),
      },
      metadata,
    )
    yield measurement(
      {
        name: `stat of ${entries.toLocaleString('en')} files, again`,
        unit: '/s',
        target: nearBindfs((ours, bindfs) => ours >= 0.8 * bindfs),
        run: async ({ folder }) => (1000 * entries) / (await work('stat', join(folder, 'many'), entries)),
      },
      metadata,
    )
    yield* throughAndBack({
      name: `copy in ${sizes.copied} files of 100 KB`,
      unit: 'ms',
      writes: true,
      run: ({ folder }) => timed('cp', '-r', sources.copied, join(folder, this.#name())),
    })
    const written =
      (what: string) =>
      async ({ folder }: Mounted) =>
        speed(await work(what, join(folder, this.#name()), sizes.largeBytes))
    yield PROMISES
    yield* throughAndBack({
      name: 'write 90 MB, then fsync',
      unit: 'MB/s',
      writes: true,
      run: written('writeSynced'),
    })
    yield measurement(
      { name: 'write 90 MB, then close, written back', unit: 'MB/s', writes: true, run: written('write') },
      [back, rclone],
    )
    const read = async ({ folder }: Mounted) =>
      speed(await work('read', join(folder, 'large.bin'), sizes.largeBytes))
    yield measurement(
      {
        name: 'read 90 MB, nothing cached',
        unit: 'MB/s',
        run: async (mounted) => {
          await mounted.coldly()
          return read(mounted)
        },
      },
      [...everywhere, least],
    )
    yield measurement(
      {
        name: 'read 90 MB, again',
        unit: 'MB/s',
        target: { says: '≥ 500 MB/s', reached: ([ours = Number.NaN]) => ours >= 500 },
        run: read,
      },
      everywhere,
    )
    for (const { mounted } of everywhere) {
      if (mounted) await timed('cp', '-r', sources.checkout, join(mounted.folder, 'checkout')).catch(() => {})
    }
    yield measurement(
      {
        name: `git status in a checkout of ${sizes.checkout.toLocaleString('en')} files`,
        unit: 'ms',
        run: ({ folder }) => timed('git', '-C', join(folder, 'checkout'), 'status', '--porcelain'),
      },
      everywhere,
    )
    yield* throughAndBack({
      name: `rm -r of ${sizes.copied + 1} entries`,
      unit: 'ms',
      writes: true,
      run: (mounted) => this.#removeCopy(mounted, sources.copied),
    })
  }

  /** Removes what the round before copied in, which has been sent meanwhile, and makes the next copy. */
  async #removeCopy(mounted: Mounted, source: string): Promise<number> {
    const last = this.#copies.get(mounted)
    const took = last === undefined ? Number.NaN : await timed('rm', '-r', last)
    const copy = join(mounted.folder, this.#name())
    await timed('cp', '-r', source, copy)
    this.#copies.set(mounted, copy)
    return took
  }

  async #mountAll(large: string): Promise<Places> {
    const ours = await this.#stage.started(startOurs(await this.#folder()))
    const full = await this.#stage.started(startOurs(await this.#folder(), { durability: 'full' }))
    const space = async (name: string, server = ours): Promise<Space> => {
      const made = { ours: server, name }
      await fillSpace(made, this.#sizes, large)
      return made
    }
    const files = await this.#folder()
    await fillLocal(files, this.#sizes, large)
    const our = (name: string, write: 'through' | 'back', server = ours) =>
      this.#place(name, [], async (scratch) => {
        return startOurMount(await space(write, server), scratch, write, name)
      })
    return {
      through: await our('ours', 'through'),
      back: await our('ours', 'back'),
      durable: await our('ours, durable', 'through', full),
      sshfs: await this.#place('sshfs', [SSHFS, SSHD], async (scratch) => {
        const { port } = await this.#stage.started(startSshd(scratch))
        return startSshfs(port, files, scratch)
      }),
      davfs: await this.#place('davfs2', [DAVFS], async (scratch) =>
        startDavfs(await space('davfs'), scratch),
      ),
      rclone: await this.#place(RCLONE_MOUNT, [RCLONE], async (scratch) => {
        return startRcloneMount(await space('rclone'), scratch)
      }),
      nothing: await this.#place(NOTHING, [], (scratch) => startLeastMount(scratch, NOTHING)),
      least: await this.#place(LEAST, [], async (scratch) => {
        const { base } = await this.#stage.started(startLeast(await this.#folder(), 'with Redis'))
        return startLeastMount(scratch, LEAST, { url: base, largeBytes: this.#sizes.largeBytes })
      }),
      bindfs: await this.#place('bindfs', [BINDFS], (scratch) => startBindfs(files, scratch)),
    }
  }

  async #place(
    name: string,
    tools: readonly Tool[],
    start: (scratch: string) => Promise<Mounted>,
  ): Promise<Place> {
    const why = tools.map(missing).find((text) => text !== undefined)
    if (why !== undefined) return { name, why }
    try {
      return { name, mounted: await this.#stage.started(start(await this.#folder())) }
    } catch (error) {
      return { name, why: (error as Error).message }
    }
  }

  async #folder(): Promise<string> {
    return this.#stage.folder(tmpdir())
  }

  #name(): string {
    return `new${this.#next++}`
  }
}

/** Ours first. */
function measurement({ run, writes, ...line }: Line, places: readonly Place[]): Measurement {
  const sides = places.map(
    ({ name, mounted, why }): Side => ({
      name,
      run: async () => {
        if (!mounted) throw new Error(why)
        if (!writes) return run(mounted)
        await quiet()
        const took = await run(mounted)
        if (name === RCLONE_MOUNT) await delay(RCLONE_REST)
        return took
      },
    }),
  )
  const others = places.flatMap(({ name }, at) =>
    name.startsWith('ours') || name.startsWith(LIMIT) ? [] : [at],
  )
  return { target: ahead(line.unit, others), ...line, sides }
}

/** Of the sides at these places. */
function ahead(unit: string, others: readonly number[]): Target {
  const sign = moreIsBetter(unit) ? 1 : -1
  return {
    says: 'ahead of every other',
    reached: (medians) => {
      const [ours = Number.NaN] = medians
      const best = Math.max(
        ...others.map((at) => sign * (medians[at] as number)).filter((n) => !Number.isNaN(n)),
      )
      return sign * ours > best
    },
  }
}

/** At the second place of a line. */
function nearBindfs(holds: (ours: number, bindfs: number) => boolean): Target {
  return {
    says: '≥ 0.8 × bindfs',
    reached: ([ours = Number.NaN, bindfs = Number.NaN]) => holds(ours, bindfs),
  }
}

const speed = (ms: number) => FULL.largeBytes / MB / (ms / 1000)

/** Milliseconds that `work.ts` says. */
async function work(what: string, path: string, number: number): Promise<number> {
  const script = fileURLToPath(new URL('mount/work.js', import.meta.url))
  return Number(await output(process.execPath, script, what, path, String(number)))
}

/** Milliseconds that a program runs. */
function timed(...command: readonly string[]): Promise<number> {
  return milliseconds(() => output(...command))
}

/** Rejects when it fails or hangs. */
async function output(...command: readonly string[]): Promise<string> {
  const args = ['--kill-after=5', String(PATIENCE), ...command]
  return (await promisify(execFile)('timeout', args, { maxBuffer: MAX_OUTPUT })).stdout
}
