/** One version of a file in the cache folder: a sparse file, what of it is there, and what is on its way. */
import { closeSync, fstatSync, openSync, readSync, renameSync, writeSync } from 'node:fs'
import { Download, type Fetch } from './download.js'
import { Ranges } from './ranges.js'
import { removeFile } from './remove-file.js'

/** What the cache wants to know of its versions. */
export interface Watcher {
  /** So many bytes more are on the disk (fewer, where negative). */
  grew(bytes: number): void
  /** The cache folder does not work as it should; nobody's read fails for it. */
  failed(error: unknown): void
}

const PART_SUFFIX = '.part'
const NONE: readonly Download[] = []

export class Version {
  /** How many have it open. */
  users = 0
  /** Nobody will open it again. */
  isOutdated = false
  /** Absent: all of it, or nothing. */
  #present: Ranges | undefined
  #downloads: readonly Download[] = NONE
  readonly #watcher: Watcher
  #fd: number | undefined
  #isComplete: boolean
  #isBroken = false

  /** `path`: where it is, or will be when it is complete. */
  constructor(
    readonly path: string,
    readonly size: number,
    isComplete: boolean,
    watcher: Watcher,
  ) {
    this.#isComplete = isComplete
    this.#watcher = watcher
  }

  /** Bytes on the disk. */
  get bytes(): number {
    return this.#isComplete ? this.size : (this.#present?.bytes ?? 0)
  }

  get isComplete(): boolean {
    return this.#isComplete
  }

  /** The disk takes nothing more of this version, or has lost some: it is read past the cache as long as it is open. */
  get isBroken(): boolean {
    return this.#isBroken
  }

  /** The first byte from `from` on that is neither here nor, with `orComing`, on its way. */
  firstMissing(from: number, orComing = false): number {
    if (this.#isComplete) return this.size
    for (let at = from; ; ) {
      const missing = this.#present?.firstMissing(at) ?? at
      const coming = orComing ? this.coming(missing) : undefined
      if (!coming) return missing
      at = coming.end
    }
  }

  /** The download that will bring the byte at `position`, which is not here. */
  coming(position: number): Download | undefined {
    for (const download of this.#downloads) {
      if (!download.isOver && download.start <= position && position < download.end) return download
    }
    return undefined
  }

  /** Where the missing bytes around `position` begin, at `least` or later. */
  gapStart(position: number, least: number): number {
    const ends = [least, this.#present?.lastEnd(position) ?? 0]
    for (const { end } of this.#downloads) if (end <= position) ends.push(end)
    return Math.max(...ends)
  }

  /** Begins to fetch missing bytes from `start` up to `end`, or up to where others are or come. */
  download(start: number, end: number, fetch: Fetch): Download {
    const limits = [end, this.size, this.#present?.firstPresent(start) ?? end]
    for (const other of this.#downloads) if (other.start > start) limits.push(other.start)
    const download = new Download(start, Math.min(...limits), fetch, (chunk, at) => this.#store(chunk, at))
    this.#downloads = [...this.#downloads, download]
    download.run().then(() => {
      this.#downloads = this.#downloads.filter((other) => other !== download)
    })
    return download
  }

  /** Reads what is here into the buffer. False: the disk has not got it after all, and the version is broken. */
  read(buffer: Buffer, length: number, offset: number): boolean {
    try {
      const fd = this.#open()
      for (let done = 0; done < length; ) {
        const got = readSync(fd, buffer, done, length - done, offset + done)
        if (got === 0) throw new Error(`${this.path} is shorter than it was`)
        done += got
      }
      return true
    } catch (error) {
      this.#break(error)
      return false
    }
  }

  /** The finished file at `path` is this version. */
  adopt(path: string): void {
    if (this.bytes > 0) this.free()
    renameSync(path, this.path)
    this.#isComplete = true
    this.#isBroken = false
    this.#watcher.grew(this.size)
  }

  /** Nobody has it open any more. */
  rest(): void {
    for (const download of this.#downloads) download.stop()
    this.#downloads = NONE
    this.#close()
    if (this.#isBroken) this.free()
    this.#isBroken = false
  }

  /** Gives its bytes back to the disk. */
  free(): void {
    this.#watcher.grew(-this.bytes)
    this.#close()
    removeFile(this.#isComplete ? this.path : this.path + PART_SUFFIX)
    this.#present = undefined
    this.#isComplete = false
  }

  #store(chunk: Buffer, at: number): boolean {
    // Another has become the whole version meanwhile.
    if (this.#isComplete) return true
    try {
      writeAll(this.#open(), chunk, at)
      this.#present ??= new Ranges()
      const before = this.#present.bytes
      this.#present.add(at, at + chunk.length)
      this.#watcher.grew(this.#present.bytes - before)
      if (this.bytes === this.size) this.#complete()
      return true
    } catch (error) {
      this.#break(error)
      return false
    }
  }

  #complete(): void {
    renameSync(this.path + PART_SUFFIX, this.path)
    this.#isComplete = true
    this.#present = undefined
  }

  #open(): number {
    if (this.#fd !== undefined) return this.#fd
    const fd = openSync(this.#isComplete ? this.path : this.path + PART_SUFFIX, this.#mode(), 0o600)
    if (this.#isComplete && fstatSync(fd).size !== this.size) {
      closeSync(fd)
      throw new Error(`${this.path} has not the ${this.size} bytes it had`)
    }
    this.#fd = fd
    return fd
  }

  /** What has some bytes already is not made anew. */
  #mode(): string {
    if (this.#isComplete) return 'r'
    return this.bytes > 0 ? 'r+' : 'w+'
  }

  #break(error: unknown): void {
    this.#isBroken = true
    this.#watcher.failed(error)
  }

  #close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }
}

/** A disk may take fewer bytes than it is given, and still have room. */
export function writeAll(file: number, bytes: Buffer, at: number): void {
  for (let done = 0; done < bytes.length; )
    done += writeSync(file, bytes, done, bytes.length - done, at + done)
}
