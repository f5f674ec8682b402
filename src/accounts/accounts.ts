import { newId } from './ids.js'
import { checkEmail, checkResourceName, foldEmail, isResourceName } from './names.js'
import { type PlanTable, parsePlanName } from './plans.js'
import { decodeAccount } from './records.js'
import type { AccountSlot } from './slot.js'
import type { Account } from './types.js'

export interface NewAccount {
  readonly name: string
  /** Unique, compared without case: invitations are for an address (contract §8). */
  readonly email?: string | undefined
  /** `free` where absent. */
  readonly plan?: string | undefined
  /** Without one, only tokens open the account. */
  readonly password?: string | undefined
  /** The early-access flag; on where absent, since only the operator makes accounts. */
  readonly spacesEnabled?: boolean | undefined
  readonly public?: boolean | undefined
}

/** The accounts themselves, as the operator sees them. */
export class Accounts {
  readonly #slot: AccountSlot
  readonly #plans: PlanTable

  constructor(slot: AccountSlot, plans: PlanTable) {
    this.#slot = slot
    this.#plans = plans
  }

  async load(name: string): Promise<Account | undefined> {
    if (!isResourceName(name)) return undefined
    const row = await this.#slot.read('load_account', [name])
    return row === null ? undefined : decodeAccount(row, this.#plans)
  }

  async create(account: NewAccount): Promise<Account> {
    const { name, email = '', plan = 'free', spacesEnabled = true } = account
    checkResourceName('an account', name)
    checkEmail(email)
    const fields = [
      email,
      foldEmail(email),
      parsePlanName(plan),
      spacesEnabled ? 1 : 0,
      account.public ? 1 : 0,
      Date.now(),
      '',
    ]
    const row = await this.#slot.mutate(
      'create_account',
      [newId(), name, ...fields],
      { by: '' },
      {
        EXISTS: ([what]) =>
          what === 'name'
            ? `An account named '${name}' exists already.`
            : `An account with the e-mail address '${email}' exists already.`,
      },
    )
    return decodeAccount(row, this.#plans)
  }
}
