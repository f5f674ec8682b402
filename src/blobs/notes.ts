import type { PendingBlob } from './store.js'

/**
 * Notes that blobs are pending, for stores whose bytes cannot say so themselves. A note is written before the first byte
 * goes out, so whatever a killed process leaves behind has one.
 */
export interface PendingNotes {
  /** From now on the blob is pending; again: it is still being worked on. Resolves when the note would survive us. UNAVAILABLE. */
  note(space: string, blob: string, since: number): Promise<void>
  /** The blobs are pending no more. Safe to repeat. Resolves with how many were. */
  drop(space: string, blobs: readonly string[]): Promise<number>
  /** Those of the blobs that are pending. */
  among(space: string, blobs: readonly string[]): Promise<ReadonlySet<string>>
  /** Pending blobs last noted before `olderThan` (ms since 1970). */
  list(olderThan: number): AsyncIterable<PendingBlob>
}
