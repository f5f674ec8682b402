import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { ALL_PROPERTIES, FOUR_PROPERTIES } from './dav/bodies.js'
import { fillFolder, localFile, MB, makeFolder, move, put } from './files.js'
import type { Group } from './group.js'
import { milliseconds } from './load.js'
import type { Measurement, Side } from './measure.js'
import { startApache } from './peers/apache.js'
import { startLeast } from './peers/least.js'
import { startNephele } from './peers/nephele.js'
import { type OursOptions, startOurs } from './peers/ours.js'
import type { Peer } from './peers/peer.js'
import { forgetPeak, residentMb } from './peers/processes.js'
import { startRclone } from './peers/rclone.js'
import { Stage } from './stage.js'
import { curl } from './tools/curl.js'
import { APACHE, CURL, missing, RCLONE, WRK } from './tools/install.js'
import { type WrkLoad, wrk } from './tools/wrk.js'

/**
 * WebDAV of our server beside Apache's mod_dav and rclone, none of which waits for the disk. In memory (/dev/shm) first, with what the
 * runtime itself does for as many requests; then, on the disk of TMPDIR, what writes, with a column for our durable default.
 */

const SMALL = 4096
const LARGE = 100 * MB
const LISTED = 10_000
const OVERWRITTEN = 1024
const CONNECTIONS = 16
const MOVES_A_RUN = 100

export const dav: Group = async function* ({ quick }) {
  const absent = [WRK, CURL, APACHE, RCLONE].map(missing).filter((why) => why !== undefined)
  if (absent.length > 0) {
    yield `nothing measured: ${absent.join('; ')}`
    return
  }
  const memory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
  yield* onStage(memory, quick, [{}, { workers: 2 }], (bench) => bench.everything())
  yield* besideNephele(memory, quick)
  yield* onStage(tmpdir(), quick, [{}, { durability: 'full' }], (bench) => bench.whatWrites())
}

async function* onStage(
  where: string,
  quick: boolean,
  ours: readonly OursOptions[],
  work: (bench: Bench) => AsyncGenerator<Measurement>,
): AsyncGenerator<Measurement> {
  const stage = new Stage()
  try {
    const folder = () => stage.folder(where)
    const [first, ...further] = await Promise.all(
      ours.map(async (options) => (await stage.started(startOurs(await folder(), options))).dav),
    )
    const apache = await stage.started(startApache(await folder()))
    const rclone = await stage.started(startRclone(await folder()))
    const peers = [first as Peer, apache, rclone, ...further]
    const limits = [
      await stage.started(startLeast(await folder(), 'alone')),
      await stage.started(startLeast(await folder(), 'with Redis')),
      await stage.started(startLeast(await folder(), 'with Redis, 2 workers')),
    ]
    yield* work(new Bench(peers, limits, where, await folder(), quick))
  } finally {
    await stage.end()
  }
}

/** Only single requests: it takes many seconds for what the others do in milliseconds. */
async function* besideNephele(where: string, quick: boolean): AsyncGenerator<Measurement | string> {
  const stage = new Stage()
  try {
    const ours = (await stage.started(startOurs(await stage.folder(where)))).dav
    const nephele = await stage.started(startNephele(await stage.folder(where)))
    yield* new Bench([ours, nephele], [], where, await stage.folder(where), quick).requests()
  } catch (error) {
    yield `not beside Nephele: ${(error as Error).message}`
  } finally {
    await stage.end()
  }
}

type Target = NonNullable<Measurement['target']>

/** By the medians of the first three sides. */
function target(says: string, holds: (ours: number, apache: number, rclone: number) => boolean): Target {
  return { says, reached: ([a = Number.NaN, b = Number.NaN, c = Number.NaN]) => holds(a, b, c) }
}

class Bench {
  readonly #peers: readonly Peer[]
  readonly #limits: readonly Peer[]
  readonly #where: string
  readonly #scratch: string
  readonly #quick: boolean
  #round = 0

  /** `peers`: ours, Apache, rclone, and further ones of ours. `limits`: beside them in what is many small requests. */
  constructor(
    peers: readonly Peer[],
    limits: readonly Peer[],
    where: string,
    scratch: string,
    quick: boolean,
  ) {
    this.#peers = peers
    this.#limits = limits
    this.#where = where.startsWith('/dev/shm') ? 'in memory' : 'on disk'
    this.#scratch = scratch
    this.#quick = quick
  }

