/** What is known of a request besides its own text: a name for it, and what its handlers found out. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

export interface RequestNotes {
  /** What the client or a proxy called it in `X-Request-Id`, where that is harmless to repeat; else made here. */
  readonly id: string
  /** Whose valid token it bore. */
  account?: string | undefined
  /** It waits for changes: how long it takes says nothing about the server. */
  waits?: boolean | undefined
}

const HARMLESS = /^[\w.:+/=-]{1,128}$/

/** On the request itself: a weak map of all requests is gone through at each collection of garbage. */
const NOTES = Symbol('notes')

/** The notes of a request, begun when they are first asked for. */
export function notesOf(req: IncomingMessage & { [NOTES]?: RequestNotes }): RequestNotes {
  const known = req[NOTES]
  if (known) return known
  const sent = req.headers['x-request-id']
  const id = typeof sent === 'string' && HARMLESS.test(sent) ? sent : randomUUID()
  const begun: RequestNotes = { id, account: undefined, waits: undefined }
  req[NOTES] = begun
  return begun
}
