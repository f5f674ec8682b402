import type { Directory } from './accounts/directory.js'
import type { Lease } from './accounts/lease.js'
import { repairSpaces } from './accounts/repair.js'
import { Collector } from './blobs/collector.js'
import type { BlobLedger } from './blobs/ledger.js'
import type { BlobStore } from './blobs/store.js'
import { heedFailovers } from './failovers.js'
import type { Log } from './log.js'
import type { RedisClient } from './redis/scripts.js'
import type { Spaces } from './space/spaces.js'

export interface MaintenanceParts {
  readonly directory: Directory
  readonly spaces: Spaces
  readonly blobs: BlobStore
  readonly log: Log
  /** Watched for fail-overs; absent: nobody looks. */
  readonly redis?: RedisClient
}

export interface MaintenanceOptions {
  /** Between two rounds (ms). */
  readonly intervalMs?: number
  readonly pendingGraceMs?: number
  readonly freedGraceMs?: number
  /** Rows of each journal that stay in Redis; absent: all. */
  readonly journalKeep?: number
  /** One process at a time does it, of those that have the same; absent: this one, whoever else does. */
  readonly lease?: Lease
  /** Told at each turn whether it was this process'. */
  readonly onTurn?: (isOurs: boolean) => void
  /** Hears of every round that `start` ran; of undefined where it broke off. */
  readonly onRound?: (result: RoundResult | undefined) => void
}

export interface RoundResult {
  readonly pendingDiscarded: number
  readonly pendingSettled: number
  readonly freedDeleted: number
  readonly spacesAbandoned: number
  readonly spacesForgotten: number
  readonly failed: number
}

const INTERVAL_MS = 60_000
/** A copy of a tree that nobody worked on for so long has lost its maker. */
const ABANDONED_COPY_MS = 600_000

/**
 * What goes on behind the requests: taking deleted trees apart, collecting blobs nobody needs, finishing what a dead
 * process began. Every step is a script of its own that any process may run at any time, so several servers may do this at
 * once, and each may die at any point. The lease is there so that they do not all look through everything: its holder keeps it
 * from round to round, and when it dies another one takes it as soon as it has run out.
 */
export class Maintenance {
  readonly #parts: MaintenanceParts
  readonly #collector: Collector
  readonly #intervalMs: number
  readonly #options: MaintenanceOptions
  #timer: NodeJS.Timeout | undefined
  #round: Promise<unknown> = Promise.resolve()
  #stopped = false

  constructor(parts: MaintenanceParts, options: MaintenanceOptions = {}) {
    this.#parts = parts
    this.#intervalMs = options.intervalMs ?? INTERVAL_MS
    this.#options = options
    const { pendingGraceMs, freedGraceMs } = options
    this.#collector = new Collector({
      store: parts.blobs,
      ledger: blobLedger(parts),
      onError: (error) => parts.log.error(`Collecting blobs: ${String(error)}`),
      ...(pendingGraceMs !== undefined && { pendingGraceMs }),
      ...(freedGraceMs !== undefined && { freedGraceMs }),
    })
  }

  /** A round now, and then one every interval. Does not keep the process alive. */
  start(): void {
    const turn = () => {
      this.#round = this.#turn()
        .catch((error) => {
          this.#parts.log.error(`Maintenance: ${String(error)}`)
          this.#options.onRound?.(undefined)
        })
        .then(() => {
          if (!this.#stopped) this.#timer = setTimeout(turn, this.#intervalMs).unref()
        })
    }
    turn()
  }

  /** No further rounds; resolves when the one that runs has ended. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#collector.stop()
    await this.#round
    // Where Redis is away it runs out by itself.
    await this.#options.lease?.release().catch(() => undefined)
  }

  async #turn(): Promise<void> {
    const { lease, onTurn, onRound } = this.#options
    const done = lease ? await lease.during((lost) => this.round(lost)) : { result: await this.round() }
    onTurn?.(done !== undefined)
    if (done) onRound?.(done.result)
  }

  /** Does everything once, or until `signal` aborts. Rejects where Redis is away; the next round takes it up again. */
  async round(signal?: AbortSignal): Promise<RoundResult> {
    const { directory, spaces, redis, log } = this.#parts
    if (redis) await heedFailovers({ redis, directory, spaces }, log)
    for await (const { id, state } of directory.allSpaces()) {
      if (this.#stopped || signal?.aborted) break
      await spaces.abandonCopies(id, Date.now() - ABANDONED_COPY_MS)
      spaces.reap(id)
      if (state === 'ready') await this.#seal(id, signal)
    }
    const swept = await this.#collector.sweep({ signal })
    const { abandoned, forgotten } =
      this.#stopped || signal?.aborted
        ? { abandoned: 0, forgotten: 0 }
        : await repairSpaces(directory, spaces)
    return { ...swept, spacesAbandoned: abandoned, spacesForgotten: forgotten }
  }

  async #seal(space: string, signal: AbortSignal | undefined): Promise<void> {
    const { journalKeep: keep } = this.#options
    const { spaces, blobs, log } = this.#parts
    if (keep === undefined) return
    try {
      while (!this.#stopped && !signal?.aborted && (await spaces.seal(space, { blobs, keep }))) {
        // A segment after the other.
      }
    } catch (error) {
      log.error(`Sealing the journal of space ${space}: ${String(error)}`)
    }
  }

  /** What a round would judge and delete, claiming and deleting nothing. */
  async dryRun(): Promise<Pick<RoundResult, 'pendingDiscarded' | 'freedDeleted' | 'failed'>> {
    const { pendingDiscarded, freedDeleted, failed } = await this.#collector.sweep({ dryRun: true })
    return { pendingDiscarded, freedDeleted, failed }
  }
}

function blobLedger({ directory, spaces }: MaintenanceParts): BlobLedger {
  return {
    claimPending: (space, blob, since) => spaces.claimPending(space, blob, since),
    countFreed: (space, olderThan) => spaces.countFreed(space, olderThan),
    freed: (space, olderThan, limit) => spaces.freed(space, olderThan, limit),
    forget: (space, blobs) => spaces.forget(space, blobs),
    async *spacesWithWork() {
      for await (const { id } of directory.allSpaces()) yield id
    },
  }
}
