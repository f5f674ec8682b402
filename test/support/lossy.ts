import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'

/** A way to Redis that can lose an answer: the command ran, the connection is gone, nobody was told. */
export interface LossyPath {
  /** Connect here instead. */
  readonly socket: string
  /** The next script that runs loses its answer. Resolves when that has happened. */
  loseNextReply(): Promise<void>
  close(): Promise<void>
}

/** Stands between a client and the Redis at `target`, both unix sockets. */
export async function lossyPath(target: string): Promise<LossyPath> {
  const folder = mkdtempSync('/tmp/novem-lossy-')
  const socket = join(folder, 'lossy.sock')
  const sockets = new Set<Socket>()
  let lost: (() => void) | undefined

  const server = createServer((client) => {
    const upstream = connect(target)
    let scriptIsRunning = false
    const end = () => {
      client.destroy()
      upstream.destroy()
    }
    for (const side of [client, upstream]) {
      sockets.add(side)
      side.on('error', end).on('close', () => {
        sockets.delete(side)
        end()
      })
    }
    client.on('data', (data) => {
      if (/EVAL(?:SHA)?\r\n/i.test(data.toString('latin1'))) scriptIsRunning = true
      upstream.write(data)
    })
    upstream.on('data', (data) => {
      // A script that Redis does not know yet has not run: ioredis sends it whole next.
      if (lost && scriptIsRunning && !data.toString('latin1').startsWith('-NOSCRIPT')) {
        lost()
        lost = undefined
        end()
        return
      }
      client.write(data)
    })
  })
  await new Promise<void>((resolve) => server.listen(socket, resolve))

  return {
    socket,
    loseNextReply: () =>
      new Promise((resolve) => {
        lost = resolve
      }),
    close: async () => {
      for (const open of sockets) open.destroy()
      await new Promise((resolve) => server.close(resolve))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
