import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'

/** A long way to the Redis at `target`, a unix socket: what is sent, and what comes back, takes `milliseconds` together. */
export async function slowPath(
  target: string,
  milliseconds: number,
): Promise<{ readonly socket: string; stop(): Promise<void> }> {
  const folder = mkdtempSync('/tmp/novem-slow-')
  const socket = join(folder, 'slow.sock')
  const open = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(target)
    for (const [side, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(side)
      side.on('data', (data) => setTimeout(() => other.write(data), milliseconds / 2))
      side.on('error', () => {})
      side.on('close', () => {
        open.delete(side)
        other.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  return {
    socket,
    stop: async () => {
      for (const side of open) side.destroy()
      await new Promise((resolve) => server.close(resolve))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
