import type { ScriptReply } from '../redis/scripts.js'
import type { Answer, Engine } from './engine.js'
import { SpaceError } from './errors.js'
import type { TreeResult } from './operations.js'
import {
  decodeCursor,
  decodePacked,
  decodePage,
  decodeStat,
  type PackedPage,
  read,
  STEP,
  stat,
} from './reading.js'
import { refusalError } from './refusals.js'
import type { Entry, FolderEntry, Location, OpContext } from './types.js'

/** Whole trees: at one instant, or as a walk in steps of some 2,000 entries, none of which keeps Redis for long. */

/** Trees up to this size are listed as they were at one instant (contract §3). */
const EXACT = 10_000
/** How often a tree is walked in the hope that nothing changes meanwhile. */
const TRIES = 3
/** Folders that one step may ask for. */
const FOLDERS = 500

interface Folder {
  readonly id: number
  readonly path: string
}

export async function tree(engine: Engine, op: OpContext, at: Location): Promise<TreeResult> {
  for (let tries = 1; ; tries++) {
    // One script reads small trees whole; and in the end larger ones too, where they never rest.
    const answer = await read(engine, 'tree', op, at, [tries > TRIES ? EXACT : STEP])
    const { entry, access, mark } = decodeStat(answer)
    const folder = entry as FolderEntry
    const found = { folder, access, mark }
    if (answer[5] === 1) {
      return { ...found, exact: true, batches: whole(answer.slice(6), folder.path, mark.epoch) }
    }
    if (folder.entries > EXACT) {
      return { ...found, exact: false, batches: walk(engine, op, folder, mark.epoch) }
    }
    const batches = await undisturbed(engine, op, folder, mark.epoch)
    if (batches) return { ...found, exact: true, batches: each(batches) }
  }
}

/** All below a folder, if nothing there changes while it is walked. */
async function undisturbed(
  engine: Engine,
  op: OpContext,
  folder: FolderEntry,
  epoch: string,
): Promise<(readonly Entry[])[] | undefined> {
  const batches: (readonly Entry[])[] = []
  for await (const batch of walk(engine, op, folder, epoch)) batches.push(batch)
  const root = { path: { names: [], folded: [] } }
  try {
    const { entry } = await stat(engine, op, folder.id === 0 ? root : { ...root, base: folder.id })
    return entry.etag === folder.etag ? batches : undefined
  } catch (error) {
    // It went: the next try says so.
    if (error instanceof SpaceError && error.code === 'NOT_FOUND') return undefined
    throw error
  }
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}

async function* whole(steps: Answer, path: string, epoch: string): AsyncGenerator<readonly Entry[]> {
  const paths = new Map<number, string>()
  for (let at = 0; at < steps.length; at += 2) {
    const parent = at === 0 ? path : (paths.get(steps[at] as number) as string)
    const batch = decodePacked(steps[at + 1] as Buffer, parent, epoch)
    for (const entry of batch) if (entry.kind === 'folder') paths.set(entry.id, entry.path)
    yield batch
  }
}

/** Parents before children; many small folders come in one step, a large one in several. */
async function* walk(
  engine: Engine,
  op: OpContext,
  top: Folder,
  epoch: string,
): AsyncGenerator<readonly Entry[]> {
  const waiting: Folder[] = [{ id: top.id, path: top.path }]
  while (waiting.length > 0) {
    const some = waiting.splice(-FOLDERS)
    const ids = some.map(({ id }) => id)
    const answer = await engine.read('children', op, [STEP, ...ids], refusalError)
    waiting.push(...some.slice(answer.length))
    for (const [index, packed] of answer.entries()) {
      const folder = some[index] as Folder
      const batches = packed === 0 ? pages(engine, op, folder, epoch) : [inFolder(packed, folder, epoch)]
      for await (const batch of batches) {
        for (const entry of batch) {
          if (entry.kind === 'folder') waiting.push({ id: entry.id, path: entry.path })
        }
        if (batch.length > 0) yield batch
      }
    }
  }
}

function inFolder(packed: ScriptReply, folder: Folder, epoch: string): Entry[] {
  return decodePacked(packed as Buffer, folder.path, epoch)
}

/** The entries of a large folder, wherever it is, page by page. */
async function* pages(
  engine: Engine,
  op: OpContext,
  folder: Folder,
  epoch: string,
): AsyncGenerator<readonly Entry[]> {
  for (let after: string | undefined = ''; after !== undefined; ) {
    const answer = await engine.read('page', op, [folder.id, STEP, after], refusalError)
    const wanted = { limit: Number.POSITIVE_INFINITY, step: STEP, after, parent: folder.path }
    const page = decodePage(answer as unknown as PackedPage, wanted, epoch)
    yield page.entries
    after = page.cursor === undefined ? undefined : decodeCursor(page.cursor)
  }
}

/** Exact height (levels) and span (bytes of the longest relative path) of what is below a folder. */
export async function measure(
  engine: Engine,
  op: OpContext,
  id: number,
): Promise<{ readonly height: number; readonly span: number }> {
  let height = 0
  let span = 0
  for await (const batch of walk(engine, op, { id, path: '' }, '')) {
    for (const { path } of batch) {
      height = Math.max(height, path.split('/').length)
      span = Math.max(span, Buffer.byteLength(path))
    }
  }
  return { height, span }
}
