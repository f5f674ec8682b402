/**
 * Groups and organisations (contract §5): `/v1/groups`, `/v1/orgs`, `/v1/users/<user>/groups` and, where they are managed,
 * `/v1/admin/groups` and `/v1/admin/orgs`. What stands in a group is the same wherever it is found.
 */
import { formatGroup } from '../../../sharing/address.js'
import type { GroupRow } from '../../../sharing/groups.js'
import { SpaceError } from '../../../space/errors.js'
import { type Answer, jsonAnswer } from '../../answer.js'
import type { Call, Handler, Resource } from '../../call.js'
import { idempotencyKey } from '../../request-headers.js'
import { READ, Rights } from '../../rights.js'
import { rowsAnswer } from '../folders.js'
import { sessionOf } from '../space-call.js'
import { groupOf, groupUri, knownGroupOf } from './group-call.js'
import { groupProfile } from './group-profile.js'
import { groupRow, systemRow } from './group-rows.js'
import { groupShared } from './group-shared.js'
import { roles } from './roles.js'

const OWN_GROUP = new Rights(['r', 'w', 'd'], ['GET', 'PUT', 'DELETE', 'OPTIONS'])
const NEW_GROUP = new Rights(['w'], ['PUT', 'OPTIONS'])

const inGroup: [string, Resource][] = [
  ['profile', groupProfile],
  ['roles', roles],
]
const inGroupWithSpaces: [string, Resource][] = [...inGroup, ['shared', groupShared]]

const group = managed(inGroupWithSpaces)
const orgGroups: Resource = {
  verbs: { GET: listOrgGroups },
  param: { name: 'group', resource: group },
}
const org = managed([...inGroup, ['groups', orgGroups]])

/** `/v1/groups`: those the caller is in. */
export const groups: Resource = {
  verbs: { GET: listing((call) => groupsOf(call).list(sessionOf(call).account.id), fullName) },
  param: { name: 'group', resource: group },
}

/** `/v1/admin/groups`: the caller's own; those of others by their full names. */
export const adminGroups: Resource = {
  verbs: { GET: listing((call) => groupsOf(call).listOwn(sessionOf(call).account.id), bareName) },
  param: { name: 'group', resource: group },
}

/** `/v1/orgs` and `/v1/admin/orgs`. */
export const orgs: Resource = {
  verbs: { GET: listing((call) => groupsOf(call).listOrgs(sessionOf(call).account.id), bareName) },
  param: { name: 'org', resource: org },
}

/** `/v1/users/<user>/groups`, also `/v1/users/+<org>/groups`: those that the caller is in. */
export const userGroups: Resource = {
  verbs: {
    GET: listing(async (call) => {
      const { user = '' } = call.params
      const found = await groupsOf(call).list(sessionOf(call).account.id)
      return found.filter(({ group: { kind, owner } }) => (kind === '~' ? `+${owner}` : owner) === user)
    }, bareName),
  },
  param: { name: 'group', resource: group },
}

function groupsOf({ deps }: Call) {
  return deps.directory.groups
}

function fullName(row: GroupRow): string {
  return formatGroup(row.group)
}

function bareName(row: GroupRow): string {
  return row.group.name
}

function listing(
  find: (call: Call) => Promise<readonly GroupRow[]>,
  nameOf: (row: GroupRow) => string,
): Handler {
  return async (call) =>
    rowsAnswer(
      (await find(call)).map((row) => groupRow(row, nameOf(row))),
      READ,
    )
}

async function listOrgGroups(call: Call): Promise<Answer> {
  const { org: name = '' } = call.params
  const found = await groupsOf(call).listOrgGroups(sessionOf(call).account.id, name)
  return rowsAnswer(
    found.map((row) => groupRow(row, row.group.name)),
    READ,
  )
}

function managed(children: readonly [string, Resource][]): Resource {
  return {
    verbs: { GET: (call) => listGroup(call, children), PUT: createGroup, DELETE: deleteGroup },
    children: new Map(children),
    rights: rightsToGroup,
  }
}

async function listGroup(call: Call, children: readonly [string, Resource][]): Promise<Answer> {
  const address = knownGroupOf(call)
  const { role, created } = await groupsOf(call).read(sessionOf(call).account.id, address)
  const rows = children.map(([name]) =>
    systemRow(name, `${groupUri(address)}/${name}`, 'system_dir', READ, created),
  )
  return rowsAnswer(rows, role === 'founders' ? OWN_GROUP : READ)
}

async function createGroup(call: Call): Promise<Answer> {
  const address = groupOf(call)
  const { account } = sessionOf(call)
  if (address.kind === '@' && address.owner !== account.name) {
    throw new SpaceError('NOT_ALLOWED', `One makes groups of one's own only, not ${formatGroup(address)}.`)
  }
  const key = idempotencyKey(call.req.headers)
  await groupsOf(call).create(account.id, address, { idempotencyKey: key })
  return jsonAnswer(201, {
    created: true,
    name: address.name,
    group: formatGroup(address),
    uri: groupUri(address),
  })
}

async function deleteGroup(call: Call): Promise<Answer> {
  const key = idempotencyKey(call.req.headers)
  await groupsOf(call).delete(sessionOf(call).account.id, knownGroupOf(call), { idempotencyKey: key })
  return jsonAnswer(200, { deleted: 1 })
}

async function rightsToGroup(call: Call): Promise<Rights> {
  try {
    const { role } = await groupsOf(call).read(sessionOf(call).account.id, knownGroupOf(call))
    return role === 'founders' ? OWN_GROUP : READ
  } catch (error) {
    if (error instanceof SpaceError && error.code === 'NOT_FOUND') return NEW_GROUP
    throw error
  }
}
