/** The bytes of a file that is open or not sent yet. */
import type { CachedBlob } from '../cache/blob-cache.js'
import type { Item, ItemAttributes } from '../volume.js'
import type { StreamedUpload } from './streamed-upload.js'
import type { WorkFile } from './work-file.js'

/** A version of a file's bytes, to be sent. */
export interface Version {
  readonly work: WorkFile
  readonly generation: number
  readonly modified: number | undefined
  readonly executable: boolean | undefined
}

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
  /** `work` is on its way while it is written. */
  streamed: StreamedUpload | undefined
  /** What the intent log names, while programs have gone on changing `work`: it is what is sent. */
  closed: Version | undefined
  /** Number in the intent log, where it waits to be sent; 0: it does not. */
  intent = 0
  /** While the version on the server is copied to `work`. */
  preparing: Promise<void> | undefined
  /** While the bytes are on their way; who wants to change them waits. */
  sending: Promise<void> | undefined
  /** What the server may have by now, or may not. */
  underWay: Version | undefined
  /** Why the server did not take it, last time. */
  refusal: Error | undefined

  /** `base`: the version the local bytes began from; absent: none. Somebody else's version since then is a conflict. */
  constructor(public base: Item | undefined) {}

  changed(): void {
    this.dirty = true
    this.generation += 1
    this.modified = Date.now()
  }

  /** Does the intent log name `work`? Then it is not changed any more: what was closed outlives whatever happens next. */
  get isWrittenDown(): boolean {
    return this.intent !== 0 && this.dirty && this.closed === undefined
  }

  /** From now on programs change this. */
  goOnWith(work: WorkFile): void {
    if (this.isWrittenDown) this.closed = this.current
    this.work = work
  }

  /** What programs see is not wanted: the file is again what was closed, or else what the server has. */
  goBack(): void {
    const { closed } = this
    this.work?.remove()
    this.closed = undefined
    this.work = closed?.work
    this.dirty = closed !== undefined
    this.generation = closed?.generation ?? this.generation
    this.modified = closed?.modified
    this.executable = closed?.executable
  }

  /** As programs see the file now. */
  get current(): Version | undefined {
    const { work, generation, modified, executable } = this
    return work && { work, generation, modified, executable }
  }

  /** What is to be sent next. */
  get outgoing(): Version | undefined {
    return this.closed ?? this.current
  }

  /** What is there now is closed in place of what was closed before: `keep` keeps it safe; then the other is not needed. */
  overtake<T>(keep: () => T): T {
    const { closed } = this
    this.closed = undefined
    const kept = keep()
    if (closed && !this.sending) this.release(closed)
    return kept
  }

  /** Sets times or exec bit of what is not sent yet. */
  retime({ modified, executable }: ItemAttributes): void {
    const change = {
      ...(modified !== undefined && { modified }),
      ...(executable !== undefined && { executable }),
    }
    Object.assign(this, change)
    if (this.closed) this.closed = { ...this.closed, ...change }
  }

  /** Its bytes are not needed any more, unless somebody has them in use. */
  release({ work }: Version): void {
    if (this.closed?.work === work) this.closed = undefined
    if (this.work !== work) work.remove()
  }

  /** Lets go of what is cached or local. Unsent bytes must have been seen to before. */
  free(): void {
    this.streamed?.giveUp()
    this.streamed = undefined
    this.blob?.release()
    this.blob = undefined
    if (this.closed) this.release(this.closed)
    this.work?.remove()
    this.work = undefined
  }
}
