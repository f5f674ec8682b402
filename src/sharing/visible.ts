import { rows } from '../accounts/records.js'
import { type AccountSlot, list, text } from '../accounts/slot.js'
import type { AccessLetter } from '../accounts/types.js'
import type { ScriptReply } from '../redis/scripts.js'
import type { Caller } from '../space/types.js'
import { type GroupAddress, groupNotFound } from './address.js'
import { isTag } from './tags.js'

/** A space that somebody may see. */
export interface VisibleSpace {
  readonly id: string
  readonly name: string
  readonly shortname: string
  readonly created: number
  /** Account name. */
  readonly owner: string
  readonly access: AccessLetter
}

/** A space as it appears under a group. */
export interface GroupSpace {
  readonly id: string
  readonly name: string
  /** Who shares it: account name. */
  readonly sharer: string
  /** Since when, ms. */
  readonly shared: number
}

const STEP = 500

/** Which spaces somebody sees, looked at from all sides. Every row is checked when it is read. */
export class VisibleSpaces {
  readonly #slot: AccountSlot

  constructor(slot: AccountSlot) {
    this.#slot = slot
  }

  /** The owner's (an account name) spaces that the account (an id) may see, by name. */
  async of(account: string, owner: string): Promise<VisibleSpace[]> {
    return decode(await this.#slot.read('list_visible', [account, owner]))
  }

  /** The spaces of others that the account may see, by owner and name. */
  async shared(account: string): Promise<VisibleSpace[]> {
    const found = await this.#describe(account, '', await this.#ids('shared_ids', [account]))
    return found.filter(({ access }) => access !== 'o')
  }

  /** The spaces with a tag of the account's, or, for a category, all that the account sees with it. */
  async tagged(account: string, tag: string): Promise<VisibleSpace[]> {
    if (!isTag(tag)) return []
    const own = await this.#ids('tagged_ids', [account, tag])
    if (!tag.startsWith('=')) return this.#describe(account, '', own)
    const others = await this.#ids('shared_ids', [account])
    return this.#describe(account, tag, [...new Set([...own, ...others])])
  }

  /** What is shared with a group that the account is in, by sharer and name. NOT_FOUND (group). */
  async ofGroup(account: string, group: GroupAddress): Promise<GroupSpace[]> {
    const found = new Map<string, GroupSpace>()
    let cursor = '0'
    do {
      const args = [account, group.kind, group.owner, group.name, cursor, STEP]
      const reply = await this.#slot.read('list_group_spaces', args)
      if (reply === null) throw groupNotFound(group)
      const [next, step] = list(reply)
      for (const [id, sharer, name, , shared] of rows(step as ScriptReply, 5) as [
        string,
        string,
        string,
        string,
        string,
      ][]) {
        found.set(id, { id, sharer, name, shared: Number(shared) })
      }
      cursor = text(next)
    } while (cursor !== '0')
    return [...found.values()].sort((a, b) => order(a.sharer, a.name, b.sharer, b.name))
  }

  /** May the account (an id) change what is in the space (an id)? */
  async mayWrite(account: string, space: string): Promise<boolean> {
    return (await this.#slot.read('may_write', [account, space])) === 1
  }

  async #ids(script: string, args: readonly string[]): Promise<string[]> {
    return list(await this.#slot.read(script, args)).map(text)
  }

  async #describe(account: string, category: string, ids: readonly string[]): Promise<VisibleSpace[]> {
    const found: VisibleSpace[] = []
    for (let at = 0; at < ids.length; at += STEP) {
      const step = [account, category, ...ids.slice(at, at + STEP)]
      found.push(...decode(await this.#slot.read('describe_spaces', step)))
    }
    return found.sort((a, b) => order(a.owner, a.name, b.owner, b.name))
  }
}

/** The caller as the space's own operations want it. */
export function callerIn(space: VisibleSpace, account: string): Caller {
  const { id, access } = space
  return access === 'o'
    ? { accountId: account }
    : { accountId: account, grant: { space: id, letter: access } }
}

function decode(reply: ScriptReply): VisibleSpace[] {
  return rows(reply, 6)
    .map(([id, name, shortname, created, owner, access]) => ({
      id: id as string,
      name: name as string,
      shortname: shortname as string,
      created: Number(created),
      owner: owner as string,
      access: access as AccessLetter,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

function order(ownerA: string, nameA: string, ownerB: string, nameB: string): number {
  if (ownerA !== ownerB) return ownerA < ownerB ? -1 : 1
  return nameA < nameB ? -1 : 1
}
