import { lstat, readlink, symlink } from 'node:fs/promises'
import { errno, ignoreMissing } from '../failure.js'
import { unlink } from '../files.js'
import { hasEnded, SELF } from './owner.js'

/** Nobody holds one for so long (ms): of a process that is not known to have ended it is believed then. */
const LONGEST_MS = 3_600_000

/**
 * Takes the claim at `path`, a link to the holder's name: made in one step, whole, and by one process only. False while somebody
 * has it. One that is left over is removed and not taken, so whoever saw it too does not remove the next one's. Raises what the
 * system calls do; nobody had it then.
 */
export async function take(path: string): Promise<boolean> {
  try {
    await symlink(SELF || 'unknown', path)
    return true
  } catch (error) {
    if (errno(error) !== 'EEXIST') throw error
  }
  const [holder, found] = [await readlink(path).catch(ignoreMissing), await lstat(path).catch(ignoreMissing)]
  const isOld = found !== undefined && found.mtimeMs < Date.now() - LONGEST_MS
  if (holder !== undefined && (hasEnded(holder) || isOld)) await giveUp(path)
  return false
}

export async function giveUp(path: string): Promise<void> {
  await unlink(path).catch(ignoreMissing)
}
