/** What single request headers mean to every surface. */
import type { IncomingHttpHeaders } from 'node:http'
import { SpaceError } from '../space/errors.js'
import { quote } from '../space/quote.js'

/**
 * The token: `Bearer <token>`, or `Basic` with the token as password whatever the user name (contract §1).
 * Undefined where the header is absent or means something else; an account's password is no token, so it opens nothing.
 */
export function tokenOf({ authorization }: IncomingHttpHeaders): string | undefined {
  if (authorization === undefined) return undefined
  const space = authorization.indexOf(' ')
  const credentials = authorization.slice(space + 1).trim()
  switch (authorization.slice(0, space).toLowerCase()) {
    case 'bearer':
      return credentials
    case 'basic': {
      const pair = Buffer.from(credentials, 'base64').toString()
      const colon = pair.indexOf(':')
      return colon === -1 ? undefined : pair.slice(colon + 1)
    }
    default:
      return undefined
  }
}

/** Does the client want JSON rather than bytes? When it admits `application/json` and not everything (contract §3). */
export function prefersJson({ accept }: IncomingHttpHeaders): boolean {
  if (accept === undefined || accept.includes('*/*')) return false
  return admits(accept, 'application/json') || admits(accept, 'application/*')
}

/** Is this media type named in Accept, and not excluded by `q=0`? */
export function admits(accept: string | undefined, type: string): boolean {
  if (accept === undefined) return false
  const lower = accept.toLowerCase()
  if (!lower.includes(type)) return false
  return lower.split(',').some((member) => {
    const [name, ...parameters] = member.split(';')
    return (
      name?.trim() === type && !parameters.some((parameter) => /^\s*q\s*=\s*0(?:\.0*)?\s*$/.test(parameter))
    )
  })
}

/** `Idempotency-Key` (contract §3). BAD_REQUEST where it is not 1 to 255 visible ASCII characters. */
export function idempotencyKey(headers: IncomingHttpHeaders): string | undefined {
  const key = headers['idempotency-key']
  if (key === undefined || (typeof key === 'string' && /^[!-~]{1,255}$/.test(key))) return key
  throw new SpaceError(
    'BAD_REQUEST',
    `The header Idempotency-Key must be 1 to 255 visible ASCII characters, not ${quote(String(key))}.`,
  )
}
