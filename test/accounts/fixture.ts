import type { ExecutionContext } from 'ava'
import type { NewAccount } from '../../src/accounts/accounts.js'
import type { Directory } from '../../src/accounts/directory.js'
import type { Account } from '../../src/accounts/types.js'
import { type ErrorCode, SpaceError } from '../../src/space/errors.js'

let last = 0

/** A name that no other test of this file uses. */
export function freshName(stem = 'user'): string {
  return `${stem}-${++last}`
}

export interface Somebody {
  readonly account: Account
  readonly token: string
}

/** A new account with a token. */
export async function somebody(directory: Directory, fields: Partial<NewAccount> = {}): Promise<Somebody> {
  const account = await directory.createAccount({ name: freshName(), ...fields })
  const { token } = await directory.createToken(account.id)
  return { account, token }
}

/** Reserves and confirms; the id. */
export async function makeSpace(directory: Directory, accountId: string, name: string): Promise<string> {
  const { id } = await directory.reserveSpace(accountId, name)
  await directory.confirmSpace(id)
  return id
}

/** It is refused with that code, and the message names what was wrong. */
export async function refuses(
  t: ExecutionContext,
  code: ErrorCode,
  message: RegExp,
  action: () => Promise<unknown>,
): Promise<SpaceError> {
  const error = await t.throwsAsync(action, { instanceOf: SpaceError, code, message })
  return error as SpaceError
}
