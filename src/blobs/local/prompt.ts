import { openSync, renameSync, writevSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { open, readFully, readFullySync, rename, unwritten, writeAll } from './files.js'

/** A call that took this long (ms) has held up everybody: it waited for a disk, or lost the processor to another process. */
const SLOW_MS = 2
/** So much of that (ms) is borne at once, and so much of all time: who shares a processor is pushed aside for some milliseconds now and then. */
const BEARABLE_MS = 20
const BEARABLE_PART = 0.05
/** So long the thread pool takes over then. */
const CAUTION_MS = 1000

/**
 * System calls on the spot: those that make a small file, and those that read a large one. In the page cache a call takes a
 * few microseconds, or a few hundred where it reads much, and a trip to the thread pool costs more than it saves. But a file
 * system can stall (its journal, too many dirty pages, a network), and the event loop must not: after slow calls they go to
 * the thread pool for a while.
 */
export class PromptCalls {
  readonly #now: () => number
  #cautiousUntil = 0
  /** What may still be borne, as of when (ms). */
  #bearable = BEARABLE_MS
  #asOf = 0

  /** `now`: a clock, in ms. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  open(path: string, flags: string, mode: number): number | Promise<number> {
    return this.#call(
      () => openSync(path, flags, mode),
      () => open(path, flags, mode),
    )
  }

  rename(from: string, to: string): void | Promise<void> {
    return this.#call(
      () => renameSync(from, to),
      () => rename(from, to),
    )
  }

  /** At `position`, or where the descriptor is. */
  writeAll(fd: number, chunks: readonly Uint8Array[], position?: number): void | Promise<void> {
    return this.#call(
      () => {
        let at = position
        for (let rest = unwritten(chunks, 0); rest.length > 0; ) {
          const written = writevSync(fd, rest, at)
          rest = unwritten(rest, written)
          if (at !== undefined) at += written
        }
      },
      () => writeAll(fd, chunks, position),
    )
  }

  /** Fills `buffer` from `position` on; the bytes read, fewer only at the end of the file. */
  readFully(fd: number, buffer: Buffer, position: number): number | Promise<number> {
    return this.#call(
      () => readFullySync(fd, buffer, position),
      () => readFully(fd, buffer, position),
    )
  }

  #call<T>(now: () => T, later: () => Promise<T>): T | Promise<T> {
    const began = this.#now()
    if (began < this.#cautiousUntil) return later()
    try {
      return now()
    } finally {
      const ended = this.#now()
      if (ended - began > SLOW_MS) this.#wasSlow(ended - began, ended)
    }
  }

  #wasSlow(took: number, at: number): void {
    const regained = (at - this.#asOf) * BEARABLE_PART
    this.#bearable = Math.min(BEARABLE_MS, this.#bearable + regained) - took
    this.#asOf = at
    if (this.#bearable > 0) return
    this.#cautiousUntil = at + CAUTION_MS
    this.#bearable = BEARABLE_MS
  }
}
