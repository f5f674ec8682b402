/** The rest of a folder that is too large for one step. */
import type { ListResult } from '../space/operations.js'
import type { Entry, Location } from '../space/types.js'
import type { EntryCall } from './call.js'

/**
 * By the folder's id: the pages are of one folder, also when it moves meanwhile. The next page is on its way, from now on, while one is
 * being written.
 */
export function laterPages(
  { deps, op }: Pick<EntryCall, 'deps' | 'op'>,
  id: number,
  cursor: string | undefined,
): AsyncGenerator<readonly Entry[]> {
  const folder: Location = { path: { names: [], folded: [] }, base: id }
  const ask = (at: string | undefined) => {
    if (at === undefined) return undefined
    const page = deps.tree.list(op, folder, { cursor: at })
    // Whoever comes to it hears of it.
    page.catch(() => {})
    return page
  }
  return inTurn(ask(cursor), ask)
}

async function* inTurn(
  first: Promise<ListResult> | undefined,
  ask: (cursor: string | undefined) => Promise<ListResult> | undefined,
): AsyncGenerator<readonly Entry[]> {
  for (let next = first; next !== undefined; ) {
    const page = await next
    next = ask(page.cursor)
    yield page.entries
  }
}
