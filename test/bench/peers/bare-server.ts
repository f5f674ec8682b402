/**
 * The least that Node can do, in a process of its own: `node bare-server.js <folder> [<bytes a read>]`. GET streams a file of
 * the folder, PUT streams into one. No tree, no names, no checks, no hash. Prints its address.
 */
import { createReadStream, createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, join } from 'node:path'
import { argv, stdout } from 'node:process'
import { pipeline } from 'node:stream/promises'

const [folder = '', chunk = '65536'] = argv.slice(2)
const highWaterMark = Number(chunk)

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = join(folder, basename(request.url ?? ''))
  if (request.method === 'PUT') {
    await pipeline(request, createWriteStream(path, { highWaterMark }))
    response.writeHead(201, { 'content-length': 0 }).end()
    return
  }
  const { size } = await stat(path)
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': size })
  await pipeline(createReadStream(path, { highWaterMark }), response)
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => response.destroy(error as Error))
})
server.listen(0, '127.0.0.1', () => {
  stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}/\n`)
})
