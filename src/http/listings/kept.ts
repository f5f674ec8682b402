/**
 * Long listings as they were last written. Clients ask for the same folders again and again, and a folder's etag is another one as soon as
 * anything below it is: while Redis says it is the same, so is the listing, and one entry is read instead of all; where it is not, the journal
 * says which members to read anew (`as-now.ts`). Nothing is ever answered without asking, so it does not matter which process of several has
 * kept what.
 */
import { Recent } from '../../recent.js'
import type { JournalMark } from '../../space/types.js'

/** Of memory, for one listing, and for all that a server keeps. */
const LARGEST_BYTES = 8 * 1024 * 1024
const MOST_BYTES = 32 * 1024 * 1024
/** What a name takes besides its text, about. */
const NAME_COST = 64
/** Members in a piece that others are still added to. */
const LARGEST_PIECE = 2000

/** What a listing depends on besides the folder: who asks, and for what. Compared one by one, by identity. */
export type Asked = readonly unknown[]

/** The folder, and where the journal stood, when a listing was written. */
export interface State {
  readonly folder: number
  /** '': not known for just this place of the journal. */
  readonly etag: string
  readonly mark: JournalMark
}

/** Responses about members, one behind the other: the members' folded names, and where in the text each ends. */
export interface Piece {
  readonly text: Buffer
  readonly names: readonly string[]
  readonly ends: readonly number[]
}

/** A folder's members as text. */
export class Listing {
  readonly bytes: number

  constructor(
    readonly asked: Asked,
    readonly state: State,
    readonly pieces: readonly Piece[],
  ) {
    // A piece may have been gathered in more room than it fills, and keeps all of that.
    this.bytes = pieces.reduce(
      (sum, { text, names }) => sum + text.buffer.byteLength + NAME_COST * names.length,
      0,
    )
  }

  /** The same at another state: with members written anew, by folded name, or (without a text) gone. New ones come last. */
  with(state: State, members: ReadonlyMap<string, Buffer | undefined>): Listing {
    const added = new Map(members)
    const pieces = this.pieces.map((piece) => rewritten(piece, members, added))
    const last = pieces.at(-1)
    const room = last && last.names.length < LARGEST_PIECE ? pieces.pop() : undefined
    const end = withMore(room ?? EMPTY, added)
    return new Listing(this.asked, state, end.names.length > 0 ? [...pieces, end] : pieces)
  }
}

/** The texts of pieces that are not kept. */
export async function* textsOf(pieces: AsyncIterable<Piece>): AsyncGenerator<Buffer, void> {
  for await (const { text } of pieces) yield text
}

const EMPTY: Piece = { text: Buffer.alloc(0), names: [], ends: [] }

/** Takes those it has found out of `added`. */
function rewritten(
  piece: Piece,
  members: ReadonlyMap<string, Buffer | undefined>,
  added: Map<string, Buffer | undefined>,
): Piece {
  const { text } = piece
  if (!piece.names.some((name) => members.has(name))) return piece
  const parts: Buffer[] = []
  const names: string[] = []
  const ends: number[] = []
  let [length, from, start] = [0, 0, 0]
  for (const [index, name] of piece.names.entries()) {
    const end = piece.ends[index] ?? start
    const anew = members.get(name)
    if (members.has(name)) {
      added.delete(name)
      parts.push(text.subarray(from, start), ...(anew ? [anew] : []))
      from = end
    }
    if (anew || !members.has(name)) {
      length += anew?.length ?? end - start
      names.push(name)
      ends.push(length)
    }
    start = end
  }
  return { text: Buffer.concat([...parts, text.subarray(from)]), names, ends }
}

function withMore({ text, names, ends }: Piece, members: ReadonlyMap<string, Buffer | undefined>): Piece {
  const more = [...members].flatMap(([name, response]) => (response ? [{ name, response }] : []))
  if (more.length === 0) return { text, names, ends }
  let { length } = text
  return {
    text: Buffer.concat([text, ...more.map(({ response }) => response)]),
    names: [...names, ...more.map(({ name }) => name)],
    ends: [
      ...ends,
      ...more.map(({ response }) => {
        length += response.length
        return length
      }),
    ],
  }
}

export class KeptListings {
  readonly #kept = new Recent<Listing>(MOST_BYTES, ({ bytes }) => bytes)

  /** Is it worth asking for the folder's entry alone? */
  has(space: string, at: string): boolean {
    return this.#kept.has(keyOf(space, at))
  }

  /** The listing of this folder at that place, if it is what is asked for, however old. */
  get(space: string, at: string, asked: Asked, folder: number): Listing | undefined {
    const kept = this.#kept.get(keyOf(space, at))
    if (!kept || kept.state.folder !== folder) return undefined
    return kept.asked.every((one, index) => one === asked[index]) ? kept : undefined
  }

  /** Keeps it, if it is not too long. */
  keep(space: string, at: string, listing: Listing): void {
    if (listing.bytes <= LARGEST_BYTES) this.#kept.set(keyOf(space, at), listing)
    else this.#kept.delete(keyOf(space, at))
  }

  /** Passes pieces of a listing on, and keeps it if it comes to its end. */
  async *keeping(
    space: string,
    at: string,
    asked: Asked,
    state: State,
    pieces: AsyncIterable<Piece>,
  ): AsyncGenerator<Buffer, void> {
    let kept: Piece[] = []
    let bytes = 0
    for await (const piece of pieces) {
      bytes += piece.text.buffer.byteLength
      if (bytes <= LARGEST_BYTES) kept.push(piece)
      else kept = []
      yield piece.text
    }
    if (bytes <= LARGEST_BYTES) this.keep(space, at, new Listing(asked, state, kept))
  }
}

function keyOf(space: string, at: string): string {
  return `${space} ${at}`
}

const byServer = new WeakMap<object, KeptListings>()

/** Those of the server whose tree this is. */
export function keptListings({ tree }: { readonly tree: object }): KeptListings {
  const known = byServer.get(tree) ?? new KeptListings()
  byServer.set(tree, known)
  return known
}
