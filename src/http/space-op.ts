/** What the domain is told with every operation on a space: which one, who asks, what its owner's plan allows. */
import type { Loaded, Session, SpaceRef } from '../accounts/types.js'
import { SpaceError } from '../space/errors.js'
import type { OpContext, Presumption } from '../space/types.js'
import type { AppDeps } from './deps.js'

/**
 * What is asked about a space that does not exist is asked about this one, which never does: the same steps give the same
 * answer after the same time as for a space that the caller may not see.
 */
export const NOWHERE = 'nowhere'

/** The space that was looked up, unless its owner's early-access flag hides it. */
export function visibleSpace({ space }: Loaded): SpaceRef | undefined {
  return space?.owner.spacesEnabled ? space : undefined
}

/** `presumed`: where it was not loaded for this request. */
export function spaceOp(
  session: Session,
  space: SpaceRef | undefined,
  presumed?: Presumption,
  idempotencyKey?: string,
): OpContext {
  return {
    space: space?.id ?? NOWHERE,
    caller: session.caller,
    limits: (space?.owner ?? session.account).plan,
    idempotencyKey,
    presumed,
  }
}

/**
 * Who asks and what is known of the space, anew: for what lasts longer than a moment. By shortname, which no renaming changes.
 * UNAUTHENTICATED where the token was revoked; undefined where the space or the early-access flag has gone.
 */
export async function reloadOp(
  { directory }: Pick<AppDeps, 'directory'>,
  token: string | undefined,
  space: SpaceRef,
  op: OpContext,
): Promise<OpContext | undefined> {
  return reloadedOp(await directory.load(token, { shortname: space.shortname }), space, op)
}

/** The same of what was loaded anew, whoever asks. */
export function reloadedOp(loaded: Loaded, space: SpaceRef, op: OpContext): OpContext | undefined {
  const { session } = loaded
  if (!session) throw new SpaceError('UNAUTHENTICATED', 'The token was revoked meanwhile.')
  const found = visibleSpace(loaded)
  if (found?.id !== space.id || !session.account.spacesEnabled) return undefined
  return { ...op, caller: session.caller, limits: found.owner.plan }
}

/** Is it the space itself that was not found? */
export function isMissingSpace(error: unknown): boolean {
  return error instanceof SpaceError && error.code === 'NOT_FOUND' && error.details.missing === 'space'
}