  async *everything(): AsyncGenerator<Measurement> {
    yield* this.#reads()
    yield* this.#listings()
    yield* this.whatWrites()
    yield this.#down()
    yield this.#memory()
  }

  async *requests(): AsyncGenerator<Measurement> {
    yield* this.#reads()
    yield this.#newFiles()
  }

  async *#reads(): AsyncGenerator<Measurement> {
    for (const peer of this.#peers) await put(peer, 'small.bin', Buffer.alloc(SMALL, 'x'))
    const get = { method: 'GET', path: 'small.bin' }
    yield this.#load('GET of 4 KiB', get, target('≥ 0.85 × the best peer', atLeast(0.85)))
    // What we remember of a space holds until something in it changes.
    yield {
      name: this.#loaded('GET of 4 KiB while somebody writes 100 files a second'),
      unit: '/s',
      sides: this.#sides((peer) => this.#besideWrites(peer, get)),
    }
    const depth0 = { method: 'PROPFIND', path: 'small.bin', headers: { Depth: '0' }, body: FOUR_PROPERTIES }
    yield this.#load('PROPFIND of one file', depth0, target('≥ 0.85 × the best peer', atLeast(0.85)))
  }

  async *whatWrites(): AsyncGenerator<Measurement> {
    yield this.#newFiles()
    yield await this.#overwrites()
    yield* this.#moves()
    yield await this.#up()
  }

  async *#listings(): AsyncGenerator<Measurement> {
    for (const peer of this.#peers) await fillFolder(peer, 'listed', LISTED)
    const many = LISTED.toLocaleString('en')
    const faster = target('≤ 0.5 × Apache', (ours, apache) => ours <= 0.5 * apache)
    const kinds = [
      { what: 'four properties', body: FOUR_PROPERTIES },
      { what: 'all properties', body: ALL_PROPERTIES },
    ]
    for (const { what, body } of kinds) {
      const list = (peer: Peer, asked = body) =>
        curl(peer, 'listed/', ['-X', 'PROPFIND', '-H', 'Depth: 1', '-d', asked])
      // In other words each time, which nothing that is kept can answer.
      const listAnew = (peer: Peer) => list(peer, body + ' '.repeat(++this.#round))
      const name = `PROPFIND of a folder of ${many}, ${what}`
      yield {
        name,
        unit: 'ms',
        sides: this.#sides(async (peer) => 1000 * (await list(peer))),
        target: faster,
      }
      yield {
        name: `${name}, the first time`,
        unit: 'ms',
        sides: this.#sides(async (peer) => 1000 * (await listAnew(peer))),
      }
      yield {
        name: `${name}, after a change in it`,
        unit: 'ms',
        sides: this.#sides(async (peer) => {
          await put(peer, `listed/changed-${this.#round++}`, Buffer.from('12345'))
          return 1000 * (await list(peer))
        }),
        target: faster,
      }
      yield {
        name: `memory taken by a ${name}`,
        unit: 'MB',
        sides: this.#sides((peer) => growth(peer, () => listAnew(peer))),
        target: target('< 30 MB', (ours) => ours < 30),
      }
    }
  }

