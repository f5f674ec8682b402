import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { FOUR_PROPERTIES } from './dav/bodies.js'
import { fillFolder, localFile, MB, makeFolder, put } from './files.js'
import type { Group } from './group.js'
import type { Measurement, Side } from './measure.js'
import { startApache } from './peers/apache.js'
import { startBare } from './peers/bare.js'
import { type Ours, startOurs } from './peers/ours.js'
import type { Peer } from './peers/peer.js'
import { quiet } from './quiet.js'
import { Stage } from './stage.js'
import { curl } from './tools/curl.js'
import { APACHE, CURL, missing, WRK } from './tools/install.js'
import { type WrkLoad, wrk } from './tools/wrk.js'

/**
 * Our server, as an operator runs it, beside a bare `node:http` server and Apache with mod_dav, all on loopback and on the
 * same file system: memory (/dev/shm) where there is one, and the disk of TMPDIR where said.
 */

const SMALL = 4096
const LARGE = 100 * MB
const LISTED = 10_000
const CONNECTIONS = 16

export const http: Group = async function* ({ quick }) {
  const stage = new Stage()
  try {
    const absent = [WRK, CURL].map(missing).filter((why) => why !== undefined)
    if (absent.length > 0) {
      yield `nothing measured: ${absent.join('; ')}`
      return
    }
    const bench = new Bench(stage, await stage.folder(tmpdir()), quick)
    yield* bench.inMemory()
    yield* bench.onDisk()
  } finally {
    await stage.end()
  }
}

class Bench {
  readonly #stage: Stage
  readonly #scratch: string
  readonly #seconds: number
  #round = 0

  constructor(stage: Stage, scratch: string, quick: boolean) {
    this.#stage = stage
    this.#scratch = scratch
    this.#seconds = quick ? 1 : 3
  }

  async *inMemory(): AsyncGenerator<Measurement | string> {
    const where = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
    const stage = this.#stage
    const ours = await stage.started(startOurs(await stage.folder(where)))
    const files = await stage.folder(where)
    const bare = await stage.started(startBare(files, 64 * 1024))
    const wide = await stage.started(startBare(files, 1024 * 1024))
    const noApache = missing(APACHE)
    if (noApache) yield `Apache is not measured: ${noApache}`
    const apache = noApache ? [] : [await stage.started(startApache(await stage.folder(where)))]

    for (const peer of [ours, bare, ...apache]) await put(peer, 'small.bin', Buffer.alloc(SMALL, 'x'))
    yield {
      name: `GET of 4 KiB, ${CONNECTIONS} connections`,
      unit: '/s',
      sides: [ours, bare, ...apache].map((peer) => this.#wrk(peer, { method: 'GET', path: 'small.bin' })),
      target: { says: '≥ 60 % of bare', reached: ([a = 0, b = 0]) => a >= 0.6 * b },
    }
    yield this.#newFiles('in memory', [ours, ...apache])
    yield* this.#listings(ours, apache[0])
    yield* this.#large(ours, [bare, wide, ...apache], await stage.folder(where))
  }

  /** What is durable costs what the disk takes, so it is measured on one. */
  async *onDisk(): AsyncGenerator<Measurement | string> {
    const where = tmpdir()
    const stage = this.#stage
    const os = await stage.started(startOurs(await stage.folder(where)))
    const apache = missing(APACHE) ? [] : [await stage.started(startApache(await stage.folder(where)))]
    const full = await stage.started(startOurs(await stage.folder(where), { durability: 'full' }))
    yield this.#newFiles('on disk', [os, ...apache, full])
  }

  #newFiles(where: string, peers: readonly Peer[]): Measurement {
    const sides = peers.map((peer) => ({
      name: peer.name,
      run: async () => {
        const folder = `round${this.#round++}`
        await makeFolder(peer, folder)
        return this.#wrk(peer, { method: 'PUT', path: `${folder}/document-%d.bin`, body: SMALL }).run()
      },
    }))
    return {
      name: `PUT of a new file of 4 KiB, ${CONNECTIONS} connections, ${where}`,
      unit: '/s',
      sides,
      target: { says: 'ahead of Apache', reached: ([a = 0, b = 0]) => a > b },
    }
  }

  async *#listings(ours: Ours, apache: Peer | undefined): AsyncGenerator<Measurement> {
    const peers = apache ? [ours, apache] : [ours]
    const propfind = ['-X', 'PROPFIND', '-H', 'Depth: 1', '-d', FOUR_PROPERTIES]
    for (const peer of peers) await fillFolder(peer, 'listed', LISTED)
    let count = 0
    /** `ready` answers the folder to be listed. */
    const line = (when: string, ready: (peer: Peer) => Promise<string>): Measurement => ({
      name: `listing of ${LISTED.toLocaleString('en')} entries${when}`,
      unit: 'ms',
      sides: peers.map((peer) => ({
        name: peer === ours ? peer.name : `${peer.name}, PROPFIND of 4`,
        run: async () => {
          const folder = await ready(peer)
          await quiet()
          return 1000 * (await curl(peer, `${folder}/`, peer === ours ? [] : propfind))
        },
      })),
      target: { says: '< 40 ms', reached: ([a = 0]) => a < 40 },
    })
    yield line('', async () => 'listed')
    yield line(', after a change', async (peer) => {
      await put(peer, `listed/changed-${count++}`, Buffer.from('12345'))
      return 'listed'
    })
    yield line(', the first time', async (peer) => {
      const folder = `listed-${count++}`
      await fillFolder(peer, folder, LISTED)
      return folder
    })
  }

  async *#large(ours: Ours, others: readonly Peer[], folder: string): AsyncGenerator<Measurement> {
    const body = await localFile(folder, LARGE)
    const speed = (peer: Peer, more: readonly string[]): Side => ({
      name: peer.name,
      run: async () => LARGE / MB / (await curl(peer, 'large.bin', more)),
    })
    const target = { says: '≥ 80 % of bare', reached: ([a = 0, b = 0]: readonly number[]) => a >= 0.8 * b }
    const peers = [ours, ...others]
    const up = peers.map((peer) => speed(peer, ['-T', body]))
    yield { name: '100 MB up', unit: 'MB/s', sides: up, target }
    const down = peers.map((peer) => speed(peer, []))
    yield { name: '100 MB down', unit: 'MB/s', sides: down, target }
  }

  #wrk(peer: Peer, load: Omit<WrkLoad, 'connections' | 'seconds'>): Side {
    const all = { connections: CONNECTIONS, seconds: this.#seconds, ...load }
    return { name: peer.name, run: () => wrk(peer, all, this.#scratch) }
  }
}
