import { Recent } from '../../../recent.js'
import type { ListedBlob, PendingBlob } from '../../store.js'
import type { Layout } from '../layout.js'
import type { PromptCalls } from '../prompt.js'
import { PackFolder } from './folder.js'
import { GiveBack } from './give-back.js'
import { GoneLists } from './gone.js'
import type { PackParts } from './parts.js'
import { PackReader } from './reader.js'
import { type PackRecord, packOf, placeOf } from './record.js'
import { recordsIn } from './scan.js'
import { type PackSettings, silenceMs } from './settings.js'
import { takeOver } from './takeover.js'
import { PackWriter } from './writer.js'

/** Blobs this process deleted, which readers need not look for. */
const MOST_DELETED = 10_000
/** Headers read at a time by one `delete`. */
const AT_ONCE = 16

export interface PacksOptions {
  readonly settings: PackSettings
  readonly prompt: PromptCalls
  readonly durable: boolean
  readonly syncPending: () => Promise<void>
}

/** Which packs there are at a moment, and which of their records may be undecided. */
type Moment = ReadonlyMap<string, PackMoment>

interface PackMoment {
  /** Records from here on came later. */
  readonly end: number
  /** Those from here on are undecided, for all that is known. */
  readonly decided: number
  /** Of one's own pack: exactly these are. */
  readonly undecided?: ReadonlySet<string>
}

/**
 * Small blobs, many to a file: a *pack*, which only ever grows and belongs to one process. What the parts are, and what they leave to
 * each other: `folder.ts` the files, `record.ts` what is in them, `own-pack.ts` and `writer.ts` appending and knowing what is
 * undecided, `takeover.ts` the same for a process that has ended, `reader.ts` reading, `gone.ts` deleting, `give-back.ts` the
 * room of what was deleted.
 */
export class Packs {
  readonly #parts: PackParts
  readonly #writer: PackWriter
  readonly #giveBack: GiveBack
  readonly #deleted = new Recent<true>(MOST_DELETED)
  #timer: NodeJS.Timeout | undefined
  #beating: Promise<void> | undefined

  private constructor(layout: Layout, options: PacksOptions) {
    const folder = new PackFolder(layout.packsFolder)
    const gone = new GoneLists(folder, options.durable)
    this.#parts = { ...options, layout, folder, gone, reader: new PackReader(folder) }
    this.#writer = new PackWriter(this.#parts)
    this.#giveBack = new GiveBack(this.#parts)
  }

