import type { Log } from '../../src/log.js'
import type { Invalidation } from '../filesystem.js'
import { Companion } from './companion.js'
import { KernelCache } from './kernel-cache.js'
import { Notifier } from './notifier.js'
import type { Requests } from './requests.js'
import { ThreadPool } from './thread-pool.js'

export interface KernelLinkParts {
  readonly mountPoint: string
  readonly requests: Requests
  /** See Libfuse; false where it cannot be had. */
  readonly keepThreads: (busy: number) => boolean
  /** The kernel can no longer be told what changes. */
  readonly lost: () => void
  readonly log: Log
}

/** What we tell and ask the kernel besides answering it. Linux only; to be made before mounting (`Companion` says why). */
export class KernelLink {
  readonly #parts: KernelLinkParts
  readonly #companion = new Companion()
  readonly #threads: ThreadPool
  #notifier: Notifier | undefined
  #cache: KernelCache | undefined
  #closed = false

  constructor(parts: KernelLinkParts) {
    this.#parts = parts
    this.#threads = new ThreadPool({
      ask: () => this.#companion.statfs(parts.mountPoint),
      keep: (busy) => {
        if (!parts.keepThreads(busy)) parts.log.info('This libfuse starts and ends its threads as it likes.')
      },
    })
    void this.#companion.ended.then(() => this.#lose())
  }

  /** After mounting. `descriptor`: of /dev/fuse; `connection`: the mount's number under /sys/fs/fuse/connections. */
  async connect(descriptor: number, connection: number): Promise<void> {
    const { mountPoint, requests } = this.#parts
    const notifier = new Notifier(descriptor)
    this.#notifier = notifier
    this.#companion.watch(mountPoint, connection)
    this.#cache = new KernelCache({
      inodeAt: (path) => this.#companion.inodeAt(mountPoint + path),
      send: (messages) => notifier.send(messages),
      requests,
    })
    await this.#threads.fill()
  }

  /** Whether this statfs will be served later. */
  holds(serve: () => void): boolean {
    return this.#threads.holds(serve)
  }

  /** What a file's opening has to wait for. */
  beforeOpen(path: string): Promise<unknown> | undefined {
    return this.#cache?.settled(path)
  }

  invalidate(changes: readonly Invalidation[]): void {
    this.#cache?.invalidate(changes)
  }

  /** This path means something else than the kernel believes. */
  forget(path: string): void {
    const at = path.lastIndexOf('/')
    this.invalidate([{ folder: path.slice(0, at) || '/', name: path.slice(at + 1), unlinked: true }])
  }

  close(): void {
    this.#closed = true
    this.#cache?.close()
    this.#notifier?.close()
    this.#companion.close()
  }

  #lose(): void {
    if (this.#closed) return
    this.close()
    this.#parts.lost()
  }
}
