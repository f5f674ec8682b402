import { SpaceError } from '../space/errors.js'

/** Contract §1: spaces, groups, organisations, accounts. */
const RESOURCE_NAME = /^[a-z0-9][a-z0-9_-]{0,127}$/

/** What browsers take for an address (HTML standard, "valid e-mail address"). */
const EMAIL =
  /^[\w.!#$%&'*+/=?^`{|}~-]+@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i

/** RFC 5321 §4.5.3.1.3, less its angle brackets. */
const LONGEST_EMAIL = 254

const LONGEST_TOKEN_NAME = 128

/** Throws BAD_NAME; `what` opens the message ("space", "account"). */
export function checkResourceName(what: string, name: string): void {
  if (RESOURCE_NAME.test(name)) return
  throw new SpaceError(
    'BAD_NAME',
    `'${name}' cannot be the name of ${what}: a name has 1 to 128 lower-case letters, digits, '-' and '_', and begins with a letter or digit.`,
  )
}

/** Could a resource have this name at all? Spares a look-up. */
export function isResourceName(name: string): boolean {
  return RESOURCE_NAME.test(name)
}

/** A name made of any text: `Ann Smith` → `ann-smith`; '' where nothing of it is left. */
export function resourceNameFrom(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9_-]+/g, '-')
    .replace(/^[-_]+|-+$/g, '')
    .slice(0, 128)
}

export function isEmail(text: string): boolean {
  return text.length <= LONGEST_EMAIL && EMAIL.test(text)
}

/** Throws BAD_REQUEST. The empty string is an account without address. */
export function checkEmail(email: string): void {
  if (email === '' || isEmail(email)) return
  throw new SpaceError('BAD_REQUEST', `'${email}' is not an e-mail address.`)
}

/** How addresses are compared (contract §8). */
export function foldEmail(email: string): string {
  return email.toLowerCase()
}

/** A token's name is free text, but it must fit into `/v1/admin/tokens/:name`. Throws BAD_NAME. */
export function checkTokenName(name: string): void {
  if (name.length > 0 && name.length <= LONGEST_TOKEN_NAME && !/[\p{Cc}\p{Cs}/]/u.test(name)) return
  throw new SpaceError(
    'BAD_NAME',
    `'${name}' cannot be the name of a token: a name has 1 to ${LONGEST_TOKEN_NAME} characters, without '/' and control characters.`,
  )
}
