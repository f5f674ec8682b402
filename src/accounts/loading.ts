/** Reads what `load.lua` answers. */
import { Recent } from '../recent.js'
import type { PlanTable } from './plans.js'
import { accountOf } from './records.js'
import type { AccessLetter, Loaded, Session, SpaceRef } from './types.js'

type AccountRow = readonly string[]
type CallerRow = readonly [account: AccountRow, tokenId: string, tokenName: string]
type SpaceRow = readonly [
  id: string,
  name: string,
  shortname: string,
  owner: AccountRow | false,
  access: AccessLetter | false,
]

/** So many callers and spaces are known again. */
const MOST = 2000

interface LoadedAnswer {
  readonly reply: Buffer
  readonly loaded: Loaded
}

/**
 * What the last answers meant, by what was asked. They hold for as long as the account slot's version is the same. Also when it is another
 * one, the answer is mostly as before, byte for byte, and then need not be read again.
 */
export class LoadedAnswers {
  readonly #plans: PlanTable
  readonly #last = new Recent<LoadedAnswer>(MOST)
  /** Of the account slot, when each was answered last; '' where that says nothing. */
  readonly #versions = new WeakMap<Loaded, string>()

  constructor(plans: PlanTable) {
    this.#plans = plans
  }

  /** The same object as last time, where the answer to that question is the same. */
  read(question: string, version: string, reply: Buffer): Loaded {
    const last = this.#last.get(question)
    const loaded = last?.reply.equals(reply) ? last.loaded : this.#decode(reply)
    // What strangers ask is not worth the room.
    if (loaded.session) {
      this.#last.set(question, { reply: Buffer.from(reply), loaded })
      this.#versions.set(loaded, version)
    } else this.#last.delete(question)
    return loaded
  }

  /** The account slot's version when that was answered last; '' where it had none. */
  versionOf(loaded: Loaded): string | undefined {
    return this.#versions.get(loaded)
  }

  /** What that question was answered last, perhaps long ago. */
  last(question: string): Loaded | undefined {
    return this.#last.get(question)?.loaded
  }

  #decode(reply: Buffer): Loaded {
    const [caller, space] = JSON.parse(reply.toString()) as [CallerRow | false, SpaceRow | false]
    const session = caller ? this.#session(caller) : undefined
    const ref = space ? this.#space(space, session) : undefined
    return {
      ...(session && { session: withGrant(session, ref) }),
      ...(ref && { space: ref }),
    }
  }

  #session([row, id, name]: CallerRow): Session {
    const account = accountOf(row, this.#plans)
    return { account, caller: { accountId: account.id }, token: { id, name } }
  }

  #space([id, name, shortname, owner, access]: SpaceRow, session: Session | undefined): SpaceRef {
    return {
      id,
      name,
      shortname,
      owner: owner ? accountOf(owner, this.#plans) : (session as Session).account,
      ...(access && { access }),
    }
  }
}

/** What the space asked for grants to the caller goes with the caller into the space. */
function withGrant(session: Session, space: SpaceRef | undefined): Session {
  const letter = space?.access
  if (space === undefined || letter === undefined || letter === 'o') return session
  return { ...session, caller: { ...session.caller, grant: { space: space.id, letter } } }
}
