import { existsSync } from 'node:fs'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Group } from './group.js'
import { startApache } from './http/apache.js'
import { startBare } from './http/bare.js'
import { curl } from './http/curl.js'
import { type Ours, startOurs } from './http/ours.js'
import type { Peer } from './http/peer.js'
import { APACHE, CURL, missing, WRK } from './http/tools.js'
import { uploadsAtOnce } from './http/uploads.js'
import { wrk } from './http/wrk.js'
import type { Measurement, Side } from './measure.js'

/**
 * Our server, as an operator runs it, beside a bare `node:http` server and Apache with mod_dav, all on loopback and on the
 * same file system: memory (/dev/shm) where there is one, and the disk of TMPDIR where said.
 */

const SMALL = 4096
const LARGE = 100_000_000
const LISTED = 10_000
const CONNECTIONS = 16

export const http: Group = async function* ({ quick }) {
  const bench = new Bench(quick)
  try {
    const absent = [WRK, CURL].map(missing).filter((why) => why !== undefined)
    if (absent.length > 0) {
      yield `nothing measured: ${absent.join('; ')}`
      return
    }
    yield* bench.inMemory()
    yield* bench.onDisk()
  } finally {
    await bench.end()
  }
}

/** Folders and servers of one run. */
class Bench {
  readonly #folders: string[] = []
  readonly #peers: Peer[] = []
  readonly #seconds: number
  readonly #quick: boolean
  #round = 0

  constructor(quick: boolean) {
    this.#quick = quick
    this.#seconds = quick ? 1 : 3
  }

