import type { Directory } from './directory.js'

/** As old as this, a reservation's maker is taken for dead (ms). */
const ABANDONED_AFTER_MS = 60_000

/** What the repair needs of the spaces' trees. Both are harmless to repeat, also where there is no tree. */
export interface Trees {
  /** Nobody finds the tree any more; it is freed in the background. */
  deleteSpace(id: string): Promise<unknown>
  /** Removes its last keys if nothing is left to free; resolves with whether it is gone. */
  burySpace(id: string): Promise<boolean>
}

export interface SpaceRepair {
  /** Reservations given up: whoever made them died. */
  readonly abandoned: number
  /** Dropped spaces of which nothing is left now. */
  readonly forgotten: number
  /** Dropped spaces that are still being freed: come again. */
  readonly dying: number
}

/**
 * Finishes what somebody began on the registry of spaces and did not end: any process, at any time, also several at once.
 * A maker that is merely slow is told by `confirmSpace` that its space was dropped.
 */
export async function repairSpaces(
  directory: Directory,
  trees: Trees,
  abandonedAfterMs = ABANDONED_AFTER_MS,
): Promise<SpaceRepair> {
  const result = { abandoned: 0, forgotten: 0, dying: 0 }
  for await (const { id, state, created } of directory.allSpaces()) {
    if (state === 'ready') continue
    if (state === 'making') {
      if (Date.now() - created < abandonedAfterMs || !(await directory.abandonSpace(id))) continue
      result.abandoned++
    }
    await trees.deleteSpace(id)
    if (await trees.burySpace(id)) {
      await directory.forgetSpace(id)
      result.forgotten++
    } else {
      result.dying++
    }
  }
  return result
}
