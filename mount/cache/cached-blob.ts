/** A version of a file, opened for reading: from the disk where it is there, else from the server, which fills the disk. */
import { closeSync, constants, openSync } from 'node:fs'
import { copyFile, writeFile } from 'node:fs/promises'
import { SpaceError } from '../../src/space/errors.js'
import type { Fetch } from './download.js'
import { blockEnd, blockStart, ReadAhead, WHOLE_BYTES } from './read-ahead.js'
import { type Version, writeAll } from './version.js'

export class CachedBlob {
  readonly #version: Version
  readonly #fetch: Fetch
  readonly #release: () => void
  readonly #ahead = new ReadAhead()
  #isReleased = false

  /** `release` is called once, when nobody reads here any more. */
  constructor(version: Version, fetch: Fetch, release: () => void) {
    this.#version = version
    this.#fetch = fetch
    this.#release = release
  }

  get size(): number {
    return this.#version.size
  }

  /**
   * Fills the buffer from `offset`, or up to the end of the file; answers how many bytes. At once where they are local. Rejects
   * as `fetch` does.
   */
  read(buffer: Buffer, offset: number): number | Promise<number> {
    const version = this.#version
    const end = Math.min(offset + buffer.length, version.size)
    if (end <= offset) return 0
    if (version.isComplete) {
      if (version.read(buffer, end - offset, offset)) return end - offset
    } else if (!version.isBroken) {
      this.#ahead.note(offset, end)
      if (version.firstMissing(offset) >= end && version.read(buffer, end - offset, offset)) {
        this.#readAhead()
        return end - offset
      }
    }
    return this.#readLater(buffer, offset, end)
  }

  /** Resolves when all bytes are on the disk. DISK_FULL where it does not take them, else rejects as `fetch` does. */
  async complete(): Promise<void> {
    const version = this.#version
    for (;;) {
      const missing = version.firstMissing(0)
      if (missing >= version.size) return
      this.#checkOpen()
      if (version.isBroken) throw new SpaceError('DISK_FULL', `The cache cannot keep ${version.size} bytes.`)
      const coming = version.coming(missing) ?? version.download(missing, version.size, this.#fetch)
      await coming.until(coming.end)
    }
  }

  /** Writes the whole file to `path`, replacing what is there. */
  async copyTo(path: string): Promise<void> {
    const { size } = this.#version
    if (size === 0) return writeFile(path, '')
    try {
      await this.complete()
      await copyFile(this.#version.path, path, constants.COPYFILE_FICLONE)
      return
    } catch (error) {
      // The server's word is final; what the disk refused is tried past the cache, and says itself what is wrong.
      if (error instanceof SpaceError && !this.#version.isBroken) throw error
    }
    const file = openSync(path, 'w', 0o600)
    try {
      await this.#whole(0, size, (piece, at) => writeAll(file, piece, at))
    } finally {
      closeSync(file)
    }
  }

  /** What is on its way for nobody else is stopped. May be repeated. */
  release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    this.#release()
  }

  #checkOpen(): void {
    if (!this.#isReleased) return
    throw new SpaceError('UNAVAILABLE', 'The file was closed while it was being read.')
  }

  async #readLater(buffer: Buffer, offset: number, end: number): Promise<number> {
    const version = this.#version
    while (!version.isBroken) {
      const missing = version.firstMissing(offset)
      if (missing >= end) {
        if (version.read(buffer, end - offset, offset)) return end - offset
      } else {
        const coming = version.coming(missing) ?? this.#download(missing, end)
        this.#readAhead()
        await coming.until(Math.min(end, coming.end))
        if (this.#isReleased)
          throw new SpaceError('UNAVAILABLE', 'The file was closed while it was being read.')
      }
    }
    return this.#readThrough(buffer, offset, end)
  }

  /** What is asked for in whole blocks, and more to who reads on. */
  #download(missing: number, end: number) {
    const version = this.#version
    if (version.size <= WHOLE_BYTES) {
      return version.download(version.gapStart(missing, 0), version.size, this.#fetch)
    }
    const { window } = this.#ahead
    const start = version.gapStart(missing, blockStart(missing))
    return version.download(start, Math.max(blockEnd(end), start + window), this.#fetch)
  }

  /** One window on its way while the one before is read. */
  #readAhead(): void {
    const version = this.#version
    const { isSequential, window, end } = this.#ahead
    if (!isSequential || version.size <= WHOLE_BYTES || version.isBroken) return
    const missing = version.firstMissing(end, true)
    if (missing >= version.size || missing - end > window / 2) return
    version.download(missing, missing + window, this.#fetch)
  }

  async #readThrough(buffer: Buffer, offset: number, end: number): Promise<number> {
    await this.#whole(offset, end, (piece, at) => piece.copy(buffer, at - offset))
    return end - offset
  }

  /** Past the cache, once. `use` has the bytes from `start` up to `end`, in their order. */
  async #whole(start: number, end: number, use: (piece: Buffer, at: number) => void): Promise<void> {
    let at = start
    await this.#fetch({ start, end: end - 1 }, (piece) => {
      const wanted = piece.subarray(0, end - at)
      use(wanted, at)
      at += wanted.length
      return true
    })
    if (at < end) throw new SpaceError('UNAVAILABLE', `The answer ended ${end - at} bytes early.`)
  }
}
