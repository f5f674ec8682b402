import { createHash, randomUUID } from 'node:crypto'
import { retrying } from '../redis/retry.js'
import {
  type RedisClient,
  type ScriptArg,
  type ScriptReply,
  Scripts,
  scriptsFolder,
} from '../redis/scripts.js'
import { type ErrorCode, SpaceError } from '../space/errors.js'
import { ACCOUNT_SLOT, RENEW_VERSION } from './keys.js'

/** How long a mutation's answer is kept: for our own retry after a lost reply, and for a client's Idempotency-Key. */
const RETRY_SECONDS = 60
const IDEMPOTENCY_SECONDS = 3600

/** What each mutation of accounts may be told besides its arguments. */
export interface MutationOptions {
  /**
   * The client's Idempotency-Key: the same key again within an hour gets the first answer, errors too (contract §3).
   * BAD_REQUEST where it comes with another request.
   */
  readonly idempotencyKey?: string | undefined
}

export interface Operation extends MutationOptions {
  /** Whose Idempotency-Key it is: the same key of another account is another key. */
  readonly by: string
  /** What the key is bound to besides the script: the request's own words. */
  readonly what?: readonly string[]
}

/** For each code a script may refuse with: the message, or the whole error, out of the details that follow the code. */
export type Refusals = Partial<Record<ErrorCode, (details: readonly string[]) => string | SpaceError>>

/** Runs the scripts of a room's `scripts/` on the account slot: retried over broken connections, refusals turned into SpaceError. */
export class AccountSlot {
  readonly #scripts: Scripts

  constructor(redis: RedisClient, room: 'accounts' | 'sharing' = 'accounts') {
    this.#scripts = new Scripts(redis, scriptsFolder(import.meta.url, room), RENEW_VERSION)
  }

  /** A script that changes nothing. */
  async read(script: string, args: readonly ScriptArg[], refusals: Refusals = {}): Promise<ScriptReply> {
    return this.#run(script, args, refusals)
  }

  /** A script that includes `once`: it happens once, however often it is sent. */
  async mutate(
    script: string,
    args: readonly ScriptArg[],
    operation: Operation,
    refusals: Refusals = {},
  ): Promise<ScriptReply> {
    const { by, what = [], idempotencyKey } = operation
    const head =
      idempotencyKey === undefined
        ? [randomUUID(), RETRY_SECONDS, '']
        : [digest([by, idempotencyKey]), IDEMPOTENCY_SECONDS, digest([script, ...what])]
    return this.#run(script, [...head, ...args], refusals)
  }

  async #run(script: string, args: readonly ScriptArg[], refusals: Refusals): Promise<ScriptReply> {
    try {
      return await retrying(() => this.#scripts.run(script, [ACCOUNT_SLOT], args))
    } catch (error) {
      throw refused(error, refusals)
    }
  }
}

function digest(words: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(words)).digest('base64url')
}

/** Scripts refuse with an error reply `NVM <code> <details…>`. */
function refused(error: unknown, refusals: Refusals): unknown {
  const match = error instanceof Error && /^NVM (\w+) ?(.*)$/.exec(error.message)
  if (!match) return error
  if (match[1] === 'KEY_REUSED') {
    return new SpaceError('BAD_REQUEST', 'This Idempotency-Key was used within the hour for another request.')
  }
  const code = match[1] as ErrorCode
  const details = (match[2] as string).split(' ')
  const message = refusals[code]?.(details)
  if (message === undefined) return error
  return message instanceof SpaceError ? message : new SpaceError(code, message)
}

/** Reading replies: a script's shape is fixed by its header. */
export const text = (reply: ScriptReply | undefined): string => (reply as Buffer).toString()
export const list = (reply: ScriptReply | undefined): readonly ScriptReply[] =>
  reply as readonly ScriptReply[]
