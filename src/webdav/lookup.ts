import { SpaceError } from '../space/errors.js'
import type { Entry } from '../space/types.js'
import type { EntryCall } from './call.js'

/** What is at the call's place, if anything. The space itself must be there. */
export async function entryAt({ deps, op, at }: EntryCall): Promise<Entry | undefined> {
  try {
    return (await deps.tree.stat(op, at)).entry
  } catch (error) {
    if (error instanceof SpaceError && error.code === 'NOT_FOUND' && error.details.missing === 'entry') {
      return undefined
    }
    throw error
  }
}
