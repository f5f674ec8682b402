import { randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { ListedBlob } from '../../src/blobs/store.js'
import type { StoredBlob } from '../../src/space/types.js'

/** Blobs that are names and sizes only, as many as a test of the tree wants: fsck can hold the tree against them. */
export class NamedBlobs {
  readonly #sizes = new Map<string, number>()

  put(size: number): StoredBlob {
    const blob = { id: randomBytes(16).toString('hex'), size, md5: randomBytes(16).toString('hex') }
    this.#sizes.set(blob.id, size)
    return blob
  }

  discard(blob: StoredBlob): void {
    this.#sizes.delete(blob.id)
  }

  async *list(): AsyncGenerator<ListedBlob> {
    for (const [blob, size] of this.#sizes) yield { blob, size, pending: false }
  }

  async size(_space: string, blob: string): Promise<number | undefined> {
    return this.#sizes.get(blob)
  }

  get(): Promise<Readable> {
    return Promise.reject(new Error('these blobs have no bytes'))
  }
}
