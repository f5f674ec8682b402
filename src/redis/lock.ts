import { askSocket, holdSocket, type SocketLock } from '../socket-lock.js'
import type { RuntimePaths } from './runtime.js'

/** A command's hold is short, and worth waiting for; a server's is not. */
export type HolderRole = 'server' | 'command'

export interface Holder {
  readonly pid: number
  readonly role: HolderRole
}

/** Somebody else holds the data folder. */
export class DataDirInUseError extends Error {
  override readonly name = 'DataDirInUseError'

  constructor(
    readonly paths: RuntimePaths,
    readonly holder: Holder,
  ) {
    super(
      `The data folder ${paths.dataDir} is in use by another ${holder.role} (process ${holder.pid || 'unknown'}). ` +
        `To run a second server beside it on the same Redis, set REDIS_URL=${paths.redisSocket}; ` +
        'otherwise stop it first or choose another DATA_DIR.',
    )
  }
}

/**
 * One holder at a time for a data folder's embedded Redis. Rejects with DataDirInUseError. A lock left behind by a dead
 * holder is taken over.
 */
export async function acquireLock(paths: RuntimePaths, role: HolderRole): Promise<SocketLock> {
  const holder: Holder = { pid: process.pid, role }
  for (;;) {
    const lock = await holdSocket(paths.lockSocket, () => JSON.stringify(holder))
    if (lock) return lock
    const other = await lockHolder(paths)
    if (other) throw new DataDirInUseError(paths, other)
  }
}

/** Who holds the data folder now; undefined where nobody does. */
export async function lockHolder(paths: RuntimePaths): Promise<Holder | undefined> {
  const said = await askSocket(paths.lockSocket)
  return said === undefined ? undefined : parseHolder(said)
}

/** A holder too busy to answer is a holder all the same. */
function parseHolder(text: string): Holder {
  try {
    return JSON.parse(text) as Holder
  } catch {
    return { pid: 0, role: 'server' }
  }
}
