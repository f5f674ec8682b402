import { execFile } from 'node:child_process'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm, unlink } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryUsage } from 'node:process'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { newBlobId } from '../../src/blobs/ids.js'
import { LocalBlobStore } from '../../src/blobs/local/store.js'
import type { Group } from './group.js'
import type { Measurement, Side } from './measure.js'

/**
 * The local blob store behind a bare `node:http` server, beside the same server with plain Node streams and no hashing,
 * limits or notes. The load comes from another process; files are in TMPDIR.
 */

const MB = 1_000_000
const LARGE = 100 * MB
const SMALL = 4096
const SMALL_BLOBS = 200
const SMALL_GETS = 20_000
const SMALL_PUTS = 5000
const CONNECTIONS = 16
const UPLOADS_AT_ONCE = 50
const NO_LIMIT = { limit: 1e12 }

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

interface Load {
  readonly method: 'GET' | 'PUT'
  readonly bytes: number
  readonly connections: number
  readonly requests: number
}

export const blobs: Group = async function* ({ quick }) {
  const bench = await Bench.start()
  try {
    if (!quick) yield await bench.memoryOfUploads()
    yield* bench.measurements()
  } finally {
    await bench.stop()
  }
}

function* zeroes(bytes: number): Generator<Buffer> {
  const piece = Buffer.alloc(MB)
  for (let left = bytes; left > 0; left -= MB) yield piece.subarray(0, left)
}

const answer = (response: ServerResponse, bytes: number) =>
  response.writeHead(200, { 'content-length': bytes })

class Bench {
  readonly #folder: string
  readonly #os: LocalBlobStore
  readonly #full: LocalBlobStore
  readonly #uncached: LocalBlobStore
  readonly #server = createServer((request, response) => {
    this.#handler(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  readonly #small: string[] = []
  #large = ''
  #turn = 0
  #handler: Handler = async () => {}

  private constructor(folder: string) {
    this.#folder = folder
    const os = join(folder, 'os')
    this.#os = new LocalBlobStore(os, { durability: 'os' })
    this.#uncached = new LocalBlobStore(os, { durability: 'os', cacheBytes: 0 })
    this.#full = new LocalBlobStore(join(folder, 'full'), { durability: 'full' })
  }

