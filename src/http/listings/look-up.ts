import { SpaceError } from '../../space/errors.js'
import { parsePath } from '../../space/names.js'
import type { Entry, OpContext } from '../../space/types.js'
import type { AppDeps } from '../deps.js'

/** Entries looked up at once. */
const AT_ONCE = 100

/** Who asks, and the tree that is asked. */
export interface Asking {
  readonly deps: Pick<AppDeps, 'tree'>
  readonly op: OpContext
}

/** The entries that are at these paths, spelled exactly so. */
export async function lookUp({ deps, op }: Asking, paths: readonly string[]): Promise<Map<string, Entry>> {
  const found = new Map<string, Entry>()
  for (let at = 0; at < paths.length; at += AT_ONCE) {
    const step = paths.slice(at, at + AT_ONCE)
    const entries = await Promise.all(
      step.map((path) => deps.tree.stat(op, { path: parsePath(path) }).catch(nothingThere)),
    )
    for (const result of entries) {
      if (result && step.includes(result.entry.path)) found.set(result.entry.path, result.entry)
    }
  }
  return found
}

function nothingThere(error: unknown): undefined {
  if (error instanceof SpaceError && error.code === 'NOT_FOUND' && error.details.missing !== 'space')
    return undefined
  throw error
}
