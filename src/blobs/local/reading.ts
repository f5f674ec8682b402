import { closeSync } from 'node:fs'
import { Readable } from 'node:stream'
import { tooShort } from '../ranges.js'
import { MemoryShare } from '../share.js'
import { failure } from './failure.js'
import { close, open, readFully } from './files.js'

/**
 * The size of the steps streams are read in. 1 MiB is several times as fast as the 64 KiB of `createReadStream`, but a
 * stream holds two steps, one on its way to the client and one read ahead, for as long as the client takes.
 */
const steps = new MemoryShare(32 * 1024 * 1024, 64 * 1024, 1024 * 1024)

/**
 * Opens, reads `length` bytes from `start` on, closes. Raises ENOENT as it comes, CORRUPT where the file is shorter.
 * Closing a descriptor that was only read from never waits for the disk, so it is not worth a trip to the thread pool;
 * opening and reading may.
 */
export async function readSmall(path: string, blob: string, start: number, length: number): Promise<Buffer> {
  const fd = await open(path, 'r')
  try {
    // Not from Node's shared pool: the bytes may be cached, and would pin the pool's neighbours.
    const bytes = Buffer.allocUnsafeSlow(length)
    const got = await readFully(fd, bytes, start)
    if (got < length) throw tooShort(blob, start + got)
    return bytes
  } finally {
    closeSync(fd)
  }
}

/**
 * Bytes `start`…`start + length - 1` of an open file. Takes over the descriptor: it is closed when the stream ends,
 * fails or is destroyed. Fails with CORRUPT where the file turns out to be shorter. While the consumer is busy with
 * one step the next is read.
 */
export class RangeStream extends Readable {
  #fd: number | undefined
  #position: number
  #left: number
  readonly #leave = steps.enter()
  /** The read in flight: a descriptor must not be closed, and its number reused, under it. */
  #reading: Promise<void> = Promise.resolve()
  readonly #blob: string

  constructor(fd: number, blob: string, start: number, length: number) {
    super({ highWaterMark: steps.minBytes })
    this.#fd = fd
    this.#blob = blob
    this.#position = start
    this.#left = length
  }

  override _read(): void {
    if (this.#fd === undefined) return
    this.#reading = this.#readStep(this.#fd).catch((error: unknown) => {
      this.destroy(failure(error, 'reading a blob') as Error)
    })
  }

  async #readStep(fd: number): Promise<void> {
    const chunk = Buffer.allocUnsafeSlow(Math.min(steps.bytes, this.#left))
    const got = await readFully(fd, chunk, this.#position)
    if (got < chunk.length) throw tooShort(this.#blob, this.#position + got)
    this.#position += got
    this.#left -= got
    this.push(chunk)
    if (this.#left === 0) this.push(null)
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#leave()
    const fd = this.#fd
    this.#fd = undefined
    if (fd === undefined) {
      callback(error)
      return
    }
    this.#reading
      .then(() => close(fd))
      .then(
        () => callback(error),
        (closing: Error) => callback(error ?? closing),
      )
  }
}
