/** Writes the responses of a multistatus about entries of one space. */

import type { Piece } from '../http/listings/kept.js'
import { TextBuffer } from '../http/text-buffer.js'
import type { Properties, StatResult } from '../space/operations.js'
import type { Entry, JournalMark, Lock } from '../space/types.js'
import { type EntryCall, spaceHref } from './call.js'
import type { Quota, View } from './properties/live.js'
import type { Renderer } from './properties/render.js'
import { encodePath, encodeSegment } from './xml/escape.js'
import { response } from './xml/multistatus.js'

/** Writes responses; asks for dead properties only where entries have some, and then for all of a batch at once. */
export interface EntryWriter {
  write(entries: readonly Entry[]): Promise<string>
  /** The same for many, as UTF-8, and where the response about each ends. `within`: the href of the folder that all are in. */
  encode(entries: readonly Entry[], within?: string): Promise<Pick<Piece, 'text' | 'ends'>>
  /** How the client addresses a canonical path. */
  hrefOf(path: string, kind: Entry['kind']): string
}

/** `entry` of `found` is the one the request is about: hrefs begin as the client spells it. */
export async function writerOf(
  call: EntryCall,
  found: Pick<StatResult, 'entry' | 'locks' | 'mark'>,
  renderer: Renderer,
): Promise<EntryWriter> {
  const view = await viewOf(call, found, renderer)
  const hrefOf = hrefsBelow(call.target.href, found.entry)
  const deadOf = async (entries: readonly Entry[]) => {
    if (!renderer.needsDead) return
    const ids = entries.filter((entry) => entry.hasProperties).map(({ id }) => id)
    return ids.length > 0 ? call.deps.tree.properties(call.op, ids) : undefined
  }
  const write = (entry: Entry, dead?: ReadonlyMap<number, Properties>, within?: string) => {
    const href = within === undefined ? hrefOf(entry) : within + encodeSegment(entry.name) + slashOf(entry)
    return response(href, renderer.write(entry, view, dead?.get(entry.id)))
  }
  return {
    hrefOf: (path, kind) => hrefOf({ path, kind, name: path.slice(path.lastIndexOf('/') + 1) }),
    write: async (entries) => {
      const dead = await deadOf(entries)
      return entries.map((entry) => write(entry, dead)).join('')
    },
    encode: async (entries, within) => {
      const dead = await deadOf(entries)
      const xml = new TextBuffer(RESPONSE_BYTES * entries.length)
      for (const entry of entries) xml.add(write(entry, dead, within))
      return { text: xml.bytes(), ends: xml.ends() }
    },
  }
}

/** What a response takes at most, as a rule. */
const RESPONSE_BYTES = 512

async function viewOf(
  call: EntryCall,
  found: { readonly entry: Entry; readonly locks: readonly Lock[]; readonly mark: JournalMark },
  { needsQuota }: Renderer,
): Promise<View> {
  const { locks, mark } = found
  return {
    spaceHref: spaceHref(call),
    spaceName: call.target.spaceName,
    locks,
    mark,
    ...(needsQuota && { quota: await quotaOf(call, found.entry) }),
  }
}

/** Of the whole space, whichever of its folders is asked (RFC 4331 §3, §4). */
async function quotaOf({ deps, op }: EntryCall, { path, size }: Entry): Promise<Quota> {
  const used = path === '' ? size : (await deps.tree.info(op)).bytes
  return { used, available: Math.max(0, op.limits.spaceBytes - used) }
}

/** The hrefs of folders end with a slash. */
function slashOf({ kind }: Pick<Entry, 'kind'>): string {
  return kind === 'folder' ? '/' : ''
}

/** Siblings share their folder's href. */
function hrefsBelow(top: string, { path }: Entry): (entry: Pick<Entry, 'path' | 'name' | 'kind'>) => string {
  let folder: string | undefined
  let folderHref = ''
  return (entry) => {
    const end = slashOf(entry)
    if (entry.path.length <= path.length) return top + end
    const parent = entry.path.slice(0, entry.path.length - entry.name.length)
    if (parent !== folder) {
      folder = parent
      const below = parent.slice(path === '' ? 0 : path.length + 1)
      folderHref = `${top}/${encodePath(below)}`
    }
    return folderHref + encodeSegment(entry.name) + end
  }
}
