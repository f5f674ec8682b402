/**
 * Changing on the presumption that Redis would say of the caller what it said last time: instead of asking first and changing then, the
 * change itself looks whether that holds, and two trips are one. Only where nothing but the tree is told of the caller before
 * (`Engine` confirms whatever is not such a change); an error that comes before Redis was reached is not told unless who asks may still ask.
 */
import type { IncomingMessage } from 'node:http'
import type { Directory, Presumed } from '../accounts/directory.js'
import type { Loaded, Session, SpaceAddress } from '../accounts/types.js'
import { SpaceError } from '../space/errors.js'
import type { OpContext, Presumption } from '../space/types.js'
import { inStep } from './in-step.js'
import { announcedLength, expectsContinue } from './request-body.js'
import { spaceOp, visibleSpace } from './space-op.js'

/** Longer bodies take so long that the trip does not count, and are asked for before they come. */
const SMALL_BYTES = 256 * 1024

/**
 * Who asks for a change, and where, as it was last loaded. Undefined where it must be loaded: it is not known, would not be let in, or its
 * plan might refuse the body before the tree is asked. Where others ask too it comes when their requests have been read.
 */
export async function presumeCaller(
  directory: Directory,
  req: IncomingMessage,
  token: string | undefined,
  address: SpaceAddress | undefined,
): Promise<PresumedCaller | undefined> {
  const caller = presumedCaller(directory, req, token, address)
  if (caller && directory.isBusy) await inStep()
  return caller
}

function presumedCaller(
  directory: Directory,
  req: IncomingMessage,
  token: string | undefined,
  address: SpaceAddress | undefined,
): PresumedCaller | undefined {
  const length = announcedLength(req)
  if (!address || length === undefined || length > SMALL_BYTES || expectsContinue(req)) return undefined
  const presumed = directory.presume(token, address)
  const space = presumed && visibleSpace(presumed.loaded)
  if (!space || !presumed.loaded.session?.account.spacesEnabled || length > space.owner.plan.fileBytes) {
    return undefined
  }
  return new PresumedCaller(presumed, () => directory.load(token, address))
}

export class PresumedCaller implements Presumption {
  holds = false
  readonly loaded: Loaded
  readonly key: string
  readonly version: string
  readonly #load: () => Promise<Loaded>

  constructor({ loaded, key, version }: Presumed, load: () => Promise<Loaded>) {
    this.loaded = loaded
    this.key = key
    this.version = version
    this.#load = load
  }

  held(): void {
    this.holds = true
  }

  async confirm(op: OpContext): Promise<OpContext> {
    const { session, loaded } = await this.#asNow()
    return { ...op, ...spaceOp(session, visibleSpace(loaded), undefined, op.idempotencyKey) }
  }

  /** Before an error is told that may have come before Redis was asked. Raises what `confirm` does, instead. */
  async mayHear(): Promise<void> {
    if (!this.holds) await this.#asNow()
  }

  /** UNAUTHENTICATED where the token was revoked, NOT_FOUND where the early-access flag has gone. */
  async #asNow(): Promise<{ readonly session: Session; readonly loaded: Loaded }> {
    const loaded = await this.#load()
    const { session } = loaded
    if (!session) throw new SpaceError('UNAUTHENTICATED', 'The header Authorization holds no valid token.')
    if (!session.account.spacesEnabled) throw new SpaceError('NOT_FOUND', 'There is nothing at this path.')
    // Else what was made of the presumption must not be used, and whoever comes with it is told so again.
    if (loaded === this.loaded) this.holds = true
    return { session, loaded }
  }
}
