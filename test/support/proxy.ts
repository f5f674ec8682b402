import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { commandWords, ValueReader } from './resp.js'

/** What goes wrong with one run of a script. */
export interface Fault {
  /** Resolves when it has happened: the client's connection is cut. */
  readonly happened: Promise<void>
  /**
   * Lets a request that was held back go on to Redis, as one that was long under way, and resolves with Redis' raw
   * answer. Only for `holdRequest`.
   */
  release(): Promise<Buffer>
}

interface Plan {
  readonly source: string
  readonly sha: string
  /** Runs of the script still to let pass. */
  skip: number
  readonly strike: (request: Buffer, link: Link) => void
}

type Strike = (request: Buffer, link: Link, happened: () => void) => void

interface Link {
  readonly client: Socket
  readonly upstream: Socket
  /** What to do with the next replies, in order. */
  readonly expected: ((reply: Buffer) => void)[]
}

/**
 * Stands between clients and a Redis, both on unix sockets, and loses on demand the answer or the request of a given script.
 * It understands just enough of the protocol to know which answer belongs to which request.
 */
export class RedisProxy {
  readonly socket: string
  readonly #folder: string
  readonly #target: string
  readonly #server: Server
  readonly #links = new Set<Link>()
  #plans: Plan[] = []

  private constructor(target: string) {
    this.#target = target
    this.#folder = mkdtempSync('/tmp/novem-proxy-')
    this.socket = join(this.#folder, 'proxy.sock')
    this.#server = createServer((client) => this.#serve(client))
  }

  static async start(target: string): Promise<RedisProxy> {
    const proxy = new RedisProxy(target)
    await new Promise<void>((resolve) => proxy.#server.listen(proxy.socket, resolve))
    return proxy
  }

  /**
   * Redis runs the script (`source`: its whole text), but its answer never arrives. `skip`: how often it passes first.
   * Several faults of one script strike one after another.
   */
  loseReply(source: string, skip = 0): Fault {
    const strike: Strike = (request, { client, upstream, expected }, happened) => {
      expected.push((reply) => {
        if (reply.toString('latin1').startsWith('-NOSCRIPT')) {
          // It has not run; the client sends its text next.
          this.#plans.unshift({
            source,
            sha: sha1(source),
            skip: 0,
            strike: (again, link) => strike(again, link, happened),
          })
          client.write(reply)
          return
        }
        client.destroy()
        happened()
      })
      upstream.write(request)
    }
    return this.#plan(source, skip, strike)
  }

  /** Nothing goes wrong; tells when the script's answer is on its way to the client. */
  passReply(source: string): Fault {
    return this.#plan(source, 0, (request, { client, upstream, expected }, happened) => {
      expected.push((reply) => {
        client.write(reply)
        happened()
      })
      upstream.write(request)
    })
  }

  /** The request for the script does not arrive either, until it is released: after the client's retry, say. */
  holdRequest(source: string, skip = 0): Fault {
    let held: Buffer | undefined
    const fault = this.#plan(source, skip, (request, { client }, happened) => {
      held = request
      client.destroy()
      happened()
    })
    return { happened: fault.happened, release: () => this.#send(held as Buffer) }
  }

  async stop(): Promise<void> {
    for (const { client, upstream } of this.#links) {
      client.destroy()
      upstream.destroy()
    }
    await new Promise((resolve) => this.#server.close(resolve))
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #plan(source: string, skip: number, strike: Strike): Fault {
    const sha = sha1(source)
    const happened = new Promise<void>((resolve) => {
      this.#plans.push({ source, sha, skip, strike: (request, link) => strike(request, link, resolve) })
    })
    const release = () => Promise.reject(new Error('this fault holds no request back'))
    return { happened, release }
  }

  #serve(client: Socket): void {
    const upstream = connect(this.#target)
    const link: Link = { client, upstream, expected: [] }
    this.#links.add(link)
    const end = () => {
      client.destroy()
      upstream.destroy()
      this.#links.delete(link)
    }
    for (const side of [client, upstream]) side.on('error', end).on('close', end)
    const requests = new ValueReader()
    client.on('data', (data: Buffer) => {
      for (const request of requests.push(data)) this.#forward(request, link)
    })
    const replies = new ValueReader()
    upstream.on('data', (data: Buffer) => {
      for (const reply of replies.push(data)) {
        link.expected.shift()?.(reply)
      }
    })
  }

  #forward(request: Buffer, link: Link): void {
    if (link.client.destroyed) return
    const [name = '', script = ''] = commandWords(request, 2)
    // ioredis sends the whole text where a connection has not seen the script yet.
    const plan = this.#plans.find(({ source, sha }) =>
      /^eval$/i.test(name) ? script === source : /^evalsha$/i.test(name) && script === sha,
    )
    if (plan && plan.skip-- === 0) {
      this.#plans = this.#plans.filter((other) => other !== plan)
      plan.strike(request, link)
      return
    }
    link.expected.push((reply) => link.client.write(reply))
    link.upstream.write(request)
  }

  #send(request: Buffer): Promise<Buffer> {
    const replies = new ValueReader()
    return new Promise((resolve, reject) => {
      const upstream = connect(this.#target, () => upstream.write(request))
      upstream.on('error', reject).on('data', (data: Buffer) => {
        const [reply] = replies.push(data)
        if (!reply) return
        upstream.destroy()
        resolve(reply)
      })
    })
  }
}

function sha1(source: string): string {
  return createHash('sha1').update(source).digest('hex')
}
