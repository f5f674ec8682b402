import { randomBytes } from 'node:crypto'
import type { Store } from '../store.js'

/**
 * Gives the journals of spaces a new epoch, so that clients and mounts start over: of all, or of those `which` accepts, by id.
 * Resolves with how many.
 */
export async function renewEpochs(
  { directory, spaces }: Pick<Store, 'directory' | 'spaces'>,
  which: (id: string) => boolean = () => true,
): Promise<number> {
  let count = 0
  for await (const { id } of directory.allSpaces()) {
    if (which(id) && (await spaces.renewEpoch(id, randomBytes(8).toString('hex')))) count++
  }
  return count
}
