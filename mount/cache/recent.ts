/** Small files that were just written, kept in memory: they are often read next, and need no file of their own for that. */

/** Bytes kept, of all together. */
const ROOM = 32 * 1024 * 1024

export class RecentBytes {
  /** By etag; the one used last is the last. */
  readonly #kept = new Map<string, Buffer>()
  #bytes = 0

  get(etag: string): Buffer | undefined {
    const bytes = this.#kept.get(etag)
    if (!bytes) return undefined
    this.#kept.delete(etag)
    this.#kept.set(etag, bytes)
    return bytes
  }

  /** Takes the buffer over. */
  put(etag: string, bytes: Buffer): void {
    this.#drop(etag)
    this.#kept.set(etag, bytes)
    this.#bytes += bytes.length
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= ROOM) return
      this.#drop(oldest)
    }
  }

  #drop(etag: string): void {
    this.#bytes -= this.#kept.get(etag)?.length ?? 0
    this.#kept.delete(etag)
  }
}
