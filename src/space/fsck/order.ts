import type { Engine } from '../engine.js'
import type { Findings } from './findings.js'
import { type FolderView, viewFolder } from './folder.js'

const STEP = 1000
const TRIES = 3

interface Checking {
  readonly engine: Engine
  readonly space: string
  readonly findings: Findings
  readonly repair: boolean
}

/** A folder's ordered index names just what the folder holds, and the folder's entry says that there is one. */
export async function checkIndex(
  checking: Checking,
  view: FolderView,
  path: readonly string[],
): Promise<void> {
  const wrong = differences(view)
  if (!wrong) return
  const repaired = checking.repair && (await mend(checking, view))
  checking.findings.add('index', wrong.detail, { path: path.join('/'), repaired })
}

function differences({ own, index, children }: FolderView): { detail: string; names: string[] } | undefined {
  const missing = [...children.keys()].filter((name) => !index?.has(name))
  if (!index) {
    if (!own.index || children.size === 0) return undefined
    return { detail: 'It says it has an ordered index, and there is none.', names: missing }
  }
  const strange = [...index].filter((name) => !children.has(name))
  const names = [...missing, ...strange]
  if (!own.index) return { detail: 'It has an ordered index that it does not know of.', names }
  if (names.length === 0) return undefined
  const detail = `Its ordered index lacks ${missing.length} of its entries and names ${strange.length} others.`
  return { detail, names }
}

/** While the entry does not say that there is an index, changes go past it: hence until nothing differs. */
async function mend({ engine, space }: Checking, first: FolderView): Promise<boolean> {
  let view: FolderView | undefined = first
  for (let tries = 0; tries < TRIES && view?.settled; tries++) {
    const wrong = differences(view)
    if (!wrong) return true
    const { id, parent, folded } = view.place
    for (let at = 0; at === 0 || at < wrong.names.length; at += STEP) {
      const some = wrong.names.slice(at, at + STEP)
      await engine.run('mend_index', space, [id, parent, folded, ...some])
    }
    view = await viewFolder(engine, space, view.place)
  }
  return view === undefined || (view.settled && differences(view) === undefined)
}
