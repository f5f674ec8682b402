/**
 * Load generator of the blob benchmark, in a process of its own: `node blobs-load.js <url> <method> <body bytes>
 * <connections> <requests in all>`. Prints the seconds it took.
 */
import { Agent, request } from 'node:http'
import { argv, hrtime, stdout } from 'node:process'

const [url = '', method = 'GET', bodyBytes = '0', connections = '1', requests = '1'] = argv.slice(2)
const agent = new Agent({ keepAlive: true, maxSockets: Number(connections) })
const size = Number(bodyBytes)
const piece = Buffer.alloc(Math.min(size, 64 * 1024), 'x')
let left = Number(requests)

function once(): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = size > 0 ? { 'content-length': size } : {}
    const outgoing = request(url, { agent, method, headers }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`${url} answered ${answer.statusCode}.`))
      answer.resume().on('end', resolve)
    })
    outgoing.on('error', reject)
    let sent = 0
    const feed = () => {
      while (sent < size) {
        const part = piece.subarray(0, Math.min(piece.length, size - sent))
        sent += part.length
        if (!outgoing.write(part)) {
          outgoing.once('drain', feed)
          return
        }
      }
      outgoing.end()
    }
    feed()
  })
}

async function connection(): Promise<void> {
  while (left-- > 0) await once()
}

const began = hrtime.bigint()
await Promise.all(Array.from({ length: Number(connections) }, connection))
stdout.write(String(Number(hrtime.bigint() - began) / 1e9))
agent.destroy()
