/**
 * The thread that computes digests of large bodies; `hash-thread.ts` is its other end. Bytes come in shared memory and are hashed where
 * they are.
 */
import { createHash, type Hash } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'

/** Done one after another, in the order they come. */
export type HashRequest =
  | { readonly kind: 'begin'; readonly body: number; readonly algorithms: readonly string[] }
  /** Answered when the buffer has been read. */
  | { readonly kind: 'update'; readonly body: number; readonly buffer: number; readonly bytes: number }
  /** Answered with the digests; the body is forgotten. */
  | { readonly kind: 'finish'; readonly body: number }
  | { readonly kind: 'forget'; readonly body: number }

export type HashReply =
  | { readonly kind: 'read'; readonly buffer: number }
  | { readonly kind: 'digests'; readonly body: number; readonly digests: Readonly<Record<string, string>> }

const memory = workerData as readonly Uint8Array[]
const bodies = new Map<number, ReadonlyMap<string, Hash>>()

parentPort?.on('message', (request: HashRequest) => {
  const { kind, body } = request
  const hashes = bodies.get(body) ?? new Map<string, Hash>()
  if (kind === 'begin') {
    bodies.set(body, new Map(request.algorithms.map((name) => [name, createHash(name)])))
  } else if (kind === 'update') {
    const bytes = memory[request.buffer]?.subarray(0, request.bytes) ?? new Uint8Array()
    for (const hash of hashes.values()) hash.update(bytes)
    reply({ kind: 'read', buffer: request.buffer })
  } else {
    bodies.delete(body)
    if (kind === 'forget') return
    const digests = Object.fromEntries([...hashes].map(([name, hash]) => [name, hash.digest('hex')]))
    reply({ kind: 'digests', body, digests })
  }
})

function reply(message: HashReply): void {
  parentPort?.postMessage(message)
}
