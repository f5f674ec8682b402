import { isIPv4, isIPv6 } from 'node:net'
import type { RedisClient } from '../redis/scripts.js'
import { SpaceError } from '../space/errors.js'
import { isResourceName } from './names.js'
import { AccountSlot } from './slot.js'

/** So many failures at once, and then evenly as many again in each further window. */
export interface FailureLimit {
  readonly failures: number
  readonly seconds: number
}

export interface ThrottleLimits {
  readonly tokenByAddress: FailureLimit
  readonly invitationByAddress: FailureLimit
  readonly passwordByAddress: FailureLimit
  readonly passwordByAccount: FailureLimit
}

export const THROTTLE_LIMITS: ThrottleLimits = {
  tokenByAddress: { failures: 60, seconds: 300 },
  invitationByAddress: { failures: 30, seconds: 300 },
  passwordByAddress: { failures: 10, seconds: 300 },
  passwordByAccount: { failures: 20, seconds: 900 },
}

interface Bucket extends FailureLimit {
  readonly name: string
}

/**
 * Slows down whoever guesses tokens, invitation tokens and passwords. Counts live in Redis, so all processes share them.
 *
 * Tokens are looked up first and only failures are counted, hence no failure of anybody ever refuses a valid token, not
 * even one from the same address; 200 random bits need no other protection, the limit keeps the noise down. Passwords
 * can be guessed, so an attempt is counted before it is checked and taken back when it was right; that limit can keep an
 * owner from logging in by password for some minutes, and never touches the tokens they have.
 *
 * All raise TOO_MANY_REQUESTS with `details.retryAfter` in seconds.
 */
export class Throttle {
  readonly #slot: AccountSlot
  readonly #limits: ThrottleLimits

  constructor(redis: RedisClient, limits: Partial<ThrottleLimits> = {}) {
    this.#slot = new AccountSlot(redis)
    this.#limits = { ...THROTTLE_LIMITS, ...limits }
  }

  /** Call when a token turned out invalid, before answering 401. */
  async failedToken(address: string): Promise<void> {
    const name = `token:${addressBucket(address)}`
    await this.#take('tokens', [{ name, ...this.#limits.tokenByAddress }])
  }

  /** Call when an invitation token turned out invalid. */
  async failedInvitation(address: string): Promise<void> {
    const name = `invitation:${addressBucket(address)}`
    await this.#take('invitation tokens', [{ name, ...this.#limits.invitationByAddress }])
  }

  /**
   * Runs `check` for a password of `account` (a name, whether it exists or not), unless too many failed. An answer of
   * undefined is a failure.
   */
  async password<T>(
    address: string,
    account: string,
    check: () => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const buckets = [
      { name: `password:${addressBucket(address)}`, ...this.#limits.passwordByAddress },
      { name: `account:${isResourceName(account) ? account : ''}`, ...this.#limits.passwordByAccount },
    ]
    await this.#take('passwords', buckets)
    let failed = false
    try {
      const result = await check()
      failed = result === undefined
      return result
    } finally {
      if (!failed) await this.#giveBack(buckets)
    }
  }

  async #take(what: string, buckets: readonly Bucket[]): Promise<void> {
    const args = buckets.flatMap((bucket) => [bucket.name, bucket.failures, interval(bucket)])
    const retryAfter = (await this.#slot.read('throttle_take', args)) as number
    if (retryAfter === 0) return
    throw new SpaceError(
      'TOO_MANY_REQUESTS',
      `Too many wrong ${what} were tried; try again in ${retryAfter} seconds.`,
      { retryAfter },
    )
  }

  async #giveBack(buckets: readonly Bucket[]): Promise<void> {
    const args = buckets.flatMap((bucket) => [bucket.name, interval(bucket)])
    await this.#slot.read('throttle_give_back', args)
  }
}

function interval({ failures, seconds }: FailureLimit): number {
  return Math.ceil((seconds * 1000) / failures)
}

/** One subscriber, one bucket: an IPv4 address, also when mapped into IPv6, or an IPv6 /64 (RFC 6177 §2). */
export function addressBucket(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  const bare = mapped ?? address
  if (isIPv4(bare)) return bare
  if (!isIPv6(bare)) return 'local'
  const [head = '', tail] = bare.replace(/%.*$/, '').split('::')
  const front = head === '' ? [] : head.split(':')
  const zeros = tail === undefined ? 0 : 8 - front.length - (tail === '' ? 0 : tail.split(':').length)
  const groups = [...front, ...Array<string>(zeros).fill('0'), ...(tail ? tail.split(':') : [])]
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}
