import { SpaceError } from '../space/errors.js'
import { quote } from '../space/quote.js'

/** What somebody is in a group. Founders and admins change membership; only founders make or remove founders. */
export const ROLES = ['founders', 'admins', 'superusers', 'members'] as const
export type Role = (typeof ROLES)[number]

/** As the scripts write them: their first letters. */
export function roleLetter(role: Role): string {
  return role[0] as string
}

export function roleOf(letter: string): Role {
  return ROLES.find((role) => role[0] === letter) as Role
}

/** NOT_FOUND where there is no such role. */
export function parseRole(text: string): Role {
  const role = ROLES.find((known) => known === text)
  if (role) return role
  throw new SpaceError('NOT_FOUND', `There is no role ${quote(text)}; the roles are ${ROLES.join(', ')}.`)
}
