/** /dev/fuse of one mount: requests are read from it in the event loop, and answers are written to it at once. */
import { close, read, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { MOST_BYTES } from '../protocol/init.js'
import { type PipeClass, pipeClass } from './pipe.js'

/** The largest request is a write with all its headers. */
const REQUEST_BYTES = MOST_BYTES + 4096
/** Buffers that nobody uses are kept, but not more than these. */
const MOST_SPARE = 4

/** The request was interrupted; the mount has gone; its connection was aborted. */
const GONE: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENODEV', 'ECONNABORTED', 'EPERM'])

export interface DeviceEvents {
  /** A request, whole. Its bytes are its own only until this returns, unless `keep` was called. */
  request(bytes: Buffer): void
  /** The mount has gone, or its connection was aborted: nothing is read or written any more. */
  ended(): void
  /** The kernel refused an answer: it is none. */
  refused(error: Error): void
}

export class Device {
  readonly #spare: Buffer[] = []
  #buffer: Buffer = Buffer.allocUnsafeSlow(REQUEST_BYTES)
  #isKept = false
  #isOver = false
  #socket: Socket | undefined

  constructor(
    private readonly descriptor: number,
    private readonly events: DeviceEvents,
  ) {}

  /** `pipe`: null where there is none. */
  start(pipe: PipeClass | null = pipeClass()): void {
    if (pipe) this.#readInLoop(pipe.open(this.descriptor))
    else void this.#readInThread()
  }

  /** Within `request`: its bytes stay until the function that is answered is called. */
  keep(): () => void {
    const kept = this.#buffer
    this.#isKept = true
    return () => {
      if (this.#spare.length < MOST_SPARE) this.#spare.push(kept)
    }
  }

  /** False: nobody waits for this answer any more, since the program was interrupted or the mount has gone. */
  write(bytes: Buffer, length = bytes.length): boolean {
    if (this.#isOver || this.#socket?.destroyed) return false
    try {
      writeSync(this.descriptor, bytes, 0, length)
      return true
    } catch (error) {
      if (!GONE.has((error as NodeJS.ErrnoException).code)) this.events.refused(error as Error)
      return false
    }
  }

  /** Nothing is read or written any more. Where this was the last descriptor the kernel ends the mount's connection. */
  close(): void {
    if (this.#isOver) return
    this.#isOver = true
    if (this.#socket) this.#socket.destroy()
    else close(this.descriptor, () => {})
    this.events.ended()
  }

  /** To the event loop it is a pipe: it can be waited for, and each read(2) brings one request. */
  #readInLoop(handle: object): void {
    const onread = {
      buffer: () => this.#nextBuffer(),
      callback: (length: number) => {
        this.events.request(this.#buffer.subarray(0, length))
        return !this.#isOver
      },
    }
    const options = { handle, readable: true, writable: false, onread }
    this.#socket = new Socket(options)
    this.#socket.on('error', () => this.close()).on('close', () => this.close())
    this.#socket.read(0)
  }

  /** Where there is no such pipe: a thread of the pool waits. */
  async #readInThread(): Promise<void> {
    for (;;) {
      const length = await new Promise<number>((resolve) =>
        read(this.descriptor, this.#buffer, 0, REQUEST_BYTES, null, (error, count) =>
          resolve(error ? lengthAfter(error) : count),
        ),
      )
      if (this.#isOver || length < 0) return this.close()
      if (length > 0) this.events.request(this.#buffer.subarray(0, length))
      this.#nextBuffer()
    }
  }

  #nextBuffer(): Buffer {
    if (!this.#isKept) return this.#buffer
    this.#isKept = false
    this.#buffer = this.#spare.pop() ?? Buffer.allocUnsafeSlow(REQUEST_BYTES)
    return this.#buffer
  }
}

/** ENOENT: the request was withdrawn while it was read. */
function lengthAfter({ code }: NodeJS.ErrnoException): number {
  return code === 'ENOENT' || code === 'EINTR' || code === 'EAGAIN' ? 0 : -1
}
