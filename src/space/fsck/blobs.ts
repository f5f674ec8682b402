import { createHash } from 'node:crypto'
import type { BlobStore } from '../../blobs/store.js'
import { retrying } from '../../redis/retry.js'
import type { Engine } from '../engine.js'
import { SpaceError } from '../errors.js'
import type { FileEntry } from '../types.js'
import type { Findings } from './findings.js'
import { scan } from './folder.js'
import { unpack } from './packed.js'
import { readRecord } from './record.js'
import type { Replay } from './replay.js'

/** What fsck needs of a store. */
export type ReadableBlobs = Pick<BlobStore, 'list' | 'size' | 'get'>

/** Where an entry is filed, and what to call it. */
export interface EntryPlace {
  readonly folder: number
  readonly folded: string
  readonly path: string
}

interface KnownBlob {
  readonly size: number
  readonly pending: boolean
  /** The last entry met that uses it. */
  user?: EntryPlace
  uses: number
}

export interface BlobOptions {
  /** Read every blob and compare its MD5. */
  readonly deep: boolean
  readonly repair: boolean
}

/** How sure it is that the walk has seen all that uses blobs. */
export interface Certainty {
  readonly seq: number
  /** The space was at `seq` since before the store was listed, and no trees were out of sight. */
  readonly exact: boolean
  /** Nothing was found that could hide entries. */
  readonly certain: boolean
}

const STEP = 1000

/**
 * Holds entries against the blob store, both ways. The store is listed before the tree is walked: a blob of the list that
 * no entry uses and nobody let go meanwhile is an orphan. Holds some 200 bytes a blob.
 */
export class BlobCheck {
  readonly #known = new Map<string, KnownBlob>()
  /** Items of the freed list (time and blob) by blob, and the doomed with none. */
  readonly #letGo = new Map<string, Buffer[]>()
  /** Blobs that hold sealed rows of the journal, and no file. */
  #segments = 0
  /** An entry was met that is a copy: the journal does not tell which blob it uses. */
  #shared = false

  constructor(
    readonly engine: Engine,
    readonly store: ReadableBlobs,
    readonly space: string,
    readonly findings: Findings,
    readonly options: BlobOptions,
  ) {}

  get count(): number {
    return this.#known.size + this.#segments
  }

  /** First step. */
  async list(): Promise<void> {
    for await (const { blob, size, pending } of this.store.list(this.space)) {
      this.#known.set(blob, { size, pending, uses: 0 })
    }
    for (const { first, last, blob } of (await this.engine.segments?.list(this.space)) ?? []) {
      const isThere = this.#known.delete(blob) || (await this.store.size(this.space, blob)) !== undefined
      if (isThere) this.#segments++
      else this.findings.add('journal', `The blob ${blob} of the journal’s rows ${first} to ${last} is gone.`)
    }
  }

  /** An entry's blob is there, whole and right. */
  async check(entry: FileEntry, place: EntryPlace): Promise<void> {
    const known = this.#known.get(entry.blob)
    if (known) {
      known.user = place
      known.uses++
    }
    this.#shared ||= entry.blob !== entry.etag
    const size = known?.size ?? (await this.store.size(this.space, entry.blob))
    if (size === undefined)
      return this.#suspect(entry, place, 'blob-missing', 'Its blob is not in the store.')
    if (size !== entry.size) {
      const detail = `It has ${entry.size} bytes, and its blob has ${size}.`
      return this.#suspect(entry, place, 'blob-size', detail)
    }
    if (!this.options.deep) return
    const md5 = await this.#digest(entry.blob)
    if (md5 !== entry.md5 && md5 !== undefined) {
      const detail = `Its MD5 is ${entry.md5}, and its blob’s is ${md5}.`
      await this.#suspect(entry, place, 'blob-digest', detail)
    }
  }

  /**
   * Last step, when all is walked and the replay is not behind the walk.
   */
  async finish(replay: Replay, { seq, exact, certain }: Certainty): Promise<void> {
    await this.#readLetGo()
    await this.#checkLetGo()
    if (exact) await this.#checkUses(seq, certain)
    if (!exact && (this.#shared || !replay.trusted || (await this.#hidden()))) return
    // What moved past the walk is found by the journal, as of a moment before the lists of those let go were read.
    const missed = new Set<string>()
    if (replay.trusted) {
      replay.files(({ etag }) => {
        if (this.#isUnused(etag)) missed.add(etag)
      })
    }
    await this.#checkOrphans(missed, { seq, exact, certain })
  }

  /** Uses of blobs are counted, or blobs may be in use out of sight: by a tree that is being copied, or was given up. */
  async #hidden(): Promise<boolean> {
    const key = `{${this.space}}:refs`
    if ((await retrying(() => this.engine.redis.exists(key))) === 1) return true
    return (await readRecord(this.engine, this.space))?.outOfSight === true
  }

  #isUnused(blob: string): boolean {
    const known = this.#known.get(blob)
    return known !== undefined && !known.user && !known.pending
  }

  /** Tells of it if the entry still is what it was, and the store still says the same. */
  async #suspect(
    entry: FileEntry,
    place: EntryPlace,
    kind: 'blob-missing' | 'blob-size' | 'blob-digest',
    detail: string,
  ): Promise<void> {
    if (!(await this.#uses(place, entry.blob))) return
    const size = await this.store.size(this.space, entry.blob)
    if (kind === 'blob-missing' && size !== undefined) return
    this.findings.add(kind, `${detail} (Blob ${entry.blob}.)`, { path: place.path })
  }

  async #uses(place: EntryPlace, blob: string): Promise<boolean> {
    const raw = await retrying(() =>
      this.engine.redis.hgetBuffer(`{${this.space}}:d:${place.folder}`, place.folded),
    )
    const entry = raw && unpack(raw, place.folded)
    return entry?.kind === 'file' && entry.blob === blob
  }

  async #digest(blob: string): Promise<string | undefined> {
    const hash = createHash('md5')
    try {
      for await (const chunk of await this.store.get(this.space, blob)) hash.update(chunk as Uint8Array)
    } catch (error) {
      // Collected meanwhile, or unreadable: then `size` says so too, or the next look does.
      if (error instanceof SpaceError && error.code === 'CORRUPT') return undefined
      throw error
    }
    return hash.digest('hex')
  }

