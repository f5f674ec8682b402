/** How much room the space has, as far as is known without asking for each write; for `df`, and to refuse early. */
import { FileSystemError, type Statistics } from '../filesystem.js'
import type { Volume, VolumeInfo } from '../volume.js'

/** What is known counts as new for so long. */
const FRESH_MS = 5000

export class Room {
  #at = Date.now()
  #asking: Promise<void> | undefined
  /** What this mount has added since `info` was asked for. */
  #bytes = 0
  #entries = 0

  constructor(
    private readonly volume: Volume,
    private info: VolumeInfo,
    /** Bytes that wait to be sent. */
    private readonly unsent: () => number,
  ) {}

  get writable(): boolean {
    return this.info.writable
  }

  /** EFBIG or EDQUOT where a file may not become so large, as far as is known. */
  check(path: string, size: number, before: number): void {
    const { fileBytes, spaceBytes } = this.info.limits
    if (size > fileBytes) {
      throw new FileSystemError('EFBIG', `"${path}" would have ${size} bytes; a file may have ${fileBytes}.`)
    }
    if (size <= before) return
    if (Date.now() - this.#at > FRESH_MS) void this.#ask()
    const used = this.info.bytes + this.#bytes + this.unsent()
    if (used + size - before <= spaceBytes) return
    this.#ask()
    throw new FileSystemError(
      'EDQUOT',
      `"${path}" does not fit: the space may have ${spaceBytes} bytes, and has ${used}.`,
    )
  }

  /** This mount itself has changed what the space holds, by so much. */
  changed(bytes: number, entries: number): void {
    this.#bytes += bytes
    this.#entries += entries
  }

  /** Where the server is away, what was last known. */
  async statistics(): Promise<Statistics> {
    if (Date.now() - this.#at > FRESH_MS) await this.#ask()
    const { bytes, entries, limits } = this.info
    const used = bytes + this.#bytes + this.unsent()
    return {
      bytes: limits.spaceBytes,
      bytesFree: Math.max(limits.spaceBytes - used, 0),
      entries: limits.entries,
      entriesFree: Math.max(limits.entries - entries - this.#entries, 0),
    }
  }

  #ask(): Promise<void> {
    this.#asking ??= this.volume
      .info()
      .then((info) => {
        this.info = info
        this.#bytes = 0
        this.#entries = 0
        this.#at = Date.now()
      })
      .catch(() => undefined)
      .finally(() => {
        this.#asking = undefined
      })
    return this.#asking
  }
}
