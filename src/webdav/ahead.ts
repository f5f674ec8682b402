/** What commands that only read will ask of the tree, known from the request alone. */
import type { IncomingMessage } from 'node:http'
import { type Ahead, readAhead } from '../http/ahead.js'
import type { AppDeps } from '../http/deps.js'
import { keptListings } from '../http/listings/kept.js'
import type { Look } from './call.js'
import type { DavTarget } from './target.js'

/** See `readAhead`. Undefined where the request changes something, or its conditions are to be looked at first. */
export function lookAhead(
  deps: Pick<AppDeps, 'directory' | 'tree'>,
  { method, headers }: IncomingMessage,
  token: string | undefined,
  target: DavTarget,
): Ahead<Look> | undefined {
  if (target.kind !== 'space' || !target.address || headers.if !== undefined) return undefined
  const at = { path: target.path }
  const { tree } = deps
  const reads = (depth: 'entry' | 'page') =>
    readAhead(deps, token, target.address as NonNullable<typeof target.address>, (op) =>
      depth === 'entry' || (method === 'PROPFIND' && keptListings(deps).has(op.space, target.href))
        ? tree.stat(op, at)
        : tree.look(op, at, {}),
    )
  if (method === 'GET' || method === 'HEAD') return reads('page')
  if (method !== 'PROPFIND') return undefined
  if (headers.depth === '0') return reads('entry')
  return headers.depth === '1' ? reads('page') : undefined
}