  /** The freed, from the end: who takes from the front does not move what is yet to be read. Then the doomed. */
  async #readLetGo(): Promise<void> {
    const { redis } = this.engine
    const key = (name: string) => `{${this.space}}:${name}`
    for (let end = -1; ; end -= STEP) {
      const items = await retrying(() => redis.lrangeBuffer(key('f'), end - STEP + 1, end))
      for (const item of items) {
        const blob = item.toString('hex', 6)
        this.#letGo.set(blob, [...(this.#letGo.get(blob) ?? []), item])
      }
      if (items.length < STEP) break
    }
    await scan(
      (cursor) => redis.hscanBuffer(key('x'), cursor, 'COUNT', STEP),
      2,
      ([raw]) => {
        const blob = (raw as Buffer).toString('hex')
        if (!this.#letGo.has(blob)) this.#letGo.set(blob, [])
      },
    )
  }

  async #checkLetGo(): Promise<void> {
    for (const [blob, items] of this.#letGo) {
      const user = this.#known.get(blob)?.user
      if (!user || !(await this.#uses(user, blob))) continue
      const args = [user.folder, user.folded, Buffer.from(blob, 'hex'), ...items]
      const repaired = this.options.repair && (await this.engine.run('mend_freed', this.space, args)) === 1
      const detail = `Its blob ${blob} is ${items.length > 0 ? 'let go' : 'claimed by the collector'}.`
      this.findings.add('blob-freed', detail, { path: user.path, repaired })
    }
  }

  /** `refs` counts the uses of a blob beyond the first. */
  async #checkUses(seq: number, certain: boolean): Promise<void> {
    const counted = new Map<string, number>()
    const key = `{${this.space}}:refs`
    await scan(
      (cursor) => this.engine.redis.hscanBuffer(key, cursor, 'COUNT', STEP),
      2,
      ([raw, count]) => {
        counted.set((raw as Buffer).toString('hex'), Number(count))
      },
    )
    const wrong: [blob: string, uses: number][] = []
    for (const [blob, { uses }] of this.#known) {
      if ((counted.get(blob) ?? 0) !== Math.max(0, uses - 1)) wrong.push([blob, uses])
      counted.delete(blob)
    }
    for (const blob of counted.keys()) wrong.push([blob, 0])
    for (let at = 0; at < wrong.length; at += STEP / 2) {
      const some = wrong.slice(at, at + STEP / 2)
      const args = some.flatMap(([blob, uses]) => [Buffer.from(blob, 'hex'), Math.max(0, uses - 1)])
      const repaired =
        this.options.repair &&
        certain &&
        (await this.engine.run('mend_refs', this.space, [seq, ...args])) === 1
      for (const [blob, uses] of some) {
        const detail = `${uses} entries use the blob ${blob}, and another number is counted.`
        const path = this.#known.get(blob)?.user?.path
        this.findings.add('blob-uses', detail, { repaired, ...(path !== undefined && { path }) })
      }
    }
  }

  async #checkOrphans(missed: ReadonlySet<string>, { seq, exact, certain }: Certainty): Promise<void> {
    let orphans: string[] = []
    for (const blob of this.#known.keys()) {
      if (!this.#isUnused(blob) || this.#letGo.has(blob) || missed.has(blob)) continue
      // The collector may have been quicker.
      if ((await this.store.size(this.space, blob)) !== undefined) orphans.push(blob)
    }
    if (orphans.length > 0 && !exact) {
      await this.#readLetGo()
      orphans = orphans.filter((blob) => !this.#letGo.has(blob))
    }
    for (let at = 0; at < orphans.length; at += STEP) {
      const some = orphans.slice(at, at + STEP)
      const args = [seq, ...some.map((blob) => Buffer.from(blob, 'hex'))]
      const repaired =
        this.options.repair &&
        exact &&
        certain &&
        (await this.engine.run('mend_blobs', this.space, args)) === 1
      for (const blob of some) {
        this.findings.add('blob-orphan', `No entry uses the blob ${blob}.`, { repaired })
      }
    }
  }
}
