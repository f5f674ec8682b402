/** PROPFIND (RFC 4918 §9.1): one step for the entry and its first page; large folders and trees as a stream. */
import type { Answer } from '../../http/answer.js'
import type { Page } from '../../space/operations.js'
import type { Entry } from '../../space/types.js'
import { type DavCall, type EntryCall, entryCall, type Look } from '../call.js'
import { DavError } from '../errors.js'
import { type Depth, depthOf, prefersMinimal } from '../headers.js'
import { withIf } from '../if-check.js'
import { type Asked, keptListings } from '../kept.js'
import { laterPages } from '../pages.js'
import { type Renderer, rendererOf } from '../properties/render.js'
import { parsePropfind } from '../properties/request.js'
import { type EntryWriter, writerOf } from '../writer.js'
import { readXmlBody } from '../xml/body.js'
import { CLOSE, multistatus, OPEN } from '../xml/multistatus.js'
import { topAnswer } from './top.js'

const DEPTHS = ['infinity', 0, 1] as const
/** Entries written between two looks at whether the client keeps up. */
const FLUSH = 1000

export async function propfind(call: DavCall): Promise<Answer> {
  const depth = depthOf<Depth>(call.req.headers, DEPTHS, 'infinity')
  if (depth === 'infinity' && call.deps.settings.davInfinity === false) {
    throw new DavError(
      403,
      'PROPFIND with Depth: infinity (or none) is switched off on this server; ask with Depth 0 or 1.',
      'propfind-finite-depth',
    )
  }
  const query = parsePropfind(await readXmlBody(call.req, call.res))
  const minimal = prefersMinimal(call.req.headers)
  const renderer = rendererOf(query, minimal)
  const answer =
    call.target.kind === 'space'
      ? await inSpace(await withIf(entryCall(call, call.target)), depth, renderer, { query, minimal })
      : await topAnswer(call, depth, renderer)
  return minimal
    ? { ...answer, headers: [...answer.headers, 'Preference-Applied', 'return=minimal'] }
    : answer
}

async function inSpace(call: EntryCall, depth: Depth, renderer: Renderer, asked: Asked): Promise<Answer> {
  const { tree } = call.deps
  if (depth === 0) {
    const found = await (call.ahead ?? tree.stat(call.op, call.at))
    const writer = await writerOf(call, found, renderer)
    return multistatus(OPEN + (await writer.write([found.entry])) + CLOSE)
  }
  if (depth === 1) return members(call, renderer, asked)
  const found = await tree.stat(call.op, call.at)
  if (found.entry.kind === 'file') return inSpace(call, 0, renderer, asked)
  const { folder, batches } = await tree.tree(call.op, call.at)
  const writer = await writerOf(call, { ...found, entry: folder }, renderer)
  return multistatus(stream(writer, [folder], batches))
}

/** An entry and what is right in it. */
async function members(call: EntryCall, renderer: Renderer, asked: Asked): Promise<Answer> {
  const { deps, op, at, target } = call
  const listings = keptListings(deps)
  let found: Look = await (call.ahead ?? deps.tree.look(op, at, {}))
  if (renderer.isLasting) {
    const kept = listings.get(op.space, target.href, asked, found.entry.etag)
    if (kept) return multistatus(again(kept))
  }
  if (found.entry.kind === 'folder' && !found.page) found = await deps.tree.look(op, at, {})
  const { entry, page = NO_PAGE } = found
  const writer = await writerOf(call, found, renderer)
  const first = [entry, ...page.entries]
  if (page.cursor === undefined && first.length <= FLUSH) {
    return multistatus(OPEN + (await writer.write(first)) + CLOSE)
  }
  const listing = stream(writer, first, laterPages(call, entry.id, page.cursor))
  if (!renderer.isLasting) return multistatus(listing)
  return multistatus(listings.keeping(op.space, target.href, asked, entry.etag, listing))
}

async function* again(pieces: readonly Buffer[]): AsyncGenerator<Buffer, void> {
  yield* pieces
}

const NO_PAGE: Page = { entries: [] }

async function* stream(
  writer: EntryWriter,
  first: readonly Entry[],
  later: AsyncIterable<readonly Entry[]>,
): AsyncGenerator<string | Buffer, void> {
  yield OPEN
  yield* written(writer, first)
  for await (const batch of later) yield* written(writer, batch)
  yield CLOSE
}

async function* written(writer: EntryWriter, batch: readonly Entry[]): AsyncGenerator<Buffer, void> {
  for (let at = 0; at < batch.length; at += FLUSH) yield await writer.encode(batch.slice(at, at + FLUSH))
}
