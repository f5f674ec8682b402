import { randomBytes } from 'node:crypto'
import type { Store } from '../store.js'

/** Gives every space's journal a new epoch, so that clients and mounts start over. Resolves with how many there are. */
export async function renewEpochs({
  directory,
  spaces,
}: Pick<Store, 'directory' | 'spaces'>): Promise<number> {
  let count = 0
  for await (const { id } of directory.allSpaces()) {
    if (await spaces.renewEpoch(id, randomBytes(8).toString('hex'))) count++
  }
  return count
}
