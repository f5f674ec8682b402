import { SpaceError } from '../space/errors.js'
import { hashToken, newId, newToken } from './ids.js'
import { checkTokenName } from './names.js'
import { rows } from './records.js'
import { type AccountSlot, type MutationOptions, text } from './slot.js'

const DEFAULT_NAME = 'token'
const LONGEST_DESCRIPTION_BYTES = 4096

export interface TokenRequest {
  /** Where the account has a token of that name already, the new one is called `<name>-2` and so on. */
  readonly name?: string | undefined
  readonly description?: string | undefined
}

/** What is known of a token afterwards; its value is not. */
export interface TokenInfo {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly created: number
}

/** The only time that the value is seen. */
export interface NewToken extends TokenInfo {
  readonly token: string
}

/**
 * The tokens of an account. No Idempotency-Key here: the first answer held a secret that is not kept; a second token
 * does no harm, and the names say which is which.
 */
export class Tokens {
  readonly #slot: AccountSlot

  constructor(slot: AccountSlot) {
    this.#slot = slot
  }

  async create(accountId: string, request: TokenRequest): Promise<NewToken> {
    const { name = DEFAULT_NAME, description = '' } = request
    checkTokenName(name)
    if (Buffer.byteLength(description) > LONGEST_DESCRIPTION_BYTES) {
      throw new SpaceError(
        'BAD_REQUEST',
        `The description of the token '${name}' is longer than ${LONGEST_DESCRIPTION_BYTES} bytes.`,
      )
    }
    const token = newToken()
    const id = newId()
    const created = Date.now()
    const given = await this.#slot.mutate(
      'create_token',
      [accountId, id, name, created, hashToken(token), description],
      { by: accountId },
      { NOT_FOUND: () => 'The account does not exist any more.' },
    )
    return { token, id, name: text(given), description, created }
  }
  async list(accountId: string): Promise<TokenInfo[]> {
    const reply = await this.#slot.read('list_tokens', [accountId])
    return rows(reply, 4)
      .map(([name, id, created, description]) => ({
        id: id as string,
        name: name as string,
        description: description as string,
        created: Number(created),
      }))
      .sort((a, b) => a.created - b.created || (a.name < b.name ? -1 : 1))
  }

  async revoke(accountId: string, nameOrId: string, options: MutationOptions): Promise<string> {
    const id = await this.#slot.mutate(
      'revoke_token',
      [accountId, nameOrId],
      { by: accountId, what: [nameOrId], ...options },
      { NOT_FOUND: () => `There is no token named '${nameOrId}'.` },
    )
    return text(id)
  }
}
