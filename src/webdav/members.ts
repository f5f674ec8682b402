/** PROPFIND of a folder and its members: in one step, as a stream, or as it was kept, with what the journal says of it since. */
import type { Answer } from '../http/answer.js'
import { SpaceError } from '../space/errors.js'
import { foldName } from '../space/names.js'
import type { ChangesResult, Page } from '../space/operations.js'
import type { Entry } from '../space/types.js'
import type { EntryCall, Look } from './call.js'
import { type Asked, keptListings, type Listing, type Piece, type State } from './kept.js'
import { laterPages } from './pages.js'
import type { Renderer } from './properties/render.js'
import { deltaOf, isBelow } from './sync/delta.js'
import { lookUp } from './sync/stretch.js'
import { type EntryWriter, writerOf } from './writer.js'
import { CLOSE, multistatus, OPEN } from './xml/multistatus.js'

/** Entries written between two looks at whether the client keeps up. */
const FLUSH = 1000
/** Rows of the journal since a listing was kept, and members to be read anew; above them all are read. */
const MOST_ROWS = 1000
const MOST_TOUCHED = 300

const NO_PAGE: Page = { entries: [] }

/** The entry and, of a folder, what is right in it. */
export async function membersAnswer(call: EntryCall, renderer: Renderer, asked: Asked): Promise<Answer> {
  const { deps, op, at, target } = call
  const listings = keptListings(deps)
  let found: Look = await (call.ahead ?? deps.tree.look(op, at, {}))
  const writer = await writerOf(call, found, renderer)
  if (renderer.isLasting) {
    const kept = listings.get(op.space, target.href, asked, found.entry.id)
    const listing = kept && (await asNow(call, kept, found, writer))
    if (listing) {
      if (listing !== kept) listings.keep(op.space, target.href, listing)
      return multistatus(again(OPEN + (await writer.write([found.entry])), listing))
    }
  }
  if (found.entry.kind === 'folder' && !found.page) found = await deps.tree.look(op, at, {})
  const { entry, mark, page = NO_PAGE } = found
  if (page.cursor === undefined && page.entries.length < FLUSH) {
    return multistatus(OPEN + (await writer.write([entry, ...page.entries])) + CLOSE)
  }
  const top = OPEN + (await writer.write([entry]))
  const pieces = written(writer, page.entries, laterPages(call, entry.id, page.cursor))
  const state = { folder: entry.id, etag: entry.etag, mark }
  const text = renderer.isLasting
    ? listings.keeping(op.space, target.href, asked, state, pieces)
    : textOf(pieces)
  return multistatus(enclosed(top, text))
}

/** A kept listing as the folder is now, as far as the journal can tell. */
async function asNow(
  call: EntryCall,
  kept: Listing,
  found: Look,
  writer: EntryWriter,
): Promise<Listing | undefined> {
  const { entry, mark } = found
  if (kept.state.etag === entry.etag) return kept
  const since = await changesSince(call, kept.state)
  if (!since || deltaOf(since.changes, entry.path, false).broken) return undefined
  const touched = new Set<string>()
  for (const { path, oldPath } of since.changes) {
    for (const one of oldPath === null ? [path] : [oldPath, path]) {
      if (isBelow(one, entry.path)) touched.add(memberOf(one, entry.path))
    }
  }
  if (touched.size > MOST_TOUCHED) return undefined
  const members = new Map<string, Buffer | undefined>()
  for (const path of touched) members.set(foldName(nameOf(path)), undefined)
  for (const member of (await lookUp(call, [...touched])).values())
    members.set(foldName(member.name), await writer.encode([member]))
  const { latestSeq: seq, epoch } = since
  // Other changes may have come between the two questions: then the etag is that of a state before them.
  return kept.with(
    { folder: entry.id, etag: seq === mark.seq ? entry.etag : '', mark: { seq, epoch } },
    members,
  )
}

/** Undefined where they are too many, or cannot be told. */
async function changesSince({ deps, op }: EntryCall, { mark }: State): Promise<ChangesResult | undefined> {
  try {
    const since = await deps.tree.changes(op, { since: mark.seq, limit: MOST_ROWS, epoch: mark.epoch })
    return since.hasMore ? undefined : since
  } catch (error) {
    if (error instanceof SpaceError && error.code === 'EPOCH_GONE') return undefined
    throw error
  }
}

/** The member of the folder that the path is, or is below. */
function memberOf(path: string, folder: string): string {
  const end = path.indexOf('/', folder === '' ? 0 : folder.length + 1)
  return end < 0 ? path : path.slice(0, end)
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

async function* again(top: string, listing: Listing): AsyncGenerator<string | Buffer, void> {
  yield top
  for (const { text } of listing.pieces) yield text
  yield CLOSE
}

async function* enclosed(top: string, text: AsyncIterable<Buffer>): AsyncGenerator<string | Buffer, void> {
  yield top
  yield* text
  yield CLOSE
}

async function* textOf(pieces: AsyncIterable<Piece>): AsyncGenerator<Buffer, void> {
  for await (const { text } of pieces) yield text
}

async function* written(
  writer: EntryWriter,
  first: readonly Entry[],
  later: AsyncIterable<readonly Entry[]>,
): AsyncGenerator<Piece, void> {
  yield* pieces(writer, first)
  for await (const batch of later) yield* pieces(writer, batch)
}

async function* pieces(writer: EntryWriter, batch: readonly Entry[]): AsyncGenerator<Piece, void> {
  for (let at = 0; at < batch.length; at += FLUSH) {
    const entries = batch.slice(at, at + FLUSH)
    const ends: number[] = []
    const text = await writer.encode(entries, ends)
    yield { text, names: entries.map(({ name }) => foldName(name)), ends }
  }
}
