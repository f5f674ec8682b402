/** A call about a group or an organisation: which one its path means. */
import { isResourceName } from '../../../accounts/names.js'
import {
  formatGroup,
  type GroupAddress,
  organisation,
  orgGroup,
  parseGroup,
  userGroup,
} from '../../../sharing/address.js'
import { SpaceError } from '../../../space/errors.js'
import { quote } from '../../../space/quote.js'
import type { Call } from '../../call.js'
import { NOTHING, type Rights } from '../../rights.js'
import { sessionOf } from '../space-call.js'

/**
 * `orgs/<org>`, `orgs/<org>/groups/<group>`, `users/<user>/groups/<group>`, `users/+<org>/groups/<group>`,
 * `groups/<group>` (one's own) and `groups/@<owner>~<group>`, `groups/+<org>~<group>`. Says nothing about whether it is
 * there.
 */
export function groupOf(call: Call): GroupAddress {
  const { user, org, group } = call.params
  if (org !== undefined) return group === undefined ? organisation(org) : orgGroup(org, group)
  if (group === undefined) throw new SpaceError('NOT_FOUND', `There is nothing at ${quote(call.path)}.`)
  if (user?.startsWith('+')) return orgGroup(user.slice(1), group)
  if (user !== undefined) return userGroup(user, group)
  return parseGroup(group) ?? userGroup(sessionOf(call).account.name, group)
}

/** What is looked up, never made: no script is asked about what cannot be a name. */
export function knownGroupOf(call: Call): GroupAddress {
  const address = groupOf(call)
  if (isResourceName(address.name) && (address.kind === '+' || isResourceName(address.owner))) return address
  throw new SpaceError('NOT_FOUND', `There is no group ${quote(formatGroup(address))}.`)
}

/** For OPTIONS: where no group is to be seen, nothing can be done. */
export function rightsToGroupOf(rights: (call: Call) => Promise<Rights>): (call: Call) => Promise<Rights> {
  return async (call) => {
    try {
      return await rights(call)
    } catch (error) {
      if (error instanceof SpaceError && error.code === 'NOT_FOUND') return NOTHING
      throw error
    }
  }
}

/** Where the group is listed: what rows' `uri` begin with. */
export function groupUri({ kind, owner, name }: GroupAddress): string {
  switch (kind) {
    case '@':
      return `/v1/users/${owner}/groups/${name}`
    case '~':
      return `/v1/orgs/${owner}/groups/${name}`
    case '+':
      return `/v1/orgs/${name}`
  }
}