  static async start(): Promise<Bench> {
    const bench = new Bench(await mkdtemp(join(tmpdir(), 'bench-blobs-')))
    for (const store of bench.#stores) await store.open()
    await new Promise<void>((resolve) => bench.#server.listen(0, '127.0.0.1', resolve))
    bench.#large = await bench.#stored(LARGE)
    for (let n = 0; n < SMALL_BLOBS; n++) bench.#small.push(await bench.#stored(SMALL))
    return bench
  }

  async stop(): Promise<void> {
    this.#server.close()
    for (const store of this.#stores) await store.close()
    await rm(this.#folder, { recursive: true })
  }

  get #stores() {
    return [this.#os, this.#full, this.#uncached]
  }

  *measurements(): Generator<Measurement> {
    const one = { bytes: LARGE, connections: 1, requests: 1 }
    const put = { ...one, method: 'PUT' } as const
    yield {
      name: '100 MB up',
      unit: 'MB/s',
      target: {
        says: '≥ 80 % of a plain pipeline',
        reached: ([ours = 0, , plain = 0]) => ours >= 0.8 * plain,
      },
      sides: [
        this.#side('store, durability os', put, this.#putInto(this.#os, 'discard')),
        this.#side('store, durability full', put, this.#putInto(this.#full, 'discard')),
        this.#side('plain pipeline, no hash', put, this.#putPlain('unlink')),
      ],
    }
    const get = { ...one, method: 'GET' } as const
    const large = () => this.#large
    yield {
      name: '100 MB down',
      unit: 'MB/s',
      target: { says: '≥ 80 % of a plain stream', reached: ([ours = 0, plain = 0]) => ours >= 0.8 * plain },
      sides: [
        this.#side('store', get, this.#getStream()),
        this.#side('createReadStream', get, this.#getPlain(large, LARGE)),
        this.#side('createReadStream, 1 MiB', get, this.#getPlain(large, LARGE, 1024 * 1024)),
      ],
    }
    const many = { bytes: SMALL, connections: CONNECTIONS }
    const gets = { ...many, method: 'GET', requests: SMALL_GETS } as const
    yield {
      name: 'reads of 4 KiB',
      unit: '/s',
      sides: [
        this.#side('store', gets, this.#readFrom(this.#os)),
        this.#side('store, uncached', gets, this.#readFrom(this.#uncached)),
        this.#side('createReadStream', gets, this.#getPlain(this.#nextSmall, SMALL)),
      ],
    }
    const puts = { ...many, method: 'PUT', requests: SMALL_PUTS } as const
    yield {
      name: 'new files of 4 KiB',
      unit: '/s',
      sides: [
        this.#side('store, durability os', puts, this.#putInto(this.#os, 'settle')),
        this.#side('store, durability full', puts, this.#putInto(this.#full, 'settle')),
        this.#side('plain pipeline, no hash', puts, this.#putPlain('keep')),
      ],
    }
  }

  async memoryOfUploads(): Promise<string> {
    const before = memoryUsage.rss()
    let peak = before
    const watch = setInterval(() => {
      peak = Math.max(peak, memoryUsage.rss())
    }, 20)
    const count = UPLOADS_AT_ONCE
    const load = { method: 'PUT', bytes: LARGE, connections: count, requests: count } as const
    await this.#seconds(load, this.#putInto(this.#os, 'discard'))
    clearInterval(watch)
    const mb = (bytes: number) => (bytes / MB).toFixed(0)
    return `${count} uploads of 100 MB at once: RSS ${mb(before)} MB before, ${mb(peak)} MB at its peak`
  }

  #side(name: string, load: Load, handler: Handler): Side {
    const work = load.bytes >= MB ? (load.requests * load.bytes) / MB : load.requests
    return { name, run: async () => work / (await this.#seconds(load, handler)) }
  }

  async #seconds(load: Load, handler: Handler): Promise<number> {
    this.#handler = handler
    const { port } = this.#server.address() as AddressInfo
    const script = fileURLToPath(new URL('blobs-load.js', import.meta.url))
    const body = load.method === 'PUT' ? load.bytes : 0
    const args = [script, `http://127.0.0.1:${port}/`, load.method, body, load.connections, load.requests]
    return Number((await promisify(execFile)(process.execPath, args.map(String))).stdout)
  }

  async #stored(bytes: number): Promise<string> {
    const { id } = await this.#os.put('s1', Readable.from(zeroes(bytes)), NO_LIMIT)
    await this.#os.settle('s1', id)
    // A file with the same bytes, for who reads without a store.
    await pipeline(await this.#os.get('s1', id), createWriteStream(join(this.#folder, id)))
    return id
  }

  readonly #nextSmall = () => this.#small[this.#turn++ % SMALL_BLOBS] as string

  #getPlain(which: () => string, bytes: number, highWaterMark = 64 * 1024): Handler {
    return async (_request, response) => {
      const path = join(this.#folder, which())
      await pipeline(createReadStream(path, { highWaterMark }), answer(response, bytes))
    }
  }

  #getStream(): Handler {
    return async (_request, response) => {
      const stream = await this.#os.get('s1', this.#large, { start: 0, end: LARGE - 1 })
      await pipeline(stream, answer(response, LARGE))
    }
  }

  #readFrom(store: LocalBlobStore): Handler {
    return async (_request, response) => {
      const bytes = await store.read('s1', this.#nextSmall(), { start: 0, end: SMALL - 1 })
      answer(response, SMALL).end(bytes)
    }
  }

  #putPlain(thenWhat: 'keep' | 'unlink'): Handler {
    return async (request, response) => {
      const path = join(this.#folder, newBlobId())
      await pipeline(request, createWriteStream(path))
      answer(response, 0).end()
      if (thenWhat === 'unlink') await unlink(path)
    }
  }

  #putInto(store: LocalBlobStore, thenWhat: 'settle' | 'discard'): Handler {
    return async (request, response) => {
      const length = Number(request.headers['content-length'])
      const { id } = await store.put('s2', request, { ...NO_LIMIT, length })
      answer(response, 0).end()
      await store[thenWhat]('s2', id)
    }
  }
}
