import type { BlobLedger } from './ledger.js'
import type { BlobStore, PendingBlob } from './store.js'

export interface CollectorOptions {
  readonly store: BlobStore
  readonly ledger: BlobLedger
  /** A pending blob untouched for so long was abandoned; far more than the store's heart-beat. Default: an hour. */
  readonly pendingGraceMs?: number
  /**
   * How long a blob stays after its file went, so that readers finish; more than the lag of replicas, and than the age of
   * a backup that is to be restored with this store. Default: 10 minutes.
   */
  readonly freedGraceMs?: number
  /** Told of every sweep that `start` ran. */
  readonly onSweep?: (result: SweepResult) => void
  /** Told of everything that went wrong; what it was about stays for the next sweep. */
  readonly onError?: (error: unknown) => void
}

export interface SweepOptions {
  /**
   * Only counts: as `pendingDiscarded` the pending blobs that would be judged (asking the ledger would claim them), as
   * `freedDeleted` those that would go.
   */
  readonly dryRun?: boolean
  /** Ends the sweep after its current step. */
  readonly signal?: AbortSignal | undefined
}

export interface SweepResult {
  /** Pending blobs nobody had linked. */
  pendingDiscarded: number
  /** Pending blobs that were live, their writer having died before settling them. */
  pendingSettled: number
  freedDeleted: number
  /** Failures, see `onError`. */
  failed: number
}

const HOUR_MS = 3_600_000
const PENDING_GRACE_MS = HOUR_MS
const FREED_GRACE_MS = 600_000
/** Freed blobs claimed at a time. */
const BATCH = 200
/** A sweep ends after so many failures: Redis or the store is away, and it would only take time to hear it again. */
const MAX_FAILURES = 10

/**
 * Takes away the blobs nobody needs: those whose upload never reached the tree, and those the tree let go.
 *
 * It claims first and deletes then, so a write that comes late is refused rather than left without its bytes; and it
 * fails closed: no answer, or any doubt, keeps the blob. Several may run at once, and each may die at any point.
 */
export class Collector {
  readonly #options: CollectorOptions
  #timer: NodeJS.Timeout | undefined
  #sweeping: Promise<void> = Promise.resolve()
  #stopped = false
  #stopping = new AbortController()

  constructor(options: CollectorOptions) {
    this.#options = options
  }

  /** Sweeps now, and again `intervalMs` after the end of each sweep. Does not keep the process alive. */
  start(intervalMs: number): void {
    this.#stopped = false
    this.#stopping = new AbortController()
    const turn = async () => {
      this.#options.onSweep?.(await this.sweep())
      if (this.#stopped) return
      this.#timer = setTimeout(run, intervalMs).unref()
    }
    const run = () => {
      this.#sweeping = turn()
    }
    run()
  }

  /** No further sweeps; resolves when the one that runs has ended, which is after its current step. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#stopping.abort()
    clearTimeout(this.#timer)
    await this.#sweeping
  }

  /** Goes through everything once. Never rejects: what failed is counted, told to `onError`, and stays. */
  async sweep(options: SweepOptions = {}): Promise<SweepResult> {
    const result: SweepResult = { pendingDiscarded: 0, pendingSettled: 0, freedDeleted: 0, failed: 0 }
    await this.#attempt(result, () => this.#sweepPending(result, options))
    await this.#attempt(result, () => this.#sweepFreed(result, options))
    if (!options.dryRun && !this.#mustEnd(result, options.signal))
      await this.#attempt(result, async () => this.#tidy(options.signal))
    return result
  }

  async #sweepPending(result: SweepResult, { dryRun, signal }: SweepOptions): Promise<void> {
    const before = Date.now() - (this.#options.pendingGraceMs ?? PENDING_GRACE_MS)
    for await (const blob of this.#options.store.pending(before)) {
      if (this.#mustEnd(result, signal)) return
      if (dryRun) result.pendingDiscarded++
      else await this.#attempt(result, () => this.#judge(blob, result))
    }
  }

  async #judge({ space, blob, since }: PendingBlob, result: SweepResult): Promise<void> {
    const { store, ledger } = this.#options
    const verdict = await ledger.claimPending(space, blob, since)
    if (verdict === 'live') {
      await store.settle(space, blob)
      result.pendingSettled++
    } else if (verdict === 'dead') {
      await store.discard(space, blob)
      result.pendingDiscarded++
    }
  }

  async #sweepFreed(result: SweepResult, { dryRun, signal }: SweepOptions): Promise<void> {
    const { ledger, freedGraceMs = FREED_GRACE_MS } = this.#options
    const before = Date.now() - freedGraceMs
    for await (const space of ledger.spacesWithWork()) {
      if (this.#mustEnd(result, signal)) return
      await this.#attempt(result, async () => {
        if (dryRun) result.freedDeleted += await ledger.countFreed(space, before)
        else await this.#emptySpace(space, before, result, signal)
      })
    }
  }

  async #emptySpace(
    space: string,
    before: number,
    result: SweepResult,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { store, ledger } = this.#options
    let done: ReadonlySet<string> = new Set()
    while (!this.#mustEnd(result, signal)) {
      const blobs = await ledger.freed(space, before, BATCH)
      // None left, or only such as another collector is about to forget.
      if (blobs.every((blob) => done.has(blob))) return
      await store.delete(space, blobs)
      await ledger.forget(space, blobs)
      done = new Set(blobs)
      result.freedDeleted += blobs.length
    }
  }

  async #tidy(signal: AbortSignal | undefined): Promise<void> {
    const stopping = this.#stopping.signal
    await this.#options.store.tidy?.(signal ? AbortSignal.any([signal, stopping]) : stopping)
  }

  #mustEnd(result: SweepResult, signal: AbortSignal | undefined): boolean {
    return this.#stopped || signal?.aborted || result.failed >= MAX_FAILURES
  }

  async #attempt(result: SweepResult, step: () => Promise<void>): Promise<void> {
    try {
      await step()
    } catch (error) {
      result.failed++
      this.#options.onError?.(error)
    }
  }
}
