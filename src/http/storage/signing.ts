/**
 * URLs that let whoever has them do one thing in somebody's name for a day: put one file, or get one (contract §7). They carry
 * what they allow and who issued them, sealed with a secret of the installation (HMAC-SHA-256); nothing is kept of them.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { SpaceError } from '../../space/errors.js'
import type { Conditions } from '../../space/types.js'
import { encodePath } from '../../webdav/xml/escape.js'
import type { Meta } from './meta.js'

const DAY_MS = 86_400_000

interface Issued {
  /** Immutable id of the space; the URL names it by its shortname. */
  readonly space: string
  /** Account id. */
  readonly issuer: string
}

export interface PutClaims extends Issued, Conditions {
  readonly size: number
  readonly type: string
  readonly meta?: Meta
  readonly modified?: number
  readonly executable?: boolean
}

export interface GetClaims extends Issued {
  readonly etag: string
}

interface ClaimsOf {
  readonly PUT: PutClaims
  readonly GET: GetClaims
}
export type SignedMethod = keyof ClaimsOf

export type Opened<M extends SignedMethod> = ClaimsOf[M] & {
  /** When it ends (ms since 1970). */
  readonly expires: number
  /** Of this very URL and no other, 32 hex. */
  readonly id: string
}

export class UrlSigner {
  readonly #secret: Buffer

  constructor(secret: Buffer) {
    this.#secret = secret
  }

  /** Path and query of the URL, good for a day. `path`: of the file, as it is to be; `expires` for what is good until then. */
  sign<M extends SignedMethod>(
    method: M,
    shortname: string,
    path: string,
    claims: ClaimsOf[M],
    expires = Date.now() + DAY_MS,
  ): string {
    const nonce = randomBytes(9).toString('base64url')
    const sealed = Buffer.from(JSON.stringify({ ...claims, expires, nonce })).toString('base64url')
    const signature = this.#seal(method, path, sealed).toString('base64url')
    const url = `/api/v1/space/${shortname}/storage/signed/${encodePath(path)}`
    return `${url}?claims=${sealed}&signature=${signature}`
  }

  /** What the URL allows. NOT_ALLOWED where it is not one of ours, for another method or path, changed, or expired. */
  open<M extends SignedMethod>(method: M, path: string, query: ReadonlyMap<string, string>): Opened<M> {
    const sealed = query.get('claims') ?? ''
    const given = Buffer.from(query.get('signature') ?? '', 'base64url')
    const signature = this.#seal(method, path, sealed)
    if (given.length !== signature.length || !timingSafeEqual(given, signature)) {
      throw new SpaceError(
        'NOT_ALLOWED',
        `The signature is not that of a ${method} of this path; use the URL exactly as it was given.`,
      )
    }
    const claims = JSON.parse(Buffer.from(sealed, 'base64url').toString()) as Opened<M>
    if (claims.expires <= Date.now()) {
      throw new SpaceError('NOT_ALLOWED', `This URL expired at ${new Date(claims.expires).toISOString()}.`)
    }
    return { ...claims, id: createHash('sha256').update(signature).digest('hex').slice(0, 32) }
  }

  #seal(method: SignedMethod, path: string, sealed: string): Buffer {
    return createHmac('sha256', this.#secret).update(`${method}\0${path}\0${sealed}`).digest()
  }
}
