/** `…/roles/<role>/<user>`: who is in a group, as what; PUT invites, DELETE removes, leaves, takes an invitation back. */
import { formatGroup } from '../../../sharing/address.js'
import type { Member } from '../../../sharing/groups.js'
import { parseRole, ROLES, type Role } from '../../../sharing/roles.js'
import { SpaceError } from '../../../space/errors.js'
import { quote } from '../../../space/quote.js'
import { type Answer, jsonAnswer } from '../../answer.js'
import type { Call, Resource } from '../../call.js'
import { rowDate } from '../../dates.js'
import { idempotencyKey } from '../../request-headers.js'
import { NOTHING, READ, Rights } from '../../rights.js'
import { rowsAnswer } from '../folders.js'
import { sessionOf } from '../space-call.js'
import { groupUri, knownGroupOf, rightsToGroupOf } from './group-call.js'
import { memberRow, systemRow } from './group-rows.js'

const CHANGEABLE = new Rights(['r', 'w', 'd'], ['GET', 'PUT', 'DELETE', 'OPTIONS'])
const LEAVABLE = new Rights(['r', 'd'], ['GET', 'DELETE', 'OPTIONS'])

const member: Resource = {
  verbs: { GET: readMember, PUT: setRole, DELETE: removeMember },
  rights: rightsToGroupOf(async (call) => {
    const own = await ownRole(call)
    // Who is only invited sees the group, and not who is in it.
    return own === undefined ? NOTHING : rightsToMember(call, leads(own), call.params.member ?? '')
  }),
}

const role: Resource = { verbs: { GET: listRole }, param: { name: 'member', resource: member } }

export const roles: Resource = { verbs: { GET: listRoles }, param: { name: 'role', resource: role } }

async function listRoles(call: Call): Promise<Answer> {
  const group = knownGroupOf(call)
  const { created } = await call.deps.directory.groups.read(sessionOf(call).account.id, group)
  const uri = `${groupUri(group)}/roles`
  return rowsAnswer(
    ROLES.map((name) => systemRow(name, `${uri}/${name}`, 'system_dir', READ, created)),
    READ,
  )
}

async function listRole(call: Call): Promise<Answer> {
  const [members, mayChange] = await Promise.all([membersOf(call), rightsInGroup(call)])
  const rows = members.map((one) =>
    memberRow(knownGroupOf(call), one, rightsToMember(call, mayChange, one.name)),
  )
  return rowsAnswer(rows, READ)
}

async function readMember(call: Call): Promise<Answer> {
  const name = call.params.member ?? ''
  const found = (await membersOf(call)).find((one) => one.name === name)
  if (!found) {
    const { role: asked = '' } = call.params
    throw new SpaceError(
      'NOT_FOUND',
      `${quote(name)} is not among the ${asked} of ${quote(formatGroup(knownGroupOf(call)))}.`,
    )
  }
  const rights = rightsToMember(call, await rightsInGroup(call), name)
  return jsonAnswer(200, memberJson(found), ['X-NVM-Type', 'file', 'X-NVM-Permissions', rights.header])
}

async function setRole(call: Call): Promise<Answer> {
  const { member: name = '' } = call.params
  const wanted = parseRole(call.params.role ?? '')
  const key = idempotencyKey(call.req.headers)
  const { account } = sessionOf(call)
  const done = await call.deps.directory.groups.setRole(account.id, knownGroupOf(call), name, wanted, {
    idempotencyKey: key,
  })
  return jsonAnswer(done === 'invited' ? 201 : 200, { name, role: wanted, invited: done === 'invited' })
}

async function removeMember(call: Call): Promise<Answer> {
  const { member: name = '' } = call.params
  const key = idempotencyKey(call.req.headers)
  const { account } = sessionOf(call)
  const asked = parseRole(call.params.role ?? '')
  await call.deps.directory.groups.removeMember(account.id, knownGroupOf(call), name, asked, {
    idempotencyKey: key,
  })
  return jsonAnswer(200, { deleted: 1 })
}

/** Those of the role in the path. */
async function membersOf(call: Call): Promise<Member[]> {
  const asked = parseRole(call.params.role ?? '')
  const all = await call.deps.directory.groups.listMembers(sessionOf(call).account.id, knownGroupOf(call))
  return all.filter((one) => one.role === asked)
}

/** May the caller change who is in the group? */
async function rightsInGroup(call: Call): Promise<boolean> {
  return leads(await ownRole(call))
}

async function ownRole(call: Call): Promise<Role | undefined> {
  const group = await call.deps.directory.groups.read(sessionOf(call).account.id, knownGroupOf(call))
  return group.role
}

function leads(role: Role | undefined): boolean {
  return role === 'founders' || role === 'admins'
}

function rightsToMember(call: Call, mayChange: boolean, name: string): Rights {
  if (mayChange) return CHANGEABLE
  return name === sessionOf(call).account.name ? LEAVABLE : READ
}

function memberJson({ name, role: held, accepted, since }: Member) {
  return { name, role: held, accepted, created_on: rowDate(since) }
}
