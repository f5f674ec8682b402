/**
 * What a stretch of the journal means for a client that has the state before it: which paths to look at again, and which
 * trees came into sight as a whole. What they are now is looked up afterwards; rows that follow are told later again.
 */
import type { Change } from './types.js'

export interface Delta {
  /** Canonical paths of entries that were made, changed, or went, with what they were then. */
  readonly touched: ReadonlyMap<string, 'file' | 'folder'>
  /** Folders that were moved: what is below them has changed its path without a row of its own. */
  readonly arrived: ReadonlySet<string>
  /** Where they were before. */
  readonly left: ReadonlySet<string>
  /** The folder itself was moved or deleted, or one above it: no delta can tell that. */
  readonly broken: boolean
}

/** `folder`: canonical path of the synchronised folder now; `deep`: with all that is below its members. */
export function deltaOf(rows: readonly Change[], folder: string, deep: boolean): Delta {
  const touched = new Map<string, 'file' | 'folder'>()
  const arrived = new Set<string>()
  const left = new Set<string>()
  let broken = false
  const inSight = (path: string) => isBelow(path, folder) && (deep || !relative(path, folder).includes('/'))
  for (const { change, path, oldPath, kind } of rows) {
    const paths = oldPath === null ? [path] : [oldPath, path]
    for (const one of paths) if (inSight(one)) touched.set(one, kind)
    if (kind === 'file') continue
    if (change === 'move' || change === 'delete') broken ||= paths.some((one) => isAtOrAbove(one, folder))
    if (change === 'move' && deep) {
      if (inSight(path)) arrived.add(path)
      if (inSight(oldPath ?? '')) left.add(oldPath ?? '')
    }
  }
  return { touched, arrived, left, broken }
}

/** Is the path below the folder? */
export function isBelow(path: string, folder: string): boolean {
  return folder === '' ? path !== '' : path.startsWith(`${folder}/`)
}

/** The folders that hold it, from the nearest up. */
export function* above(path: string): Generator<string> {
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1))
    yield path.slice(0, end)
}

function isAtOrAbove(path: string, folder: string): boolean {
  return folder === path || folder.startsWith(`${path}/`)
}

function relative(path: string, folder: string): string {
  return folder === '' ? path : path.slice(folder.length + 1)
}
