import type { Readable } from 'node:stream'
import { SpaceError } from '../src/space/errors.js'
import type { Take } from './volume.js'

/** Hands on what comes of a stream, which ends with this. Rejects as it does, or with UNAVAILABLE where the signal aborts. */
export async function pour(stream: Readable, take: Take, signal?: AbortSignal): Promise<void> {
  const giveUp = () => stream.destroy(new SpaceError('UNAVAILABLE', 'The read was given up.'))
  if (signal?.aborted) giveUp()
  signal?.addEventListener('abort', giveUp, { once: true })
  try {
    for await (const piece of stream) if (!take(piece)) break
  } finally {
    signal?.removeEventListener('abort', giveUp)
  }
}
