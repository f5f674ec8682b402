/** One request on its way through a command. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Loaded, Session, SpaceRef } from '../accounts/types.js'
import type { Answer } from '../http/answer.js'
import type { AppDeps } from '../http/deps.js'
import { isMissingSpace, NOWHERE, reloadOp, spaceOp, visibleSpace } from '../http/space-op.js'
import { SpaceError } from '../space/errors.js'
import type { Page, StatResult } from '../space/operations.js'
import { quote } from '../space/quote.js'
import type { Conditions, Location, OpContext, Presumption } from '../space/types.js'
import { type DavTarget, hostOf, type Origin, type SpaceTarget } from './target.js'
import { encodeSpace } from './xml/escape.js'

export interface DavCall {
  readonly deps: AppDeps
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly target: DavTarget
  readonly origin: Origin
  readonly token: string | undefined
  readonly loaded: Loaded
  readonly session: Session
  /** Where `loaded` is not of this request. */
  readonly presumed: Presumption | undefined
  /** The target's entry and, unless depth 0 or a listing that is kept is asked for, its first page, where they were read already. */
  readonly ahead: Promise<Look> | undefined
}

/** An entry, and the first page of what is in it. */
export type Look = StatResult & { readonly page?: Page }

export type Command = (call: DavCall) => Promise<Answer>

/** A call about an entry of a space, or the space's root. */
export interface EntryCall extends DavCall {
  readonly target: SpaceTarget
  readonly space: SpaceRef
  /** With the lock tokens that the client submits. */
  readonly op: OpContext
  readonly at: Location
  /** What the `If` header has found of the entry, for the change to insist on. */
  readonly guard: Conditions
}

/** The call as one about an entry. Its space may not exist: then every operation says so. */
export function entryCall(call: DavCall, target: SpaceTarget): EntryCall {
  const { deps, req, res, origin, token, loaded, session, presumed, ahead } = call
  const space = visibleSpace(loaded)
  // Named one by one, which is several times as fast as taking over whatever is there: every request comes this way.
  return {
    deps,
    req,
    res,
    origin,
    token,
    loaded,
    session,
    presumed,
    ahead,
    target,
    space: space ?? { id: NOWHERE, name: target.spaceName, shortname: '', owner: session.account },
    op: spaceOp(session, space, presumed),
    at: { path: target.path },
    guard: {},
  }
}

/** The root of the space as the client spells it. */
export function spaceHref({ origin, target }: Pick<EntryCall, 'origin' | 'target'>): string {
  return `${origin.root}/${encodeSpace(target.spaceName)}`
}

/** NOT_FOUND of the space itself says which one was asked for. */
export function namingSpace(error: unknown, { target }: Pick<DavCall, 'target'>): unknown {
  if (target.kind !== 'space' || !isMissingSpace(error)) return error
  return noSuchSpace(target)
}

export function noSuchSpace({ spaceName }: SpaceTarget): SpaceError {
  return new SpaceError('NOT_FOUND', `There is no space ${quote(spaceName)}.`)
}

/** Who asks, anew, before a long upload is committed. UNAUTHENTICATED, NOT_FOUND. */
export async function reload(call: EntryCall): Promise<OpContext> {
  const op = await reloadOp(call.deps, call.token, call.space, call.op)
  if (!op) throw noSuchSpace(call.target)
  return op
}

/** Hosts and path that lead a client to us: what it called, and what the operator says. */
export function originOf({ headers }: IncomingMessage, publicUrl: string | undefined): Origin {
  return new RequestOrigin(headers, publicUrl)
}

class RequestOrigin implements Origin {
  readonly root: string

  constructor(
    private readonly headers: IncomingHttpHeaders,
    private readonly publicUrl: string | undefined,
  ) {
    this.root = rootOf(publicUrl)
  }

  get hosts(): string[] {
    const { headers, publicUrl } = this
    const called = [headers.host, headers['x-forwarded-host']].filter((host) => host !== undefined)
    const schemes = called.flatMap((host) => [hostOf(`http://${host}`), hostOf(`https://${host}`)])
    return publicUrl === undefined ? schemes : [...schemes, hostOf(publicUrl)]
  }
}

let known: { readonly publicUrl: string | undefined; readonly root: string } | undefined

/** What `/dav` is to clients, where a proxy stands in front. It is always the same. */
function rootOf(publicUrl: string | undefined): string {
  if (known?.publicUrl !== publicUrl || !known) {
    const path = publicUrl !== undefined && URL.canParse(publicUrl) ? new URL(publicUrl).pathname : ''
    known = { publicUrl, root: `${path.replace(/\/+$/, '')}/dav` }
  }
  return known.root
}
