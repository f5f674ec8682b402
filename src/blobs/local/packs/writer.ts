import { SpaceError } from '../../../space/errors.js'
import { newBlobId } from '../../ids.js'
import { failure, ignoreMissing } from '../failure.js'
import { unlink } from '../files.js'
import { syncFolder } from '../folder-sync.js'
import { OwnPack } from './own-pack.js'
import { notePending, type PackParts } from './parts.js'
import { type PackRecord, packOf } from './record.js'
import { trustMs } from './settings.js'

/** The packs this process appends to: one at a time, and those before it whose records are not all decided. */
export class PackWriter {
  readonly #parts: PackParts
  readonly #own = new Map<string, OwnPack>()
  #current: OwnPack | undefined
  #making: Promise<OwnPack> | undefined
  #noting: Promise<void> | undefined
  #closed = false

  constructor(parts: PackParts) {
    this.#parts = parts
  }

  get own(): ReadonlyMap<string, OwnPack> {
    return this.#own
  }

  /** Resolves to the blob's id. Raises DISK_FULL or UNAVAILABLE, and leaves nothing then. */
  async append(
    space: string,
    chunks: readonly Uint8Array[],
    sizeAndTime: Pick<PackRecord, 'size' | 'time'>,
  ): Promise<string> {
    const current = this.#current
    let pack = current?.isTrusted && !this.#closed ? current : undefined
    // Others who waited for the same new one may have filled it.
    while (!pack?.takesMore) pack = await this.#begin()
    return pack.append(space, chunks, sizeAndTime)
  }

  isUndecided(space: string, blob: string): boolean {
    return this.#own.get(packOf(blob))?.isUndecided(space, blob) === true
  }

  /** False where the record is none of those that are undecided here. */
  decide(space: string, blob: string): boolean {
    const pack = this.#own.get(packOf(blob))
    if (!pack?.isUndecided(space, blob)) return false
    pack.decide(blob)
    return true
  }

  /** Those that were put and are undecided. */
  *undecided(): Generator<PackRecord> {
    for (const pack of [...this.#own.values()]) yield* pack.put
  }

  /** Heart-beats, and notes in `pending/` for what has been undecided for long. */
  async beat(): Promise<void> {
    for (const [name, pack] of this.#own) if (!(await pack.beat())) this.#own.delete(name)
    // Not waited for: notes can take long, or fail, and whoever is silent meanwhile is taken for dead.
    this.#noting ??= this.#noteStale().finally(() => {
      this.#noting = undefined
    })
  }

  /** Waits for what is being written; what is undecided gets its note. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#making?.catch(() => {})
    await this.#noting
    this.#current = undefined
    for (const [name, pack] of this.#own) {
      await pack.idle()
      // What cannot be noted stays undecided in `.open`, like that of a process that was killed.
      await this.#note(pack, Number.POSITIVE_INFINITY).catch(() => {})
      await pack.end()
      this.#own.delete(name)
    }
  }

  /** What fails is tried again with the next heart-beat. */
  async #noteStale(): Promise<void> {
    const before = Date.now() - this.#parts.settings.undecidedMs
    for (const pack of [...this.#own.values()]) await this.#note(pack, before).catch(() => {})
  }

  async #note(pack: OwnPack, before: number): Promise<void> {
    for await (const { bytes, ...record } of pack.stale(before)) {
      const { space, blob } = record
      await notePending(this.#parts, record, bytes)
      await this.#parts.syncPending()
      if (pack.isUndecided(space, blob)) pack.decide(blob)
      else await unlink(this.#parts.layout.places(space, blob).pending).catch(ignoreMissing)
    }
  }

  #begin(): Promise<OwnPack> {
    if (this.#closed) throw new SpaceError('UNAVAILABLE', 'The blob store is closed.')
    this.#making ??= this.#make().finally(() => {
      this.#making = undefined
    })
    return this.#making
  }

  async #make(): Promise<OwnPack> {
    const { folder, reader, durable, settings } = this.#parts
    this.#current?.retire()
    this.#current = undefined
    const name = newBlobId().slice(0, 12)
    const began = Date.now()
    try {
      const pack = await OwnPack.make(name, this.#parts)
      this.#own.set(name, pack)
      // Both names: a pack without `.open` would be taken for one in which all is decided.
      if (durable) await syncFolder(folder.path)
      if (Date.now() - began > trustMs(settings))
        throw new SpaceError('UNAVAILABLE', 'Beginning a pack took minutes.')
      reader.learn(name)
      this.#current = pack
      return pack
    } catch (error) {
      await this.#own.get(name)?.end()
      this.#own.delete(name)
      throw failure(error, 'beginning a pack of blobs')
    }
  }
}
