import { unsentBelow } from '../../../mount/engine/leftovers.js'
import type { Unsent } from '../../../mount/engine/queue.js'
import type { MountStatus } from '../../../mount/mount.js'
import type { MountRecord } from '../../../mount/records.js'
import { askSlot } from '../../../mount/slot.js'

/** How a mount is doing, whether its process runs or has died. */
export interface FoundStatus extends MountRecord {
  readonly running: boolean
  readonly unsent: readonly Unsent[]
  /** What only a running one knows. */
  readonly live?: MountStatus
}

export async function statusOf(record: MountRecord): Promise<FoundStatus> {
  const said = await askSlot(record.cacheDir)
  const live = said ? (JSON.parse(said) as Partial<MountStatus>) : undefined
  // Its folder may be used by a mount at another place by now.
  if (live?.mountPoint === record.mountPoint) {
    return { ...record, running: true, unsent: live.unsent ?? [], live: live as MountStatus }
  }
  return { ...record, running: false, unsent: said === undefined ? unsentBelow(record.cacheDir) : [] }
}
