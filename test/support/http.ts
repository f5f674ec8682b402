import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { ExecutionContext } from 'ava'
import type { TestUser } from './server.js'

/** Asks for a path below a space's content, `path` as it stands in the URL. */
export function contentOf(user: TestUser, space: string) {
  const root = `/v1/code/spaces/${space}/content`
  const ask =
    (method: string) =>
    (path: string, init: Parameters<TestUser['fetch']>[1] = {}) =>
      user.fetch(path === '' || path.startsWith('?') ? root + path : `${root}/${path}`, { method, ...init })
  return {
    get: ask('GET'),
    head: ask('HEAD'),
    post: ask('POST'),
    put: ask('PUT'),
    patch: ask('PATCH'),
    delete: ask('DELETE'),
    options: ask('OPTIONS'),
    /** Names of the folder's rows. */
    names: async (path = '') => (await json(await ask('GET')(path))).map((row: { name: string }) => row.name),
    text: async (path: string) => (await ask('GET')(path)).text(),
  }
}

/** JSON of any shape: tests say what they expect of it. */
export function json(response: Response): ReturnType<typeof JSON.parse> {
  return response.json()
}

export function jsonBody(value: unknown, headers: Record<string, string> = {}): RequestInit {
  return { body: JSON.stringify(value), headers: { 'content-type': 'application/json', ...headers } }
}

/** The response has this status, is JSON, and its message holds the text, usually the offending input. */
export async function refuses(
  t: ExecutionContext,
  response: Response,
  status: number,
  ...texts: readonly string[]
): Promise<void> {
  const body = await response.text()
  t.is(response.status, status, body)
  t.regex(response.headers.get('content-type') ?? '', /^application\/json/)
  const { message } = JSON.parse(body)
  t.regex(message, /^\P{Ll}.*[.)]$/su, `a sentence: ${message}`)
  for (const text of texts) t.true(message.includes(text), `${message} should name ${text}`)
}

/** One connection, spoken to in raw bytes. */
export class Wire {
  readonly socket: Socket
  #received = ''
  #closed = false
  #wake = () => {}

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      this.#received += text
      this.#wake()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#closed = true
      this.#wake()
    })
  }

  static async open(port: number): Promise<Wire> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new Wire(socket)
  }

  send(bytes: string | Buffer): this {
    if (typeof bytes === 'string') this.socket.write(bytes, 'latin1')
    else this.socket.write(bytes)
    return this
  }

  /** All that was received until this matches. Rejects when the connection closes before. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.#received)) {
      if (this.#closed) throw new Error(`closed after: ${this.#received}`)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#received
  }

  /** All that was received until the server closed. */
  async untilClosed(): Promise<string> {
    while (!this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#received
  }

  close(): void {
    this.socket.destroy()
  }
}
