/** One request on its way through a surface, and the tree of resources that finds its handler. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Loaded, SpaceAddress } from '../accounts/types.js'
import { decodePath } from '../space/names.js'
import type { Presumption } from '../space/types.js'
import type { Answer } from './answer.js'
import type { AppDeps } from './deps.js'
import type { Rights } from './rights.js'

export const VERBS = ['GET', 'PUT', 'POST', 'PATCH', 'DELETE'] as const
export type Verb = (typeof VERBS)[number]

export interface Call {
  readonly deps: AppDeps
  readonly req: IncomingMessage
  readonly res: ServerResponse
  /** The path as it was sent, undecoded, without the query. */
  readonly path: string
  /** What the parameters of the path are, decoded. */
  readonly params: Params
  /** Raw remainder of the path, for resources that take it. */
  readonly rest: string
  readonly query: ReadonlyMap<string, string>
  readonly token: string | undefined
  readonly loaded: Loaded
  /** Where `loaded` is not of this request. */
  readonly presumed: Presumption | undefined
  /** Who asks, and which space is meant, anew. */
  readonly reload: (target: SpaceAddress) => Promise<Loaded>
  /** The resource that was found. */
  readonly resource: Resource
  /** Aborts when the client has gone or the server stops. */
  readonly ended: () => AbortSignal
}

export type Handler = (call: Call) => Promise<Answer>

export type Params = Readonly<Partial<Record<ParamName, string>>>
export type ParamName =
  | 'user'
  | 'space'
  | 'name'
  | 'org'
  | 'group'
  | 'role'
  | 'member'
  | 'tag'
  | 'token'
  | 'spaceId'
  | 'pathId'

/** A place in the URL space. HEAD comes with GET, OPTIONS with everything. */
export interface Resource {
  readonly verbs: Readonly<Partial<Record<Verb, Handler>>>
  readonly children?: ReadonlyMap<string, Resource>
  /** Any other segment. */
  readonly param?: { readonly name: ParamName; readonly resource: Resource }
  /** Everything below is this resource too; the handler reads `call.rest`. */
  readonly takesRest?: true
  /** Of spaces: `~<shortname>` may stand for the name, which is another's when the space was renamed. */
  readonly byShortname?: true
  /** What changes something here does it by the tree alone, which looks itself whether the caller is still who it was. */
  readonly presumes?: true
  /** Of spaces: hidden from accounts without the early-access flag. */
  readonly gated?: true
  /** These verbs need no token. */
  readonly open?: readonly Verb[]
  /** What this caller may do here; by the verbs where absent. */
  readonly rights?: (call: Call) => Promise<Rights>
}

export interface Match {
  readonly resource: Resource
  readonly params: Params
  readonly rest: string
}

/** Empty segments do not count (contract §1). BAD_PATH where a segment on the way cannot be decoded. */
export function match(root: Resource, path: string, from: number): Match | undefined {
  let resource = root
  const params: Partial<Record<ParamName, string>> = {}
  let at = from
  for (;;) {
    while (path[at] === '/') at++
    if (resource.takesRest) return { resource, params, rest: path.slice(at) }
    if (at >= path.length) return { resource, params, rest: '' }
    const slash = path.indexOf('/', at)
    const end = slash === -1 ? path.length : slash
    const segment = decodePath(path.slice(at, end))
    const child = resource.children?.get(segment)
    if (child) {
      resource = child
    } else if (resource.param) {
      params[resource.param.name] = segment
      resource = resource.param.resource
    } else return undefined
    at = end
  }
}

/** The verbs a resource serves, whoever asks. */
export function actionsOf(resource: Resource): string[] {
  return [...VERBS.filter((verb) => resource.verbs[verb]), 'OPTIONS']
}
