/** Evaluates the `If` header (RFC 4918 §10.4.3) and takes the lock tokens out of it. */
import { spaceOp, visibleSpace } from '../http/space-op.js'
import { SpaceError } from '../space/errors.js'
import { ROOT } from '../space/names.js'
import type { Conditions, Location, Lock, OpContext } from '../space/types.js'
import type { EntryCall } from './call.js'
import { DavError } from './errors.js'
import { lockTokenOf } from './headers.js'
import { type IfCondition, type IfGroup, parseIf } from './if-header.js'
import { tokensOn } from './locks.js'
import { type DavTarget, parseReference, type SpaceTarget } from './target.js'

/** Etags of more resources than this are nobody's honest question. */
const MOST_RESOURCES = 32

/**
 * The call with the tokens that its `If` header submits; what it says of the entry's etag is left to the change itself to insist
 * on, in `guard`. PRECONDITION_FAILED where no list holds, BAD_REQUEST where the header is malformed.
 */
export async function withIf(call: EntryCall): Promise<EntryCall> {
  const { if: header } = call.req.headers
  const submitted = officeToken(call)
  if (header === undefined) return submitted.length === 0 ? call : submitting(call, submitted)
  const groups = parseIf(String(header))
  const states = new States(call)
  if (!(await anyHolds(groups, states))) {
    // Of a space that the caller may not see, not even this.
    await call.deps.tree.info(call.op)
    throw new SpaceError('PRECONDITION_FAILED', 'No list of the header If holds.')
  }
  return { ...submitting(call, [...submitted, ...tokensIn(groups)]), guard: await states.guard() }
}

/** Word 2016 sends the token of its lock in the wrong header; only LOCK's and UNLOCK's own use is another. */
function officeToken({ req }: EntryCall): string[] {
  const token = req.method === 'PUT' ? lockTokenOf(req.headers) : undefined
  return token === undefined ? [] : [token]
}

function submitting(call: EntryCall, lockTokens: readonly string[]): EntryCall {
  return { ...call, op: { ...call.op, lockTokens } }
}

/** A token is submitted wherever it stands, also behind `Not` or in a list that does not hold. */
export function tokensIn(groups: readonly IfGroup[]): string[] {
  return groups.flatMap(({ lists }) =>
    lists.flat().flatMap((condition) => (condition.kind === 'token' ? [condition.token] : [])),
  )
}

async function anyHolds(groups: readonly IfGroup[], states: States): Promise<boolean> {
  for (const { resource, lists } of groups) {
    for (const list of lists) if (await allHold(list, resource, states)) return true
  }
  return false
}

async function allHold(
  list: readonly IfCondition[],
  resource: string | undefined,
  states: States,
): Promise<boolean> {
  for (const condition of list) {
    const holds =
      condition.kind === 'token'
        ? (await states.tokens(resource)).has(condition.token)
        : (await states.etag(resource)) === condition.etag
    if (holds === condition.not) return false
  }
  return true
}

/** Where a resource is, for the domain. */
interface Whereabouts {
  readonly op: OpContext
  readonly target: SpaceTarget
}

/** What is known of the resources a header speaks of: each space and each entry is asked once, and only where it matters. */
class States {
  readonly #call: EntryCall
  readonly #places = new Map<string | undefined, Promise<Whereabouts | undefined>>()
  readonly #locks = new Map<string, Promise<readonly Lock[]>>()
  readonly #etags = new Map<string | undefined, Promise<string | undefined>>()

  constructor(call: EntryCall) {
    this.#call = call
    this.#places.set(undefined, Promise.resolve({ op: call.op, target: call.target }))
  }

  async tokens(resource: string | undefined): Promise<ReadonlySet<string>> {
    const place = await this.#place(resource)
    return place ? tokensOn(await this.#locksOf(place.op), place.target.path) : new Set()
  }

  async etag(resource: string | undefined): Promise<string | undefined> {
    let etag = this.#etags.get(resource)
    if (!etag) {
      if (this.#etags.size === MOST_RESOURCES) {
        throw new SpaceError(
          'BAD_REQUEST',
          `The header If asks for the etags of more than ${MOST_RESOURCES} resources.`,
        )
      }
      etag = this.#readEtag(resource)
      this.#etags.set(resource, etag)
    }
    return etag
  }

  /** The change must find the etag that was found here; or nothing, where there was nothing. */
  async guard(): Promise<Conditions> {
    const seen = this.#etags.get(undefined)
    if (!seen) return {}
    const etag = await seen
    return etag === undefined ? { ifNoneMatch: '*' } : { ifMatch: [etag] }
  }

  async #readEtag(resource: string | undefined): Promise<string | undefined> {
    const place = await this.#place(resource)
    if (!place) return undefined
    const at: Location = { path: place.target.path }
    return onlyWhereFound(this.#call.deps.tree.stat(place.op, at).then(({ entry }) => entry.etag))
  }

  /** Every answer about an entry brings all locks of the space, and the root is always there. */
  async #locksOf(op: OpContext): Promise<readonly Lock[]> {
    let locks = this.#locks.get(op.space)
    if (!locks) {
      const found = onlyWhereFound(
        this.#call.deps.tree.stat(op, { path: ROOT }).then((result) => result.locks),
      )
      locks = found.then((list) => list ?? [])
      this.#locks.set(op.space, locks)
    }
    return locks
  }

  #place(resource: string | undefined): Promise<Whereabouts | undefined> {
    let place = this.#places.get(resource)
    if (!place) {
      place = this.#find(resource ?? '')
      this.#places.set(resource, place)
    }
    return place
  }

  async #find(resource: string): Promise<Whereabouts | undefined> {
    const target = this.#parse(resource)
    if (target?.kind !== 'space') return undefined
    const { target: own, op, deps, token, session } = this.#call
    if (target.spaceName === own.spaceName) return { op, target }
    if (!target.address) return undefined
    const loaded = await deps.directory.load(token, target.address)
    return { op: spaceOp(loaded.session ?? session, visibleSpace(loaded)), target }
  }

  /** Of what is not ours there is no state that could match. */
  #parse(resource: string): DavTarget | undefined {
    try {
      return parseReference('If', resource, this.#call.origin)
    } catch (error) {
      if (error instanceof DavError) return undefined
      throw error
    }
  }
}

async function onlyWhereFound<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found
  } catch (error) {
    if (error instanceof SpaceError && (error.code === 'NOT_FOUND' || error.code === 'TYPE_CLASH'))
      return undefined
    throw error
  }
}
