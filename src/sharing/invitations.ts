import { hashToken, newId, newInvitationToken } from '../accounts/ids.js'
import { checkEmail, foldEmail } from '../accounts/names.js'
import { type AccountSlot, list, type MutationOptions, text } from '../accounts/slot.js'
import type { ScriptReply } from '../redis/scripts.js'
import { SpaceError } from '../space/errors.js'
import { quote } from '../space/quote.js'

export const PERMISSIONS = ['read', 'write'] as const
export type Permission = (typeof PERMISSIONS)[number]

/** Seed 004: 1–50 characters. */
const LONGEST_TAG = 50
/** A hundred years: what ends later ends never. */
const LONGEST_SECONDS = 3_155_760_000

export interface InvitationRequest {
  /** Name of one of the account's spaces; else the tag `+tag` or `=tag` on them. With its sigil always a tag. */
  readonly tag: string
  readonly email: string
  /** `read` where absent. */
  readonly permission?: string | undefined
  /** Seconds until the invitation, and the access by it, end; never where absent. */
  readonly expiresIn?: number | undefined
}

export interface Invitation {
  /** What listings show instead of the token, which is not kept: names the invitation to its owner, opens nothing. */
  readonly handle: string
  /** The space by its name of today, or the tag as it was asked for. */
  readonly tag: string
  readonly permission: Permission
  /** Account name. */
  readonly owner: string
  readonly email: string
  /** Name of the account that accepted it. */
  readonly acceptedBy?: string
  readonly created: number
  readonly expires?: number
}

/** The only time that the token is seen. */
export interface NewInvitation extends Invitation {
  readonly token: string
}

/** An Idempotency-Key counts only where the caller's own token comes with it: it makes the same invitation token again. */
export interface TokenOptions extends MutationOptions {
  readonly secret?: string | undefined
}

/**
 * Invitations by token (seed 004): to an e-mail address, for one space, or for whatever carries a tag. Who accepts keeps
 * the access until the owner revokes it or its time is over. An account's plan `free` neither invites nor joins
 * (FEATURE_NOT_AVAILABLE). The same address invited again to the same is the same invitation, with a new token.
 */
export class Invitations {
  readonly #slot: AccountSlot

  constructor(slot: AccountSlot) {
    this.#slot = slot
  }

  /** BAD_REQUEST (tag, e-mail, permission, end, oneself), FEATURE_NOT_AVAILABLE. */
  async create(
    account: string,
    request: InvitationRequest,
    options: TokenOptions = {},
  ): Promise<NewInvitation> {
    const { tag, email, permission = 'read', expiresIn } = request
    checkRequest(request)
    const { token, repeatable } = tokenFor(options)
    const letter = permission === 'write' ? 'w' : 'r'
    const reply = await this.#slot.mutate(
      'invite',
      [account, tag, email, foldEmail(email), letter, newId(), hashToken(token), expiresIn ?? ''],
      { by: account, what: [tag, email, letter, String(expiresIn)], ...repeatable },
      {
        FEATURE_NOT_AVAILABLE: ([plan]) => notInPlan('share', plan),
        BAD_REQUEST: ([what]) =>
          what === 'self'
            ? `${quote(email)} is your own address: you have access already.`
            : `You have no space named ${quote(tag)}, and none with that tag.`,
      },
    )
    return { ...decodeInvitation(reply), token }
  }

  /** Those the account made, and those for its address or accepted by it; oldest first. */
  async list(account: string): Promise<{ readonly made: Invitation[]; readonly received: Invitation[] }> {
    const [made, received] = list(await this.#slot.read('list_invitations', [account]))
    const decoded = (rows: ScriptReply | undefined) =>
      list(rows)
        .map(decodeInvitation)
        .sort((a, b) => a.created - b.created || (a.handle < b.handle ? -1 : 1))
    return { made: decoded(made), received: decoded(received) }
  }

  /** For everybody who has the token. INVALID_TOKEN. */
  async preview(token: string): Promise<Invitation> {
    const reply = await this.#slot.read('preview_invitation', [hashToken(token)])
    if (reply === null) throw invalidToken('unknown')
    if (reply instanceof Buffer) throw invalidToken('expired')
    return decodeInvitation(reply)
  }

  /** INVALID_TOKEN (unknown, expired, for another address, one's own, accepted already), FEATURE_NOT_AVAILABLE. */
  async join(account: string, token: string, options: MutationOptions = {}): Promise<Invitation> {
    const hash = hashToken(token)
    const reply = await this.#slot.mutate(
      'join',
      [account, hash],
      { by: account, what: [hash], ...options },
      {
        FEATURE_NOT_AVAILABLE: ([plan]) => notInPlan('join', plan),
        INVALID_TOKEN: ([why]) => invalidToken(why),
      },
    )
    return decodeInvitation(reply)
  }

  /** By token or handle. A new token; the old one is dead. NOT_FOUND, NOT_ALLOWED (not the owner). */
  async rotate(account: string, tokenOrHandle: string, options: TokenOptions = {}): Promise<NewInvitation> {
    const { token, repeatable } = tokenFor(options)
    const [hash, id] = naming(tokenOrHandle)
    const reply = await this.#slot.mutate(
      'rotate_invitation',
      [account, hash, id, hashToken(token)],
      { by: account, what: [hash], ...repeatable },
      OWNERS_ONLY,
    )
    return { ...decodeInvitation(reply), token }
  }

  /** By token or handle. Access by it ends at once. NOT_FOUND, NOT_ALLOWED (not the owner). */
  async revoke(account: string, tokenOrHandle: string, options: MutationOptions = {}): Promise<void> {
    const [hash, id] = naming(tokenOrHandle)
    await this.#slot.mutate(
      'revoke_invitation',
      [account, hash, id],
      { by: account, what: [hash], ...options },
      OWNERS_ONLY,
    )
  }
}

