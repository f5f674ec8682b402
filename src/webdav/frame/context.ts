/** One request as webdav-server sees it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { v2 } from 'webdav-server'
import type { Loaded } from '../../accounts/types.js'
import type { Ahead } from '../../http/ahead.js'
import type { PresumedCaller } from '../../http/presume.js'
import type { DavCall, Look } from '../call.js'
import type { DavTarget, Origin } from '../target.js'

/** The package's context, with what our commands need of the request. */
export interface DavContext extends v2.HTTPRequestContext {
  readonly target: DavTarget
  readonly origin: Origin
  readonly token: string | undefined
  /** Who asks, and the space: known once the request is authenticated. */
  loaded: Loaded
  /** What was read while that was asked. */
  ahead: Ahead<Look> | undefined
  /** Where `loaded` is not of this request. */
  presumed: PresumedCaller | undefined
  user: v2.IUser
}

export interface NewContext {
  readonly server: v2.WebDAVServer
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly target: DavTarget
  readonly origin: Origin
  readonly token: string | undefined
}

/**
 * Made without the package's constructor, which dies of a bad escape in the URL, throws on every request without a Depth, and
 * sets headers of its own (webdav.md §7). Its headers are read only where somebody asks for them.
 */
export function createContext(parts: NewContext): DavContext {
  return new Context(parts) as unknown as DavContext
}

const NOBODY_YET = undefined as unknown as v2.IUser
const NOT_WAITED_FOR = () => {}

class Context {
  readonly server: v2.WebDAVServer
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly target: DavTarget
  readonly origin: Origin
  readonly token: string | undefined
  readonly rootPath: string
  readonly overridePrivileges = false
  readonly responseBody = undefined
  loaded: Loaded = {}
  ahead: Ahead<Look> | undefined = undefined
  presumed: PresumedCaller | undefined = undefined
  user = NOBODY_YET
  exit = NOT_WAITED_FOR

  constructor({ server, request, response, target, origin, token }: NewContext) {
    this.server = server
    this.request = request
    this.response = response
    this.target = target
    this.origin = origin
    this.token = token
    this.rootPath = origin.root
  }

  get requested(): { readonly uri: string; readonly path: v2.Path } {
    const { target } = this
    const names = target.kind === 'space' ? [target.spaceName, ...target.path.names] : []
    return { uri: target.href, path: new v2.Path(names) }
  }

  get headers(): v2.RequestContextHeaders {
    const { headers } = this.request
    return new v2.RequestContextHeaders({ depth: '0', ...(headers as Record<string, string | string[]>) })
  }
}
Object.setPrototypeOf(Context.prototype, v2.HTTPRequestContext.prototype)

/** Commands are only reached with a session. */
export function callOf(context: DavContext, deps: DavCall['deps']): DavCall {
  const { request: req, response: res, target, origin, token, loaded, presumed } = context
  const { session } = loaded
  if (!session) throw new Error('A command was reached without a session.')
  return {
    deps,
    req,
    res,
    target,
    origin,
    token,
    loaded,
    session,
    presumed,
    ahead: context.ahead?.of(loaded),
  }
}
