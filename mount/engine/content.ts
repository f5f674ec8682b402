/** The bytes of a file that is open or not sent yet. */
import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  createReadStream,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type { CachedBlob } from '../cache/blob-cache.js'
import type { Item, WriteBody } from '../volume.js'

/** Bodies up to this size are sent from memory, in one piece. */
const SMALL = 64 * 1024

/**
 * A file of the cache folder that takes what programs write, before the server has it. Calls are synchronous: the page
 * cache answers in microseconds, and the order of writes is the order of the calls.
 */
export class WorkFile {
  readonly #fd: number
  #size: number

  /** Opens it, making it where it is not there. */
  constructor(readonly path: string) {
    this.#fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600)
    this.#size = fstatSync(this.#fd).size
  }

  get size(): number {
    return this.#size
  }

  read(buffer: Buffer, offset: number): number {
    return readSync(this.#fd, buffer, 0, buffer.length, offset)
  }

  write(buffer: Buffer, offset: number): number {
    for (let done = 0; done < buffer.length; ) {
      done += writeSync(this.#fd, buffer, done, buffer.length - done, offset + done)
    }
    this.#size = Math.max(this.#size, offset + buffer.length)
    return buffer.length
  }

  truncate(size: number): void {
    ftruncateSync(this.#fd, size)
    this.#size = size
  }

  body(): WriteBody {
    const { path, size } = this
    return {
      size,
      open: () => {
        if (size > SMALL) return createReadStream(path, { end: size - 1, highWaterMark: 1024 * 1024 })
        const bytes = Buffer.allocUnsafe(size)
        return bytes.subarray(0, this.read(bytes, 0))
      },
    }
  }

  async md5(): Promise<string> {
    const hash = createHash('md5')
    await pipeline(createReadStream(this.path), hash)
    return hash.digest('hex')
  }

  close(): void {
    closeSync(this.#fd)
  }

  remove(): void {
    this.close()
    rmSync(this.path, { force: true })
  }
}

/** What all handles of one file share. */
export class Content {
  handles = 0
  /** Local bytes, from the first write on; until then the version on the server is read through `blob`. */
  work: WorkFile | undefined
  /** `work` holds what the server has not got. */
  dirty = false
  /** Grows with each local change, so that one that comes while the bytes are sent is seen. */
  generation = 0
  /** The etag of the version that `blob` reads. */
  blobEtag = ''
  blob: CachedBlob | undefined
  /** Set by a program, and to be sent with the bytes. */
  modified: number | undefined
  executable: boolean | undefined
  /** MD5s of what was sent without an answer: when the server has one of them, it arrived. */
  readonly attempts = new Set<string>()
  /** Number in the intent log, where it waits to be sent; 0: it does not. */
  intent = 0
  /** While the version on the server is copied to `work`. */
  preparing: Promise<WorkFile> | undefined
  /** While the bytes are on their way; who wants to change them waits. */
  sending: Promise<void> | undefined
  /** Why the server did not take it, last time. */
  refusal: Error | undefined

  /** `base`: the version the local bytes began from; absent: none. Somebody else's version since then is a conflict. */
  constructor(public base: Item | undefined) {}

  changed(): void {
    this.dirty = true
    this.generation += 1
    this.modified = Date.now()
  }

  /** Lets go of what is cached or local. Unsent bytes must have been seen to before. */
  free(): void {
    this.blob?.release()
    this.blob = undefined
    this.work?.remove()
    this.work = undefined
  }
}
