import type { Caller, Limits } from '../space/types.js'

export type PlanName = 'free' | 'basic' | 'premium' | 'enterprise'

/** What an account may have (seed 002, "Limits"). */
export interface Plan extends Limits {
  readonly name: PlanName
  /** Spaces the account may own. */
  readonly spaces: number
}

export interface Account {
  /** Immutable; the name only points to it. */
  readonly id: string
  readonly name: string
  readonly email: string
  readonly plan: Plan
  /** The early-access flag: without it every spaces endpoint answers 404. */
  readonly spacesEnabled: boolean
  readonly public: boolean
  readonly created: number
}

/** Who makes a request, found by its token. */
export interface Session {
  readonly account: Account
  /** The same, as the domain of spaces wants it, with what the space asked for grants to it. */
  readonly caller: Caller
  readonly token: { readonly id: string; readonly name: string }
}

/** 'o' owns the space, 'w' reads and writes its content, 'r' reads. */
export type AccessLetter = 'o' | 'w' | 'r'

/** A space found by its names, with what its owner's plan allows. */
export interface SpaceRef {
  readonly id: string
  readonly name: string
  readonly shortname: string
  readonly owner: Account
  /** What the caller may do there; absent: nothing, not even know of it. */
  readonly access?: AccessLetter
}

/** How a request names a space: by owner (absent: the caller) and name, or by shortname. */
export type SpaceAddress = { readonly owner?: string; readonly name: string } | { readonly shortname: string }

/** What `Directory.load` brings back in its one round trip. */
export interface Loaded {
  /** undefined: no token, or none that is valid. */
  readonly session?: Session
  /** undefined: no such space, or none was asked for. */
  readonly space?: SpaceRef
}
