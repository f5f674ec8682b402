import { Cluster } from 'ioredis'
import { Recent } from '../recent.js'
import { retrying } from '../redis/retry.js'
import type { RedisClient } from '../redis/scripts.js'
import { isBusy, SharedQuestion } from '../redis/turn.js'
import { Groups } from '../sharing/groups.js'
import { Invitations } from '../sharing/invitations.js'
import { Shares } from '../sharing/shares.js'
import { Tags } from '../sharing/tags.js'
import { VisibleSpaces } from '../sharing/visible.js'
import { type AccountChanges, Accounts, type DeletedAccount, type NewAccount } from './accounts.js'
import { hashToken } from './ids.js'
import { ACCOUNTS_VERSION } from './keys.js'
import { LoadedAnswers } from './loading.js'
import { isResourceName } from './names.js'
import { PLANS, type PlanTable } from './plans.js'
import { type Profile, type ProfileFile, Profiles } from './profile.js'
import { type OwnSpace, type RegisteredSpace, type ReservedSpace, SpaceRegistry } from './registry.js'
import { AccountSlot, list, type MutationOptions, text } from './slot.js'
import { type NewToken, type TokenInfo, type TokenRequest, Tokens } from './tokens.js'
import type { Account, Loaded, SpaceAddress } from './types.js'

export interface DirectoryOptions {
  /** What the plans allow; seed 002's table where absent. See `planTable`. */
  readonly plans?: PlanTable
}

/** No token of ours is longer: spares hashing what a stranger sends. */
const LONGEST_TOKEN = 256
const MOST_HASHES = 1000
/** So often what was loaded must have been found to hold before anything is presumed again after a change. */
const DOUBTS = 2

/** What was loaded of who asks and which space is meant, and when it holds: see `Directory.presume`. */
export interface Presumed {
  readonly loaded: Loaded
  readonly key: string
  readonly version: string
}

/**
 * Accounts, their tokens, and which spaces they own: the front door of `accounts/`. Every method is one atomic script
 * in one round trip, tried again over broken connections for some seconds; all raise UNAVAILABLE after that.
 * Everything hangs on immutable ids: an account or space made again under an old name inherits nothing.
 */
export class Directory {
  readonly #slot: AccountSlot
  readonly #accounts: Accounts
  readonly #tokens: Tokens
  readonly #profiles: Profiles
  readonly #registry: SpaceRegistry
  readonly #answers: LoadedAnswers
  readonly #version: SharedQuestion<string | null>
  /** Of tokens, as they were sent: every request brings one, and mostly the same. */
  readonly #hashes = new Recent<string>(MOST_HASHES)
  /** On a cluster accounts and spaces are not on one node. */
  readonly #presumes: boolean
  readonly #redis: RedisClient
  #doubts = 0

  /** Who shares what with whom, and what that shows: `src/sharing/`. */
  readonly groups: Groups
  readonly shares: Shares
  readonly tags: Tags
  readonly invitations: Invitations
  readonly visible: VisibleSpaces

  constructor(redis: RedisClient, { plans = PLANS }: DirectoryOptions = {}) {
    this.#presumes = !(redis instanceof Cluster)
    this.#redis = redis
    this.#slot = new AccountSlot(redis)
    this.#answers = new LoadedAnswers(plans)
    this.#version = new SharedQuestion(redis, (key) => retrying(() => redis.get(key)))
    this.#accounts = new Accounts(this.#slot, plans)
    this.#tokens = new Tokens(this.#slot)
    this.#profiles = new Profiles(this.#slot, plans)
    this.#registry = new SpaceRegistry(this.#slot, plans)
    const sharing = new AccountSlot(redis, 'sharing')
    this.groups = new Groups(sharing)
    this.shares = new Shares(sharing)
    this.tags = new Tags(sharing)
    this.invitations = new Invitations(sharing)
    this.visible = new VisibleSpaces(sharing)
  }

