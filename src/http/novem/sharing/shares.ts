/** `…/<space>/shared`: an entry for each group, or the public, that the space is shared with (seed 003). */
import { orderLetters } from '../../../sharing/share-target.js'
import type { Share } from '../../../sharing/shares.js'
import { type Answer, jsonAnswer } from '../../answer.js'
import type { Call, Resource } from '../../call.js'
import { rowDate } from '../../dates.js'
import { READ, Rights } from '../../rights.js'
import { rowsAnswer } from '../folders.js'
import type { Row } from '../rows.js'
import { ofSpace, rightsInSpace, type SpaceCall, uriOf } from '../space-call.js'
import { etagOf } from '../texts.js'

const OWN_SHARE = new Rights(['r', 'w', 'd'], ['GET', 'PUT', 'DELETE', 'OPTIONS'])

const share: Resource = {
  verbs: { GET: ofSpace(readShare), PUT: ofSpace(putShare), DELETE: ofSpace(deleteShare) },
  gated: true,
  rights: rightsInSpace(async (call) => {
    await accessible(call)
    return rightsTo(call)
  }),
}

export const shared: Resource = {
  verbs: { GET: ofSpace(listShares) },
  param: { name: 'name', resource: share },
  gated: true,
  rights: rightsInSpace(async (call) => {
    await accessible(call)
    return READ
  }),
}

async function listShares(call: SpaceCall): Promise<Answer> {
  const found = await accessible(call)
  return rowsAnswer(
    found.map((one) => shareRow(call, one)),
    READ,
  )
}

async function readShare(call: SpaceCall): Promise<Answer> {
  const one = await shares(call).find(call.session.account.id, call.space.id, targetOf(call))
  const { name, letters, created } = one
  const permissions = [...orderLetters(letters)]
  return jsonAnswer(200, { name, permissions, created_on: rowDate(created) }, [
    'X-NVM-Type',
    'file',
    'X-NVM-Permissions',
    rightsTo(call).header,
  ])
}

async function putShare(call: SpaceCall): Promise<Answer> {
  const { session, space, op } = call
  const name = targetOf(call)
  const done = await shares(call).put(session.account.id, space.id, name, op)
  return jsonAnswer(done === 'created' ? 201 : 200, {
    name,
    created: done === 'created',
    changed: done !== 'same',
  })
}

async function deleteShare(call: SpaceCall): Promise<Answer> {
  const { session, space, op } = call
  await shares(call).delete(session.account.id, space.id, targetOf(call), op)
  return jsonAnswer(200, { deleted: 1 })
}

function shares({ deps }: Call) {
  return deps.directory.shares
}

function accessible({ deps, session, space }: SpaceCall): Promise<Share[]> {
  return deps.directory.shares.list(session.account.id, space.id)
}

function targetOf({ params }: Call): string {
  return params.name ?? ''
}

function rightsTo({ space }: SpaceCall): Rights {
  return space.access === 'o' ? OWN_SHARE : READ
}

function shareRow(call: SpaceCall, { name, letters, created }: Share): Row {
  const uri = `${uriOf(call.space.owner, call.space.name)}/shared/${name}`
  return {
    name,
    uri,
    type: 'system_file',
    rights: rightsTo(call),
    etag: etagOf(`${uri} ${created}`),
    created,
    modified: created,
    size: 0,
    more: { share: [...orderLetters(letters)] },
  }
}
