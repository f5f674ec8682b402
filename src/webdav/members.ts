/** PROPFIND of a folder and its members: in one step, as a stream, or as it was kept, with what the journal says of it since. */
import { type Answer, asFound } from '../http/answer.js'
import { asNow } from '../http/listings/as-now.js'
import { type Asked, keptListings, type Piece, textsOf } from '../http/listings/kept.js'
import { foldName } from '../space/names.js'
import type { Page } from '../space/operations.js'
import type { Entry } from '../space/types.js'
import type { EntryCall, Look } from './call.js'
import { laterPages } from './pages.js'
import type { Renderer } from './properties/render.js'
import { type EntryWriter, writerOf } from './writer.js'
import { CLOSE, multistatus, OPEN } from './xml/multistatus.js'

/** Entries written between two looks at whether the client keeps up. */
const FLUSH = 1000

const NO_PAGE: Page = { entries: [] }

/** The entry and, of a folder, what is right in it. */
export async function membersAnswer(call: EntryCall, renderer: Renderer, asked: Asked): Promise<Answer> {
  const { deps, op, at, target } = call
  const listings = keptListings(deps)
  let found: Look = await (call.ahead ?? deps.tree.look(op, at, {}))
  let writer = await writerOf(call, found, renderer)
  if (renderer.isLasting) {
    const kept = listings.get(op.space, target.href, asked, found.entry.id)
    const listing =
      kept && (await asNow(call, kept, found, async (member) => (await writer.encode([member])).text))
    if (listing) {
      if (listing !== kept) listings.keep(op.space, target.href, listing)
      return multistatus(
        enclosed(
          OPEN + (await writer.write([found.entry])),
          listing.pieces.map(({ text }) => text),
        ),
      )
    }
  }
  if (found.entry.kind === 'folder' && !found.page) {
    found = await deps.tree.look(op, at, {})
    writer = await writerOf(call, found, renderer)
  }
  const { entry, mark, page = NO_PAGE } = found
  if (page.cursor === undefined && page.entries.length < FLUSH) {
    return asFound(multistatus(OPEN + (await writer.write([entry, ...page.entries])) + CLOSE), op, found)
  }
  const top = OPEN + (await writer.write([entry]))
  // Asked for before the first one is looked at.
  const later = laterPages(call, entry.id, page.cursor)
  const pieces = written(writer, writer.hrefOf(entry.path, 'folder'), page.entries, later)
  const state = { folder: entry.id, etag: entry.etag, mark }
  const text = renderer.isLasting
    ? listings.keeping(op.space, target.href, asked, state, pieces)
    : textsOf(pieces)
  return multistatus(enclosed(top, text))
}

async function* enclosed(
  top: string,
  texts: AsyncIterable<Buffer> | Iterable<Buffer>,
): AsyncGenerator<string | Buffer, void> {
  yield top
  yield* texts
  yield CLOSE
}

async function* written(
  writer: EntryWriter,
  within: string,
  first: readonly Entry[],
  later: AsyncIterable<readonly Entry[]>,
): AsyncGenerator<Piece, void> {
  yield* pieces(writer, within, first)
  for await (const batch of later) yield* pieces(writer, within, batch)
}

async function* pieces(
  writer: EntryWriter,
  within: string,
  batch: readonly Entry[],
): AsyncGenerator<Piece, void> {
  for (let at = 0; at < batch.length; at += FLUSH) {
    const entries = batch.slice(at, at + FLUSH)
    const { text, ends } = await writer.encode(entries, within)
    yield { text, ends, names: entries.map(({ name }) => foldName(name)) }
  }
}
