/** Rows of groups, organisations, members and what is shared with a group. */
import { formatGroup, type GroupAddress } from '../../../sharing/address.js'
import type { GroupRow, Member } from '../../../sharing/groups.js'
import type { GroupSpace } from '../../../sharing/visible.js'
import { READ, type Rights } from '../../rights.js'
import type { Row } from '../rows.js'
import { etagOf } from '../texts.js'
import { groupUri } from './group-call.js'

/** `name`: as the listing at hand calls it. */
export function groupRow({ group, created, role, since }: GroupRow, name: string): Row {
  return {
    ...systemRow(name, groupUri(group), 'system_dir', READ, created),
    more: { group: formatGroup(group), role: role ?? null, since: new Date(since).toISOString() },
  }
}

export function memberRow(group: GroupAddress, member: Member, rights: Rights): Row {
  const { name, role, accepted, since } = member
  return {
    ...systemRow(name, `${groupUri(group)}/roles/${role}/${name}`, 'system_file', rights, since),
    more: { role, accepted },
  }
}

/** `@sharer~space` (seed 003). */
export function groupSpaceRow({ id, name, sharer, shared }: GroupSpace): Row {
  return {
    ...systemRow(`@${sharer}~${name}`, `/v1/users/${sharer}/code/spaces/${name}`, 'dir', READ, shared),
    etag: etagOf(id),
  }
}

export function systemRow(
  name: string,
  uri: string,
  type: Row['type'],
  rights: Rights,
  created: number,
  text = '',
): Row {
  const etag = etagOf(`${uri} ${text}`)
  return { name, uri, type, rights, etag, created, modified: created, size: Buffer.byteLength(text) }
}
