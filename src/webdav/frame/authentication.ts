/** Who asks, in webdav-server's own terms: tokens by Basic or Bearer (contract §1), looked up anew for every request. */
import type { v2 } from 'webdav-server'
import type { Loaded, Session, SpaceAddress } from '../../accounts/types.js'
import { clientAddress } from '../../http/client.js'
import type { AppDeps } from '../../http/deps.js'
import { presumeCaller } from '../../http/presume.js'
import { SpaceError } from '../../space/errors.js'
import { lookAhead } from '../ahead.js'
import { promised } from './callbacks.js'
import type { DavContext } from './context.js'

/** An account as the package knows users. Nobody is an administrator: each space decides for itself. */
class DavUser implements v2.IUser {
  readonly isAdministrator = false
  readonly isDefaultUser: boolean

  constructor(
    readonly uid: string,
    readonly username: string,
  ) {
    this.isDefaultUser = uid === ''
  }
}

const NOBODY = new DavUser('', '')

/** Tokens are the passwords; the user name means nothing. */
export class TokenUsers implements v2.ITestableUserManager {
  readonly #directory: AppDeps['directory']

  constructor(directory: AppDeps['directory']) {
    this.#directory = directory
  }

  getDefaultUser(callback: (user: v2.IUser) => void): void {
    callback(NOBODY)
  }

  getUserByNamePassword(
    _name: string,
    password: string,
    callback: (error: Error, user?: v2.IUser) => void,
  ): void {
    promised(
      this.find(password, undefined).then(({ user }) => user),
      callback,
    )
  }

  /** Who has the token, and, in the same step, the space that is asked for. */
  async find(
    token: string,
    address: SpaceAddress | undefined,
  ): Promise<{ readonly user: v2.IUser; readonly loaded: Loaded }> {
    const loaded = await this.#directory.load(token, address)
    if (!loaded.session) {
      throw new SpaceError('UNAUTHENTICATED', 'The header Authorization holds no valid token.')
    }
    const { id, name } = loaded.session.account
    return { user: new DavUser(id, name), loaded }
  }
}

export class TokenAuthentication implements v2.HTTPAuthentication {
  readonly #users: TokenUsers
  readonly #deps: Pick<AppDeps, 'directory' | 'tree' | 'throttle' | 'settings'>

  constructor(users: TokenUsers, deps: Pick<AppDeps, 'directory' | 'tree' | 'throttle' | 'settings'>) {
    this.#users = users
    this.#deps = deps
  }

  /** The challenge goes out with 401s only (`errors.ts`): on other answers browsers and Office take it for a demand. */
  askForAuthentication(): Record<string, string> {
    return {}
  }

  getUser(ctx: v2.HTTPRequestContext, callback: (error: Error, user?: v2.IUser) => void): void {
    promised(this.#find(ctx as DavContext), callback)
  }

  /** Who asks, where a change is to look itself whether that still holds. */
  async #presumed(ctx: DavContext): Promise<v2.IUser | undefined> {
    const { token, target, request } = ctx
    if (target.kind !== 'space') return undefined
    ctx.presumed = await presumeCaller(this.#deps.directory, request, token, target.address)
    if (!ctx.presumed) return undefined
    ctx.loaded = ctx.presumed.loaded
    const { id, name } = (ctx.loaded.session as Session).account
    return new DavUser(id, name)
  }

  /** Without credentials nothing is looked up: clients try every request so first. Whoever guesses tokens is slowed down. */
  async #find(ctx: DavContext): Promise<v2.IUser> {
    const { token, target, request } = ctx
    if (request.headers.authorization === undefined) {
      throw new SpaceError(
        'UNAUTHENTICATED',
        'The header Authorization is missing; send Basic with a token as the password.',
      )
    }
    const presumed = mayPresume(request) ? await this.#presumed(ctx) : undefined
    if (presumed) return presumed
    try {
      const found = this.#users.find(token ?? '', target.kind === 'space' ? target.address : undefined)
      ctx.ahead = lookAhead(this.#deps, request, token, target)
      const { user, loaded } = await found
      ctx.loaded = loaded
      return user
    } catch (error) {
      if (token && error instanceof SpaceError && error.code === 'UNAUTHENTICATED') {
        const { throttle, settings } = this.#deps
        await throttle.failedToken(clientAddress(request, settings.trustProxy))
      }
      throw error
    }
  }
}

/** These do nothing but change the tree of the space they name; what `If` says is looked at first. */
const CHANGES = new Set(['PUT', 'DELETE', 'MKCOL', 'MOVE'])

function mayPresume({ method, headers }: DavContext['request']): boolean {
  return CHANGES.has(method as string) && headers.if === undefined
}
