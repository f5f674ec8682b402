import { ftruncateSync, writeSync } from 'node:fs'
import { SpaceError } from '../../../space/errors.js'
import { errno } from '../failure.js'
import { close, fdatasync, open, readFully, unlink, utimes, writeAll } from '../files.js'
import { SharedSync } from '../folder-sync.js'
import type { PromptCalls } from '../prompt.js'
import { checkpointText, type PackFolder, stateText } from './folder.js'
import { SELF } from './owner.js'
import { decodeHeader, encodeHeader, HEADER_BYTES, type PackRecord, packedId, recordBytes } from './record.js'
import { type PackSettings, silenceMs, trustMs } from './settings.js'

const MODE = 0o640
/** Decisions between two checkpoints: so many records at most are looked at again when the owner is killed. */
const CHECKPOINT_EVERY = 256
/** A pack that rests is given up only from this size on: else one who writes little would make a pack a file. */
const LEAST_BYTES = 1024 * 1024
/** However small: who goes through the records of a pack shall not hold up others for long. */
const MOST_RECORDS = 65_536

export interface OwnPackParts {
  readonly folder: PackFolder
  readonly prompt: PromptCalls
  readonly settings: PackSettings
  /** Bytes are on disk before an `append` resolves. */
  readonly durable: boolean
}

interface Undecided extends PackRecord {
  readonly at: number
  /** It is all there, and whoever asked for it knows. */
  written: boolean
  failed?: true
}

/**
 * A pack that this process appends to. It knows which of its records are undecided: neither settled nor discarded.
 * Whatever happens to the process, those are at or behind the checkpoint in `.open`.
 */
export class OwnPack {
  /** One who has appended at the very end, or given up a range there, may be followed by one at the same place. */
  #tail = 0
  #records = 0
  #lastAppend = Date.now()
  #lastBeat = Date.now()
  #writing = 0
  #idle = () => {}
  #retired = false
  #decisions = 0
  #checkpoint = 0
  #ending: Promise<void> | undefined
  /** Of forcing bytes to disk. */
  #failure: { readonly cause: unknown } | undefined
  readonly #undecided = new Map<string, Undecided>()
  readonly #sync: SharedSync | undefined

  private constructor(
    readonly name: string,
    readonly parts: OwnPackParts,
    /** Of the pack and of its `.open`. */
    private readonly fd: number,
    private readonly stateFd: number,
  ) {
    if (parts.durable) this.#sync = new SharedSync(() => fdatasync(fd))
  }

  /** Raises what the system calls do; nothing is left then. */
  static async make(name: string, parts: OwnPackParts): Promise<OwnPack> {
    const { folder } = parts
    const stateFd = await open(folder.open(name), 'wx', MODE)
    let fd: number | undefined
    try {
      await writeAll(stateFd, [Buffer.from(stateText(0, SELF))])
      fd = await open(folder.pack(name), 'wx+', MODE)
      return new OwnPack(name, parts, fd, stateFd)
    } catch (error) {
      await close(stateFd)
      await unlink(folder.open(name)).catch(() => {})
      throw error
    }
  }

  /** Others were told lately that this process lives, so that they leave the pack to it. */
  get isTrusted(): boolean {
    return Date.now() - this.#lastBeat < trustMs(this.parts.settings)
  }

  /** Another record has room. */
  get takesMore(): boolean {
    const { packBytes } = this.parts.settings
    return !this.#retired && this.#tail < packBytes && this.#records < MOST_RECORDS
  }

  /** Where the next record would begin. */
  get tail(): number {
    return this.#tail
  }

  /** Of all records before this place it is decided what becomes of them. */
  get decided(): number {
    const [first] = this.#undecided.values()
    return first?.at ?? this.#tail
  }

  /** Those that are being written, too. */
  get undecided(): Iterable<PackRecord> {
    return this.#undecided.values()
  }

