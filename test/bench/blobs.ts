/**
 * The local blob store behind a bare `node:http` server, beside the same server with plain Node streams and no hashing,
 * limits or notes: `node dist/test/bench/blobs.js [folder]`. Medians of rounds taken in turn; only the ratios count.
 */
import { execFile } from 'node:child_process'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm, unlink } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { argv, memoryUsage, stdout } from 'node:process'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { newBlobId } from '../../src/blobs/ids.js'
import { LocalBlobStore } from '../../src/blobs/local/store.js'

const MB = 1_000_000
const LARGE = 100 * MB
const SMALL = 4096
const SMALL_BLOBS = 200
const ROUNDS = 5
const NO_LIMIT = { limit: 1e12 }

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

const folder = await mkdtemp(join(argv[2] ?? tmpdir(), 'bench-blobs-'))
const open = async (name: string, durability: 'os' | 'full', cacheBytes = 16 * 1024 * 1024) => {
  const store = new LocalBlobStore(join(folder, name), { durability, cacheBytes })
  await store.open()
  return store
}
const os = await open('os', 'os')
const full = await open('full', 'full')
const uncached = await open('os', 'os', 0)

function* zeroes(bytes: number): Generator<Buffer> {
  const piece = Buffer.alloc(MB)
  for (let left = bytes; left > 0; left -= MB) yield piece.subarray(0, left)
}

async function stored(bytes: number): Promise<{ id: string; path: string }> {
  const { id } = await os.put('s1', Readable.from(zeroes(bytes)), NO_LIMIT)
  await os.settle('s1', id)
  return { id, path: join(folder, 'os', 'blobs', 's1', id.slice(0, 2), id) }
}

const large = await stored(LARGE)
const small: { id: string; path: string }[] = []
for (let n = 0; n < SMALL_BLOBS; n++) small.push(await stored(SMALL))
let turn = 0
const nextSmall = () => small[turn++ % SMALL_BLOBS] ?? large

const answer = (response: ServerResponse, bytes: number) =>
  response.writeHead(200, { 'content-length': bytes })

const getPlain =
  (which: () => { path: string }, bytes: number, highWaterMark?: number): Handler =>
  async (_request, response) => {
    answer(response, bytes)
    await pipeline(createReadStream(which().path, highWaterMark ? { highWaterMark } : {}), response)
  }
const putPlain =
  (thenWhat: 'keep' | 'unlink'): Handler =>
  async (request, response) => {
    const path = join(folder, newBlobId())
    await pipeline(request, createWriteStream(path))
    answer(response, 0).end()
    if (thenWhat === 'unlink') await unlink(path)
  }
const putInto =
  (store: LocalBlobStore, thenWhat: 'settle' | 'discard'): Handler =>
  async (request, response) => {
    const length = Number(request.headers['content-length'])
    const { id } = await store.put('s2', request, { ...NO_LIMIT, length })
    answer(response, 0).end()
    await store[thenWhat]('s2', id)
  }
const getStream: Handler = async (_request, response) => {
  const stream = await os.get('s1', large.id, { start: 0, end: LARGE - 1 })
  await pipeline(stream, answer(response, LARGE))
}
const readFrom =
  (store: LocalBlobStore): Handler =>
  async (_request, response) => {
    const bytes = await store.read('s1', nextSmall().id, { start: 0, end: SMALL - 1 })
    answer(response, SMALL).end(bytes)
  }

let handler: Handler = getStream
const server = createServer((request, response) => {
  handler(request, response).catch((error: unknown) => response.destroy(error as Error))
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
const loadScript = fileURLToPath(new URL('blobs-load.js', import.meta.url))

interface Load {
  readonly method: 'GET' | 'PUT'
  readonly bytes: number
  readonly connections: number
  readonly requests: number
}

async function seconds(by: Handler, load: Load): Promise<number> {
  handler = by
  const body = load.method === 'PUT' ? load.bytes : 0
  const args = [loadScript, url, load.method, body, load.connections, load.requests].map(String)
  return Number((await promisify(execFile)(process.execPath, args)).stdout)
}

/** Runs all contenders in turn, and prints each one's median beside the first one's. */
async function compare(what: string, load: Load, contenders: Record<string, Handler>): Promise<void> {
  const taken = new Map<string, number[]>(Object.keys(contenders).map((name) => [name, []]))
  for (let round = 0; round < ROUNDS; round++)
    for (const [name, by] of Object.entries(contenders)) taken.get(name)?.push(await seconds(by, load))
  stdout.write(`${what}\n`)
  let base: number | undefined
  for (const [name, times] of taken) {
    const median = times.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? Number.NaN
    const rate = load.requests / median
    base ??= rate
    const shown =
      load.bytes >= MB ? `${((rate * load.bytes) / MB).toFixed(0)} MB/s` : `${rate.toFixed(0)} requests/s`
    stdout.write(
      `  ${name.padEnd(34)} ${shown.padStart(16)} ${((100 * rate) / base).toFixed(0).padStart(5)} %\n`,
    )
  }
}

async function memoryOfUploads(count: number): Promise<void> {
  let peak = 0
  const watch = setInterval(() => {
    peak = Math.max(peak, memoryUsage.rss())
  }, 20)
  await seconds(putInto(os, 'discard'), { method: 'PUT', bytes: LARGE, connections: count, requests: count })
  clearInterval(watch)
  stdout.write(`${count} uploads of 100 MB at once: peak RSS ${(peak / MB).toFixed(0)} MB\n`)
}

try {
  await memoryOfUploads(50)
  const one = { bytes: LARGE, connections: 1, requests: 1 }
  await compare(
    'PUT 100 MB',
    { ...one, method: 'PUT' },
    {
      'plain pipeline, no hash': putPlain('unlink'),
      'store, durability os': putInto(os, 'discard'),
      'store, durability full': putInto(full, 'discard'),
    },
  )
  await compare(
    'GET 100 MB',
    { ...one, method: 'GET' },
    {
      createReadStream: getPlain(() => large, LARGE),
      'createReadStream, 1 MiB steps': getPlain(() => large, LARGE, 1024 * 1024),
      store: getStream,
    },
  )
  const many = { bytes: SMALL, connections: 16, requests: 20_000 }
  await compare(
    'GET 4 KiB, 16 connections',
    { ...many, method: 'GET' },
    {
      createReadStream: getPlain(nextSmall, SMALL),
      'store, uncached': readFrom(uncached),
      store: readFrom(os),
    },
  )
  await compare(
    'PUT new 4 KiB, 16 connections',
    { ...many, requests: 5000, method: 'PUT' },
    {
      'plain pipeline, no hash': putPlain('keep'),
      'store, durability os': putInto(os, 'settle'),
      'store, durability full': putInto(full, 'settle'),
    },
  )
} finally {
  server.close()
  for (const store of [os, full, uncached]) await store.close()
  await rm(folder, { recursive: true })
}
