import type { Directory } from '../../src/accounts/directory.js'
import type { AccessLetter } from '../../src/accounts/types.js'
import { type GroupAddress, userGroup } from '../../src/sharing/address.js'
import { makeSpace, type Somebody, somebody } from '../accounts/fixture.js'

/** What somebody may do in a space of an owner, as every request finds it out. */
export async function accessOf(
  directory: Directory,
  { token }: Pick<Somebody, 'token'>,
  owner: Somebody,
  name = 'data',
): Promise<AccessLetter | undefined> {
  const { session, space } = await directory.load(token, { owner: owner.account.name, name })
  const grant = session?.caller.grant
  const letter = grant?.letter ?? (space?.access === 'o' ? 'o' : undefined)
  if (space?.access !== letter || (grant && grant.space !== space?.id)) {
    throw new Error(`the space says ${space?.access}, the caller ${JSON.stringify(grant)}`)
  }
  return letter
}

export interface Owner extends Somebody {
  /** Id of the space `data`. */
  readonly space: string
}

/** An account on a plan that shares, with a space. */
export async function owner(directory: Directory, name = 'data', email = ''): Promise<Owner> {
  const who = await somebody(directory, { plan: 'basic', email })
  return { ...who, space: await makeSpace(directory, who.account.id, name) }
}

/** Invites and accepts. */
export async function join(
  directory: Directory,
  founder: Somebody,
  group: GroupAddress,
  ...members: readonly Somebody[]
): Promise<void> {
  for (const { account } of members) {
    await directory.groups.setRole(founder.account.id, group, account.name, 'members')
    await directory.groups.answerInvite(account.id, group, 'yes')
  }
}

/** A user group of `founder`, with members. */
export async function team(
  directory: Directory,
  founder: Somebody,
  name = 'team',
  ...members: readonly Somebody[]
): Promise<GroupAddress> {
  const group = userGroup(founder.account.name, name)
  await directory.groups.create(founder.account.id, group)
  await join(directory, founder, group, ...members)
  return group
}

/** New accounts, by what they are called in the test. */
export async function people<T extends string>(
  directory: Directory,
  ...roles: readonly T[]
): Promise<Record<T, Somebody>> {
  const made = await Promise.all(roles.map(async (role) => [role, await somebody(directory)] as const))
  return Object.fromEntries(made) as Record<T, Somebody>
}