  /**
   * Who asks and which space is meant, in one round trip: what every request begins with, and what a long upload asks
   * again before it commits. Redis is asked each time, but where nothing has changed in the account slot since, only that. An unknown
   * token, owner or space is simply absent.
   */
  load(token: string | undefined, target?: SpaceAddress): Promise<Loaded> {
    return this.#load(this.#hash(token), '', target)
  }

  /** Would `load` answer the same now? False also where that is not known. Many who ask at once cost Redis one command. */
  async isAsLoaded(loaded: Loaded): Promise<boolean> {
    const version = this.#answers.versionOf(loaded)
    return Boolean(version) && (await this.#version.about(ACCOUNTS_VERSION)) === version
  }

  /**
   * What `load` answered last, to act on before it is asked again: what is done with it must look whether `key` says `version` still.
   * Undefined where that is not known, something has just changed (where accounts change all the time presuming costs more than it
   * saves), or it cannot be looked up from within a space's script.
   */
  presume(token: string | undefined, target: SpaceAddress): Presumed | undefined {
    if (!this.#presumes || this.#doubts > 0) return undefined
    const loaded = this.lastLoaded(token, target)
    const version = loaded && this.#answers.versionOf(loaded)
    return version ? { loaded, key: ACCOUNTS_VERSION, version } : undefined
  }

  /** Redis has more to do than one client asks for. */
  get isBusy(): boolean {
    return isBusy(this.#redis)
  }

  /** The same for what an account has signed (by id): as if it asked with a token now. */
  loadAs(accountId: string, target: SpaceAddress): Promise<Loaded> {
    return this.#load('', accountId, target)
  }

  /**
   * What `load` answered to the same question last time, for whoever wants to prepare what it will most likely answer now. It
   * counts only where `load` then answers this very object.
   */
  lastLoaded(token: string | undefined, target: SpaceAddress): Loaded | undefined {
    return this.#answers.last(question(this.#hash(token), '', addressArgs(target)))
  }

  async #load(hash: string, accountId: string, target: SpaceAddress | undefined): Promise<Loaded> {
    const address = addressArgs(target)
    const asked = question(hash, accountId, address)
    const last = this.#answers.last(asked)
    if (last) {
      const isSame = await this.isAsLoaded(last)
      this.#doubts = isSame ? Math.max(0, this.#doubts - 1) : DOUBTS
      if (isSame) return last
    }
    const [version, reply] = list(await this.#slot.read('load', [hash, ...address, accountId]))
    return this.#answers.read(asked, text(version), reply as Buffer)
  }

  /** '' where that can be no token of ours. */
  #hash(token: string | undefined): string {
    if (!token || token.length > LONGEST_TOKEN) return ''
    const known = this.#hashes.get(token)
    if (known !== undefined) return known
    const hash = hashToken(token)
    this.#hashes.set(token, hash)
    return hash
  }

  /** The account of that name, if there is one. */
  loadAccount(name: string): Promise<Account | undefined> {
    return this.#accounts.load(name)
  }

  /** BAD_NAME, BAD_REQUEST (e-mail, plan), EXISTS (name or e-mail taken). */
  createAccount(account: NewAccount): Promise<Account> {
    return this.#accounts.create(account)
  }

  /** What it sets holds from the next request on. NOT_FOUND, BAD_REQUEST (e-mail, plan, password), EXISTS (e-mail). */
  setAccount(name: string, changes: AccountChanges): Promise<Account> {
    return this.#accounts.set(name, changes)
  }

  /** All accounts by name. */
  listAccounts(): Promise<Account[]> {
    return this.#accounts.list()
  }

  /**
   * The account, its tokens and names are gone at once, its spaces out of reach; the trees of those are the caller's to
   * free, or anybody's who later sees them dying in `allSpaces`. NOT_FOUND.
   */
  deleteAccount(name: string): Promise<DeletedAccount> {
    return this.#accounts.delete(name)
  }

  /**
   * The account, if that is its password; takes as long where there is no such account. Wrap it into
   * `Throttle.password`. TOO_MANY_REQUESTS where too many passwords are being checked.
   */
  checkPassword(name: string, password: string): Promise<Account | undefined> {
    return this.#accounts.checkPassword(name, password)
  }

  /** NOT_FOUND (no such account). */
  readProfile(accountId: string): Promise<Profile> {
    return this.#profiles.read(accountId)
  }

  /** `null` clears: the default is back. BAD_REQUEST (too long, `public` not yes or no), NOT_FOUND. */
  writeProfile(
    accountId: string,
    file: ProfileFile,
    text: string | null,
    options: MutationOptions = {},
  ): Promise<void> {
    return this.#profiles.write(accountId, file, text, options)
  }

  /** A new token; its value is in this answer and nowhere else. BAD_NAME, NOT_FOUND (no such account). */
  createToken(accountId: string, request: TokenRequest = {}): Promise<NewToken> {
    return this.#tokens.create(accountId, request)
  }

  /** The account's tokens, oldest first, without their values. */
  listTokens(accountId: string): Promise<TokenInfo[]> {
    return this.#tokens.list(accountId)
  }

  /** The token is dead with the next request, on every process. Answers its id. NOT_FOUND. */
  revokeToken(accountId: string, nameOrId: string, options: MutationOptions = {}): Promise<string> {
    return this.#tokens.revoke(accountId, nameOrId, options)
  }

  /**
   * Takes the name for a new space. Make its tree (idempotently, by `id`) and call `confirmSpace`; until then nobody
   * finds it. When `done`, answer success and do neither. Somebody who died half-way leaves a reservation that the next
   * `reserveSpace` of that name is handed again.
   * BAD_NAME, EXISTS, TOO_MANY_SPACES, BUSY, NOT_FOUND (no such account).
   */
  reserveSpace(accountId: string, name: string, options: MutationOptions = {}): Promise<ReservedSpace> {
    return this.#registry.reserve(accountId, name, options)
  }

  /**
   * From now on the space is found. EXISTS: another request finished it at the same time; NOT_FOUND: it was dropped, so
   * delete the tree that was made for it.
   */
  confirmSpace(id: string): Promise<void> {
    return this.#registry.confirm(id)
  }

  /** Gives up a reservation, for the repair; it is dying then. False: the space is in use or unknown. */
  abandonSpace(id: string): Promise<boolean> {
    return this.#registry.abandon(id)
  }

  /** Answers the space's id. BAD_NAME, NOT_FOUND, EXISTS. */
  renameSpace(
    accountId: string,
    name: string,
    newName: string,
    options: MutationOptions = {},
  ): Promise<string> {
    return this.#registry.rename(accountId, name, newName, options)
  }

  /** Answers the id of a space that nobody finds any more; call `forgetSpace` when its tree is freed. NOT_FOUND. */
  dropSpace(accountId: string, name: string, options: MutationOptions = {}): Promise<string> {
    return this.#registry.drop(accountId, name, options)
  }

  /** The last step of deleting; does nothing to spaces that were not dropped. */
  forgetSpace(id: string): Promise<void> {
    return this.#registry.forget(id)
  }

  /** The account's spaces by name. */
  listSpaces(accountId: string): Promise<OwnSpace[]> {
    return this.#registry.list(accountId)
  }

  /** Every space of every account in any state, for repair and collector; one that changes meanwhile may come twice. */
  allSpaces(): AsyncIterable<RegisteredSpace> {
    return this.#registry.all()
  }
}

function addressArgs(target: SpaceAddress | undefined): [string, string, string] {
  if (!target) return ['', '', '']
  if ('shortname' in target) return ['short', '', target.shortname]
  const { owner, name } = target
  if (!isResourceName(name) || (owner !== undefined && !isResourceName(owner))) return ['', '', '']
  return ['name', owner ?? '', name]
}

function question(hash: string, accountId: string, address: readonly string[]): string {
  return [hash, accountId, ...address].join(' ')
}
