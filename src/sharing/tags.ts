import { rows } from '../accounts/records.js'
import { type AccountSlot, list, type MutationOptions, text } from '../accounts/slot.js'
import { SpaceError } from '../space/errors.js'
import { quote } from '../space/quote.js'
import { noSuchSpace } from './missing.js'

export const SYSTEM_TAGS = ['fav', 'like', 'ignore', 'wip', 'archived'] as const

const OWN_TAG = /^[+=][a-z][a-z0-9_-]+$/
const LONGEST_TAG = 64

/** An account's on one space; keeps looking at a space's tags cheap for everybody (`_access.lua`). */
const MOST_TAGS = 100

export interface Tag {
  readonly name: string
  readonly created: number
}

/** Could a tag have this name? */
export function isTag(name: string): boolean {
  return SYSTEM_TAGS.some((tag) => tag === name) || (name.length <= LONGEST_TAG && OWN_TAG.test(name))
}

/**
 * Tags on spaces (contract §5): the system's and one's own `+name` are seen by the one who tagged, categories `=name` are
 * given by the owner and seen by all who see the space. Accounts and spaces are named by id.
 */
export class Tags {
  readonly #slot: AccountSlot

  constructor(slot: AccountSlot) {
    this.#slot = slot
  }

  /** False: it was there. BAD_REQUEST (no such tag, too many), NOT_ALLOWED (a category, by another), NOT_FOUND (space). */
  async put(account: string, space: string, tag: string, options: MutationOptions = {}): Promise<boolean> {
    if (!isTag(tag)) {
      throw new SpaceError(
        'BAD_REQUEST',
        `${quote(tag)} is not a tag; tags are ${SYSTEM_TAGS.join(', ')}, your own +name, and =name on spaces of yours, of lower-case letters, digits, '-' and '_', beginning with a letter.`,
      )
    }
    const reply = await this.#slot.mutate(
      'put_tag',
      [account, space, tag, MOST_TAGS, Date.now()],
      { by: account, what: [space, tag], ...options },
      {
        NOT_FOUND: () => noSuchSpace(),
        NOT_ALLOWED: () => `Only the owner of a space gives it a category such as ${quote(tag)}.`,
        BAD_REQUEST: () => `The space has ${MOST_TAGS} tags of yours already; ${quote(tag)} is one too many.`,
      },
    )
    return reply === 1
  }

  /** NOT_FOUND (space, tag), NOT_ALLOWED (the owner's category). */
  async delete(account: string, space: string, tag: string, options: MutationOptions = {}): Promise<void> {
    await this.#slot.mutate(
      'delete_tag',
      [account, space, tag],
      { by: account, what: [space, tag], ...options },
      {
        NOT_FOUND: ([what]) =>
          what === 'tag' ? `The space has no tag ${quote(tag)} of yours.` : noSuchSpace(),
        NOT_ALLOWED: () => `Only the owner of a space takes its category ${quote(tag)} away.`,
      },
    )
  }

  /** All that the account uses, by name, whether it still sees those spaces or not. */
  async used(account: string): Promise<string[]> {
    return list(await this.#slot.read('own_tags', [account])).map(text)
  }

  /** By name. NOT_FOUND (no access). */
  async list(account: string, space: string): Promise<Tag[]> {
    const reply = await this.#slot.read('list_tags', [account, space])
    if (reply === null) throw noSuchSpace()
    return rows(reply, 2)
      .map(([name, created]) => ({ name: name as string, created: Number(created) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }
}
