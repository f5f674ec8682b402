import { SpaceError } from '../space/errors.js'
import type { PlanTable } from './plans.js'
import { decodeAccount, rows } from './records.js'
import { type AccountSlot, list, type MutationOptions } from './slot.js'
import type { Account } from './types.js'

/** The plain files of `/v1/admin/profile/` that the account itself writes; e-mail and plan are the operator's. */
export const PROFILE_FILES = ['name', 'bio', 'public'] as const
export type ProfileFile = (typeof PROFILE_FILES)[number]

const LONGEST_TEXT_BYTES = 4096

/** What is read where nothing was written. */
export const PROFILE_DEFAULTS: Readonly<Record<ProfileFile, string>> = { name: '', bio: '', public: 'no' }

export interface Profile {
  readonly account: Account
  /** Files that were written; the others are at their default. */
  readonly files: Readonly<Partial<Record<ProfileFile, { readonly text: string; readonly modified: number }>>>
}

/** What an account says of itself. */
export class Profiles {
  readonly #slot: AccountSlot
  readonly #plans: PlanTable

  constructor(slot: AccountSlot, plans: PlanTable) {
    this.#slot = slot
    this.#plans = plans
  }

  async read(accountId: string): Promise<Profile> {
    const reply = await this.#slot.read('read_profile', [accountId])
    if (reply === null) throw new SpaceError('NOT_FOUND', 'The account does not exist any more.')
    const [account, files] = list(reply)
    const entries = rows(files ?? [], 3).map(([file, modified, value]) => [
      file,
      { text: value, modified: Number(modified) },
    ])
    return { account: decodeAccount(account ?? null, this.#plans), files: Object.fromEntries(entries) }
  }

  async write(
    accountId: string,
    file: ProfileFile,
    value: string | null,
    options: MutationOptions,
  ): Promise<void> {
    const args = value === null ? [] : [file === 'public' ? yesOrNo(value) : value]
    if (value !== null && Buffer.byteLength(value) > LONGEST_TEXT_BYTES) {
      throw new SpaceError(
        'BAD_REQUEST',
        `The profile's '${file}' is longer than ${LONGEST_TEXT_BYTES} bytes.`,
      )
    }
    await this.#slot.mutate(
      'write_profile',
      [accountId, file, Date.now(), ...args],
      { by: accountId, what: [file, ...args], ...options },
      { NOT_FOUND: () => 'The account does not exist any more.' },
    )
  }
}

function yesOrNo(value: string): string {
  const word = value.trim()
  if (word === 'yes' || word === 'no') return word
  throw new SpaceError('BAD_REQUEST', `The profile's 'public' must be 'yes' or 'no', not '${word}'.`)
}
