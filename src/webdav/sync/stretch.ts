/** What a stretch of the journal comes to, as things are now: which entries to tell, and which have gone. */
import { lookUp } from '../../http/listings/look-up.js'
import { above, deltaOf, isBelow } from '../../space/delta.js'
import type { Change, Entry } from '../../space/types.js'
import type { EntryCall } from '../call.js'
import type { SyncRequest } from './request.js'

export interface Stretch {
  /** How many of the rows. */
  readonly rows: number
  /** No delta can tell what happened: the client begins anew. */
  readonly broken: boolean
  readonly present: readonly Entry[]
  readonly gone: readonly { readonly path: string; readonly kind: 'file' | 'folder' }[]
  /** Folders that came with all that is below them. */
  readonly arrived: readonly Entry[]
}

/** As many of the rows as come to `limit` responses; undefined where not even one does. */
export async function fitting(
  call: EntryCall,
  folder: Entry,
  rows: readonly Change[],
  { deep, limit = Number.POSITIVE_INFINITY }: Pick<SyncRequest, 'deep' | 'limit'>,
): Promise<Stretch | undefined> {
  for (let count = rows.length; ; count = Math.floor(count / 2)) {
    const stretch = await stretchOf(call, folder, rows.slice(0, count), deep)
    if (responsesOf(stretch) <= limit) return stretch
    if (count <= 1) return undefined
  }
}

function responsesOf({ present, gone, arrived }: Stretch): number {
  return (
    present.length +
    gone.length +
    arrived.reduce((sum, entry) => sum + (entry.kind === 'folder' ? entry.entries : 0), 0)
  )
}

async function stretchOf(
  call: EntryCall,
  folder: Entry,
  rows: readonly Change[],
  deep: boolean,
): Promise<Stretch> {
  const delta = deltaOf(rows, folder.path, deep)
  const now = await lookUp(call, [...delta.touched.keys()])
  const entries = [...now.values()]
  const arrived = entries.filter(({ kind, path }) => kind === 'folder' && delta.arrived.has(path))
  const isBelowArrived = (path: string) => arrived.some((tree) => isBelow(path, tree.path))
  const goneNow = new Map([...delta.touched].filter(([path]) => !now.has(path)))
  return {
    rows: rows.length,
    present: entries.filter(({ path }) => !isBelowArrived(path)),
    // §3.5.2: of what is below a folder that has gone nothing is said.
    gone: [...goneNow]
      .filter(([path]) => ![...above(path)].some((one) => goneNow.has(one)))
      .map(([path, kind]) => ({ path, kind })),
    arrived: arrived.filter(({ path }) => !isBelowArrived(path)),
    // Something is again where a moved folder was: what went with that cannot be told from what is there.
    broken: delta.broken || [...delta.left].some((path) => now.has(path)),
  }
}
