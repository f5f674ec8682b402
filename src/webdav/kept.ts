/**
 * Long listings as they were last written. Clients ask for the same folders again and again, and a folder's etag is another one as soon as
 * anything below it is: while Redis says it is the same, so is the listing, and one entry is read instead of all. Nothing is ever answered
 * without asking, so it does not matter which process of several has kept what.
 */
import { Recent } from '../recent.js'
import type { PropertyQuery } from './properties/request.js'

/** Of memory, for one listing, and for all that a server keeps. */
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
  readonly #kept = new Recent<Kept>(MOST_BYTES, ({ bytes }) => bytes)

  /** Is it worth asking for the folder's entry alone? */
  has(space: string, href: string): boolean {
    return this.#kept.has(keyOf(space, href))
  }

  /** The listing, if it is of this state of the folder. */
  get(space: string, href: string, { query, minimal }: Asked, etag: string): readonly Buffer[] | undefined {
    const kept = this.#kept.get(keyOf(space, href))
    const isSame = kept?.etag === etag && kept.query === query && kept.minimal === minimal
    return isSame ? kept.pieces : undefined
  }

  /** Passes a listing on that begins at the state `etag`, and keeps it if it comes to its end and is not too long. */
  async *keeping(
    space: string,
    href: string,
    asked: Asked,
    etag: string,
    listing: AsyncIterable<string | Buffer>,
  ): AsyncGenerator<Buffer, void> {
    let pieces: Buffer[] = []
    let bytes = 0
    for await (const text of listing) {
      const piece = typeof text === 'string' ? Buffer.from(text) : text
      // A piece may have been gathered in more room than it fills, and keeps all of that.
      bytes += piece.buffer.byteLength
      if (bytes <= LARGEST_BYTES) pieces.push(piece)
      else pieces = []
      yield piece
    }
    if (bytes <= LARGEST_BYTES) this.#kept.set(keyOf(space, href), { ...asked, etag, pieces, bytes })
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