const OWNERS_ONLY = {
  NOT_FOUND: () => 'There is no invitation with this token.',
  NOT_ALLOWED: () => 'Only who made an invitation changes or revokes it.',
}

function tokenFor({ idempotencyKey, secret }: TokenOptions) {
  if (idempotencyKey === undefined || secret === undefined) return { token: newInvitationToken() }
  return { token: newInvitationToken({ secret, key: idempotencyKey }), repeatable: { idempotencyKey } }
}

const HANDLE = /^shr_([a-z2-7]{12})$/

/** Hash of the token, and the id where it may be a handle. */
function naming(tokenOrHandle: string): [string, string] {
  return [hashToken(tokenOrHandle), HANDLE.exec(tokenOrHandle)?.[1] ?? '']
}

function checkRequest({ tag, email, permission = 'read', expiresIn }: InvitationRequest): void {
  const wrong = (message: string) => new SpaceError('BAD_REQUEST', message)
  const length = [...tag].length
  if (length < 1 || length > LONGEST_TAG) {
    throw wrong(`The tag ${quote(tag)} has ${length} characters; it has 1 to ${LONGEST_TAG}.`)
  }
  if (email === '') throw wrong('The e-mail address is empty.')
  checkEmail(email)
  if (!PERMISSIONS.some((known) => known === permission)) {
    throw wrong(`The permission must be 'read' or 'write', not ${quote(permission)}.`)
  }
  if (expiresIn === undefined) return
  if (!Number.isInteger(expiresIn) || expiresIn < 1 || expiresIn > LONGEST_SECONDS) {
    throw wrong(
      `"expires_in" must be a whole number of seconds from 1 to ${LONGEST_SECONDS}, not ${expiresIn}.`,
    )
  }
}

const CHEAPEST_PLAN = 'basic'

function notInPlan(verb: 'share' | 'join', plan = ''): SpaceError {
  const what = verb === 'share' ? 'Inviting to spaces' : 'Joining spaces'
  return new SpaceError(
    'FEATURE_NOT_AVAILABLE',
    `${what} needs the plan '${CHEAPEST_PLAN}' or a larger one; yours is '${plan}'.`,
    { required_tier: CHEAPEST_PLAN, current_tier: plan },
  )
}

const REASONS: Readonly<Record<string, string>> = {
  expired: 'This invitation has expired.',
  other: 'This invitation is for another e-mail address than your account’s.',
  own: 'This invitation is your own.',
  joined: 'You have accepted this invitation already.',
  taken: 'Another account has accepted this invitation already.',
}

function invalidToken(why = ''): SpaceError {
  const reason = REASONS[why]
  const message = reason ?? 'No invitation has this token, or has it any longer.'
  // What guessing looks like.
  return new SpaceError('INVALID_TOKEN', message, { unknown: reason === undefined })
}

/** Reads what `_invitation_row.lua` writes. */
function decodeInvitation(reply: ScriptReply): Invitation {
  const [id, tag, letter, owner, email, acceptedBy, created, expires] = list(reply).map(text)
  return {
    handle: `shr_${id}`,
    tag: tag as string,
    permission: letter === 'w' ? 'write' : 'read',
    owner: owner as string,
    email: email as string,
    ...(acceptedBy && { acceptedBy }),
    created: Number(created),
    ...(expires && { expires: Number(expires) }),
  }
}
