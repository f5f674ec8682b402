/**
 * Connections for what a mount reads most, long stretches of files. The bytes of an answer come into one buffer of its connection, and are taken
 * from there. undici, which does everything else here, copies each piece and makes several objects of it: a cold read of 90 MB took
 * 438 ms with it, and takes 224 so (mount/README.md). Only what is plainly the range that was asked for is understood here.
 */
import type { Take } from '../volume.js'
import { RangeConnection } from './range-connection.js'

/** undici's. */
const IDLE_MS = 4000
/** Each holds its buffer. */
const MOST_IDLE = 8

export interface RangeRequest {
  readonly path: string
  /** Names and values in turn. */
  readonly headers: readonly string[]
  /** Of the range: its first byte. */
  readonly start: number
  readonly signal?: AbortSignal | undefined
}

export class RangeConnections {
  readonly #open = new Set<RangeConnection>()
  #idle: RangeConnection[] = []

  /** `origin`: http or https. */
  constructor(
    private readonly origin: URL,
    private readonly patience: { readonly connectMs: number; readonly answerMs: number },
  ) {}

  /**
   * `take` gets the bytes as they come, and has each piece until it returns; false ends it early. Answers false where nothing was taken since the
   * answer is another one, for a library to ask again. `take` raises nothing.
   * Rejects where the connection breaks off or the signal aborts.
   */
  async read({ path, headers, start, signal }: RangeRequest, take: Take): Promise<boolean> {
    // A line break within a value would be another field; the library says what is wrong with it.
    if (!/^[\x21-\x7e]+$/.test(path) || !headers.every((text) => /^[\x20-\x7e]*$/.test(text))) return false
    const text = `GET ${path} HTTP/1.1\r\nhost: ${this.origin.host}\r\n${linesOf(headers)}\r\n`
    let isBegun = false
    const taking = (bytes: Buffer) => {
      isBegun = true
      return take(bytes)
    }
    for (;;) {
      if (signal?.aborted) throw new Error('it was given up')
      const used = this.#idle.pop()
      try {
        return (await this.#once(used ?? this.#connect(), text, start, taking, signal)) === 'done'
      } catch (error) {
        // The server has let go of it since it was last used.
        if (!used || isBegun || signal?.aborted) throw error
      }
    }
  }

  /** What is under way rejects. */
  close(): void {
    for (const connection of this.#open) connection.destroy(new Error('the mount is being closed'))
  }

  async #once(
    connection: RangeConnection,
    text: string,
    start: number,
    take: Take,
    signal: AbortSignal | undefined,
  ) {
    const giveUp = () => connection.destroy(new Error('it was given up'))
    signal?.addEventListener('abort', giveUp, { once: true })
    try {
      return await connection.read(text, start, take)
    } finally {
      signal?.removeEventListener('abort', giveUp)
    }
  }

  #connect(): RangeConnection {
    const times = { ...this.patience, idleMs: IDLE_MS }
    const connection: RangeConnection = new RangeConnection(
      this.origin,
      times,
      () => {
        if (this.#idle.length < MOST_IDLE) this.#idle.push(connection)
        else connection.destroy(new Error('there are enough'))
      },
      () => {
        this.#open.delete(connection)
        this.#idle = this.#idle.filter((other) => other !== connection)
      },
    )
    this.#open.add(connection)
    return connection
  }
}

function linesOf(headers: readonly string[]): string {
  let lines = ''
  for (let i = 0; i < headers.length; i += 2) lines += `${headers[i]}: ${headers[i + 1]}\r\n`
  return lines
}
