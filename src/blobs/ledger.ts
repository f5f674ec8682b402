/**
 * What the tree tells the collector about blobs. Each claim is final: after it nothing can make the blob live again, so
 * the collector may take its time with deleting, and die in between.
 */
export interface BlobLedger {
  /**
   * From now on no write can link this pending blob. 'live': one had linked it before (and it may have been freed since;
   * then `freed` names it). `since`: the upload did not begin before that, ms since 1970. Rejects where nobody knows.
   */
  claimPending(space: string, blob: string, since: number): Promise<'live' | 'dead'>

  /** How many blobs `freed` would name by and by; claims nothing. */
  countFreed(space: string, olderThan: number): Promise<number>

  /**
   * Claims blobs that the tree let go before `olderThan` (ms since 1970), until `limit` are claimed, and names all that are
   * claimed and not forgotten, also those of a collector that died.
   */
  freed(space: string, olderThan: number, limit: number): Promise<readonly string[]>

  /** The blobs are gone from the store. */
  forget(space: string, blobs: readonly string[]): Promise<void>

  /** Spaces that may have freed blobs, deleted ones included. */
  spacesWithWork(): AsyncIterable<string>
}
