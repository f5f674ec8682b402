import type { Readable } from 'node:stream'
import type { StoredBlob } from '../space/types.js'

/**
 * Where bytes live: immutable blobs by id. The store knows nothing of names, accounts or the tree.
 *
 * Life of a blob: `put` leaves it *pending*; after the tree has linked it the caller says `settle`; a blob the tree
 * refused is `discard`ed. A process that dies in between leaves a pending blob, which `pending()` lists and the
 * collector judges. Every implementation passes `test/blobs/conformance.ts`.
 */
export interface BlobStore {
  /** Ready the store; raises when it cannot be used, naming what is missing. */
  open(): Promise<void>
  close(): Promise<void>

  /**
   * Streams `body` into a fresh blob, counting and hashing on the way, with back-pressure, never holding it whole.
   * The body is never destroyed: an HTTP request that was refused has an answer to carry. After a failure it is paused
   * and detached; the caller drains or destroys it.
   * Resolves only when the bytes are as durable as the store promises, and readable.
   * Any failure leaves nothing behind. Errors: FILE_TOO_LARGE as soon as more than `limit` bytes came (message says
   * the limit; at once when `length` is over it), BODY_BROKEN when the body errors, ends early (`length`) or `signal` aborts; DISK_FULL; UNAVAILABLE.
   */
  put(space: string, body: Readable | Uint8Array, options: PutOptions): Promise<StoredBlob>

  /** The tree has linked the blob: it is live now. Safe to repeat; never fails the write (reading works either way). */
  settle(space: string, blob: string): Promise<void>
  /** The tree said no: the pending blob goes at once. Safe to repeat. */
  discard(space: string, blob: string): Promise<void>

  /**
   * A stream of bytes `start`…`end` inclusive (the whole blob if absent; naming the whole range is quicker, and proves
   * that the blob is not shorter). The blob is opened before this resolves, so
   * errors come here and not in the middle of an answer. Raises CORRUPT when the blob does not exist or is shorter than
   * the range, RANGE_NOT_SATISFIABLE when the range has no bytes,
   * UNAVAILABLE when the store does not answer. Destroying the stream frees everything.
   */
  get(space: string, blob: string, range?: ByteRange): Promise<Readable>

  /**
   * The same bytes for whoever is done with each piece before asking for the next: two buffers do for all of them, which is several
   * times as fast as new ones. Errors as with `get`. Absent where that would gain nothing.
   */
  readonly lend?: ((space: string, blob: string, range: ByteRange) => Promise<LentBytes>) | undefined

  /**
   * The same bytes in one piece, for ranges of some 64 KiB at most, where it is several times quicker than a stream;
   * it may come out of memory, and must not be written to. Errors as with `get`.
   */
  read(space: string, blob: string, range: ByteRange): Promise<Buffer>

  /** Size in bytes, or undefined where there is no such blob, pending or live. */
  size(space: string, blob: string): Promise<number | undefined>

  /** Deletes live blobs; those already gone are no error. */
  delete(space: string, blobs: readonly string[]): Promise<void>

  /**
   * Blobs that were put and neither settled nor discarded, last touched before `olderThan` (ms since 1970). Of those that another
   * process has just put, and is about to settle or discard, it need not tell while that process lives.
   */
  pending(olderThan: number): AsyncIterable<PendingBlob>
  /** Every blob of a space, pending ones included; order is not promised. For fsck. */
  list(space: string): AsyncIterable<ListedBlob>

  /**
   * Gives back room that deleted blobs still take; readers are not disturbed. To be called now and then, by one process at a
   * time. May be called off at any point. Absent where deleting leaves nothing.
   */
  tidy?(signal?: AbortSignal): Promise<void>
}

export interface PutOptions {
  /** More than this many bytes is FILE_TOO_LARGE. */
  readonly limit: number
  /** Announced length; fewer or more bytes is BODY_BROKEN. */
  readonly length?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Further digests to compute while streaming, e.g. 'sha256', for RFC 9530. Called once with each hex result. */
  readonly digests?: readonly string[] | undefined
  /** Called with the finished digests (hex, md5 included) before the blob counts as put; a throw here undoes it. */
  readonly verify?: ((digests: Readonly<Record<string, string>>) => void) | undefined
}

/** Each piece is valid until the next one is asked for. `return`, which ending a loop early calls, frees everything. */
export interface LentBytes extends AsyncIterableIterator<Buffer> {
  readonly lent: true
  return(): Promise<IteratorResult<Buffer, undefined>>
}

export interface ByteRange {
  readonly start: number
  readonly end: number
}

export interface PendingBlob {
  readonly space: string
  readonly blob: string
  /** When the upload began (ms since 1970). */
  readonly since: number
}

export interface ListedBlob {
  readonly blob: string
  readonly size: number
  readonly pending: boolean
}
