import { constants } from 'node:fs'
import { access, mkdir, rmdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { SpaceError } from '../../space/errors.js'
import type { StoredBlob } from '../../space/types.js'
import { BlobCache } from '../cache.js'
import { newBlobId } from '../ids.js'
import { checkRange, doesNotExist, streamOf, tooShort } from '../ranges.js'
import type { BlobStore, ByteRange, LentBytes, ListedBlob, PendingBlob, PutOptions } from '../store.js'
import { errno, failure, ignoreMissing } from './failure.js'
import { close, fstat, open, rename, unlink } from './files.js'
import { FolderSync, syncFolder } from './folder-sync.js'
import { Heartbeat } from './heartbeat.js'
import { Layout, type Places, parsePendingName } from './layout.js'
import { LentRange } from './lending.js'
import { PromptCalls } from './prompt.js'
import { RangeStream, readSmall } from './reading.js'
import { upload } from './upload.js'
import { filesIn, namesIn } from './walk.js'

export interface LocalBlobStoreOptions {
  /** `full`: bytes and names are on disk before `put` resolves. `os`: the kernel writes them when it likes. */
  readonly durability: 'full' | 'os'
  /** Memory for recently read small blobs; 0 for none. */
  readonly cacheBytes?: number
  /** How often files of slow uploads are touched, in ms; far less than the collector's grace period. */
  readonly heartbeatMs?: number
}

const HEARTBEAT_MS = 30_000
const CACHE_BYTES = 16 * 1024 * 1024
/** Up to here a range is one read, and its bytes may be cached. */
const SMALL_BYTES = 64 * 1024
/** System calls of one `delete` in flight at a time. */
const DELETES_AT_ONCE = 16

/**
 * Blobs as files in a folder, which may be shared by several processes of one machine.
 *
 * A put makes `pending/<space>.<blob>`; that file is the note that the blob is pending. `settle` renames it to
 * `blobs/<space>/<aa>/<blob>`. Whoever looks for a blob looks there, then in `pending/`, then there again, so settling
 * needs no order with reading, and no `fsync`: after a power cut the file is in one of the two places, and the
 * collector settles it again. What a put costs: open, write, fdatasync and close, and a share of one fsync of the
 * pending folder, which all uploads of that moment have in common.
 */
export class LocalBlobStore implements BlobStore {
  readonly #layout: Layout
  readonly #options: LocalBlobStoreOptions
  readonly #cache: BlobCache
  readonly #prompt = new PromptCalls()
  #pendingFolder: FolderSync | undefined
  #heartbeat: Heartbeat | undefined

  /** `folder` is made by `open()` where it is missing. */
  constructor(folder: string, options: LocalBlobStoreOptions) {
    this.#layout = new Layout(resolve(folder))
    this.#options = options
    this.#cache = new BlobCache(options.cacheBytes ?? CACHE_BYTES)
  }

  async open(): Promise<void> {
    const { folder, pendingFolder, blobsFolder } = this.#layout
    try {
      for (const path of [folder, pendingFolder, blobsFolder]) {
        await mkdir(path, { recursive: true, mode: 0o750 })
        await access(path, constants.R_OK | constants.W_OK | constants.X_OK)
      }
      if (this.#options.durability === 'full') {
        await syncFolder(folder)
        await syncFolder(dirname(folder))
        this.#pendingFolder = await FolderSync.open(pendingFolder)
      }
    } catch (error) {
      throw failure(error, `opening the folder ${folder}`)
    }
    this.#heartbeat = new Heartbeat(this.#options.heartbeatMs ?? HEARTBEAT_MS)
  }

  async close(): Promise<void> {
    this.#heartbeat?.stop()
    this.#heartbeat = undefined
    const folder = this.#pendingFolder
    this.#pendingFolder = undefined
    await folder?.close()
  }

  async put(space: string, body: Readable | Uint8Array, options: PutOptions): Promise<StoredBlob> {
    if (this.#heartbeat === undefined)
      throw new SpaceError('UNAVAILABLE', `The blob store ${this.#layout.folder} is not open.`)
    const id = newBlobId()
    const path = this.#layout.places(space, id).pending
    const target = { id, path, heartbeat: this.#heartbeat, prompt: this.#prompt, folder: this.#pendingFolder }
    return upload(target, body, options)
  }

  async settle(space: string, blob: string): Promise<void> {
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
    await unlink(this.#layout.places(space, blob).pending)
      .catch(ignoreMissing)
      .catch((error: unknown) => {
        throw failure(error, 'discarding a blob')
      })
  }

  async get(space: string, blob: string, range?: ByteRange): Promise<Readable> {
    if (range && range.end - range.start < SMALL_BYTES) return streamOf(await this.read(space, blob, range))
    checkRange(range)
    const places = this.#layout.places(space, blob)
    try {
      const fd = await inEitherPlace(places, (path) => open(path, 'r'))
      return await streamOpened(fd ?? doesNotExist(space, blob), blob, range)
    } catch (error) {
      throw failure(error, 'reading a blob')
    }
  }

  async lend(space: string, blob: string, range: ByteRange): Promise<LentBytes> {
    checkRange(range)
    const { start, end } = range
    const places = this.#layout.places(space, blob)
    try {
      const fd = await inEitherPlace(places, (path) => open(path, 'r'))
      return await lentOpened(fd ?? doesNotExist(space, blob), blob, start, end - start + 1)
    } catch (error) {
      throw failure(error, 'reading a blob')
    }
  }

  async read(space: string, blob: string, range: ByteRange): Promise<Buffer> {
    checkRange(range)
    const { start, end } = range
    const places = this.#layout.places(space, blob)
    const cached = this.#cache.get(places.live, start, end)
    if (cached) return cached
    try {
      const length = end - start + 1
      const bytes = await inEitherPlace(places, (path) => readSmall(path, blob, start, length))
      if (start === 0 && bytes && length <= SMALL_BYTES) this.#cache.set(places.live, bytes)
      return bytes ?? doesNotExist(space, blob)
    } catch (error) {
      throw failure(error, 'reading a blob')
    }
  }

  async size(space: string, blob: string): Promise<number | undefined> {
    try {
      return (await inEitherPlace(this.#layout.places(space, blob), (path) => stat(path)))?.size
    } catch (error) {
      throw failure(error, 'looking at a blob')
    }
  }

  async delete(space: string, blobs: readonly string[]): Promise<void> {
    const all = blobs.map((blob) => this.#layout.places(space, blob))
    for (const places of all) this.#cache.delete(places.live)
    try {
      for (let from = 0; from < all.length; from += DELETES_AT_ONCE)
        await Promise.all(
          all.slice(from, from + DELETES_AT_ONCE).map((places) => inEitherPlace(places, removeFile)),
        )
      for (const fan of new Set(all.map((places) => places.fan))) await this.#tidy(fan)
      if (all.length > 0) await rmdir(this.#layout.spaceFolder(space)).catch(() => {})
    } catch (error) {
      throw failure(error, 'deleting a blob')
    }
  }

  async *pending(olderThan: number): AsyncGenerator<PendingBlob> {
    const isPending = (name: string) => parsePendingName(name) !== undefined
    for await (const file of this.#files(this.#layout.pendingFolder, isPending)) {
      const named = parsePendingName(file.name)
      if (named && file.touched < olderThan) yield { ...named, since: file.made }
    }
  }

  async *list(space: string): AsyncGenerator<ListedBlob> {
    const spaceFolder = this.#layout.spaceFolder(space)
    // Pending ones first: a blob settled meanwhile would else be missed; so it may only come twice, and is left out.
    const seen = new Set<string>()
    const ofSpace = (name: string) => parsePendingName(name)?.space === space
    for await (const { name, size } of this.#files(this.#layout.pendingFolder, ofSpace)) {
      const blob = name.slice(space.length + 1)
      seen.add(blob)
      yield { blob, size, pending: true }
    }
    for await (const fan of namesIn(spaceFolder)) {
      const isNew = (name: string) => /^[0-9a-f]{32}$/.test(name) && !seen.has(name)
      for await (const { name, size } of this.#files(`${spaceFolder}/${fan}`, isNew))
        yield { blob: name, size, pending: false }
    }
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
