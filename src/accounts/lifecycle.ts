/**
 * Making and ending a space: its name is in the directory's slot, its tree in one of its own, so both are steps in an order
 * that heals. Whoever dies in between leaves what `repairSpaces` finishes.
 */
import { SpaceError } from '../space/errors.js'
import type { Directory } from './directory.js'
import type { ReservedSpace } from './registry.js'
import type { MutationOptions } from './slot.js'

/** What is needed of the spaces' trees. Both are harmless to repeat. */
export interface TreeLife {
  createSpace(id: string, ownerAccountId: string): Promise<void>
  /** From here on nobody finds the tree; what it held is freed in the background. */
  deleteSpace(id: string): Promise<void>
}

/** Reserve the name, make the tree, let it be found. Errors as `Directory.reserveSpace`. */
export async function makeSpace(
  directory: Directory,
  trees: TreeLife,
  accountId: string,
  name: string,
  options: MutationOptions = {},
): Promise<ReservedSpace> {
  const reserved = await directory.reserveSpace(accountId, name, options)
  if (reserved.done) return reserved
  await trees.createSpace(reserved.id, accountId)
  try {
    await directory.confirmSpace(reserved.id)
  } catch (error) {
    // Given up meanwhile by a repair that took us for dead: the tree must not stay behind.
    if (error instanceof SpaceError && error.code === 'NOT_FOUND') await trees.deleteSpace(reserved.id)
    throw error
  }
  return reserved
}

/** Out of reach at once, freed in the background. NOT_FOUND. */
export async function endSpace(
  directory: Directory,
  trees: TreeLife,
  accountId: string,
  name: string,
  options: MutationOptions = {},
): Promise<void> {
  await trees.deleteSpace(await directory.dropSpace(accountId, name, options))
}
