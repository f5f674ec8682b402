import type { ScriptReply } from '../redis/scripts.js'
import { newId, shortnameCandidates } from './ids.js'
import { checkResourceName } from './names.js'
import type { PlanTable } from './plans.js'
import { rows } from './records.js'
import { type AccountSlot, list, type MutationOptions, text } from './slot.js'

export interface ReservedSpace {
  readonly id: string
  readonly shortname: string
  readonly created: number
  /** This very operation (same Idempotency-Key) has made the space before: there is nothing left to do. */
  readonly done: boolean
}

export interface OwnSpace {
  readonly id: string
  readonly name: string
  readonly shortname: string
  readonly created: number
}

/**
 * making: reserved, its tree may or may not be there; the maker died if it is older than a minute.
 * dying: dropped, its tree may or may not be gone; forget it when it is.
 */
export type SpaceState = 'making' | 'ready' | 'dying'

export interface RegisteredSpace {
  readonly id: string
  readonly state: SpaceState
  readonly created: number
  readonly name: string
  readonly ownerId: string
  /** '' where the account is gone. */
  readonly owner: string
}

const SCAN_STEP = 200

/** Which spaces there are, under which names, and whose: reserve → make the tree → confirm; drop → free it → forget. */
export class SpaceRegistry {
  readonly #slot: AccountSlot
  readonly #limits: string

  constructor(slot: AccountSlot, plans: PlanTable) {
    this.#slot = slot
    this.#limits = Object.values(plans)
      .map((plan) => `${plan.name} ${plan.spaces}`)
      .join(' ')
  }

  async reserve(accountId: string, name: string, options: MutationOptions): Promise<ReservedSpace> {
    checkResourceName('a space', name)
    const reply = await this.#slot.mutate(
      'reserve_space',
      [accountId, name, newId(), Date.now(), this.#limits, ...shortnameCandidates()],
      { by: accountId, what: [name], ...options },
      {
        NOT_FOUND: () => 'The account does not exist any more.',
        EXISTS: () => `A space named '${name}' exists already.`,
        TOO_MANY_SPACES: ([plan, limit]) =>
          `The space '${name}' cannot be created: the plan '${plan}' allows ${limit} ${limit === '1' ? 'space' : 'spaces'}.`,
        BUSY: () => `No free id was found for the space '${name}'; the request may be tried again.`,
      },
    )
    const [id, shortname, created, done] = list(reply)
    return { id: text(id), shortname: text(shortname), created: Number(text(created)), done: done === 1 }
  }

  async confirm(id: string): Promise<void> {
    await this.#slot.mutate(
      'confirm_space',
      [id],
      { by: id },
      {
        EXISTS: () =>
          'A space of that name exists already; it was created by another request at the same time.',
        NOT_FOUND: () => 'The space was deleted while it was being created.',
      },
    )
  }

  async abandon(id: string): Promise<boolean> {
    return (await this.#slot.read('abandon_space', [id])) === 1
  }

  async rename(accountId: string, name: string, newName: string, options: MutationOptions): Promise<string> {
    checkResourceName('a space', newName)
    return text(
      await this.#slot.mutate(
        'rename_space',
        [accountId, name, newName],
        { by: accountId, what: [name, newName], ...options },
        {
          NOT_FOUND: () => `There is no space named '${name}'.`,
          EXISTS: () => `A space named '${newName}' exists already.`,
        },
      ),
    )
  }

  async drop(accountId: string, name: string, options: MutationOptions): Promise<string> {
    return text(
      await this.#slot.mutate(
        'drop_space',
        [accountId, name],
        { by: accountId, what: [name], ...options },
        {
          NOT_FOUND: () => `There is no space named '${name}'.`,
        },
      ),
    )
  }

  async forget(id: string): Promise<void> {
    await this.#slot.read('forget_space', [id])
  }

  async list(accountId: string): Promise<OwnSpace[]> {
    const reply = await this.#slot.read('list_spaces', [accountId])
    return rows(reply, 4)
      .map(([id, name, shortname, created]) => ({
        id: id as string,
        name: name as string,
        shortname: shortname as string,
        created: Number(created),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  async *all(): AsyncIterable<RegisteredSpace> {
    let cursor = '0'
    do {
      const [next, step] = list(await this.#slot.read('scan_spaces', [cursor, SCAN_STEP]))
      for (const row of rows(step as ScriptReply, 6)) yield registered(row)
      cursor = text(next)
    } while (cursor !== '0')
  }
}

function registered(row: readonly string[]): RegisteredSpace {
  const [id, state, created, name, ownerId, owner] = row as [
    string,
    SpaceState,
    string,
    string,
    string,
    string,
  ]
  return { id, state, created: Number(created), name, ownerId, owner }
}