  /** Of the undecided those that were put. Another may fail yet, and its place be another blob's then. */
  get put(): PackRecord[] {
    return [...this.#undecided.values()].filter(({ written }) => written)
  }

  isUndecided(space: string, blob: string): boolean {
    return this.#undecided.get(blob)?.space === space
  }

  /** Only while it `takesMore`. Resolves to the blob's id. A failure leaves nothing; raises what the system calls do, UNAVAILABLE where they took too long. */
  async append(
    space: string,
    chunks: readonly Uint8Array[],
    { size, time }: Pick<PackRecord, 'size' | 'time'>,
  ): Promise<string> {
    // Descriptors may be closed, and their numbers be those of other files.
    if (this.#retired) throw new Error(`The pack ${this.name} is not appended to any more.`)
    const at = this.#tail
    const record = { space, blob: packedId(this.name, at), size, time, at, written: false }
    const began = Date.now()
    this.#tail += recordBytes(size)
    this.#records++
    this.#lastAppend = began
    this.#undecided.set(record.blob, record)
    this.#writing++
    try {
      // Waiting for what is done already would cost a turn.
      const writing = this.parts.prompt.writeAll(this.fd, [encodeHeader(record), ...chunks], at)
      if (writing) await writing
      if (this.#sync) await this.#synced(this.#sync)
      if (Date.now() - began > trustMs(this.parts.settings)) throw tookTooLong()
      return record.blob
    } catch (error) {
      this.#undo(record)
      throw error
    } finally {
      record.written = true
      this.#writing--
      if (this.#writing === 0) this.#idle()
      this.#endIfDone()
    }
  }

  /** It is known what becomes of the record. */
  decide(blob: string): void {
    if (!this.#undecided.delete(blob)) return
    this.#decisions++
    if (this.#decisions % CHECKPOINT_EVERY === 0) this.#note()
    this.#endIfDone()
  }

  /** No more is appended; the files are let go when everything is decided. */
  retire(): void {
    this.#retired = true
    this.#endIfDone()
  }

  /** Shows others that this process lives. Resolves to false when it has nothing to do with the pack any more. */
  async beat(): Promise<boolean> {
    if (this.#ending) return false
    const now = Date.now()
    try {
      await utimes(this.parts.folder.open(this.name), now / 1000, now / 1000)
      this.#lastBeat = now
    } catch (error) {
      // Somebody held this process for dead, and has taken over what was undecided.
      if (errno(error) === 'ENOENT') this.retire()
    }
    this.#note()
    const rests = now - this.#lastAppend > silenceMs(this.parts.settings)
    if (rests && this.#tail >= LEAST_BYTES) this.retire()
    return this.#ending === undefined
  }

  /** The bytes of a record that was begun before `before` (ms since 1970) and is undecided still, one after another. */
  async *stale(before: number): AsyncGenerator<PackRecord & { readonly bytes: Buffer }> {
    for (const record of [...this.#undecided.values()]) {
      if (!record.written || record.time >= before || !this.#undecided.has(record.blob)) continue
      const whole = Buffer.allocUnsafeSlow(recordBytes(record.size))
      const got = await readFully(this.fd, whole, record.at)
      const isThere = got === whole.length && decodeHeader(whole)?.blob === record.blob
      // What a failed append could not take back is nobody's.
      if (isThere) yield { ...record, bytes: whole.subarray(HEADER_BYTES) }
      else this.decide(record.blob)
    }
  }

  /** Resolves when no append is under way. */
  async idle(): Promise<void> {
    if (this.#writing > 0)
      await new Promise<void>((resolve) => {
        this.#idle = resolve
      })
  }

  /** Lets go of the files. Where records are undecided `.open` stays, for whoever takes them over. */
  end(): Promise<void> {
    this.#retired = true
    this.#ending ??= this.#close()
    return this.#ending
  }

  async #close(): Promise<void> {
    const { folder } = this.parts
    await this.#sync?.ended()
    await this.#noting
    await close(this.fd)
    await close(this.stateFd)
    if (this.#undecided.size > 0) return
    if (this.#tail === 0) await unlink(folder.pack(this.name)).catch(() => {})
    await unlink(folder.open(this.name)).catch(() => {})
  }

  #endIfDone(): void {
    if (this.#retired && this.#undecided.size === 0 && this.#writing === 0) this.end().catch(() => {})
  }

  async #synced(sync: SharedSync): Promise<void> {
    try {
      await sync.sync()
    } catch (error) {
      this.#retired = true
      this.#failure ??= { cause: error }
    }
    // What a disk that failed once says of the same file later is worth nothing.
    if (this.#failure) throw this.#failure.cause
  }

  /** The range is given back where it is the last; else a void record takes its place, or it stays undecided. */
  #undo(record: Undecided): void {
    record.failed = true
    try {
      if (this.#tail === endOf(record)) this.#giveBackEnd()
      else {
        const header = encodeHeader(record, true)
        if (writeSync(this.fd, header, 0, header.length, record.at) < header.length) return
        this.#undecided.delete(record.blob)
      }
    } catch {
      // It is judged like one whose writer died.
    }
  }

  /** Of those that were written side by side on a full disk there is no room for a void either: they go when the last one has failed. */
  #giveBackEnd(): void {
    let tail = this.#tail
    const failed: string[] = []
    for (const record of [...this.#undecided.values()].reverse()) {
      if (!record.failed || endOf(record) !== tail) break
      tail = record.at
      failed.push(record.blob)
    }
    ftruncateSync(this.fd, tail)
    this.#tail = tail
    for (const blob of failed) this.#undecided.delete(blob)
  }

  #noting: Promise<void> = Promise.resolve()

  /** Writes the checkpoint, if there is a later one. */
  #note(): void {
    const checkpoint = this.decided
    if (checkpoint === this.#checkpoint || this.#ending) return
    this.#checkpoint = checkpoint
    // One that is missed is harmless: more is looked at than need be.
    this.#noting = this.#noting
      .then(() => writeAll(this.stateFd, [Buffer.from(checkpointText(checkpoint))], 0))
      .catch(() => {})
  }
}

function endOf({ at, size }: Undecided): number {
  return at + recordBytes(size)
}

function tookTooLong(): SpaceError {
  return new SpaceError('UNAVAILABLE', 'The blob store took minutes to write a blob, which is given up.')
}
