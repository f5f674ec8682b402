import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** What goes wrong with one request to S3. */
export type S3Fault =
  /** Refused with this status, nothing done. */
  | number
  /** The connection breaks before anything is done. */
  | 'refuse'
  /** It is done, and the connection breaks before the answer. */
  | 'lose-answer'
  /** The answer breaks off in the middle of its body. */
  | 'half-answer'
  /** Nothing is done, and no answer comes. */
  | 'stall'

/** Does it strike this request? `method` and `path` with its query, as they go over the wire. */
export type Strikes = (method: string, path: string) => boolean

/** Stands between clients and an S3 server and does it harm. Signatures hold, since they name the proxy as host. */
export class S3Proxy {
  readonly endpoint: string
  readonly #target: URL
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #plans: { strikes: Strikes; fault: S3Fault; left: number }[] = []
  /** Requests that were struck. */
  struck = 0

  private constructor(target: string, server: Server) {
    this.#target = new URL(target)
    this.#server = server
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket))
    })
    server.on('request', (req, res) => this.#serve(req, res))
    server.on('checkContinue', (req, res) => this.#serve(req, res))
  }

  static async start(target: string): Promise<S3Proxy> {
    const server = createServer({ keepAliveTimeout: 60_000 })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new S3Proxy(target, server)
  }

  /** The next `times` requests that `strikes` says yes to meet `fault`. */
  plan(strikes: Strikes, fault: S3Fault, times = 1): void {
    this.#plans.push({ strikes, fault, left: times })
  }

  /** From now on all goes well. */
  heal(): void {
    this.#plans = []
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #serve(req: IncomingMessage, res: ServerResponse): void {
    const plan = this.#plans.find(({ strikes }) => strikes(req.method ?? '', req.url ?? ''))
    if (plan && --plan.left === 0) this.#plans = this.#plans.filter((other) => other !== plan)
    if (plan) this.struck++
    const fault = plan?.fault
    if (fault === 'refuse') req.socket.destroy()
    else if (fault === 'stall') req.resume()
    else if (typeof fault === 'number') refuse(req, res, fault)
    else this.#forward(req, res, fault)
  }

  #forward(
    req: IncomingMessage,
    res: ServerResponse,
    fault: 'lose-answer' | 'half-answer' | undefined,
  ): void {
    const { method, url: path, headers } = req
    if (headers.expect !== undefined) res.writeContinue()
    const { hostname, port } = this.#target
    const onward = request({ hostname, port, method, path, headers }, (answer) => {
      if (fault === 'lose-answer') {
        answer.resume().on('end', () => req.socket.destroy())
        return
      }
      res.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
      if (fault === undefined) {
        answer.pipe(res)
        return
      }
      let left = Number(answer.headers['content-length'] ?? 2) / 2
      res.flushHeaders()
      answer.on('data', (chunk: Buffer) => {
        if (left > 0) res.write(chunk.subarray(0, Math.ceil(left)))
        left -= chunk.length
        if (left <= 0) setImmediate(() => req.socket.destroy())
      })
      // Without a body there is no middle of one: the connection ends behind the headers.
      answer.on('end', () => setImmediate(() => req.socket.destroy()))
    })
    onward.on('error', () => res.destroy())
    res.on('close', () => onward.destroy())
    req.pipe(onward)
  }
}

function refuse(req: IncomingMessage, res: ServerResponse, status: number): void {
  req.resume()
  const code = status === 503 ? 'SlowDown' : 'InternalError'
  res.writeHead(status, { 'content-type': 'application/xml' })
  res.end(
    req.method === 'HEAD'
      ? ''
      : `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`,
  )
}
