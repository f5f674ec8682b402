/** `node bare-forms.js <folder>`: writes each part of a form that is sent into a file of the folder. Prints its address. */
import { createWriteStream } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { argv, stdout } from 'node:process'
import { Dicer } from '@fastify/busboy'
import { boundaryOf } from '../../../src/http/storage/form.js'

const [folder = ''] = argv.slice(2)
let parts = 0

const server = createServer((request, response) => {
  const parser = new Dicer({ boundary: boundaryOf(request.headers['content-type'] ?? '') })
  const written: Promise<void>[] = []
  parser.on('part', (part) => {
    const file = createWriteStream(join(folder, `part${parts++ % 10}`), { highWaterMark: 1024 * 1024 })
    written.push(new Promise((resolve) => part.pipe(file).on('finish', resolve)))
  })
  parser.on('finish', () => Promise.all(written).then(() => response.end()))
  request.pipe(parser)
})
server.listen(0, '127.0.0.1', () => {
  stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}/\n`)
})
