import { Recent } from '../recent.js'

/**
 * The beginnings of recently read blobs, in memory, up to a number of bytes; the longest unused go first. Blobs are
 * immutable, so nothing here can be stale: forgetting a deleted blob only frees its room.
 */
export class BlobCache {
  readonly #beginnings: Recent<Buffer>

  /** `maxBytes`: 0 keeps nothing. */
  constructor(readonly maxBytes: number) {
    this.#beginnings = new Recent(maxBytes, costOf)
  }

  /** Bytes `start`…`end` inclusive, if all of them are here. Shared: not to be written to. */
  get(key: string, start: number, end: number): Buffer | undefined {
    const bytes = this.#beginnings.get(key)
    if (bytes === undefined || end >= bytes.length) return undefined
    return start === 0 && end === bytes.length - 1 ? bytes : bytes.subarray(start, end + 1)
  }

  /** Keeps bytes that begin at the blob's first one. */
  set(key: string, bytes: Buffer): void {
    this.#beginnings.set(key, bytes)
  }

  delete(key: string): void {
    this.#beginnings.delete(key)
  }
}

/** An entry of the map, its key and the Buffer's own objects cost about this much beside the bytes. */
const OVERHEAD_BYTES = 300

function costOf(bytes: Buffer, key: string): number {
  return bytes.length + key.length + OVERHEAD_BYTES
}
