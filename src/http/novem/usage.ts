/**
 * `…/usage`: what a space holds and what it may hold, by its owner's plan; for drives, which say how much room there is. Not
 * among the rows of the space's folder, which the seed lists.
 */
import { type Answer, jsonAnswer } from '../answer.js'
import type { Resource } from '../call.js'
import { READ } from '../rights.js'
import { ofSpace, rightsInSpace, type SpaceCall } from './space-call.js'

export const usage: Resource = {
  verbs: { GET: ofSpace(readUsage) },
  byShortname: true,
  gated: true,
  rights: rightsInSpace(async (call) => {
    await call.deps.tree.info(call.op)
    return READ
  }),
}

/** `id` and `shortname` stay when the space is renamed; no two spaces have the same. */
async function readUsage({ deps, op, space }: SpaceCall): Promise<Answer> {
  const { id, access, bytes, entries, mark } = await deps.tree.info(op)
  const { fileBytes, spaceBytes, entries: mostEntries } = op.limits
  const limits = { file_bytes: fileBytes, space_bytes: spaceBytes, entries: mostEntries }
  const { name, shortname, owner } = space
  const use = { writable: access.write, bytes, entries, limits, seq: mark.seq, epoch: mark.epoch }
  return jsonAnswer(200, { id, shortname, name, owner: owner.name, ...use }, [
    ...['X-NVM-Type', 'file', 'X-NVM-Permissions', READ.header],
    ...['X-NVM-Seq', String(mark.seq), 'X-NVM-Epoch', mark.epoch, 'Cache-Control', 'no-store'],
  ])
}
