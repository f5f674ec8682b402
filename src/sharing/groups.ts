import { newId } from '../accounts/ids.js'
import { rows } from '../accounts/records.js'
import { type AccountSlot, list, type MutationOptions, type Refusals, text } from '../accounts/slot.js'
import { quote } from '../space/quote.js'
import {
  checkGroupName,
  describeGroup,
  formatGroup,
  type GroupAddress,
  type GroupKind,
  groupNotFound,
} from './address.js'
import { checkGroupText, type GroupFile } from './group-profile.js'
import { type Role, roleLetter, roleOf } from './roles.js'

export interface GroupRow {
  readonly group: GroupAddress
  readonly created: number
  /** The account's own role; absent where it sees the group without being in it. */
  readonly role?: Role
  /** When the account was invited, joined or got this role. */
  readonly since: number
}

export interface Group {
  readonly id: string
  readonly group: GroupAddress
  readonly created: number
  /** As what the caller may act here: their role, or the one that leading the organisation gives; none for the invited. */
  readonly role?: Role
  /** Files that were written; the others are at their default. */
  readonly files: Readonly<Partial<Record<GroupFile, { readonly text: string; readonly modified: number }>>>
}

export interface Member {
  /** Account name. */
  readonly name: string
  readonly role: Role
  /** False: invited, and has not answered. */
  readonly accepted: boolean
  readonly since: number
}

/** Whoever changes something: an account's id, or the operator, who may do everything. */
export type Actor = string | typeof OPERATOR
export const OPERATOR = Symbol('operator')

/**
 * Groups of users, organisations, and groups of organisations: who is in them, as what. They hold what spaces are shared
 * with, by an immutable id: a group made again under an old name inherits nothing. To those who are neither in a group nor
 * invited to it, it does not exist (NOT_FOUND).
 */
export class Groups {
  readonly #slot: AccountSlot

  constructor(slot: AccountSlot) {
    this.#slot = slot
  }

