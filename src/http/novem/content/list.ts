/** A folder's rows: whole, or page by page. */
import { ROOT } from '../../../space/names.js'
import type { Page, PageRequest, StatResult } from '../../../space/operations.js'
import type { Entry, FolderEntry } from '../../../space/types.js'
import { type Answer, JSON_TYPE } from '../../answer.js'
import { isNotModified } from '../../conditional.js'
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

export function folderAnswer(
  call: SpaceCall,
  found: StatResult & { readonly entry: FolderEntry },
  page: Page,
): Answer {
  const { seq, epoch } = found.mark
  const headers = [...entryHeaders(found), 'X-NVM-Seq', String(seq), 'X-NVM-Epoch', epoch]
  const isPaged = call.query.has('limit') || call.query.has('cursor')
  if (!isPaged && isNotModified(call.req.headers, found.entry)) return { status: 304, headers }
  headers.push('Content-Type', JSON_TYPE)
  if (isPaged && page.cursor !== undefined) headers.push(...nextPage(call, page.cursor))
  const rows = new EntryRows(`${uriOf(call.space.owner, call.space.name)}/content`, found.access)
  const write = (entry: Entry) => rows.row(entry, false)
  if (isPaged || page.cursor === undefined) {
    return { status: 200, headers, body: pageJson(write, page, '[', ']') }
  }
  return {
    status: 200,
    headers,
    body: allPages(call, found.entry.id, write, page, { before: '[', after: ']' }),
  }
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

/**
 * All pages of the folder with this id, also when it moves meanwhile, between `before` and `after`. The next page is on its way
 * while the rows of this one are written.
 */
export async function* allPages(
  call: SpaceCall,
  id: number,
  write: WriteRow,
  first: Page,
  { before, after }: { readonly before: string; readonly after: string },
): AsyncGenerator<Buffer, void> {
  const folder = { path: ROOT, base: id }
  let separator = before
  for (let page: Page | undefined = first; page; ) {
    const next: Promise<Page> | undefined =
      page.cursor === undefined ? undefined : call.deps.tree.list(call.op, folder, { cursor: page.cursor })
    // It is raised where it is awaited, unless nobody reads on.
    next?.catch(() => undefined)
    if (page.entries.length > 0) {
      yield pageJson(write, page, separator, '')
      separator = ','
    }
    page = await next
  }
  yield Buffer.from(separator === before ? before + after : after)
}

function nextPage({ query, path }: SpaceCall, cursor: string): string[] {
  const next = new Map([...query, ['cursor', cursor]])
  const search = [...next].map((pair) => pair.map(encodeURIComponent).join('=')).join('&')
  return ['X-NVM-Cursor', cursor, 'Link', `<${path}?${search}>; rel="next"`]
}