  /** The folder is there. */
  static async open(layout: Layout, options: PacksOptions): Promise<Packs> {
    const packs = new Packs(layout, options)
    await packs.look()
    packs.#timer = setInterval(() => {
      packs.#beating ??= packs.#beat()
    }, options.settings.beatMs).unref()
    return packs
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#beating
    await this.#writer.close()
    this.#parts.reader.close()
  }

  /** Resolves to the blob's id. Raises DISK_FULL or UNAVAILABLE, and leaves nothing then. */
  append(
    space: string,
    chunks: readonly Uint8Array[],
    sizeAndTime: Pick<PackRecord, 'size' | 'time'>,
  ): Promise<string> {
    return this.#writer.append(space, chunks, sizeAndTime)
  }

  /** The blob's id may be that of one in a pack that was seen. */
  knows(blob: string): boolean {
    return this.#parts.reader.knows(blob)
  }

  /** Sees which packs there are now. */
  look(): Promise<void> {
    return this.#parts.reader.look()
  }

  /** Bytes of a blob; undefined where it is in no pack. Raises CORRUPT where it is shorter. */
  async read(space: string, blob: string, start: number, length: number): Promise<Buffer | undefined> {
    if (this.#deleted.has(blob)) return undefined
    return this.#parts.reader.read(space, blob, start, length)
  }

  /** Undefined where it is in no pack, or deleted. */
  async size(space: string, blob: string): Promise<number | undefined> {
    const size = this.#deleted.has(blob) ? undefined : await this.#parts.reader.size(space, blob)
    if (size === undefined || (await this.#parts.gone.of(packOf(blob))).has(placeOf(blob))) return undefined
    return size
  }

  /** False where the blob is none of those that are undecided here. */
  settle(space: string, blob: string): boolean {
    return this.#writer.decide(space, blob)
  }

  /** The same. */
  async discard(space: string, blob: string): Promise<boolean> {
    if (!this.#writer.isUndecided(space, blob)) return false
    await this.delete(space, [blob])
    return true
  }

  /** Resolves to those that are in packs, and gone now; whether they are elsewhere too is not looked at. */
  async delete(space: string, blobs: readonly string[]): Promise<ReadonlySet<string>> {
    const { reader, gone } = this.#parts
    if (!blobs.every((blob) => reader.knows(blob))) await reader.look()
    const known = blobs.filter((blob) => reader.knows(blob))
    const byPack = new Map<string, string[]>()
    for (let from = 0; from < known.length; from += AT_ONCE) {
      const some = known.slice(from, from + AT_ONCE)
      const sizes = await Promise.all(some.map((blob) => reader.size(space, blob)))
      for (const [n, blob] of some.entries()) {
        if (sizes[n] === undefined) continue
        const pack = packOf(blob)
        byPack.set(pack, [...(byPack.get(pack) ?? []), blob])
      }
    }
    for (const [pack, found] of byPack) {
      const before = await gone.of(pack)
      const places = found.map(placeOf).filter((place) => !before.has(place))
      if (places.length > 0) await gone.add(pack, places)
      for (const blob of found) {
        this.#deleted.set(blob, true)
        this.#writer.decide(space, blob)
      }
    }
    return new Set([...byPack.values()].flat())
  }

  /** Those that are undecided in packs of this process, begun before `olderThan`. */
  *pending(olderThan: number): Generator<PendingBlob> {
    for (const { space, blob, time } of this.#writer.undecided())
      if (time < olderThan) yield { space, blob, since: time }
  }

  /** What processes that have ended left undecided gets its note in `pending/`. See `BlobStore.pending` for `olderThan`. */
  async takeOver(olderThan: number): Promise<void> {
    // Who discards by a note must know of the pack.
    await this.look()
    const before = Math.min(olderThan, Date.now() - silenceMs(this.#parts.settings))
    await takeOver(this.#parts, before, (pack) => this.#isOwn(pack))
  }

  async tidy(signal?: AbortSignal): Promise<void> {
    await this.#giveBack.run((pack) => this.#isOwn(pack), signal)
  }

  /**
   * To be taken before the notes in `pending/` are read: what is undecided in a pack now may have its note, and count as decided,
   * by the time the pack is read.
   */
  async moment(): Promise<Moment> {
    const moment = new Map<string, PackMoment>()
    for (const pack of (await this.#parts.folder.names()).packs) {
      const own = this.#writer.own.get(pack)
      if (own) {
        const undecided = new Set([...own.undecided].map(({ blob }) => blob))
        moment.set(pack, { end: own.tail, decided: own.decided, undecided })
      } else {
        const state = await this.#parts.folder.state(pack)
        const decided = state?.checkpoint ?? Number.POSITIVE_INFINITY
        moment.set(pack, { end: Number.POSITIVE_INFINITY, decided })
      }
    }
    return moment
  }

  /** The blobs of a space that were in packs at that moment, and are not gone. */
  async *list(space: string, moment: Moment): AsyncGenerator<ListedBlob> {
    for (const [pack, { end, decided, undecided }] of moment) {
      const found = await this.#parts.reader.scan(pack, decided)
      if (found === undefined) continue
      const gone = await this.#parts.gone.of(pack)
      for (const { blob, size } of recordsIn(found.headers, space)) {
        const place = placeOf(blob)
        if (place >= end || gone.has(place)) continue
        yield { blob, size, pending: undecided?.has(blob) ?? place >= decided }
      }
    }
  }

  #isOwn(pack: string): boolean {
    return this.#writer.own.has(pack)
  }

  async #beat(): Promise<void> {
    try {
      await this.#writer.beat()
      await this.look()
    } catch {
      // A beat that is missed is harmless: others wait for many of them.
    } finally {
      this.#beating = undefined
    }
  }
}
