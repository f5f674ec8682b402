import { Readable } from 'node:stream'
import { SpaceError } from '../../space/errors.js'
import { failure } from './failure.js'
import { close, readFully } from './files.js'

/** Up to here a range is one read, and the file is closed again before the stream is handed out. */
export const SMALL_BYTES = 64 * 1024
/** Larger ones are read in steps of this size. */
const STEP_BYTES = 1024 * 1024

/**
 * Bytes `start`…`start + length - 1` of an open file as a stream. Takes over the descriptor: it is closed when the
 * stream ends, fails or is destroyed. Raises CORRUPT where the file is shorter.
 */
export async function readRange(fd: number, blob: string, start: number, length: number): Promise<Readable> {
  if (length > SMALL_BYTES) return new RangeStream(fd, blob, start, length)
  try {
    const bytes = Buffer.allocUnsafe(length)
    const got = await readFully(fd, bytes, start)
    if (got < length) throw tooShort(blob, start + got)
    return oneChunk(bytes)
  } finally {
    await close(fd)
  }
}

function oneChunk(bytes: Buffer): Readable {
  return new Readable({
    highWaterMark: SMALL_BYTES,
    read() {
      if (bytes.length > 0) this.push(bytes)
      this.push(null)
    },
  })
}

class RangeStream extends Readable {
  #fd: number | undefined
  #position: number
  #left: number
  /** The read in flight: a descriptor must not be closed, and its number reused, under it. */
  #reading: Promise<void> = Promise.resolve()
  readonly #blob: string

  constructor(fd: number, blob: string, start: number, length: number) {
    super({ highWaterMark: STEP_BYTES })
    this.#fd = fd
    this.#blob = blob
    this.#position = start
    this.#left = length
  }

  override _read(): void {
    if (this.#fd === undefined) return
    this.#reading = this.#step(this.#fd).catch((error: unknown) => {
      this.destroy(failure(error, 'reading a blob') as Error)
    })
  }

  async #step(fd: number): Promise<void> {
    const chunk = Buffer.allocUnsafeSlow(Math.min(STEP_BYTES, this.#left))
    const got = await readFully(fd, chunk, this.#position)
    if (got < chunk.length) throw tooShort(this.#blob, this.#position + got)
    this.#position += got
    this.#left -= got
    this.push(chunk)
    if (this.#left === 0) this.push(null)
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
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

export function tooShort(blob: string, size: number): SpaceError {
  return new SpaceError('CORRUPT', `The blob ${blob} ends at byte ${size}, before what was asked of it.`)
}
