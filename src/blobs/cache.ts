/**
 * The beginnings of recently read blobs, in memory, up to a number of bytes; the longest unused go first. Blobs are
 * immutable, so nothing here can be stale: forgetting a deleted blob only frees its room.
 */
export class BlobCache {
  readonly #entries = new Map<string, Buffer>()
  #bytes = 0

  /** `maxBytes`: 0 keeps nothing. */
  constructor(readonly maxBytes: number) {}

  /** Bytes `start`…`end` inclusive, if all of them are here. Shared: not to be written to. */
  get(key: string, start: number, end: number): Buffer | undefined {
    const bytes = this.#entries.get(key)
    if (bytes === undefined || end >= bytes.length) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, bytes)
    return start === 0 && end === bytes.length - 1 ? bytes : bytes.subarray(start, end + 1)
  }

  /** Keeps bytes that begin at the blob's first one. */
  set(key: string, bytes: Buffer): void {
    const cost = costOf(key, bytes)
    if (cost > this.maxBytes) return
    this.delete(key)
    this.#entries.set(key, bytes)
    this.#bytes += cost
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.maxBytes) break
      this.delete(oldest)
    }
  }

  delete(key: string): void {
    const bytes = this.#entries.get(key)
    if (bytes === undefined) return
    this.#entries.delete(key)
    this.#bytes -= costOf(key, bytes)
  }
}

/** An entry of the map, its key and the Buffer's own objects cost about this much beside the bytes. */
const OVERHEAD_BYTES = 300

function costOf(key: string, bytes: Buffer): number {
  return bytes.length + key.length + OVERHEAD_BYTES
}
