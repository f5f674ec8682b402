/** The bytes of a file that is open or not sent yet. */
import type { CachedBlob } from '../cache/blob-cache.js'
import type { Item } from '../volume.js'
import type { WorkFile } from './work-file.js'

/** What all handles of one file share. */
export class Content {
  handles = 0
  /** Local bytes, from the first write on; until then the version on the server is read through `blob`. */
  work: WorkFile | undefined
  /** `work` holds what the server has not got. */
  dirty = false
  /** Grows with each local change, so that one that comes while the bytes are sent is seen. */
  generation = 0
  /** The etag of the version that `blob` reads. */
  blobEtag = ''
  blob: CachedBlob | undefined
  /** Set by a program, and to be sent with the bytes. */
  modified: number | undefined
  executable: boolean | undefined
  /** MD5s of what was sent without an answer: when the server has one of them, it arrived. */
  readonly attempts = new Set<string>()
  /** Number in the intent log, where it waits to be sent; 0: it does not. */
  intent = 0
  /** While the version on the server is copied to `work`. */
  preparing: Promise<WorkFile> | undefined
  /** While the bytes are on their way; who wants to change them waits. */
  sending: Promise<void> | undefined
  /** Why the server did not take it, last time. */
  refusal: Error | undefined

  /** `base`: the version the local bytes began from; absent: none. Somebody else's version since then is a conflict. */
  constructor(public base: Item | undefined) {}

  changed(): void {
    this.dirty = true
    this.generation += 1
    this.modified = Date.now()
  }

  /** Lets go of what is cached or local. Unsent bytes must have been seen to before. */
  free(): void {
    this.blob?.release()
    this.blob = undefined
    this.work?.remove()
    this.work = undefined
  }
}
