import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { SpaceError } from '../space/errors.js'

/**
 * scrypt as OWASP's Password Storage Cheat Sheet has it for 32 MiB: N = 2^15, r = 8, p = 3. It comes with Node, so nothing
 * native has to be installed or kept up.
 */
const COST = { log2N: 15, r: 8, p: 3 }
const SALT_BYTES = 16
const HASH_BYTES = 32

/** scrypt works in libuv's few threads, which files need as well: one check at a time, and not too many behind it. */
const LONGEST_QUEUE = 50

const SHORTEST_PASSWORD = 8
const LONGEST_PASSWORD_BYTES = 1024

type Cost = typeof COST

/** Hashes and checks passwords. Encoded as `scrypt$<log2 N>$<r>$<p>$<salt>$<hash>`, so that the cost can grow later. */
export class Passwords {
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0
  readonly #cost: Cost
  /** What a password is compared with where there is none. */
  readonly #nobody: string

  constructor(cost: Cost = COST) {
    this.#cost = cost
    this.#nobody = encode(cost, Buffer.alloc(SALT_BYTES), Buffer.alloc(HASH_BYTES))
  }

  /** BAD_REQUEST where the password is too short or too long. */
  async hash(password: string): Promise<string> {
    if ([...password].length < SHORTEST_PASSWORD) {
      throw new SpaceError('BAD_REQUEST', `The password is shorter than ${SHORTEST_PASSWORD} characters.`)
    }
    if (Buffer.byteLength(password) > LONGEST_PASSWORD_BYTES) {
      throw new SpaceError('BAD_REQUEST', `The password is longer than ${LONGEST_PASSWORD_BYTES} bytes.`)
    }
    const salt = randomBytes(SALT_BYTES)
    return encode(this.#cost, salt, await this.#derive(password, salt, this.#cost))
  }

  /**
   * Is it this password? `encoded` undefined (nobody of that name, or without a password) takes as long as a wrong one.
   * TOO_MANY_REQUESTS, with `retryAfter` in seconds, when too many wait already.
   */
  async matches(password: string, encoded: string | undefined): Promise<boolean> {
    const [, log2N, r, p, salt, hash] = (encoded ?? this.#nobody).split('$') as [string, ...string[]]
    const cost = { log2N: Number(log2N), r: Number(r), p: Number(p) }
    const fits = Buffer.byteLength(password) <= LONGEST_PASSWORD_BYTES
    const derived = await this.#derive(fits ? password : '', Buffer.from(salt as string, 'base64url'), cost)
    const same = timingSafeEqual(derived, Buffer.from(hash as string, 'base64url'))
    return same && fits && encoded !== undefined
  }

  async #derive(password: string, salt: Buffer, { log2N, r, p }: Cost): Promise<Buffer> {
    if (this.#waiting >= LONGEST_QUEUE) {
      throw new SpaceError('TOO_MANY_REQUESTS', 'Too many passwords are being checked at the moment.', {
        retryAfter: 5,
      })
    }
    const options = { N: 2 ** log2N, r, p, maxmem: 256 * 2 ** log2N * r }
    this.#waiting++
    const turn = this.#last.then(() => derive(password.normalize('NFC'), salt, options))
    this.#last = turn.catch(() => undefined).finally(() => this.#waiting--)
    return turn
  }
}

function derive(password: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, HASH_BYTES, options, (error, hash) => (error ? reject(error) : resolve(hash)))
  })
}

function encode({ log2N, r, p }: Cost, salt: Buffer, hash: Buffer): string {
  return ['scrypt', log2N, r, p, salt.toString('base64url'), hash.toString('base64url')].join('$')
}
