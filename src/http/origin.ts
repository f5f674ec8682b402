import type { IncomingMessage } from 'node:http'
import type { AppDeps } from './deps.js'

/** What absolute links to us begin with: as the operator says, else as the client called us. */
export function originOf({ settings }: Pick<AppDeps, 'settings'>, { headers }: IncomingMessage): string {
  return settings.publicUrl ?? `http://${headers.host ?? 'localhost'}`
}
