import { retrying } from '../../redis/retry.js'
import type { Answer, Engine } from '../engine.js'
import { type PackedFolder, unpack, unpackWayUp, type WayUp } from './packed.js'

/** Folders up to this many children are read in one script; larger ones in steps. */
const AT_ONCE = 2500
const STEP = 1000
const TRIES = 5

/** Where a folder is: its id, the id of the folder it is filed in, and its folded name there. The root is 0, in 0, ''. */
export interface FolderPlace extends WayUp {
  readonly id: number
}

/** A folder at one instant. */
export interface FolderView {
  /** The space's seq at that instant. */
  readonly seq: number
  readonly place: FolderPlace
  /** What its entry says of it; the root's is made of the record. */
  readonly own: PackedFolder
  /** Folded name → packed entry. */
  readonly children: ReadonlyMap<string, Buffer>
  /** Names in the ordered index; undefined where there is no index. */
  readonly index: ReadonlySet<string> | undefined
  /** For each subfolder by id, where it says it is. */
  readonly waysUp: ReadonlyMap<number, WayUp | undefined>
  /** False: a large folder changed whenever it was read, so its parts are not of one instant. */
  readonly settled: boolean
}

/** Reads a folder where it is or has moved to; undefined where it is gone. */
export async function viewFolder(
  engine: Engine,
  space: string,
  at: FolderPlace,
): Promise<FolderView | undefined> {
  let place = at
  for (let tries = 1; ; tries++) {
    const before = await ask(engine, space, place)
    if (!before) return undefined
    place = before.place
    if (before.whole) return { ...before, ...before.whole, settled: true }
    const parts = await inSteps(engine, space, place.id)
    const after = await ask(engine, space, place)
    const settled = after?.raw.equals(before.raw) === true
    if (settled || tries === TRIES) return { ...before, ...parts, settled }
  }
}

interface Parts {
  readonly children: Map<string, Buffer>
  readonly index: Set<string> | undefined
  readonly waysUp: Map<number, WayUp | undefined>
}

interface Asked {
  readonly seq: number
  readonly place: FolderPlace
  readonly own: PackedFolder
  readonly raw: Buffer
  readonly whole: Parts | undefined
}

async function ask(engine: Engine, space: string, at: FolderPlace): Promise<Asked | undefined> {
  const answer = (await engine.run('fsck_folder', space, [at.id, at.parent, at.folded, AT_ONCE])) as Answer
  if (answer.length === 0) return undefined
  const [seq, parent, fold, raw, hasIndex, , flat, names, ways] = answer as unknown as readonly [
    number,
    number,
    Buffer,
    Buffer,
    number,
    number,
    Buffer[]?,
    Buffer[]?,
    (number | Buffer)[]?,
  ]
  const folded = fold.toString()
  const own = unpack(raw, folded)
  if (own?.kind !== 'folder') return undefined
  const place = { id: at.id, parent, folded }
  if (!flat || !names || !ways) return { seq, place, own, raw, whole: undefined }
  const children = new Map<string, Buffer>()
  for (let i = 0; i < flat.length; i += 2) children.set(String(flat[i]), flat[i + 1] as Buffer)
  const waysUp = new Map<number, WayUp | undefined>()
  for (let i = 0; i < ways.length; i += 2) {
    waysUp.set(ways[i] as number, unpackWayUp(ways[i + 1] as Buffer))
  }
  const index = hasIndex === 1 ? new Set(names.map(String)) : undefined
  return { seq, place, own, raw, whole: { children, index, waysUp } }
}

async function inSteps({ redis }: Engine, space: string, id: number): Promise<Parts> {
  const key = (name: string) => `{${space}}:${name}`
  const children = new Map<string, Buffer>()
  await scan(
    (cursor) => redis.hscanBuffer(key(`d:${id}`), cursor, 'COUNT', STEP),
    2,
    ([name, raw]) => {
      children.set(String(name), raw as Buffer)
    },
  )
  const names = new Set<string>()
  await scan(
    (cursor) => redis.zscanBuffer(key(`i:${id}`), cursor, 'COUNT', STEP),
    2,
    ([name]) => {
      names.add(String(name))
    },
  )
  const ids = [...children].flatMap(([folded, raw]) => {
    const entry = unpack(raw, folded)
    return entry?.kind === 'folder' ? [entry.id] : []
  })
  const waysUp = new Map<number, WayUp | undefined>()
  for (let at = 0; at < ids.length; at += STEP) {
    const some = ids.slice(at, at + STEP)
    const ways = await retrying(() => redis.hmgetBuffer(key('u'), ...some.map(String)))
    some.forEach((folder, i) => {
      waysUp.set(folder, unpackWayUp(ways[i] ?? Buffer.alloc(0)))
    })
  }
  return { children, index: names.size > 0 ? names : undefined, waysUp }
}

/** Runs an HSCAN or ZSCAN to its end; `visit` gets `width` values at a time, some perhaps twice. */
export async function scan(
  step: (cursor: string) => Promise<[cursor: Buffer, elements: Buffer[]]>,
  width: number,
  visit: (values: readonly Buffer[]) => void,
): Promise<void> {
  let cursor = '0'
  do {
    const [next, elements] = await retrying(() => step(cursor))
    for (let at = 0; at < elements.length; at += width) visit(elements.slice(at, at + width))
    cursor = String(next)
  } while (cursor !== '0')
}
