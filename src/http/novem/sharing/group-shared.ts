/**
 * `…/groups/<group>/shared/code/spaces`: what is shared with a group (seed 003, "Shares"). While there is nothing, every leaf
 * is missing.
 */
import { SpaceError } from '../../../space/errors.js'
import { quote } from '../../../space/quote.js'
import type { Answer } from '../../answer.js'
import type { Call, Resource } from '../../call.js'
import { READ } from '../../rights.js'
import { rowsAnswer } from '../folders.js'
import { sessionOf } from '../space-call.js'
import { groupUri, knownGroupOf } from './group-call.js'
import { groupSpaceRow, systemRow } from './group-rows.js'

const spaces: Resource = { verbs: { GET: listSpaces }, gated: true }
const code = folderOf('shared/code', 'spaces', spaces)

export const groupShared: Resource = folderOf('shared', 'code', code)

async function listSpaces(call: Call): Promise<Answer> {
  const group = knownGroupOf(call)
  const found = await call.deps.directory.visible.ofGroup(sessionOf(call).account.id, group)
  if (found.length === 0) throw new SpaceError('NOT_FOUND', `There is nothing at ${quote(call.path)}.`)
  return rowsAnswer(found.map(groupSpaceRow), READ)
}

function folderOf(path: string, child: string, resource: Resource): Resource {
  return {
    verbs: {
      GET: async (call) => {
        const group = knownGroupOf(call)
        const { created } = await call.deps.directory.groups.read(sessionOf(call).account.id, group)
        const uri = `${groupUri(group)}/${path}/${child}`
        return rowsAnswer([systemRow(child, uri, 'system_dir', READ, created)], READ)
      },
    },
    children: new Map([[child, resource]]),
    gated: true,
  }
}
