import { openSync, renameSync, writevSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { open, rename, unwritten, writeAll } from './files.js'

/** A call that took this long has held up everybody. */
const SLOW_MS = 2
/** So long the thread pool takes over then. */
const CAUTION_MS = 1000

/**
 * The system calls that make a small file, on the spot. In the page cache each takes a few microseconds, and a trip to the
 * thread pool costs several times that. But a file system can stall (its journal, too many dirty pages, a network), and the
 * event loop must not: after a slow call they go to the thread pool for a while.
 */
export class PromptCalls {
  #cautiousUntil = 0

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

  #call<T>(now: () => T, later: () => Promise<T>): T | Promise<T> {
    const began = performance.now()
    if (began < this.#cautiousUntil) return later()
    try {
      return now()
    } finally {
      const ended = performance.now()
      if (ended - began > SLOW_MS) this.#cautiousUntil = ended + CAUTION_MS
    }
  }
}
