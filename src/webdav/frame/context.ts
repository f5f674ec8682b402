/** One request as webdav-server sees it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { v2 } from 'webdav-server'
import type { Loaded } from '../../accounts/types.js'
import type { DavCall } from '../call.js'
import type { DavTarget, Origin } from '../target.js'

/** The package's context, with what our commands need of the request. */
export interface DavContext extends v2.HTTPRequestContext {
  readonly target: DavTarget
  readonly origin: Origin
  readonly token: string | undefined
  /** Who asks, and the space: known once the request is authenticated. */
  loaded: Loaded
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
export function createContext({ server, request, response, target, origin, token }: NewContext): DavContext {
  const names = target.kind === 'space' ? [target.spaceName, ...target.path.names] : []
  return Object.assign(Object.create(PROTOTYPE), {
    server,
    request,
    response,
    target,
    origin,
    token,
    loaded: {},
    rootPath: origin.root,
    requested: { uri: target.href, path: new v2.Path(names) },
    overridePrivileges: false,
    responseBody: undefined,
    user: undefined,
    exit: () => {},
  })
}

const PROTOTYPE = Object.create(v2.HTTPRequestContext.prototype, {
  headers: {
    configurable: true,
    get(this: { readonly request: IncomingMessage }) {
      const { headers } = this.request
      return new v2.RequestContextHeaders({ depth: '0', ...(headers as Record<string, string | string[]>) })
    },
  },
})

/** Commands are only reached with a session. */
export function callOf(context: DavContext, deps: DavCall['deps']): DavCall {
  const { request: req, response: res, target, origin, token, loaded } = context
  const { session } = loaded
  if (!session) throw new Error('A command was reached without a session.')
  return { deps, req, res, target, origin, token, loaded, session }
}
