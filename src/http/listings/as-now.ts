import { deltaOf, isBelow } from '../../space/delta.js'
import { SpaceError } from '../../space/errors.js'
import { foldName } from '../../space/names.js'
import type { ChangesResult, StatResult } from '../../space/operations.js'
import type { Entry } from '../../space/types.js'
import type { Listing, State } from './kept.js'
import { type Asking, lookUp } from './look-up.js'

/** Rows of the journal since a listing was kept, and members to be read anew; above them all are read. */
const MOST_ROWS = 1000
const MOST_TOUCHED = 300

/** A kept listing as the folder is now (`found`); undefined where the journal cannot tell. */
export async function asNow(
  asking: Asking,
  kept: Listing,
  found: Pick<StatResult, 'entry' | 'mark'>,
  write: (member: Entry) => Buffer | Promise<Buffer>,
): Promise<Listing | undefined> {
  const { entry, mark } = found
  if (kept.state.etag === entry.etag) return kept
  const since = await changesSince(asking, kept.state)
  if (!since || deltaOf(since.changes, entry.path, false).broken) return undefined
  const touched = new Set<string>()
  for (const { path, oldPath } of since.changes) {
    for (const one of oldPath === null ? [path] : [oldPath, path]) {
      if (isBelow(one, entry.path)) touched.add(memberOf(one, entry.path))
    }
  }
  if (touched.size > MOST_TOUCHED) return undefined
  const members = new Map<string, Buffer | undefined>()
  for (const path of touched) members.set(foldName(nameOf(path)), undefined)
  for (const member of (await lookUp(asking, [...touched])).values())
    members.set(foldName(member.name), await write(member))
  const { latestSeq: seq, epoch } = since
  // Other changes may have come between the two questions: then the etag is that of a state before them.
  return kept.with(
    { folder: entry.id, etag: seq === mark.seq ? entry.etag : '', mark: { seq, epoch } },
    members,
  )
}

/** Undefined where they are too many, or cannot be told. */
async function changesSince({ deps, op }: Asking, { mark }: State): Promise<ChangesResult | undefined> {
  try {
    const since = await deps.tree.changes(op, { since: mark.seq, limit: MOST_ROWS, epoch: mark.epoch })
    return since.hasMore ? undefined : since
  } catch (error) {
    if (error instanceof SpaceError && error.code === 'EPOCH_GONE') return undefined
    throw error
  }
}

/** The member of the folder that the path is, or is below. */
function memberOf(path: string, folder: string): string {
  const end = path.indexOf('/', folder === '' ? 0 : folder.length + 1)
  return end < 0 ? path : path.slice(0, end)
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
