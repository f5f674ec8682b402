import { createHash, randomInt } from 'node:crypto'

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

/** The value that opens an invitation, as unguessable; likewise never stored. */
export function newInvitationToken(): string {
  return `shr_${random(BASE32, TOKEN_LENGTH)}`
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
