/**
 * Long listings as they were last written. Clients ask for the same folders again and again, and a folder's etag is another one as soon as
 * anything below it is: while Redis says it is the same, so is the listing, and one entry is read instead of all. Nothing is ever answered
 * without asking, so it does not matter which process of several has kept what.
 */
import type { PropertyQuery } from './properties/request.js'

/** Of one listing, and of all that a server keeps. */
const LARGEST_BYTES = 8 * 1024 * 1024
const MOST_BYTES = 32 * 1024 * 1024

/** What a listing was asked for: equal bodies are one object, see `parsePropfind`. */
export interface Asked {
  readonly query: PropertyQuery
  readonly minimal: boolean
}

interface Kept extends Asked {
  readonly etag: string
  readonly pieces: readonly Buffer[]
  readonly bytes: number
}

export class KeptListings {
  /** The one used longest ago comes first. */
  readonly #kept = new Map<string, Kept>()
  #bytes = 0

  /** Is it worth asking for the folder's entry alone? */
  has(space: string, href: string): boolean {
    return this.#kept.has(keyOf(space, href))
  }

  /** The listing, if it is of this state of the folder. */
  get(space: string, href: string, { query, minimal }: Asked, etag: string): readonly Buffer[] | undefined {
    const key = keyOf(space, href)
    const kept = this.#kept.get(key)
    if (kept?.etag !== etag || kept.query !== query || kept.minimal !== minimal) return undefined
    this.#kept.delete(key)
    this.#kept.set(key, kept)
    return kept.pieces
  }

  /** Passes a listing on that begins at the state `etag`, and keeps it if it comes to its end and is not too long. */
  async *keeping(
    space: string,
    href: string,
    asked: Asked,
    etag: string,
    listing: AsyncIterable<string | Buffer>,
  ): AsyncGenerator<Buffer, void> {
    const pieces: Buffer[] = []
    let bytes = 0
    for await (const text of listing) {
      const piece = typeof text === 'string' ? Buffer.from(text) : text
      bytes += piece.length
      if (bytes <= LARGEST_BYTES) pieces.push(piece)
      yield piece
    }
    if (bytes <= LARGEST_BYTES) this.#set(keyOf(space, href), { ...asked, etag, pieces, bytes })
  }

  #set(key: string, kept: Kept): void {
    this.#drop(key)
    this.#kept.set(key, kept)
    this.#bytes += kept.bytes
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= MOST_BYTES) break
      this.#drop(oldest)
    }
  }

  #drop(key: string): void {
    this.#bytes -= this.#kept.get(key)?.bytes ?? 0
    this.#kept.delete(key)
  }
}

function keyOf(space: string, href: string): string {
  return `${space} ${href}`
}

const byServer = new WeakMap<object, KeptListings>()

/** Those of the server whose tree this is. */
export function keptListings({ tree }: { readonly tree: object }): KeptListings {
  const known = byServer.get(tree) ?? new KeptListings()
  byServer.set(tree, known)
  return known
}
