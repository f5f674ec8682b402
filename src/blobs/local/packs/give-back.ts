import { readdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ignoreMissing } from '../failure.js'
import { unlink } from '../files.js'
import { syncFolder } from '../folder-sync.js'
import { parsePendingName } from '../layout.js'
import { giveUp, take } from './claim.js'
import type { PackParts } from './parts.js'
import { HEADER_BYTES, MOST_PACKED, type PackRecord, placeOf, recordBytes } from './record.js'
import { recordsIn } from './scan.js'
import { silenceMs } from './settings.js'
import { writeOut } from './write-out.js'

/** Blobs written at a time. */
const AT_ONCE = 8
/** A draft that was not touched for so long was given up. */
const DRAFT_MS = 3_600_000
/** A line of `.gone`. */
const LINE_BYTES = 9

/**
 * Gives back the room of closed packs of which half is gone: what is left gets files of its own in its final place, then the pack
 * goes. Until then a blob may be in both, and readers look into the pack first. Who does it has claimed the pack: another one that
 * was behind would write what was deleted since, and find no line of it any more.
 */
export class GiveBack {
  readonly #parts: PackParts
  /** Of packs that were looked at and kept: how long their `.gone` was. */
  readonly #kept = new Map<string, number>()

  constructor(parts: PackParts) {
    this.#parts = parts
  }

  /** `own`: packs of this process. Rejects with the first failure, when all have been looked at. */
  async run(own: (pack: string) => boolean, signal?: AbortSignal): Promise<void> {
    const { folder } = this.#parts
    const { packs, open, gone, claims, drafts } = await folder.names()
    const there = new Set(packs)
    for (const pack of new Set([...gone, ...claims])) if (!there.has(pack)) await this.#removeLeft(pack)
    for (const draft of drafts) await this.#removeOld(folder.draft(draft))
    for (const pack of this.#kept.keys()) if (!there.has(pack)) this.#kept.delete(pack)
    let failed: { readonly error: unknown } | undefined
    for (const pack of packs) {
      if (signal?.aborted) break
      if (open.has(pack) || own(pack)) continue
      if (!gone.has(pack) && this.#kept.has(pack)) continue
      if (!(await this.#isWorthIt(pack))) continue
      await this.#claimed(pack, signal).catch((error: unknown) => {
        failed ??= { error }
      })
    }
    if (failed) throw failed.error
  }

  /** What lay beside a pack that is no more. */
  async #removeLeft(pack: string): Promise<void> {
    const { folder } = this.#parts
    if (await stat(folder.pack(pack)).catch(ignoreMissing)) return
    await unlink(folder.gone(pack)).catch(ignoreMissing)
    await giveUp(folder.claim(pack))
  }

  async #removeOld(draft: string): Promise<void> {
    const found = await stat(draft).catch(ignoreMissing)
    if (found && found.mtimeMs < Date.now() - DRAFT_MS) await unlink(draft).catch(ignoreMissing)
  }

  /** Looked at without reading the pack: it rests, and so much may be gone of it that a closer look is worth its while. */
  async #isWorthIt(pack: string): Promise<boolean> {
    const { folder, settings } = this.#parts
    const found = await stat(folder.pack(pack)).catch(ignoreMissing)
    if (!found || found.mtimeMs > Date.now() - silenceMs(settings)) return false
    if ((await folder.state(pack)) !== undefined) return false
    const lines = (await stat(folder.gone(pack)).catch(ignoreMissing))?.size ?? 0
    const most = (lines / LINE_BYTES) * (HEADER_BYTES + MOST_PACKED)
    const isNew = lines > (this.#kept.get(pack) ?? 0)
    if (found.size === 0 || (isNew && 2 * most >= found.size)) return true
    this.#kept.set(pack, lines)
    return false
  }

  async #claimed(pack: string, signal: AbortSignal | undefined): Promise<void> {
    const claim = this.#parts.folder.claim(pack)
    let unclaimed: { readonly error: unknown } | undefined
    const isMine = await take(claim).catch((error: unknown) => {
      unclaimed = { error }
      return true
    })
    if (!isMine) return
    try {
      await this.#giveBack(pack, signal, unclaimed)
    } finally {
      if (!unclaimed) await giveUp(claim)
    }
  }

  /** `unclaimed`: where the disk is full there is no room for a claim; of which nothing is left can go all the same. */
  async #giveBack(
    pack: string,
    signal: AbortSignal | undefined,
    unclaimed: { readonly error: unknown } | undefined,
  ): Promise<void> {
    const { folder, gone, reader } = this.#parts
    const found = await reader.scan(pack, Number.POSITIVE_INFINITY)
    if (found === undefined) return
    const places = await gone.of(pack)
    const left: PackRecord[] = []
    let [all, kept] = [0, 0]
    for (const record of recordsIn(found.headers)) {
      all += recordBytes(record.size)
      if (places.has(placeOf(record.blob))) continue
      kept += recordBytes(record.size)
      left.push(record)
    }
    if (left.length > 0 && unclaimed) throw unclaimed.error
    // What is not understood is not thrown away.
    if (2 * kept > all || found.damaged || (left.length > 0 && !(await this.#moveOut(pack, left, signal)))) {
      if (!signal?.aborted) this.#kept.set(pack, places.size * LINE_BYTES)
      return
    }
    await unlink(folder.pack(pack)).catch(ignoreMissing)
    await unlink(folder.gone(pack)).catch(ignoreMissing)
    reader.forget(pack)
    gone.forget(pack)
    folder.forget(pack)
    this.#kept.delete(pack)
  }

  /** False where it was called off, or something could not be read: then the pack must stay. */
  async #moveOut(
    pack: string,
    left: readonly PackRecord[],
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const { layout, durable } = this.#parts
    // Those are undecided, and whole: they have no other place until they are judged.
    const names = (await readdir(layout.pendingFolder)).map(parsePendingName)
    const pending = new Set(names.flatMap((name) => (name ? [name.blob] : [])))
    const moving = left.filter(({ blob }) => !pending.has(blob))
    const isDone = await this.#parts.reader.use(pack, async (fd) => {
      for (let at = 0; at < moving.length; at += AT_ONCE) {
        if (signal?.aborted) return false
        const some = moving.slice(at, at + AT_ONCE)
        const moved = await Promise.all(some.map((record) => this.#writeOut(fd, record)))
        if (moved.includes(false)) return false
      }
      return true
    })
    // What was deleted meanwhile has its line before its file is looked for: one of us two removes it.
    const gone = await this.#parts.gone.of(pack)
    for (const { space, blob } of moving)
      if (gone.has(placeOf(blob))) await unlink(layout.places(space, blob).live).catch(ignoreMissing)
    if (isDone && durable) await this.#sync(moving)
    return isDone === true
  }

  async #writeOut(fd: number, record: PackRecord): Promise<boolean> {
    const { folder, layout, reader, durable } = this.#parts
    const bytes = await reader.whole(fd, record)
    if (bytes === undefined) return false
    await writeOut({ folder, bytes, target: layout.places(record.space, record.blob).live, durable })
    return true
  }

  /** The names of what was written, and of the folders it is in. */
  async #sync(moved: readonly PackRecord[]): Promise<void> {
    const { layout } = this.#parts
    const fans = new Set(moved.map(({ space, blob }) => layout.places(space, blob).fan))
    const spaces = new Set([...fans].map((fan) => dirname(fan)))
    for (const folder of [...fans, ...spaces, layout.blobsFolder])
      await syncFolder(folder).catch(ignoreMissing)
  }
}