  #newFiles(): Measurement {
    const sides = this.#withLimits(async (peer) => {
      const folder = `round${this.#round++}`
      await makeFolder(peer, folder)
      return this.#wrk(peer, { method: 'PUT', path: `${folder}/document-%d.bin`, body: SMALL })
    })
    return {
      name: this.#loaded('PUT of a new file of 4 KiB'),
      unit: '/s',
      sides,
      target: target('≥ 1.2 × the best peer', atLeast(1.2)),
    }
  }

  async #overwrites(): Promise<Measurement> {
    for (const peer of this.#peers) await fillFolder(peer, 'overwritten', 0)
    const load = { method: 'PUT', path: 'overwritten/%d.bin', names: OVERWRITTEN, body: SMALL }
    return this.#load('PUT over a file of 4 KiB', load, target('≥ 0.7 × the best peer', atLeast(0.7)))
  }

  async *#moves(): AsyncGenerator<Measurement> {
    for (const entries of this.#quick ? [10, 1000] : [10, 1000, 10_000]) {
      const places = new Map<Peer, string>()
      for (const peer of this.#peers) {
        const folder = `moved${entries}`
        await fillFolder(peer, folder, entries)
        places.set(peer, folder)
      }
      const hop = async (peer: Peer) => {
        const to = `moved${entries}-${this.#round++}`
        await move(peer, `${places.get(peer) ?? 'moved'}/`, `${to}/`)
        places.set(peer, to)
      }
      yield {
        name: `MOVE of a folder of ${entries.toLocaleString('en')}, ${this.#where}`,
        unit: 'ms',
        sides: this.#withLimits(async (peer) => {
          const took = await milliseconds(async () => {
            for (let n = 0; n < MOVES_A_RUN; n++) await hop(peer)
          })
          return took / MOVES_A_RUN
        }),
        target: target('≤ the best peer', atMost(1)),
        point: { curve: `MOVE of a folder, ${this.#where}`, of: 'entries in it', at: entries },
      }
    }
  }

  async #up(): Promise<Measurement> {
    const body = await localFile(this.#scratch, LARGE)
    return {
      name: `100 MB up, ${this.#where}`,
      unit: 'MB/s',
      sides: this.#sides(async (peer) => LARGE / MB / (await curl(peer, 'large.bin', ['-T', body]))),
      target: target('≥ 0.8 × Apache', (ours, apache) => ours >= 0.8 * apache),
    }
  }

  #down(): Measurement {
    return {
      name: `100 MB down, ${this.#where}`,
      unit: 'MB/s',
      sides: this.#sides(async (peer) => LARGE / MB / (await curl(peer, 'large.bin'))),
      target: target('≥ 0.9 × Apache', (ours, apache) => ours >= 0.9 * apache),
    }
  }

  /** Ours with its Redis, which holds all metadata. */
  #memory(): Measurement {
    return {
      name: 'resident memory behind all this, all processes',
      unit: 'MB',
      rounds: 1,
      sides: this.#sides(async (peer) => residentMb(peer.pids(), 'now')),
      target: target('below rclone', (ours, _apache, rclone) => ours < rclone),
    }
  }

  #load(name: string, load: Load, target: Target): Measurement {
    return {
      name: this.#loaded(name),
      unit: '/s',
      sides: this.#withLimits((peer) => this.#wrk(peer, load)),
      target,
    }
  }

  #loaded(name: string): string {
    return `${name}, ${CONNECTIONS} connections, ${this.#where}`
  }

  #wrk(peer: Peer, load: Load) {
    const seconds = this.#quick ? 1 : 2
    return wrk(peer, { connections: CONNECTIONS, seconds, ...load }, this.#scratch)
  }

  async #besideWrites(peer: Peer, load: Load) {
    let isOver = false
    const write = async () => {
      for (let n = 0; !isOver; n++) {
        await put(peer, `beside-${n % OVERWRITTEN}.bin`, Buffer.alloc(SMALL, 'y'))
        await delay(10)
      }
    }
    const writing = write()
    try {
      return await this.#wrk(peer, load)
    } finally {
      isOver = true
      await writing
    }
  }

  #sides(run: Run): Side[] {
    return sidesOf(this.#peers, run)
  }

  #withLimits(run: Run): Side[] {
    return sidesOf([...this.#peers, ...this.#limits], run)
  }
}

type Run = (peer: Peer) => ReturnType<Side['run']>

function sidesOf(peers: readonly Peer[], run: Run): Side[] {
  return peers.map((peer) => ({ name: peer.name, run: () => run(peer) }))
}

type Load = Omit<WrkLoad, 'connections' | 'seconds'>

const atLeast =
  (part: number) =>
  (ours: number, ...peers: readonly number[]) =>
    ours >= part * Math.max(...peers.filter((peer) => !Number.isNaN(peer)))
const atMost = (part: number) => (ours: number, apache: number, rclone: number) =>
  ours <= part * Math.min(apache, rclone)

/** How much more memory the server held at its highest than before, in MB. */
async function growth(peer: Peer, work: () => Promise<unknown>): Promise<number> {
  const pids = peer.pids()
  const before = residentMb(pids, 'now')
  forgetPeak(pids)
  await work()
  return residentMb(pids, 'peak') - before
}
