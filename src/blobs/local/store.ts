import { constants } from 'node:fs'
import { access, mkdir, rmdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { SpaceError } from '../../space/errors.js'
import type { StoredBlob } from '../../space/types.js'
import { BlobCache } from '../cache.js'
import { checkSpaceId } from '../ids.js'
import { checkRange, doesNotExist, streamOf, tooShort } from '../ranges.js'
import type { BlobStore, ByteRange, LentBytes, ListedBlob, PendingBlob, PutOptions } from '../store.js'
import { errno, failure, ignoreMissing } from './failure.js'
import { close, fstat, open, rename, unlink } from './files.js'
import { FolderSync, syncFolder } from './folder-sync.js'
import { Heartbeat } from './heartbeat.js'
import { Layout, type Places, parsePendingName } from './layout.js'
import { LentRange, lentAtOnce } from './lending.js'
import { Packs } from './packs/packs.js'
import { MOST_PACKED } from './packs/record.js'
import { PACK_SETTINGS, type PackSettings } from './packs/settings.js'
import { PromptCalls } from './prompt.js'
import { RangeStream, readSmall } from './reading.js'
import { type UploadTarget, upload } from './upload.js'
import { filesIn, namesIn } from './walk.js'

export interface LocalBlobStoreOptions {
  /** `full`: bytes and names are on disk before `put` resolves. `os`: the kernel writes them when it likes. */
  readonly durability: 'full' | 'os'
  /** Memory for recently read small blobs; 0 for none. */
  readonly cacheBytes?: number
  /** How often files of slow uploads, and packs, are touched, in ms; far less than the collector's grace period. */
  readonly heartbeatMs?: number
  /** Bodies of up to so many bytes share files; -1: each has one of its own. At most 64 KiB, which is usual. */
  readonly packUpTo?: number
  /** For tests. */
  readonly packs?: Partial<Omit<PackSettings, 'beatMs'>>
}

const HEARTBEAT_MS = 30_000
const CACHE_BYTES = 16 * 1024 * 1024
/** Up to here a range is one read, and its bytes may be cached. */
const SMALL_BYTES = 64 * 1024
/** System calls of one `delete` in flight at a time. */
const DELETES_AT_ONCE = 16

/**
 * Blobs in a folder, which may be shared by several processes of one machine.
 *
 * A body of up to 64 KiB is appended to a *pack* that is this process' own (`packs/`): one write, in which all who come at
 * the same time share one fdatasync. Its id says where it is, so reading needs no index. Whether it is pending is known to the
 * process that wrote it, and found out by others when that has ended.
 *
 * A larger one makes `pending/<space>.<blob>`; that file is the note that the blob is pending. `settle` renames it to
 * `blobs/<space>/<aa>/<blob>`. Whoever looks for a blob looks there, then in `pending/`, then there again, so settling
 * needs no order with reading, and no `fsync`: after a power cut the file is in one of the two places, and the
 * collector settles it again. What such a put costs: open, write, fdatasync and close, and a share of one fsync of the
 * pending folder, which all uploads of that moment have in common.
 *
 * A blob of a pack may come to have a file as well: as its note when nobody knows whether it is live, and when its pack is
 * given up. So whoever looks in packs looks for files next, and what is deleted goes from both.
 */
export class LocalBlobStore implements BlobStore {
  readonly #layout: Layout
  readonly #options: LocalBlobStoreOptions
  readonly #cache: BlobCache
  readonly #prompt = new PromptCalls()
  /** While it is open. */
  #target: UploadTarget | undefined

  /** `folder` is made by `open()` where it is missing. */
  constructor(folder: string, options: LocalBlobStoreOptions) {
    this.#layout = new Layout(resolve(folder))
    this.#options = options
    this.#cache = new BlobCache(options.cacheBytes ?? CACHE_BYTES)
  }

  async open(): Promise<void> {
    const { folder, pendingFolder, blobsFolder, packsFolder } = this.#layout
    const durable = this.#options.durability === 'full'
    const beatMs = this.#options.heartbeatMs ?? HEARTBEAT_MS
    const packUpTo = Math.min(this.#options.packUpTo ?? MOST_PACKED, MOST_PACKED)
    let pending: FolderSync | undefined
    try {
      for (const path of [folder, pendingFolder, blobsFolder, packsFolder]) {
        await mkdir(path, { recursive: true, mode: 0o750 })
        await access(path, constants.R_OK | constants.W_OK | constants.X_OK)
      }
      if (durable) {
        await syncFolder(folder)
        await syncFolder(dirname(folder))
        pending = await FolderSync.open(pendingFolder)
      }
      const packs = await Packs.open(this.#layout, {
        settings: { ...PACK_SETTINGS, ...this.#options.packs, beatMs },
        prompt: this.#prompt,
        durable,
        syncPending: async () => pending?.sync(),
      })
      const heartbeat = new Heartbeat(beatMs)
      this.#target = {
        layout: this.#layout,
        heartbeat,
        prompt: this.#prompt,
        folder: pending,
        packs,
        packUpTo,
      }
    } catch (error) {
      await pending?.close()
      throw failure(error, `opening the folder ${folder}`)
    }
  }

  async close(): Promise<void> {
    const target = this.#target
    this.#target = undefined
    target?.heartbeat.stop()
    await target?.packs.close()
    await target?.folder?.close()
  }

  get #packs(): Packs | undefined {
    return this.#target?.packs
  }

  async put(space: string, body: Readable | Uint8Array, options: PutOptions): Promise<StoredBlob> {
    if (!this.#target)
      throw new SpaceError('UNAVAILABLE', `The blob store ${this.#layout.folder} is not open.`)
    checkSpaceId(space)
    return upload(this.#target, space, body, options)
  }

  async settle(space: string, blob: string): Promise<void> {
    if (this.#packs?.settle(space, blob)) return
    const places = this.#layout.places(space, blob)
    try {
      await this.#prompt.rename(places.pending, places.live)
    } catch (error) {
      // Either the fan-out folder is missing or the blob was settled before. Anything else leaves the blob readable
      // where it is, and the collector tries again.
      if (errno(error) === 'ENOENT') await settleIntoNewFolder(places).catch(() => {})
    }
  }

  async discard(space: string, blob: string): Promise<void> {
    const { pending } = this.#layout.places(space, blob)
    try {
      if (await this.#packs?.discard(space, blob)) return
      // Where the file is but a note of a blob in a pack, that goes first: without the note nobody would think of it.
      if (this.#packs?.knows(blob) && (await stat(pending).catch(ignoreMissing)))
        await this.#packs.delete(space, [blob])
      await unlink(pending).catch(ignoreMissing)
    } catch (error) {
      throw failure(error, 'discarding a blob')
    }
  }

  async get(space: string, blob: string, range?: ByteRange): Promise<Readable> {
    if (range && range.end - range.start < SMALL_BYTES) return streamOf(await this.read(space, blob, range))
    checkRange(range)
    try {
      const found = await this.#find(
        space,
        blob,
        async (packs) => {
          const size = range ? range.end + 1 : await packs.size(space, blob)
          return size === undefined
            ? undefined
            : packs.read(space, blob, range?.start ?? 0, size - (range?.start ?? 0))
        },
        (path) => open(path, 'r'),
      )
      if (typeof found === 'object') return streamOf(found)
      return await streamOpened(found ?? doesNotExist(space, blob), blob, range)
    } catch (error) {
      throw failure(error, 'reading a blob')
    }
  }

  async lend(space: string, blob: string, range: ByteRange): Promise<LentBytes> {
    checkRange(range)
    const { start, end } = range
    const length = end - start + 1
    try {
      const found = await this.#find(
        space,
        blob,
        (packs) => packs.read(space, blob, start, length),
        (path) => open(path, 'r'),
      )
      if (typeof found === 'object') return lentAtOnce(found)
      return await lentOpened(found ?? doesNotExist(space, blob), blob, start, length)
    } catch (error) {
      throw failure(error, 'reading a blob')
    }
  }

  async read(space: string, blob: string, range: ByteRange): Promise<Buffer> {
    checkRange(range)
    const { start, end } = range
    const { live } = this.#layout.places(space, blob)
    const cached = this.#cache.get(live, start, end)
    if (cached) return cached
    try {
      const length = end - start + 1
      const bytes = await this.#find(
        space,
        blob,
        (packs) => packs.read(space, blob, start, length),
        (path) => readSmall(path, blob, start, length),
      )
      if (start === 0 && bytes && length <= SMALL_BYTES) this.#cache.set(live, bytes)
      return bytes ?? doesNotExist(space, blob)
    } catch (error) {
      throw failure(error, 'reading a blob')
    }
  }

  async size(space: string, blob: string): Promise<number | undefined> {
    try {
      return await this.#find(
        space,
        blob,
        (packs) => packs.size(space, blob),
        async (path) => (await stat(path)).size,
      )
    } catch (error) {
      throw failure(error, 'looking at a blob')
    }
  }

  async delete(space: string, blobs: readonly string[]): Promise<void> {
    const all = blobs.map((blob) => ({ blob, places: this.#layout.places(space, blob) }))
    for (const { places } of all) this.#cache.delete(places.live)
    const fans = new Set<string>()
    let packed: ReadonlySet<string> | undefined
    const remove = async (blob: string, places: Places) => {
      const isGone = packed?.has(blob) ? removeNote(places) : inEitherPlace(places, removeFile)
      if (await isGone) fans.add(places.fan)
    }
    try {
      // First: whoever is giving a blob of a pack a file of its own looks afterwards whether it was deleted.
      packed = await this.#packs?.delete(space, blobs)
      for (let from = 0; from < all.length; from += DELETES_AT_ONCE)
        await Promise.all(
          all.slice(from, from + DELETES_AT_ONCE).map(({ blob, places }) => remove(blob, places)),
        )
      for (const fan of fans) await this.#tidy(fan)
      if (fans.size > 0) await rmdir(this.#layout.spaceFolder(space)).catch(() => {})
    } catch (error) {
      throw failure(error, 'deleting a blob')
    }
  }

  async tidy(signal?: AbortSignal): Promise<void> {
    try {
      await this.#packs?.tidy(signal)
    } catch (error) {
      throw failure(error, 'giving back the room of deleted blobs')
    }
  }

  async *pending(olderThan: number): AsyncGenerator<PendingBlob> {
    const seen = new Set<string>()
    let failed: { readonly error: unknown } | undefined
    await this.#packs?.takeOver(olderThan).catch((error: unknown) => {
      failed = { error }
    })
    for (const pending of this.#packs?.pending(olderThan) ?? []) {
      seen.add(pending.blob)
      yield pending
    }
    const isPending = (name: string) => parsePendingName(name) !== undefined
    for await (const file of this.#files(this.#layout.pendingFolder, isPending)) {
      const named = parsePendingName(file.name)
      if (named && file.touched < olderThan && !seen.has(named.blob)) yield { ...named, since: file.made }
    }
    if (failed) throw failure(failed.error, 'noting what a process left undecided')
  }

  async *list(space: string): AsyncGenerator<ListedBlob> {
    const spaceFolder = this.#layout.spaceFolder(space)
    const packs = this.#packs
    // In the order that blobs move in: from a pack to a note, from either to their final place. So each is met, and if twice, left out.
    const moment = await packs?.moment()
    const seen = new Set<string>()
    const ofSpace = (name: string) => parsePendingName(name)?.space === space
    for await (const { name, size } of this.#files(this.#layout.pendingFolder, ofSpace)) {
      const blob = name.slice(space.length + 1)
      seen.add(blob)
      yield { blob, size, pending: true }
    }
    for await (const listed of (moment && packs?.list(space, moment)) ?? []) {
      if (seen.has(listed.blob)) continue
      seen.add(listed.blob)
      yield listed
    }
    for await (const fan of namesIn(spaceFolder)) {
      const isNew = (name: string) => /^[0-9a-f]{32}$/.test(name) && !seen.has(name)
      for await (const { name, size } of this.#files(`${spaceFolder}/${fan}`, isNew))
        yield { blob: name, size, pending: false }
    }
  }

  /**
   * What there is of a blob: in the pack its id names, if that is known; as a file; then where it may be in a pack that another
   * process has begun meanwhile, or have left one.
   */
  async #find<T, U>(
    space: string,
    blob: string,
    inPack: (packs: Packs) => Promise<T | undefined>,
    inFile: (path: string) => Promise<U>,
  ): Promise<T | U | undefined> {
    const places = this.#layout.places(space, blob)
    const packs = this.#packs
    const packed = async () => (packs?.knows(blob) ? inPack(packs) : undefined)
    const found = (await packed()) ?? (await inEitherPlace(places, inFile))
    if (found !== undefined || packs === undefined) return found
    await packs.look()
    return (await packed()) ?? (await inEitherPlace(places, inFile))
  }

  async *#files(folder: string, wanted: (name: string) => boolean) {
    try {
      yield* filesIn(folder, wanted)
    } catch (error) {
      throw failure(error, `listing the folder ${folder}`)
    }
  }

  /** After a delete: the deleting is made durable, and the folder goes when it is empty now. */
  async #tidy(fan: string): Promise<void> {
    try {
      await rmdir(fan)
    } catch {
      if (this.#options.durability === 'full') await syncFolder(fan).catch(ignoreMissing)
    }
  }
}

/** Runs `look` on the live place, the pending one, and the live one again, since settling may go on meanwhile. */
async function inEitherPlace<T>(places: Places, look: (path: string) => Promise<T>): Promise<T | undefined> {
  return (
    (await look(places.live).catch(ignoreMissing)) ??
    (await look(places.pending).catch(ignoreMissing)) ??
    (await look(places.live).catch(ignoreMissing))
  )
}

async function removeFile(path: string): Promise<true> {
  await unlink(path)
  return true
}

/** Of a blob in a pack: whoever settles its note meanwhile puts it where it is looked for next. */
async function removeNote({ pending, live }: Places): Promise<boolean> {
  const wasNoted = await removeFile(pending).catch(ignoreMissing)
  return (await removeFile(live).catch(ignoreMissing)) ?? wasNoted ?? false
}

async function settleIntoNewFolder(places: Places): Promise<void> {
  await access(places.pending)
  await mkdir(places.fan, { recursive: true, mode: 0o750 })
  await rename(places.pending, places.live)
}

/** Takes over the descriptor, also when it fails. */
async function lentOpened(fd: number, blob: string, start: number, length: number): Promise<LentBytes> {
  try {
    const { size } = await fstat(fd)
    if (start + length > size) throw tooShort(blob, size)
    return new LentRange(fd, blob, start, length)
  } catch (error) {
    await close(fd)
    throw error
  }
}

async function streamOpened(fd: number, blob: string, range: ByteRange | undefined): Promise<Readable> {
  try {
    const { size } = await fstat(fd)
    if (range && range.end >= size) throw tooShort(blob, size)
    if (size > 0)
      return new RangeStream(fd, blob, range?.start ?? 0, range ? range.end - range.start + 1 : size)
  } catch (error) {
    await close(fd)
    throw error
  }
  await close(fd)
  return streamOf(Buffer.alloc(0))
}