  /**
   * `account` (an id) becomes its founder. A user group's owner is not looked at: it is the account.
   * BAD_NAME, EXISTS, NOT_FOUND (account, organisation), NOT_ALLOWED (only who leads an organisation makes its groups).
   */
  async create(account: string, group: GroupAddress, options: MutationOptions = {}): Promise<void> {
    checkGroupName(group)
    await this.#slot.mutate(
      'create_group',
      [account, group.kind, group.owner, group.name, newId(), Date.now()],
      { by: account, what: [formatGroup(group)], ...options },
      {
        NOT_FOUND: ([what]) =>
          what === 'org'
            ? `There is no organisation ${quote(`+${group.owner}`)}.`
            : 'The account does not exist any more.',
        NOT_ALLOWED: () => `Only founders and admins of ${quote(`+${group.owner}`)} make groups in it.`,
        EXISTS: () => `There is a group or organisation named ${quote(group.name)} already.`,
        BUSY: () => `No free id was found for the ${describeGroup(group)}; the request may be tried again.`,
      },
    )
  }

  /** The shares with it go with it; with an organisation all its groups. NOT_FOUND, NOT_ALLOWED (founders only). */
  async delete(actor: Actor, group: GroupAddress, options: MutationOptions = {}): Promise<void> {
    await this.#mutate('delete_group', actor, group, [], options, {
      NOT_ALLOWED: () => `Only its founders delete the ${describeGroup(group)}.`,
    })
  }

  /** The groups, of users and organisations, that the account is in. */
  list(account: string): Promise<GroupRow[]> {
    return this.#list(account, 'groups')
  }

  /** The user groups that are named after the account. */
  listOwn(account: string): Promise<GroupRow[]> {
    return this.#list(account, 'own')
  }

  /** The organisations that the account is in. */
  listOrgs(account: string): Promise<GroupRow[]> {
    return this.#list(account, 'orgs')
  }

  /** All groups of an organisation, to its members. NOT_FOUND. */
  listOrgGroups(account: string, org: string): Promise<GroupRow[]> {
    return this.#list(account, 'org', org)
  }

  /** The groups and organisations that wait for the account's answer. */
  listInvites(account: string): Promise<GroupRow[]> {
    return this.#list(account, 'invites')
  }

  /** NOT_FOUND. */
  async read(actor: Actor, group: GroupAddress): Promise<Group> {
    const reply = await this.#slot.read('read_group', [actorArg(actor), group.kind, group.owner, group.name])
    if (reply === null) throw groupNotFound(group)
    const [id, created, role, , files] = list(reply)
    const entries = rows(files ?? [], 3).map(([file, modified, value]) => [
      file,
      { text: value, modified: Number(modified) },
    ])
    return {
      id: text(id),
      group,
      created: Number(text(created)),
      ...(text(role) !== '' && { role: roleOf(text(role)) }),
      files: Object.fromEntries(entries),
    }
  }

  /** `null` clears. Founders and admins only (NOT_ALLOWED). BAD_REQUEST (text), NOT_FOUND. */
  async writeProfile(
    account: string,
    group: GroupAddress,
    file: GroupFile,
    value: string | null,
    options: MutationOptions = {},
  ): Promise<void> {
    const kept = value === null ? [] : [checkGroupText(file, value)]
    await this.#mutate(
      'write_group_profile',
      account,
      group,
      [file, Date.now(), ...kept],
      { ...options, what: [file, ...kept] },
      { NOT_ALLOWED: () => `Only founders and admins write the profile of the ${describeGroup(group)}.` },
    )
  }

  /** Who is in the group, and who is invited, by name; to members. NOT_FOUND. */
  async listMembers(actor: Actor, group: GroupAddress): Promise<Member[]> {
    const reply = await this.#slot.read('list_members', [
      actorArg(actor),
      group.kind,
      group.owner,
      group.name,
    ])
    if (reply === null) throw groupNotFound(group)
    return rows(reply, 4)
      .map(([name, role, state, since]) => ({
        name: name as string,
        role: roleOf(role as string),
        accepted: state === 'a',
        since: Number(since),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /**
   * Invites an account in that role; who is in already, or invited, gets the role.
   * NOT_FOUND (group, account), NOT_ALLOWED (founders and admins change membership, founders make founders, the last
   * founder stays one).
   */
  async setRole(
    actor: Actor,
    group: GroupAddress,
    name: string,
    role: Role,
    options: MutationOptions = {},
  ): Promise<'invited' | 'changed' | 'same'> {
    const reply = await this.#mutate(
      'set_role',
      actor,
      group,
      [name, roleLetter(role), Date.now()],
      { ...options, what: [name, role] },
      {
        NOT_FOUND: ([what]) => (what === 'account' ? `There is no account named ${quote(name)}.` : undefined),
        NOT_ALLOWED: ([why]) => membershipRefusal(why, group, name),
      },
    )
    return reply as 'invited' | 'changed' | 'same'
  }

  /**
   * Somebody leaves (their own name), is removed, or an invitation is taken back; `role`: only where they have that one.
   * Who leaves an organisation leaves its groups. NOT_FOUND (group, member), NOT_ALLOWED as with `setRole`.
   */
  async removeMember(
    actor: Actor,
    group: GroupAddress,
    name: string,
    role?: Role,
    options: MutationOptions = {},
  ): Promise<void> {
    await this.#mutate(
      'remove_member',
      actor,
      group,
      [name, role === undefined ? '' : roleLetter(role)],
      { ...options, what: [name, role ?? ''] },
      {
        NOT_FOUND: ([what]) =>
          what === 'member'
            ? `${quote(name)} is not among the ${role ?? 'members'} of the ${describeGroup(group)}.`
            : undefined,
        NOT_ALLOWED: ([why]) => membershipRefusal(why, group, name),
      },
    )
  }

  /** NOT_FOUND where nobody invited the account there, or took it back. */
  async answerInvite(
    account: string,
    group: GroupAddress,
    answer: 'yes' | 'no',
    options: MutationOptions = {},
  ): Promise<void> {
    await this.#mutate(
      'answer_invite',
      account,
      group,
      [answer, Date.now()],
      { ...options, what: [answer] },
      { NOT_FOUND: () => `There is no invitation to the ${describeGroup(group)}.` },
    )
  }

  async #list(account: string, what: string, org = ''): Promise<GroupRow[]> {
    const reply = await this.#slot.read('list_groups', [account, what, org])
    if (reply === null) throw groupNotFound({ kind: '+', owner: '', name: org })
    return rows(reply, 6)
      .map(([kind, owner, name, created, role, since]) => ({
        group: { kind: kind as GroupKind, owner: owner as string, name: name as string },
        created: Number(created),
        ...(role !== '' && { role: roleOf(role as string) }),
        since: Number(since),
      }))
      .sort((a, b) => (formatGroup(a.group) < formatGroup(b.group) ? -1 : 1))
  }

  async #mutate(
    script: string,
    actor: Actor,
    group: GroupAddress,
    args: readonly (string | number)[],
    { what = [], ...options }: MutationOptions & { readonly what?: readonly string[] },
    refusals: { readonly [code in keyof Refusals]?: (details: readonly string[]) => string | undefined },
  ): Promise<string> {
    const by = actorArg(actor)
    const messages: Refusals = {
      NOT_FOUND: (details) => refusals.NOT_FOUND?.(details) ?? groupNotFound(group).message,
      NOT_ALLOWED: (details) => refusals.NOT_ALLOWED?.(details) ?? '',
    }
    const reply = await this.#slot.mutate(
      script,
      [by, group.kind, group.owner, group.name, ...args],
      { by, what: [formatGroup(group), ...what], ...options },
      messages,
    )
    return String(reply)
  }
}

function actorArg(actor: Actor): string {
  return actor === OPERATOR ? '' : actor
}

function membershipRefusal(why: string | undefined, group: GroupAddress, name: string): string {
  const it = `the ${describeGroup(group)}`
  switch (why) {
    case 'last':
      return `${quote(name)} is the last founder of ${it} and cannot leave; make somebody else a founder first, or delete it.`
    case 'found':
      return `Only founders of ${it} make, change or remove founders.`
    default:
      return `Only founders and admins of ${it} change who is in it.`
  }
}
