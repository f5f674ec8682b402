/** A call about one space: which one, who asks, and what the domain is told. */
import type { Account, Session, SpaceRef } from '../../accounts/types.js'
import { SpaceError } from '../../space/errors.js'
import { quote } from '../../space/quote.js'
import type { OpContext } from '../../space/types.js'
import type { Answer } from '../answer.js'
import type { Call, Handler } from '../call.js'
import { idempotencyKey } from '../request-headers.js'
import { NOTHING, type Rights } from '../rights.js'
import { isMissingSpace, NOWHERE, reloadedOp, spaceOp, visibleSpace } from '../space-op.js'

export interface SpaceCall extends Call {
  readonly session: Session
  readonly space: SpaceRef
  readonly op: OpContext
}

/** A handler for a space's resource. */
export function ofSpace(handler: (call: SpaceCall) => Promise<Answer>): Handler {
  return (call) => inSpace(call, handler)
}

/** NOT_FOUND of the space itself says which one was asked for. */
export async function inSpace<T>(call: Call, run: (call: SpaceCall) => Promise<T>): Promise<T> {
  try {
    return await run(toSpaceCall(call))
  } catch (error) {
    throw isMissingSpace(error) ? noSuchSpace(call) : error
  }
}

/** The same for OPTIONS: where no space is to be seen, nothing can be done. */
export function rightsInSpace(rights: (call: SpaceCall) => Promise<Rights>): (call: Call) => Promise<Rights> {
  return async (call) => {
    try {
      return await rights(toSpaceCall(call))
    } catch (error) {
      if (isMissingSpace(error)) return NOTHING
      throw error
    }
  }
}

/** The caller of a resource that is not open. */
export function sessionOf({ loaded }: Call): Session {
  if (!loaded.session) throw new SpaceError('UNAUTHENTICATED', 'This needs a token.')
  return loaded.session
}

/**
 * Who asks and what is known of the space, anew: for what lasts longer than a moment. By shortname, which no renaming changes.
 * UNAUTHENTICATED where the token was revoked, NOT_FOUND where the space or the early-access flag has gone.
 */
export async function reload(call: SpaceCall): Promise<OpContext> {
  const { space } = call
  const op = reloadedOp(await call.reload({ shortname: space.shortname }), space, call.op)
  if (!op) throw noSuchSpace(call)
  return op
}

/** `/v1/users/<owner>/code/spaces/<space>`, to which paths inside are appended. */
export function uriOf(owner: Pick<Account, 'name'>, space: string): string {
  return `/v1/users/${owner.name}/code/spaces/${space}`
}

function toSpaceCall(call: Call): SpaceCall {
  const session = sessionOf(call)
  const space = visibleSpace(call.loaded)
  const { deps, req, res, path, params, rest, query, token, loaded, presumed, resource } = call
  return {
    deps,
    req,
    res,
    path,
    params,
    rest,
    query,
    token,
    loaded,
    presumed,
    resource,
    reload: call.reload,
    ended: call.ended,
    session,
    space: space ?? { id: NOWHERE, name: spaceName(call), shortname: '', owner: session.account },
    op: spaceOp(session, space, presumed, idempotencyKey(call.req.headers)),
  }
}

/** As the path has it. */
function spaceName({ params: { space, spaceId = '' } }: Call): string {
  return space ?? spaceId
}

function noSuchSpace(call: Call): SpaceError {
  const { params } = call
  const of = params.user === undefined ? '' : ` of ${quote(params.user)}`
  return new SpaceError('NOT_FOUND', `There is no space ${quote(spaceName(call))}${of}.`)
}
