/** A folder's rows: whole, or page by page. */
import { foldName, ROOT } from '../../../space/names.js'
import type { Page, PageRequest, StatResult } from '../../../space/operations.js'
import type { Entry, FolderEntry, Location } from '../../../space/types.js'
import { type Answer, JSON_TYPE } from '../../answer.js'
import { isNotModified } from '../../conditional.js'
import { asNow } from '../../listings/as-now.js'
import { type Asked, keptListings, type Piece } from '../../listings/kept.js'
import { wholeNumber } from '../../target.js'
import { TextBuffer } from '../../text-buffer.js'
import { EntryRows } from '../rows.js'
import { type SpaceCall, uriOf } from '../space-call.js'
import { entryHeaders } from './headers.js'

const MOST_ROWS = 100_000
/** Room for a usual row. */
const ROW_BYTES = 600

/** `?limit=&cursor=`; without them a listing is whole. */
export function pageRequest(query: ReadonlyMap<string, string>): PageRequest {
  if (query.size === 0) return {}
  const limit = wholeNumber(query, 'limit', { least: 1, most: MOST_ROWS })
  const cursor = query.get('cursor')
  return { ...(limit !== undefined && { limit }), ...(cursor !== undefined && { cursor }) }
}

type FoundFolder = StatResult & { readonly entry: FolderEntry }

export function folderAnswer(call: SpaceCall, at: Location, found: FoundFolder, page: Page): Answer {
  const headers = folderHeaders(found)
  const isPaged = call.query.has('limit') || call.query.has('cursor')
  if (!isPaged && isNotModified(call.req.headers, found.entry)) return { status: 304, headers }
  headers.push('Content-Type', JSON_TYPE)
  if (isPaged && page.cursor !== undefined) headers.push(...nextPage(call, page.cursor))
  const { write, asked } = rowsOf(call, found)
  if (isPaged || page.cursor === undefined) {
    return { status: 200, headers, body: pageJson(write, page, '[', ']') }
  }
  const { entry, mark } = found
  const pieces = rowPieces(call, entry.id, write, page)
  const state = { folder: entry.id, etag: entry.etag, mark }
  const kept = keptListings(call.deps).keeping(call.op.space, keyOf(at), asked, state, pieces)
  return { status: 200, headers, body: enclosed('[', kept, ']') }
}

/** The whole listing of a large folder as it was kept, with what the journal says of it since. Undefined: it has to be read. */
export async function keptAnswer(call: SpaceCall, at: Location): Promise<Answer | undefined> {
  const { deps, op, query, req } = call
  const listings = keptListings(deps)
  if (query.size > 0 || !listings.has(op.space, keyOf(at))) return undefined
  const found = await deps.tree.stat(op, at)
  const { entry } = found
  const { write, asked } = rowsOf(call, found)
  const kept = listings.get(op.space, keyOf(at), asked, entry.id)
  if (!kept || entry.kind === 'file') return undefined
  const headers = folderHeaders({ ...found, entry })
  if (isNotModified(req.headers, entry)) return { status: 304, headers }
  const listing = await asNow(call, kept, found, (member) => rowPiece(write, [member]).text)
  if (!listing) return undefined
  if (listing !== kept) listings.keep(op.space, keyOf(at), listing)
  headers.push('Content-Type', JSON_TYPE)
  return {
    status: 200,
    headers,
    body: enclosed(
      '[',
      listing.pieces.map(({ text }) => text),
      ']',
    ),
  }
}

function folderHeaders(found: FoundFolder): string[] {
  const { seq, epoch } = found.mark
  return [...entryHeaders(found), 'X-NVM-Seq', String(seq), 'X-NVM-Epoch', epoch]
}

/** WebDAV's listings are filed under their hrefs, which begin with a slash. */
function keyOf({ path }: Location): string {
  return `content/${path.folded.join('/')}`
}

/** How rows are written for the caller, and what that depends on. */
function rowsOf(
  { space }: SpaceCall,
  { access }: Pick<StatResult, 'access'>,
): { readonly write: WriteRow; readonly asked: Asked } {
  const uri = `${uriOf(space.owner, space.name)}/content`
  const rows = new EntryRows(uri, access)
  return { write: (entry) => rows.row(entry, false), asked: [uri, access.write, access.owner] }
}

type WriteRow = (entry: Entry) => string

export function pageJson(write: WriteRow, { entries }: Page, before: string, after: string): Buffer {
  const json = new TextBuffer(ROW_BYTES * (entries.length + 1))
  json.add(before)
  let separator = ''
  for (const entry of entries) {
    json.add(separator + write(entry))
    separator = ','
  }
  json.add(after)
  return json.bytes()
}

/** Rows with a comma before each. */
function rowPiece(write: WriteRow, entries: readonly Entry[]): Piece {
  const json = new TextBuffer(ROW_BYTES * entries.length)
  for (const entry of entries) json.add(`,${write(entry)}`)
  return { text: json.bytes(), names: entries.map(({ name }) => foldName(name)), ends: json.ends() }
}

/**
 * All pages of the folder with this id, also when it moves meanwhile. The next page is on its way while the rows of this one are
 * written.
 */
export async function* rowPieces(
  call: SpaceCall,
  id: number,
  write: WriteRow,
  first: Page,
): AsyncGenerator<Piece, void> {
  const folder = { path: ROOT, base: id }
  for (let page: Page | undefined = first; page; ) {
    const next: Promise<Page> | undefined =
      page.cursor === undefined ? undefined : call.deps.tree.list(call.op, folder, { cursor: page.cursor })
    // It is raised where it is awaited, unless nobody reads on.
    next?.catch(() => undefined)
    if (page.entries.length > 0) yield rowPiece(write, page.entries)
    page = await next
  }
}

/** Pieces of rows as one list. */
export async function* enclosed(
  before: string,
  texts: AsyncIterable<Buffer> | Iterable<Buffer>,
  after: string,
): AsyncGenerator<Buffer, void> {
  yield Buffer.from(before)
  let comma = 1
  for await (const text of texts) {
    if (text.length === 0) continue
    yield text.subarray(comma)
    comma = 0
  }
  yield Buffer.from(after)
}

function nextPage({ query, path }: SpaceCall, cursor: string): string[] {
  const next = new Map([...query, ['cursor', cursor]])
  const search = [...next].map((pair) => pair.map(encodeURIComponent).join('=')).join('&')
  return ['X-NVM-Cursor', cursor, 'Link', `<${path}?${search}>; rel="next"`]
}
