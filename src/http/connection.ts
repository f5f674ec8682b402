/** Whether anybody is left to answer. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

type Call = () => void

const calls = new WeakMap<Socket, Set<Call>>()

/**
 * Has the client gone? Only the connection tells: of requests that came one behind the other on it, Node says so to the one that is being
 * answered, and the others wait for ever.
 */
export function isGone(req: IncomingMessage, res: ServerResponse): boolean {
  return res.destroyed || req.socket.destroyed
}

/** Calls when the connection closes; what it returns takes that back. */
export function whenGone({ socket }: IncomingMessage, call: Call): () => void {
  const known = calls.get(socket) ?? new Set()
  if (!calls.has(socket)) {
    calls.set(socket, known)
    socket.once('close', () => {
      for (const one of [...known]) one()
    })
  }
  known.add(call)
  return () => known.delete(call)
}
