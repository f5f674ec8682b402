/** `/v1/spaces/…`: inviting to spaces by token (seed 004, contract §8). */
import type { Invitation, NewInvitation, Permission } from '../../sharing/invitations.js'
import { SpaceError } from '../../space/errors.js'
import { type Answer, jsonAnswer } from '../answer.js'
import type { Call, Resource } from '../call.js'
import { clientAddress } from '../client.js'
import { isoDate } from '../dates.js'
import { sessionOf } from '../novem/space-call.js'
import { originOf } from '../origin.js'
import { readJson } from '../request-body.js'
import { idempotencyKey } from '../request-headers.js'
import { optionalNumber, optionalString, requiredString } from './request.js'

const NO_STORE = ['Cache-Control', 'no-store', 'Referrer-Policy', 'no-referrer']

const rotation: Resource = { verbs: { POST: rotate }, gated: true }
const share: Resource = {
  verbs: { POST: invite },
  param: {
    name: 'token',
    resource: { verbs: { DELETE: revoke }, children: new Map([['rotate', rotation]]), gated: true },
  },
  gated: true,
}
const previews: Resource = {
  verbs: {},
  param: { name: 'token', resource: { verbs: { GET: preview }, open: ['GET'] } },
}

const children: readonly [string, Resource][] = [
  ['join', { verbs: { POST: join }, gated: true }],
  ['share', share],
  ['shared', { verbs: { GET: list }, gated: true }],
  ['token', previews],
]

/** What stands at the empty path of this surface. */
export function invitationsRoot(): Resource {
  const spaces: Resource = { verbs: {}, children: new Map(children) }
  return { verbs: {}, children: new Map([['v1', { verbs: {}, children: new Map([['spaces', spaces]]) }]]) }
}

async function invite(call: Call): Promise<Answer> {
  const body = await readJson(call.req, call.res)
  const request = {
    tag: requiredString(body, 'tag'),
    email: requiredString(body, 'email').trim(),
    permission: optionalString(body, 'permission') as Permission | undefined,
    expiresIn: optionalNumber(body, 'expires_in'),
  }
  const made = await invitationsOf(call).create(sessionOf(call).account.id, request, tokenOptions(call))
  return shareAnswer(call, made, 'Space shared successfully')
}

async function rotate(call: Call): Promise<Answer> {
  const found = () =>
    invitationsOf(call).rotate(sessionOf(call).account.id, tokenOf(call), tokenOptions(call))
  return shareAnswer(call, await guarded(call, found), 'Share token rotated successfully')
}

async function revoke(call: Call): Promise<Answer> {
  const key = idempotencyKey(call.req.headers)
  const { account } = sessionOf(call)
  await guarded(call, () => invitationsOf(call).revoke(account.id, tokenOf(call), { idempotencyKey: key }))
  return { status: 204, headers: [] }
}

async function list(call: Call): Promise<Answer> {
  const { made, received } = await invitationsOf(call).list(sessionOf(call).account.id)
  const body = { shared_by_me: made.map(entry), shared_with_me: received.map(entry) }
  return jsonAnswer(200, body, NO_STORE)
}

async function join(call: Call): Promise<Answer> {
  const token = requiredString(await readJson(call.req, call.res), 'token')
  const key = idempotencyKey(call.req.headers)
  const { account } = sessionOf(call)
  const joined = await guarded(call, () =>
    invitationsOf(call).join(account.id, token, { idempotencyKey: key }),
  )
  const { tag, owner, permission } = joined
  return jsonAnswer(200, {
    success: true,
    tag,
    owner_tenant_id: owner,
    permission,
    expires_at: endOf(joined),
    message: `You joined ${tag} of ${owner} with ${permission} access.`,
  })
}

/** Anybody who has the token may look; 200 also where it opens nothing, as the seed has it. */
async function preview(call: Call): Promise<Answer> {
  try {
    const found = await guarded(call, () => invitationsOf(call).preview(tokenOf(call)))
    const body = {
      valid: true,
      owner_tenant_id: found.owner,
      tag: found.tag,
      permission: found.permission,
      already_accepted: found.acceptedBy !== undefined,
      expires_at: endOf(found),
      error: null,
    }
    return jsonAnswer(200, body, NO_STORE)
  } catch (error) {
    if (!(error instanceof SpaceError) || error.code !== 'INVALID_TOKEN') throw error
    return jsonAnswer(200, { valid: false, error: error.message }, NO_STORE)
  }
}

/** Whoever guesses tokens is slowed down, after the guess: a right one is never refused. */
export async function guarded<T>(
  { deps, req }: Pick<Call, 'deps' | 'req'>,
  found: () => Promise<T>,
): Promise<T> {
  try {
    return await found()
  } catch (error) {
    const isGuess =
      error instanceof SpaceError &&
      (error.code === 'NOT_FOUND' || (error.code === 'INVALID_TOKEN' && error.details.unknown === true))
    if (isGuess) await deps.throttle.failedInvitation(clientAddress(req, deps.settings.trustProxy))
    throw error
  }
}

/** The mail is sent before the answer, so that this can say whether it was. */
async function shareAnswer(call: Call, made: NewInvitation, message: string): Promise<Answer> {
  const { token, tag, email, permission } = made
  const url = `${originOf(call.deps, call.req)}/join?token=${token}`
  const body = {
    token,
    share_url: url,
    tag,
    shared_with_email: email,
    permission,
    expires_at: endOf(made),
    message,
    email_sent: await mail(call, made, url),
  }
  return jsonAnswer(200, body, NO_STORE)
}

/** A mail server that fails takes nothing back: the answer's link works, and the log names neither address nor token. */
async function mail({ deps }: Call, made: NewInvitation, url: string): Promise<boolean> {
  if (!deps.mailer) return false
  const { email: to, owner, tag, permission, expires } = made
  try {
    await deps.mailer.sendInvitation({ to, owner, tag, permission, url, ...(expires && { expires }) })
    return true
  } catch (error) {
    const { code = 'unknown', responseCode = '' } = error as { code?: string; responseCode?: number }
    deps.log.warn(`The e-mail of an invitation was not sent: ${code} ${responseCode}`.trimEnd())
    return false
  }
}

function entry(invitation: Invitation) {
  const { handle, tag, permission, owner, email, acceptedBy, created } = invitation
  return {
    token: handle,
    tag,
    permission,
    owner_tenant_id: owner,
    shared_with_email: email,
    accepted: acceptedBy !== undefined,
    accepted_by_tenant: acceptedBy ?? null,
    created_at: isoDate(created),
    expires_at: endOf(invitation),
  }
}

function endOf({ expires }: Invitation): string | null {
  return expires === undefined ? null : isoDate(expires)
}

function invitationsOf({ deps }: Call) {
  return deps.directory.invitations
}

function tokenOf({ params }: Call): string {
  return params.token ?? ''
}

function tokenOptions({ req, token }: Call) {
  return { idempotencyKey: idempotencyKey(req.headers), secret: token }
}
