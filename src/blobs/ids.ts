import { randomHex } from '../random-hex.js'
import { SpaceError } from '../space/errors.js'

/** A fresh blob id: 128 random bits as 32 lower-case hex digits. */
export function newBlobId(): string {
  return randomHex(16)
}

const BLOB_ID = /^[0-9a-f]{32}$/
const SPACE_ID = /^[a-z0-9]+$/

/** Ids become file names and object keys, so nothing else may pass. Raises CORRUPT: ids come from stored data. */
export function checkBlobId(blob: string): void {
  if (!BLOB_ID.test(blob))
    throw new SpaceError('CORRUPT', `The blob id ${JSON.stringify(blob)} is not 32 hex digits.`)
}

/** The same for the id of a space: lower-case letters and digits. */
export function checkSpaceId(space: string): void {
  if (!SPACE_ID.test(space))
    throw new SpaceError('CORRUPT', `The space id ${JSON.stringify(space)} is not made of a–z and 0–9.`)
}
