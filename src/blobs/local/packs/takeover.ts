import { stat } from 'node:fs/promises'
import { ignoreMissing } from '../failure.js'
import { unlink } from '../files.js'
import { isAbandoned } from './folder.js'
import { notePending, type PackParts } from './parts.js'
import { type PackRecord, placeOf } from './record.js'
import { recordsIn, scan } from './scan.js'

/**
 * Packs of owners that have ended, or were not heard of since `before` (ms since 1970): what may be undecided in them gets a
 * note in `pending/`, for the collector to judge, and the packs count as closed from then on. Several may do this at once, and each may
 * die at any point: whoever comes next finds `.open` and does it again. `own`: packs of this process. Rejects with the first failure,
 * when all have been looked at.
 */
export async function takeOver(
  parts: PackParts,
  before: number,
  own: (pack: string) => boolean,
): Promise<void> {
  let failed: { readonly error: unknown } | undefined
  for (const pack of (await parts.folder.names()).open) {
    if (own(pack)) continue
    await takeOverOne(parts, pack, before).catch((error: unknown) => {
      failed ??= { error }
    })
  }
  if (failed) throw failed.error
}

async function takeOverOne(parts: PackParts, pack: string, before: number): Promise<void> {
  const abandoned = async () => {
    const state = await parts.folder.state(pack)
    return state && isAbandoned(state, before) ? state : undefined
  }
  const state = await abandoned()
  if (!state) return
  await noteAll(parts, pack, state.checkpoint)
  // Noting takes its time: an owner that has come back meanwhile appends again. Notes of what it decides itself do no harm.
  if (await abandoned()) await unlink(parts.folder.open(pack)).catch(ignoreMissing)
}

async function noteAll(parts: PackParts, pack: string, checkpoint: number): Promise<void> {
  const { reader, layout } = parts
  const noted: PackRecord[] = []
  await reader.use(pack, async (fd) => {
    const { headers } = await scan(fd, pack, checkpoint)
    const gone = await parts.gone.of(pack)
    for (const record of recordsIn(headers)) {
      const { space, blob } = record
      if (gone.has(placeOf(blob))) continue
      // Settled by one who died before the pack was all taken over.
      if (await stat(layout.places(space, blob).live).catch(ignoreMissing)) continue
      const bytes = await reader.whole(fd, record)
      if (bytes === undefined) continue
      await notePending(parts, record, bytes)
      noted.push(record)
    }
  })
  // Another one may have been quicker, and the collector has judged its notes already.
  const gone = await parts.gone.of(pack)
  for (const { space, blob } of noted)
    if (gone.has(placeOf(blob))) await unlink(layout.places(space, blob).pending).catch(ignoreMissing)
  if (noted.length > 0) await parts.syncPending()
}
