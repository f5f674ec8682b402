/** What a browser sees of a folder: a plain page without script, in which everything a stranger named is escaped. */
import type { Answer } from '../http/answer.js'
import { isoDate } from '../http/dates.js'
import type { Page } from '../space/operations.js'
import type { Entry, FolderEntry } from '../space/types.js'
import type { DavCall, EntryCall } from './call.js'
import { listedSpaces } from './commands/top.js'
import { laterPages } from './pages.js'
import { encodeSegment, escapeAttribute, escapeText } from './xml/escape.js'

/** Nothing may load or run, wherever the text came from. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"

const STYLE =
  'body{font:16px/1.5 sans-serif;margin:2em;color:#222}table{border-collapse:collapse}' +
  'td,th{padding:.1em 1.5em .1em 0;text-align:left}td.n{text-align:right}@media(prefers-color-scheme:dark)' +
  '{body{background:#111;color:#ddd}a{color:#8ab4f8}}'

/** `/dav/` itself. */
export async function topPage(call: DavCall): Promise<Answer> {
  const spaces = call.target.kind === 'top' ? await listedSpaces(call) : undefined
  const rows = spaces
    ? spaces.map(({ name, href, entry }) => row(`${href}/`, `${name}/`, entry.size, entry.modified))
    : [`<tr><td><a href="${call.origin.root}/">dav/</a></td></tr>\n`]
  return pageAnswer(call, head(spaces ? 'Spaces' : '/') + rows.join('') + TAIL, [])
}

export function folderPage(
  call: EntryCall,
  folder: FolderEntry,
  first: Page,
  headers: readonly string[],
): Answer {
  const title = folder.path === '' ? call.target.spaceName : folder.path
  const up = call.target.href.slice(0, call.target.href.lastIndexOf('/') + 1)
  const opening = `${head(title)}<tr><td><a href="${escapeAttribute(up)}">../</a></td></tr>\n`
  if (first.cursor === undefined) {
    return pageAnswer(call, opening + rows(call, first.entries) + TAIL, headers)
  }
  return pageAnswer(call, stream(call, folder, opening, first), headers)
}

async function* stream(
  call: EntryCall,
  folder: FolderEntry,
  opening: string,
  first: Page,
): AsyncGenerator<string, void> {
  yield opening + rows(call, first.entries)
  for await (const entries of laterPages(call, folder.id, first.cursor)) yield rows(call, entries)
  yield TAIL
}

function rows({ target }: EntryCall, entries: readonly Entry[]): string {
  let html = ''
  for (const { name, kind, size, modified } of entries) {
    const slash = kind === 'folder' ? '/' : ''
    html += row(`${target.href}/${encodeSegment(name)}${slash}`, name + slash, size, modified)
  }
  return html
}

function row(href: string, name: string, size: number, modified: number): string {
  return (
    `<tr><td><a href="${escapeAttribute(href)}">${escapeText(name)}</a></td><td class="n">${size}</td>` +
    `<td>${isoDate(modified)}</td></tr>\n`
  )
}

function head(title: string): string {
  const shown = escapeText(title)
  return (
    `<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>${shown}</title><style>${STYLE}</style>\n` +
    `<h1>${shown}</h1>\n<table><tr><th>Name</th><th>Bytes</th><th>Modified</th></tr>\n`
  )
}

const TAIL = '</table></html>\n'

function pageAnswer({ req }: DavCall, body: NonNullable<Answer['body']>, headers: readonly string[]): Answer {
  const all = [...headers, 'Content-Type', 'text/html; charset=utf-8', 'Content-Security-Policy', POLICY]
  return req.method === 'HEAD' ? { status: 200, headers: all } : { status: 200, headers: all, body }
}
