/**
 * Clients of the journal in a process of their own: `node clients.js <url of a space> <token> <how many>`. Each waits by a long
 * poll on a connection of its own. Says `waiting` once all have asked; writes a file when it is told anything on stdin;
 * then prints, as JSON, after how many milliseconds each of them had heard of it, in order, and ends.
 */
import { connect, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { argv, exit, stdin, stdout } from 'node:process'

/** Connections that are made at a time. */
const WIDTH = 100

const [address = '', token = '', count = '1'] = argv.slice(2)
const { hostname, port, pathname } = new URL(address)
const headers = `Host: ${hostname}\r\nAuthorization: Bearer ${token}\r\n`
const latest = await fetch(`${address}/changes?since=0&limit=1`, {
  headers: { Authorization: `Bearer ${token}` },
})
const { latest_seq: since } = (await latest.json()) as { latest_seq: number }
const poll = `GET ${pathname}/changes?since=${since}&wait=60 HTTP/1.1\r\n${headers}\r\n`

let written = 0
const heard: number[] = []

function waiting(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    socket.on('error', reject)
    socket.once('data', () => {
      heard.push(performance.now() - written)
      if (heard.length === Number(count)) {
        stdout.write(JSON.stringify(heard))
        exit()
      }
    })
    socket.once('connect', () => socket.write(poll, () => resolve(socket)))
  })
}

let left = Number(count)
await Promise.all(
  Array.from({ length: WIDTH }, async () => {
    while (left-- > 0) await waiting()
  }),
)
stdout.write('waiting\n')
stdin.once('data', async () => {
  const answer = fetch(`${address}/content/news.txt`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}` },
    body: 'x',
  })
  written = performance.now()
  await answer
})
