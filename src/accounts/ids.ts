import { createHash, createHmac, randomInt } from 'node:crypto'

/** RFC 4648 §6, in lower case: five bits a character. */
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'
/** Neither vowels nor characters that look alike: a shortname never spells a word. */
const SHORT = 'bcdfghjkmnpqrstvwxyz23456789'

const ID_LENGTH = 12
const TOKEN_LENGTH = 40

function random(alphabet: string, length: number): string {
  let text = ''
  while (text.length < length) text += alphabet[randomInt(alphabet.length)]
  return text
}

/** Immutable id of an account, a token, a space: 60 random bits; scripts refuse one that is taken. */
export function newId(): string {
  return random(BASE32, ID_LENGTH)
}

/** The value that opens an account: 200 random bits. Never stored, see `hashToken`. */
export function newToken(): string {
  return `nbt-${random(BASE32, TOKEN_LENGTH)}`
}

/**
 * The value that opens an invitation, as unguessable; likewise never stored. A request with an Idempotency-Key must get the
 * first answer again, which held the token: there it is made of the key and of a secret that only the client has.
 */
export function newInvitationToken(again?: { readonly secret: string; readonly key: string }): string {
  if (!again) return `shr_${random(BASE32, TOKEN_LENGTH)}`
  const bytes = createHmac('sha256', again.secret).update(`invitation\0${again.key}`).digest()
  return `shr_${base32(bytes).slice(0, TOKEN_LENGTH)}`
}

function base32(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{5}/g) ?? []).map((five) => BASE32[Number.parseInt(five, 2)]).join('')
}

/**
 * Candidates for a space's shortname, five characters each and then longer ones: the script takes the first that is
 * free, and by the time that five characters are crowded (17 million) the longer ones still are.
 */
export function shortnameCandidates(): string[] {
  return [5, 5, 5, 5, 6, 6, 7, 8].map((length) => random(SHORT, length))
}

/**
 * What is stored of a token. The token has so many random bits that a plain hash is safe at rest; looking up by it
 * reveals by its timing nothing about the tokens stored.
 */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
