import type { IncomingMessage } from 'node:http'
import { proxiedOrigin } from './client.js'
import type { AppDeps } from './deps.js'

/** What absolute links to us begin with: as the operator says, a trusted proxy, or the client, in this order. */
export function originOf({ settings }: Pick<AppDeps, 'settings'>, req: IncomingMessage): string {
  const { publicUrl, localUrl, trustProxy } = settings
  return (
    publicUrl ?? proxiedOrigin(req, trustProxy) ?? localUrl ?? `http://${req.headers.host ?? 'localhost'}`
  )
}