  async end(): Promise<void> {
    for (const peer of this.#peers) await peer.end()
    for (const folder of this.#folders) await rm(folder, { recursive: true, force: true })
  }

  async *inMemory(): AsyncGenerator<Measurement | string> {
    const where = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
    const ours = await this.#started(startOurs(await this.#folder(where), 'os', where))
    const files = await this.#folder(where)
    const bare = await this.#started(startBare(files, 64 * 1024))
    const wide = await this.#started(startBare(files, 1024 * 1024))
    const noApache = missing(APACHE)
    if (noApache) yield `Apache is not measured: ${noApache}`
    const apache = noApache ? [] : [await this.#started(startApache(await this.#folder(where), where))]

    for (const peer of [ours, bare, ...apache]) await put(peer, 'small.bin', Buffer.alloc(SMALL, 'x'))
    yield {
      name: `GET of 4 KiB, ${CONNECTIONS} connections`,
      unit: '/s',
      sides: [ours, bare, ...apache].map((peer) => this.#wrk(peer, { get: 'small.bin' })),
      target: { says: '≥ 60 % of bare', reached: ([a = 0, b = 0]) => a >= 0.6 * b },
    }
    yield this.#newFiles([ours, ...apache])
    yield await this.#listing(ours, apache[0])
    yield* this.#large(ours, [bare, wide, ...apache], await this.#folder(where))
  }

  /** What is durable costs what the disk takes, so it is measured on one. */
  async *onDisk(): AsyncGenerator<Measurement | string> {
    const where = tmpdir()
    const os = await this.#started(startOurs(await this.#folder(where), 'os', where))
    const apache = missing(APACHE) ? [] : [await this.#started(startApache(await this.#folder(where), where))]
    const full = await this.#started(startOurs(await this.#folder(where), 'full', where))
    yield this.#newFiles([os, ...apache, full])
    if (this.#quick) return
    const folder = await this.#folder(where)
    yield await uploadsAtOnce(os, await largeFile(folder), folder)
  }

  #newFiles(peers: readonly Peer[]): Measurement {
    const sides = peers.map((peer) => ({
      name: peer.name,
      run: async () => {
        const folder = `round${this.#round++}`
        await makeFolder(peer, folder)
        return this.#wrk(peer, { put: { folder, bytes: SMALL } }).run()
      },
    }))
    return {
      name: `PUT of a new file of 4 KiB, ${CONNECTIONS} connections`,
      unit: '/s',
      sides,
      target: { says: 'ahead of Apache', reached: ([a = 0, b = 0]) => a > b },
    }
  }

  async #listing(ours: Ours, apache: Peer | undefined): Promise<Measurement> {
    const milliseconds = (peer: Peer, more: readonly string[] = []): Side => ({
      name: more.length === 0 ? peer.name : `${peer.name}, PROPFIND of 4`,
      run: async () => 1000 * (await curl(peer, 'listed/', more)),
    })
    const four = ['getlastmodified', 'getcontentlength', 'resourcetype', 'getetag']
    const asked = `<propfind xmlns="DAV:"><prop>${four.map((name) => `<${name}/>`).join('')}</prop></propfind>`
    const propfind = ['-X', 'PROPFIND', '-H', 'Depth: 1', '-d', asked]
    for (const peer of apache ? [ours, apache] : [ours]) await putMany(peer, 'listed', LISTED)
    return {
      name: `listing of ${LISTED.toLocaleString('en')} entries`,
      unit: 'ms',
      sides: [milliseconds(ours), ...(apache ? [milliseconds(apache, propfind)] : [])],
      target: { says: '< 40 ms', reached: ([a = 0]) => a < 40 },
    }
  }

  async *#large(ours: Ours, others: readonly Peer[], folder: string): AsyncGenerator<Measurement> {
    const body = await largeFile(folder)
    const speed = (peer: Peer, more: readonly string[]): Side => ({
      name: peer.name,
      run: async () => LARGE / 1e6 / (await curl(peer, 'large.bin', more)),
    })
    const target = { says: '≥ 80 % of bare', reached: ([a = 0, b = 0]: readonly number[]) => a >= 0.8 * b }
    const peers = [ours, ...others]
    const up = peers.map((peer) => speed(peer, ['-T', body]))
    yield { name: '100 MB up', unit: 'MB/s', sides: up, target }
    const down = peers.map((peer) => speed(peer, []))
    yield { name: '100 MB down', unit: 'MB/s', sides: down, target }
  }

  #wrk(peer: Peer, load: Pick<Parameters<typeof wrk>[1], 'get' | 'put'>): Side {
    const all = { connections: CONNECTIONS, seconds: this.#seconds, ...load }
    return { name: peer.name, run: () => wrk(peer, all, this.#folders[0] as string) }
  }

  async #folder(where: string): Promise<string> {
    const folder = await mkdtemp(join(where, 'novem-bench-'))
    this.#folders.push(folder)
    return folder
  }

  async #started<P extends Peer>(starting: Promise<P>): Promise<P> {
    const peer = await starting
    this.#peers.push(peer)
    return peer
  }
}

async function put(peer: Peer, path: string, body: Buffer): Promise<void> {
  const headers = { ...peer.headers, 'Content-Type': 'application/octet-stream' }
  const answer = await fetch(peer.base + path, { method: 'PUT', headers, body: new Uint8Array(body) })
  if (!answer.ok) throw new Error(`${peer.name} answered PUT ${path} with ${answer.status}.`)
  await answer.arrayBuffer()
}

/** Ours makes folders by PUT with a slash, WebDAV by MKCOL. */
async function makeFolder(peer: Peer, folder: string): Promise<void> {
  const method = peer.headers.Authorization === undefined ? 'MKCOL' : 'PUT'
  const answer = await fetch(`${peer.base}${folder}/`, { method, headers: peer.headers })
  if (!answer.ok) throw new Error(`${peer.name} answered ${method} ${folder}/ with ${answer.status}.`)
}

async function putMany(peer: Peer, folder: string, count: number): Promise<void> {
  await makeFolder(peer, folder)
  let next = 0
  const lane = async () => {
    while (next < count)
      await put(peer, `${folder}/document-${String(next++).padStart(7, '0')}.txt`, Buffer.from('12345'))
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, lane))
}

async function largeFile(folder: string): Promise<string> {
  const path = join(folder, 'large.bin')
  const piece = Buffer.alloc(1_000_000, 'x')
  const file = await open(path, 'a')
  for (let written = 0; written < LARGE; written += piece.length) await file.write(piece)
  await file.close()
  return path
}
