import { Readable } from 'node:stream'
import { SpaceError } from '../space/errors.js'
import type { ByteRange } from './store.js'

/** What every store says about ranges and blobs that are not as they should be. */

/** RANGE_NOT_SATISFIABLE where the range has no bytes. */
export function checkRange(range: ByteRange | undefined): void {
  if (range && !(Number.isSafeInteger(range.end) && range.start >= 0 && range.start <= range.end))
    throw new SpaceError('RANGE_NOT_SATISFIABLE', `The range ${range.start}-${range.end} has no bytes.`)
}

export function doesNotExist(space: string, blob: string): never {
  throw new SpaceError('CORRUPT', `The blob ${blob} of the space ${space} does not exist.`)
}

export function tooShort(blob: string, size: number): SpaceError {
  return new SpaceError('CORRUPT', `The blob ${blob} ends at byte ${size}, before what was asked of it.`)
}

/** A stream of bytes that are already there. */
export function streamOf(bytes: Buffer): Readable {
  return new Readable({
    read() {
      if (bytes.length > 0) this.push(bytes)
      this.push(null)
    },
  })
}
