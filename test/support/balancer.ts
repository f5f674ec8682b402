import { connect, createServer, type Socket } from 'node:net'

/** Hands each connection to the next of several servers, byte for byte. (`roundRobin` does so with each request.) */
export interface Balancer {
  readonly port: number
  /** No new connections. */
  refuse(): void
  /** Cuts off what is left. */
  stop(): Promise<void>
}

export async function balancer(ports: readonly number[]): Promise<Balancer> {
  const open = new Set<Socket>()
  let turn = 0
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({
      port: ports[turn++ % ports.length] as number,
      host: '127.0.0.1',
      allowHalfOpen: true,
    })
    for (const [side, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(side)
      side.setNoDelay(true)
      side.on('error', () => other.destroy())
      side.on('close', (hadError) => {
        open.delete(side)
        if (hadError) other.resetAndDestroy()
        else if (!side.readableEnded) other.destroy()
      })
      side.pipe(other)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as { port: number }).port,
    refuse: () => {
      server.close()
    },
    stop: async () => {
      for (const socket of open) socket.destroy()
      if (server.listening) server.close()
    },
  }
}
