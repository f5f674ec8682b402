import { type Answer, accessOf, type Engine, text } from './engine.js'
import { decodeAt, decodeEntry } from './entry.js'
import { SpaceError } from './errors.js'
import { decodeLocks } from './locking.js'
import type { ListResult, Page, PageRequest, Properties, StatResult } from './operations.js'
import { quote } from './quote.js'
import { refusalError } from './refusals.js'
import { compareSlices, type Slice, textOf, unpackStrings } from './strings.js'
import type { Access, Entry, FolderEntry, JournalMark, Location, OpContext } from './types.js'

/** Entries that one step reads. */
export const STEP = 2000

/** The answer of look.lua: the entry, and the space's locks behind the page. */
function decodeLook(answer: Answer): StatResult {
  const { entry, access, mark } = decodeStat(answer)
  return { entry, access, mark, locks: decodeLocks((answer[7] ?? []) as readonly Buffer[]) }
}

/** A script's answer about one entry (`described` in scripts/_walk.lua). */
export function decodeStat(answer: Answer): StatResult {
  const epoch = text(answer[2])
  return {
    access: accessOf(answer[0] as Buffer),
    mark: { seq: answer[1] as number, epoch },
    entry: decodeAt(answer[4] as Buffer, text(answer[3]), epoch),
    locks: [],
  }
}

export async function stat(engine: Engine, op: OpContext, at: Location): Promise<StatResult> {
  return decodeLook(await read(engine, 'look', op, at, ['', '']))
}

export async function look(
  engine: Engine,
  op: OpContext,
  at: Location,
  page: PageRequest,
): Promise<StatResult & { readonly page?: Page }> {
  const limit = Math.min(page.limit ?? STEP, STEP)
  const after = page.cursor === undefined ? '' : decodeCursor(page.cursor)
  const answer = await read(engine, 'look', op, at, [limit, after])
  const found = decodeLook(answer)
  const { entry, access, mark, locks } = found
  if (entry.kind === 'file') return found
  const wanted = { limit: page.limit ?? Number.POSITIVE_INFINITY, step: limit, after, parent: entry.path }
  const packed = answer.slice(5, 7) as unknown as PackedPage
  return { entry, access, mark, locks, page: decodePage(packed, wanted, mark.epoch) }
}

export async function list(
  engine: Engine,
  op: OpContext,
  at: Location,
  page: PageRequest,
): Promise<ListResult> {
  const found = await look(engine, op, at, page)
  if (!found.page) throw new SpaceError('TYPE_CLASH', `${quote(found.entry.path)} is a file, not a folder.`)
  return new ListedPage(found.page, found.entry as FolderEntry, found.access, found.mark)
}

/** Its entries are made when somebody looks at them: who reads on can ask for the next page before. */
class PackedEntries implements Page {
  #entries: readonly Entry[] | (() => readonly Entry[])

  constructor(
    make: () => readonly Entry[],
    readonly cursor?: string,
  ) {
    this.#entries = make
  }

  get entries(): readonly Entry[] {
    if (typeof this.#entries === 'function') this.#entries = this.#entries()
    return this.#entries
  }
}

class ListedPage implements ListResult {
  constructor(
    private readonly page: Page,
    readonly folder: FolderEntry,
    readonly access: Access,
    readonly mark: JournalMark,
  ) {}

  get entries(): readonly Entry[] {
    return this.page.entries
  }

