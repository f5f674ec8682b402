import { Worker } from 'node:worker_threads'
import { SpaceError } from '../space/errors.js'
import { Gate } from './gate.js'
import type { HashReply, HashRequest } from './hash-worker.js'

const BUFFERS = 4
/** A batch of the largest size (`intake.ts`), of which the last chunk begins just before its end. */
const BUFFER_BYTES = (512 + 64) * 1024

type Digests = Readonly<Record<string, string>>

/**
 * Computes digests in a thread of its own, for all bodies of the process. Bytes go there through a few buffers of shared memory, whose
 * number bounds what is on its way; whoever finds none free waits, first come first served. It keeps the process alive only
 * while it has something to do.
 *
 * When the thread ends, whatever waits for it is rejected with UNAVAILABLE, and so is all that is asked of it later.
 */
export class HashThread {
  readonly #worker: Worker
  readonly #memory = Array.from(
    { length: BUFFERS },
    () => new Uint8Array(new SharedArrayBuffer(BUFFER_BYTES)),
  )
  readonly #free = [...this.#memory.keys()]
  readonly #gate = new Gate(BUFFERS)
  /** Buffers that are being read → how to give each back. */
  readonly #read = new Map<number, () => void>()
  readonly #awaited = new Map<
    number,
    { resolve: (digests: Digests) => void; reject: (error: Error) => void }
  >()
  #bodies = 0
  #failure: SpaceError | undefined

  /** Throws where no thread can be started. */
  constructor() {
    this.#worker = new Worker(new URL('./hash-worker.js', import.meta.url), { workerData: this.#memory })
    this.#worker.unref()
    this.#worker.on('message', (reply: HashReply) => this.#hear(reply))
    this.#worker.on('error', (error) => this.#end(error))
    this.#worker.on('exit', () => this.#end())
  }

  get hasEnded(): boolean {
    return this.#failure !== undefined
  }

  /** Begins another body; returns the number it has from here on. */
  begin(algorithms: readonly string[]): number {
    const body = this.#bodies++
    this.#ask({ kind: 'begin', body, algorithms })
    return body
  }

  /** Hashes the next bytes of a body: as soon as there is room, `fill` puts them there and says how many; 0 for none after all. */
  async update(body: number, fill: (memory: Uint8Array) => number): Promise<void> {
    const leave = await this.#gate.enter()
    const buffer = this.#free.pop() as number
    const giveBack = () => {
      this.#free.push(buffer)
      leave()
    }
    const bytes = this.#failure ? 0 : fill(this.#memory[buffer] as Uint8Array)
    if (bytes > 0) {
      this.#read.set(buffer, giveBack)
      this.#ask({ kind: 'update', body, buffer, bytes })
    } else {
      giveBack()
    }
    if (this.#failure) throw this.#failure
  }

  /** The digests, lower-case hex, of all that was hashed for the body, which is forgotten. */
  finish(body: number): Promise<Digests> {
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure)
      this.#awaited.set(body, { resolve, reject })
      this.#ask({ kind: 'finish', body })
    })
  }

  /** The body is not to be finished. */
  forget(body: number): void {
    this.#ask({ kind: 'forget', body })
  }

  #ask(request: HashRequest): void {
    this.#worker.postMessage(request)
    // From the first thing that is to be answered to the last, the process must not end.
    if (this.#read.size + this.#awaited.size === 1) this.#worker.ref()
  }

  #hear(reply: HashReply): void {
    if (reply.kind === 'read') {
      const giveBack = this.#read.get(reply.buffer)
      this.#read.delete(reply.buffer)
      giveBack?.()
    } else {
      this.#awaited.get(reply.body)?.resolve(reply.digests)
      this.#awaited.delete(reply.body)
    }
    if (this.#read.size + this.#awaited.size === 0) this.#worker.unref()
  }

  #end(cause?: Error): void {
    if (this.#failure) return
    const message = 'The blob store does not work: the thread that computes digests has ended.'
    this.#failure = new SpaceError('UNAVAILABLE', message, {}, { cause })
    for (const { reject } of this.#awaited.values()) reject(this.#failure)
    for (const giveBack of this.#read.values()) giveBack()
    this.#awaited.clear()
    this.#read.clear()
  }
}
