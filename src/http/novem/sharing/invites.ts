/** `/v1/admin/invites`: groups and organisations that wait for the caller's answer (contract §5). */
import { formatGroup, parseGroup } from '../../../sharing/address.js'
import type { GroupRow } from '../../../sharing/groups.js'
import { SpaceError } from '../../../space/errors.js'
import { quote } from '../../../space/quote.js'
import { type Answer, jsonAnswer, textAnswer } from '../../answer.js'
import type { Call, Resource } from '../../call.js'
import { readText } from '../../request-body.js'
import { idempotencyKey } from '../../request-headers.js'
import { READ, Rights } from '../../rights.js'
import { rowsAnswer } from '../folders.js'
import { sessionOf } from '../space-call.js'
import { systemRow } from './group-rows.js'

const URI = '/v1/admin/invites'
const ANSWERABLE = new Rights(['r', 'w'], ['GET', 'POST', 'OPTIONS'])

const accept: Resource = { verbs: { GET: readAnswer, POST: answer }, rights: async () => ANSWERABLE }
const invite: Resource = { verbs: { GET: listInvite }, children: new Map([['accept', accept]]) }

export const invites: Resource = {
  verbs: { GET: listInvites },
  param: { name: 'group', resource: invite },
}

async function listInvites(call: Call): Promise<Answer> {
  const found = await call.deps.directory.groups.listInvites(sessionOf(call).account.id)
  const rows = found.map((row) => {
    const name = formatGroup(row.group)
    return { ...systemRow(name, `${URI}/${name}`, 'system_dir', READ, row.since), more: { role: row.role } }
  })
  return rowsAnswer(rows, READ)
}

async function listInvite(call: Call): Promise<Answer> {
  const { group, since } = await find(call)
  const uri = `${URI}/${formatGroup(group)}/accept`
  return rowsAnswer([systemRow('accept', uri, 'system_file', ANSWERABLE, since)], READ)
}

/** Not answered yet, or it would not be here. */
async function readAnswer(call: Call): Promise<Answer> {
  await find(call)
  return textAnswer('', [
    'X-NVM-Type',
    'file',
    'X-NVM-Permissions',
    ANSWERABLE.header,
    'X-NVM-Default',
    'true',
  ])
}

async function answer(call: Call): Promise<Answer> {
  const word = (await readText(call.req, call.res)).trim()
  if (word !== 'yes' && word !== 'no') {
    throw new SpaceError('BAD_REQUEST', `An invitation is answered with "yes" or "no", not ${quote(word)}.`)
  }
  const { group: name = '' } = call.params
  const group = parseGroup(name)
  if (!group) throw noInvite(name)
  const key = idempotencyKey(call.req.headers)
  const { account } = sessionOf(call)
  await call.deps.directory.groups.answerInvite(account.id, group, word, { idempotencyKey: key })
  return jsonAnswer(200, { name, accepted: word === 'yes' })
}

async function find(call: Call): Promise<GroupRow> {
  const { group: name = '' } = call.params
  const found = await call.deps.directory.groups.listInvites(sessionOf(call).account.id)
  const row = found.find(({ group }) => formatGroup(group) === name)
  if (!row) throw noInvite(name)
  return row
}

function noInvite(name: string): SpaceError {
  return new SpaceError('NOT_FOUND', `There is no invitation to ${quote(name)}.`)
}
