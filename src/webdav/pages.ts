/** The rest of a folder that is too large for one step. */
import type { Entry, Location } from '../space/types.js'
import type { EntryCall } from './call.js'

/** By the folder's id: the pages are of one folder, also when it moves meanwhile. */
export async function* laterPages(
  { deps, op }: Pick<EntryCall, 'deps' | 'op'>,
  id: number,
  cursor: string | undefined,
): AsyncGenerator<readonly Entry[]> {
  const folder: Location = { path: { names: [], folded: [] }, base: id }
  for (let at = cursor; at !== undefined; ) {
    const page = await deps.tree.list(op, folder, { cursor: at })
    yield page.entries
    at = page.cursor
  }
}
