/** Tells those who count and those who keep an access log about each request, when it is over. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { notesOf, type RequestNotes } from './notes.js'
import { loggedPath } from './target.js'

export interface FinishedRequest {
  /** `novem`, `dav`, `storage`, `invitations`, `join`, `healthz`, `readyz`. */
  readonly surface: string
  readonly method: string
  /** Without the query and without tokens. */
  readonly path: string
  /** 499 where the client went before there was an answer. */
  readonly status: number
  readonly ms: number
  /** What went over the connection since the request before it, headers included. */
  readonly received: number
  readonly sent: number
  readonly notes: RequestNotes
}

/** Hears of each request when it is over. Must not throw. */
export type RequestListener = (request: FinishedRequest) => void

/** As nginx says it: the client closed the connection before it was answered. */
const CLIENT_GONE = 499

/** Of each connection: bytes that are counted already. A body may have come before its request is heard of. */
const counted = new WeakMap<Socket, { readonly read: number; readonly written: number }>()

/** Follows a request to its end, whatever that is. Adds nothing to the request itself but one listener. */
export function observe(
  surface: string,
  req: IncomingMessage,
  res: ServerResponse,
  url: string,
  listeners: readonly RequestListener[],
): void {
  const began = performance.now()
  const { socket } = req
  res.once('close', () => {
    const before = counted.get(socket)
    counted.set(socket, { read: socket.bytesRead, written: socket.bytesWritten })
    const request: FinishedRequest = {
      surface,
      method: req.method ?? '',
      path: loggedPath(url),
      status: res.headersSent ? res.statusCode : CLIENT_GONE,
      ms: performance.now() - began,
      received: socket.bytesRead - (before?.read ?? 0),
      sent: socket.bytesWritten - (before?.written ?? 0),
      notes: notesOf(req),
    }
    for (const listener of listeners) listener(request)
  })
}
