/** Every route of a surface, read off the surface's own tree of resources. */
import { type Resource, VERBS, type Verb } from '../../src/http/call.js'

export interface Route {
  readonly verb: Verb
  /** `/v1/users/:user/code/spaces/:space/content/*`; `/` where it is the surface's root. */
  readonly pattern: string
}

export function routesOf(root: Resource): Route[] {
  return [...walk(root, '')]
}

function* walk(resource: Resource, path: string): Generator<Route> {
  const pattern = resource.takesRest ? `${path}/*` : path || '/'
  for (const verb of VERBS) if (resource.verbs[verb]) yield { verb, pattern }
  for (const [name, child] of resource.children ?? []) yield* walk(child, `${path}/${name}`)
  if (resource.param) yield* walk(resource.param.resource, `${path}/:${resource.param.name}`)
}
