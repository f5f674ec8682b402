/**
 * Versions of files on the disk, by etag, as many as fit: what was read lately is there, also after a restart. Bytes are
 * only kept, never changed: an etag stands for the same bytes for ever.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../../src/log.js'
import { CachedBlob } from './cached-blob.js'
import type { Fetch } from './download.js'
import { markInUse } from './marker.js'
import { removeFile } from './remove-file.js'
import { Version, type Watcher } from './version.js'

export type { CachedBlob } from './cached-blob.js'
export type { Fetch } from './download.js'

export interface BlobCacheOptions {
  /** What is open is kept beyond. */
  readonly maxBytes: number
  readonly log: Log
}

const WARN_EVERY_MS = 60_000
/** What is known of each takes some 300 bytes of memory, and a block of the disk at least. */
const MOST_VERSIONS = 100_000
const OURS = /^[0-9a-f]{32}\.\d+(?:\.part)?$/

export class BlobCache {
  readonly #folder: string
  readonly #maxBytes: number
  readonly #log: Log
  readonly #endUse: () => void
  readonly #watcher: Watcher = {
    grew: (bytes) => {
      this.#bytes += bytes
      if (bytes > 0) this.#trim()
    },
    failed: (error) => this.#failed(error),
  }
  /** By file name; the one used last is the last. */
  readonly #versions = new Map<string, Version>()
  #bytes = 0
  #warned = 0

  /**
   * Makes the folder where it is not there, and takes up the complete files in it. Nobody else may use it. Raises where it
   * cannot be read.
   */
  constructor(folder: string, { maxBytes, log }: BlobCacheOptions) {
    this.#folder = folder
    this.#maxBytes = maxBytes
    this.#log = log
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const { isTrusted, end } = markInUse(folder)
    this.#endUse = end
    this.#takeUp(isTrusted)
    this.#trim()
  }

  /** `fetch` gets ranges of these very bytes; rejecting, it ends the reads that wait for them. Release what was opened. */
  open({ etag, size }: { readonly etag: string; readonly size: number }, fetch: Fetch): CachedBlob {
    const name = fileName(etag, size)
    const version = this.#version(name, size)
    version.users++
    return new CachedBlob(version, fetch, () => {
      version.users--
      if (version.users > 0) return
      version.rest()
      if (version.isOutdated) this.discard(etag, size)
      else this.#forgetEmpty(name)
      this.#trim()
    })
  }

  /** The file at `path` holds the bytes of this version: it is moved into the cache, or removed where it cannot be kept. */
  adopt(etag: string, size: number, path: string): void {
    const name = fileName(etag, size)
    try {
      if (size > 0 && size <= this.#maxBytes && !this.has(etag, size) && statSync(path).size === size) {
        this.#version(name, size).adopt(path)
        return
      }
    } catch (error) {
      this.#failed(error)
    }
    this.#forgetEmpty(name)
    removeFile(path)
  }

  /** Nobody will ask for this version again; whoever has it open keeps it for so long. */
  discard(etag: string, size: number): void {
    const name = fileName(etag, size)
    const version = this.#versions.get(name)
    if (!version) return
    version.isOutdated = true
    if (version.users > 0) return
    this.#versions.delete(name)
    version.free()
  }

  /** Are all bytes of this version here? */
  has(etag: string, size: number): boolean {
    return this.#versions.get(fileName(etag, size))?.isComplete === true
  }

  /** Bytes on the disk. */
  get bytes(): number {
    return this.#bytes
  }

  /** Stops what is on its way. What is complete stays for the next time. */
  close(): void {
    for (const version of this.#versions.values()) {
      version.rest()
      if (!version.isComplete) version.free()
    }
    this.#versions.clear()
    this.#endUse()
  }

  #forgetEmpty(name: string): void {
    const version = this.#versions.get(name)
    if (version?.users === 0 && version.bytes === 0) this.#versions.delete(name)
  }

  #version(name: string, size: number): Version {
    const version = this.#versions.get(name) ?? this.#new(name, size, false)
    this.#versions.delete(name)
    this.#versions.set(name, version)
    return version
  }

  #new(name: string, size: number, isComplete: boolean): Version {
    return new Version(join(this.#folder, name), size, isComplete, this.#watcher)
  }

  /** Gives up what was not used for longest, until the rest fits. */
  #trim(): void {
    if (this.#fits()) return
    for (const [name, version] of this.#versions) {
      if (version.users > 0) continue
      this.#versions.delete(name)
      version.free()
      if (this.#fits()) return
    }
  }

  #fits(): boolean {
    return this.#bytes <= this.#maxBytes && this.#versions.size <= MOST_VERSIONS
  }

  /** Oldest first. Parts are of no use: what of them is there was known to the last process only. */
  #takeUp(isTrusted: boolean): void {
    const found: { name: string; size: number; time: number }[] = []
    for (const name of readdirSync(this.#folder)) {
      if (!OURS.test(name)) continue
      const path = join(this.#folder, name)
      const { size, mtimeMs } = statSync(path)
      if (isTrusted && name.endsWith(`.${size}`)) found.push({ name, size, time: mtimeMs })
      else rmSync(path, { recursive: true, force: true })
    }
    for (const { name, size } of found.sort((a, b) => a.time - b.time)) {
      this.#versions.set(name, this.#new(name, size, true))
      this.#bytes += size
    }
  }

  #failed(error: unknown): void {
    if (Date.now() - this.#warned < WARN_EVERY_MS) return
    this.#warned = Date.now()
    this.#log.warn(`The cache in ${this.#folder} does not work, and is passed by: ${String(error)}`)
  }
}

/** Etags of ours are 32 hex; whatever another server calls its versions never becomes a path. */
function fileName(etag: string, size: number): string {
  const name = /^[0-9a-f]{32}$/.test(etag) ? etag : createHash('md5').update(etag).digest('hex')
  return `${name}.${size}`
}
