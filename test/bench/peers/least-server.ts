/**
 * The least that a server like ours must do on this runtime, in a process of its own: `node least-server.js <folder> [<Redis socket> [2]]`,
 * or in two on one port.
 * No tree, no names, no rights, no hash. Reading answers 4 KiB from memory, or as many bytes as `/large/<bytes>` says; PUT writes a file of the folder under a name of its own
 * and gives it its name, everything else changes nothing. With Redis, each request asks it what ours must ask: once where it reads, and
 * twice, one after the other, where it writes (who is it; then the change), by the shortest commands there are. Prints its address.
 */
import cluster from 'node:cluster'
import { createWriteStream } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { argv, pid, stdout } from 'node:process'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Redis } from 'ioredis'

const [folder = '', socket, workers = '1'] = argv.slice(2)
const shares = Number(workers) > 1 && cluster.isPrimary
const redis = socket === undefined || shares ? undefined : new Redis(socket)
const content = Buffer.alloc(4096, 'x')
const type = { 'content-type': 'application/octet-stream' }
const LARGE = 1024 * 1024
let last = 0

function* zeroes(bytes: number): Generator<Buffer, void> {
  const piece = Buffer.alloc(LARGE)
  for (let left = bytes; left > 0; left -= LARGE) yield piece.subarray(0, left)
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method } = request
  const asked = redis?.get('caller')
  if (method === 'GET' || method === 'PROPFIND') {
    await asked
    const large = /^\/large\/(\d+)$/.exec(request.url ?? '')
    response.writeHead(200, { ...type, 'content-length': large?.[1] ?? content.length })
    if (large) await pipeline(Readable.from(zeroes(Number(large[1]))), response)
    else response.end(content)
    return
  }
  const path = join(folder, `${pid}-${++last}`)
  const isLarge = Number(request.headers['content-length']) > LARGE
  const chunks: Buffer[] = []
  if (isLarge) await pipeline(request, createWriteStream(`${path}.new`, { highWaterMark: LARGE }))
  else for await (const chunk of request) chunks.push(chunk as Buffer)
  await asked
  if (method === 'PUT') {
    if (!isLarge) await writeFile(`${path}.new`, chunks)
    await rename(`${path}.new`, path)
  }
  await redis?.set('entry', 'x')
  response.writeHead(201, { 'content-length': 0 }).end()
}

function serve(): void {
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  server.listen(0, '127.0.0.1', () => say((server.address() as AddressInfo).port))
}

function say(port: number): void {
  if (cluster.isWorker) process.send?.(port)
  else stdout.write(`http://127.0.0.1:${port}/\n`)
}

/** All listen on the port that the first was given. */
function share(): void {
  let listening = 0
  cluster.on('message', (_worker, port: number) => {
    if (++listening === Number(workers)) say(port)
  })
  for (let n = 0; n < Number(workers); n++) cluster.fork()
}

if (shares) share()
else serve()
