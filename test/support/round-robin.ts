import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Hands every request to the next of several servers, whatever connection it came on. */
export interface RoundRobin {
  readonly url: string
  stop(): Promise<void>
}

export async function roundRobin(targets: readonly string[]): Promise<RoundRobin> {
  const agent = new Agent({ keepAlive: true })
  let turn = 0
  const server = createServer((req, res) => {
    const { hostname, port } = new URL(targets[turn++ % targets.length] as string)
    const { method, headers, url: path } = req
    const onward = request({ agent, hostname, port, method, path, headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
      answer.pipe(res)
    })
    onward.on('continue', () => res.writeContinue())
    onward.on('error', () => res.destroy())
    req.pipe(onward)
  })
  server.on('checkContinue', (req, res) => server.emit('request', req, res))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      agent.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
