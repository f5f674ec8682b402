import { createHash, type Hash } from 'node:crypto'
import { SpaceError } from '../space/errors.js'
import { HashThread } from './hash-thread.js'

/** Bodies that are announced to be smaller are hashed on the spot: here it takes as long as asking a thread, and from 2 MiB on longer. */
const LARGE_BYTES = 1024 * 1024

/** By name of `node:crypto`, lower-case hex. */
export type Digests = Readonly<Record<string, string>> & { readonly md5: string }

/** Digests of a body that is coming. What goes on in a thread may raise UNAVAILABLE. */
export interface BodyHash {
  /** The next bytes. They are to stay as they are until what `flush` returns next has resolved. */
  update(chunk: Uint8Array): void
  /** Resolves when the bytes so far are not needed any more; undefined where they are not anyway. */
  flush(): Promise<void> | undefined
  /** Of all bytes, md5 included. Once, after the last `flush`. */
  digests(): Digests | Promise<Digests>
  /** Frees everything. Safe to repeat. */
  close(): void
}

/** `length`: as announced, if it was. */
export function bodyHash(algorithms: readonly string[], length: number | undefined): BodyHash {
  const names = [...new Set(['md5', ...algorithms])]
  const thread = length !== undefined && length >= LARGE_BYTES ? runningThread() : undefined
  return thread ? new HashElsewhere(thread, names) : new HashHere(names)
}

class HashHere implements BodyHash {
  readonly #hashes: ReadonlyMap<string, Hash>

  constructor(algorithms: readonly string[]) {
    this.#hashes = new Map(algorithms.map((name) => [name, createHash(name)]))
  }

  update(chunk: Uint8Array): void {
    for (const hash of this.#hashes.values()) hash.update(chunk)
  }

  flush(): undefined {}

  digests(): Digests {
    const digests: Record<string, string> = {}
    for (const [name, hash] of this.#hashes) digests[name] = hash.digest('hex')
    return digests as Digests
  }

  close(): void {}
}

class HashElsewhere implements BodyHash {
  readonly #thread: HashThread
  readonly #body: number
  #chunks: Uint8Array[] = []
  #sent = Promise.resolve()
  #closed = false

  constructor(thread: HashThread, algorithms: readonly string[]) {
    this.#thread = thread
    this.#body = thread.begin(algorithms)
  }

  update(chunk: Uint8Array): void {
    this.#chunks.push(chunk)
  }

  flush(): Promise<void> {
    const chunks = this.#chunks
    this.#chunks = []
    this.#sent = this.#sent.then(() => this.#send(chunks))
    return this.#sent
  }

  async digests(): Promise<Digests> {
    await this.#sent
    if (this.#closed) throw new SpaceError('BODY_BROKEN', 'The upload was given up.')
    return (await this.#thread.finish(this.#body)) as Digests
  }

  close(): void {
    if (!this.#closed) this.#thread.forget(this.#body)
    this.#closed = true
    this.#chunks = []
  }

  async #send(chunks: Uint8Array[]): Promise<void> {
    while (chunks.length > 0 && !this.#closed)
      await this.#thread.update(this.#body, (memory) => (this.#closed ? 0 : fill(memory, chunks)))
  }
}

/** Takes as much out of `chunks` as there is room for; returns how many bytes. */
function fill(memory: Uint8Array, chunks: Uint8Array[]): number {
  let bytes = 0
  for (let chunk = chunks[0]; chunk && bytes < memory.length; chunk = chunks[0]) {
    const part = chunk.subarray(0, memory.length - bytes)
    memory.set(part, bytes)
    bytes += part.length
    if (part.length === chunk.length) chunks.shift()
    else chunks[0] = chunk.subarray(part.length)
  }
  return bytes
}

let thread: HashThread | undefined
let cannotStart = false

/** The thread of this process, from the first large body on. Where it has ended or cannot be started, it is done without from then on. */
function runningThread(): HashThread | undefined {
  try {
    if (!cannotStart) thread ??= new HashThread()
  } catch {
    cannotStart = true
  }
  return thread?.hasEnded ? undefined : thread
}