  get cursor(): string | undefined {
    return this.page.cursor
  }
}

/** Dead properties by node id, those without any left out. */
export async function properties(
  engine: Engine,
  op: OpContext,
  ids: readonly number[],
): Promise<ReadonlyMap<number, Properties>> {
  const found = new Map<number, Properties>()
  for (let at = 0; at < ids.length; at += STEP) {
    const some = ids.slice(at, at + STEP)
    const answer = await engine.read('properties', op, some, refusalError)
    some.forEach((id, index) => {
      const flat = answer[index + 1] as readonly Buffer[]
      if (flat.length > 0) found.set(id, pairs(flat))
    })
  }
  return found
}

function pairs(flat: readonly Buffer[]): Properties {
  const map = new Map<string, string>()
  for (let at = 0; at < flat.length; at += 2) map.set(text(flat[at]), text(flat[at + 1]))
  return map
}

export function read(
  engine: Engine,
  script: string,
  op: OpContext,
  at: Location,
  rest: readonly (string | number)[],
) {
  const args = [at.base ?? '', at.path.folded.join('/'), ...rest]
  return engine.read(script, op, args, (refusal) => refusalError(refusal, { at }))
}

interface Wanted {
  /** Entries the caller wants, and those the step was asked for. */
  readonly limit: number
  readonly step: number
  /** Folded name behind which the page begins. */
  readonly after: string
  readonly parent: string
}

/** The answer of `pageOf` in scripts/_page.lua: everything, in no order; or, ordered, names and what they stand for. */
export type PackedPage =
  | readonly [0, Buffer]
  | readonly [1, readonly [names: Buffer, ...entries: readonly Buffer[]]]

export function decodePage([ordered, packed]: PackedPage, wanted: Wanted, epoch: string): Page {
  if (ordered === 1) {
    const [first, ...rest] = packed
    const names = unpackStrings(first)
    const make = () => decodeAll(names, rest.flatMap(unpackStrings), wanted.parent, epoch)
    const last = names.length === wanted.step ? names.at(-1) : undefined
    return new PackedEntries(make, last && encodeCursor(last))
  }
  const flat = unpackStrings(packed)
  const bytes = Buffer.from(wanted.after)
  const after: Slice = { bytes, start: 0, end: bytes.length }
  let rows: [Slice, Slice][] = []
  for (let at = 0; at < flat.length; at += 2) rows.push([flat[at] as Slice, flat[at + 1] as Slice])
  rows.sort((a, b) => compareSlices(a[0], b[0]))
  if (after.end > 0) rows = rows.filter(([folded]) => compareSlices(folded, after) > 0)
  const page = rows.slice(0, wanted.limit)
  const [names, raws] = [page.map(([name]) => name), page.map(([, raw]) => raw)]
  const entries = decodeAll(names, raws, wanted.parent, epoch)
  const last = page.at(-1)
  return last && page.length < rows.length ? { entries, cursor: encodeCursor(last[0]) } : { entries }
}

/** Names and entries in turn, as scripts pack them. */
export function decodePacked(packed: Buffer, parent: string, epoch: string): Entry[] {
  const flat = unpackStrings(packed)
  const [names, raws]: [Slice[], Slice[]] = [[], []]
  for (const [index, string] of flat.entries()) (index % 2 === 0 ? names : raws).push(string)
  return decodeAll(names, raws, parent, epoch)
}

/** Leaves out what has a name but is not there. */
function decodeAll(names: readonly Slice[], raws: readonly Slice[], parent: string, epoch: string): Entry[] {
  const entries: Entry[] = []
  const prefix = parent === '' ? '' : `${parent}/`
  for (let index = 0; index < names.length; index++) {
    const raw = raws[index] as Slice
    if (raw.end > raw.start)
      entries.push(decodeEntry(raw, { folded: textOf(names[index] as Slice), prefix }, epoch))
  }
  return entries
}

/** A cursor is the last folded name seen: it outlives that entry, and any restart. */
function encodeCursor({ bytes, start, end }: Slice): string {
  return bytes.toString('base64url', start, end)
}

export function decodeCursor(cursor: string): string {
  const folded = Buffer.from(cursor, 'base64url')
  if (folded.length === 0 || folded.toString('base64url') !== cursor) {
    throw new SpaceError('BAD_REQUEST', `The cursor ${quote(cursor)} is not one this listing gave.`)
  }
  return folded.toString()
}
