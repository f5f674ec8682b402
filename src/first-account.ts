import { userInfo } from 'node:os'
import { resourceNameFrom } from './accounts/names.js'
import { SpaceError } from './space/errors.js'
import type { Store } from './store.js'

/** What a newcomer needs to begin. */
export interface FirstAccount {
  readonly name: string
  readonly space: string
  /** Shown once. */
  readonly token: string
}

const SPACE = 'files'

/**
 * Makes an account named after the operating system's user, with a space, where there is no account at all; else
 * answers undefined. Of several servers that start on one empty Redis, one makes it.
 */
export async function makeFirstAccount({ directory, spaces }: Store): Promise<FirstAccount | undefined> {
  if ((await directory.listAccounts()).length > 0) return undefined
  try {
    const account = await directory.createAccount({ name: accountName(userName()), plan: 'premium' })
    const { id } = await directory.reserveSpace(account.id, SPACE)
    await spaces.createSpace(id, account.id)
    await directory.confirmSpace(id)
    const { token } = await directory.createToken(account.id, { name: 'first' })
    return { name: account.name, space: SPACE, token }
  } catch (error) {
    if (error instanceof SpaceError && error.code === 'EXISTS') return undefined
    throw error
  }
}

/** `Ann Smith` → `ann-smith`; `me` where nothing of a name is left. */
export function accountName(userName: string): string {
  return resourceNameFrom(userName) || 'me'
}

/** A container's user may have no name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return ''
  }
}
