import { newId } from './ids.js'
import { checkEmail, checkResourceName, foldEmail, isResourceName } from './names.js'
import { Passwords } from './passwords.js'
import { type PlanTable, parsePlanName } from './plans.js'
import { decodeAccount } from './records.js'
import { type AccountSlot, list, text } from './slot.js'
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

/** What is absent stays as it is. */
export interface AccountChanges {
  readonly plan?: string | undefined
  /** '' takes the address away. */
  readonly email?: string | undefined
  readonly spacesEnabled?: boolean | undefined
  /** null takes the password away: only tokens open the account then. */
  readonly password?: string | null | undefined
  readonly public?: boolean | undefined
}

export interface DeletedAccount {
  readonly id: string
  /** Dying; their trees are to be freed, then forgotten. */
  readonly spaces: readonly string[]
}

const SCAN_STEP = 200

/** The accounts themselves, as the operator sees them. */
export class Accounts {
  readonly #slot: AccountSlot
  readonly #plans: PlanTable
  readonly #passwords = new Passwords()

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
      account.password === undefined ? '' : await this.#passwords.hash(account.password),
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
  async set(name: string, changes: AccountChanges): Promise<Account> {
    const { plan, email, spacesEnabled, password } = changes
    const pairs: (string | number)[] = []
    if (plan !== undefined) pairs.push('plan', parsePlanName(plan))
    if (spacesEnabled !== undefined) pairs.push('spaces', spacesEnabled ? 1 : 0)
    if (changes.public !== undefined) pairs.push('public', changes.public ? 1 : 0)
    if (email !== undefined) {
      checkEmail(email)
      pairs.push('email', email, 'folded_email', foldEmail(email))
    }
    if (password !== undefined) {
      pairs.push('password', password === null ? '' : await this.#passwords.hash(password))
    }
    const row = await this.#slot.mutate(
      'set_account',
      [name, Date.now(), ...pairs],
      { by: '' },
      {
        NOT_FOUND: () => `There is no account named '${name}'.`,
        EXISTS: () => `An account with the e-mail address '${email}' exists already.`,
      },
    )
    return decodeAccount(row, this.#plans)
  }

  async delete(name: string): Promise<DeletedAccount> {
    const reply = await this.#slot.mutate(
      'delete_account',
      [name],
      { by: '' },
      {
        NOT_FOUND: () => `There is no account named '${name}'.`,
      },
    )
    const [id, ...spaces] = list(reply).map(text)
    return { id: id as string, spaces }
  }

  async list(): Promise<Account[]> {
    const found = new Map<string, Account>()
    let cursor = '0'
    do {
      const [next, step] = list(await this.#slot.read('scan_accounts', [cursor, SCAN_STEP]))
      for (const row of list(step)) {
        const account = decodeAccount(row, this.#plans)
        found.set(account.id, account)
      }
      cursor = text(next)
    } while (cursor !== '0')
    return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  async checkPassword(name: string, password: string): Promise<Account | undefined> {
    const reply = await this.#slot.read('load_password', [name])
    const [row, encoded] = reply === null ? [] : list(reply)
    const same = await this.#passwords.matches(password, encoded === undefined ? undefined : text(encoded))
    return same && row !== undefined ? decodeAccount(row, this.#plans) : undefined
  }
}
