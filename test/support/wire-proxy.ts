import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** Stands between a client and its server, and makes the network fail. */
export class WireProxy {
  readonly #target: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #lose: (() => void) | undefined
  #left = Number.POSITIVE_INFINITY
  #stalled = false
  #late: { readonly ms: () => number; readonly from: string } | undefined

  private constructor(target: number) {
    this.#target = target
    this.#server = createServer((client) => this.#serve(client))
  }

  /** `target`: port of the server. */
  static async start(target: number): Promise<WireProxy> {
    const proxy = new WireProxy(target)
    await proxy.listen(0)
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve) => this.#server.listen(port, '127.0.0.1', resolve))
  }

  /** The server gets the next request and answers, but no answer arrives: the connection is cut. Resolves when it has happened. */
  loseNextAnswer(): Promise<void> {
    return new Promise((resolve) => {
      this.#lose = resolve
    })
  }

  /** The connection that carries the last of so many bytes from the server is cut there. */
  cutAfter(bytes: number): void {
    this.#left = bytes
  }

  /** What the server says arrives so much later, asked for each connection: from the answer on that holds `from`. */
  delay(ms: () => number, from = ''): void {
    this.#late = { ms, from }
  }

  /** Nothing passes any more, and nobody is told. */
  stall(): void {
    this.#stalled = true
  }

  /** Connections end, and new ones are refused until `listen`. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  #serve(client: Socket): void {
    const server = connect(this.#target, '127.0.0.1')
    const end = () => {
      client.destroy()
      server.destroy()
    }
    for (const side of [client, server]) {
      this.#sockets.add(side)
      side.on('error', end).on('close', () => {
        this.#sockets.delete(side)
        end()
      })
    }
    client.on('data', (data) => {
      if (!this.#stalled) server.write(data)
    })
    let lateMs = 0
    server.on('data', (data) => {
      if (this.#stalled) return
      if (lateMs === 0 && this.#late && data.includes(this.#late.from)) lateMs = this.#late.ms()
      if (lateMs > 0) {
        setTimeout(() => client.write(data), lateMs)
        return
      }
      const lost = this.#lose
      this.#left -= data.length
      if (!lost && this.#left > 0) {
        client.write(data)
        return
      }
      this.#lose = undefined
      this.#left = Number.POSITIVE_INFINITY
      end()
      lost?.()
    })
  }
}
