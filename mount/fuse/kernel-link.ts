import type { Invalidation } from '../filesystem.js'
import { Companion } from './companion.js'
import { KernelCache, type KernelCacheParts } from './kernel-cache.js'
import { Notifier } from './notifier.js'

export interface KernelLinkParts extends Pick<KernelCacheParts, 'idAt' | 'detach' | 'requests'> {
  /** The kernel can no longer be told what changes. */
  readonly lost: () => void
}

/** What we tell the kernel besides answering it. To be made before mounting (`Companion` says why). */
export class KernelLink {
  readonly #companion = new Companion()
  #notifier: Notifier | undefined
  #cache: KernelCache | undefined
  #closed = false

  constructor(private readonly parts: KernelLinkParts) {
    void this.#companion.ended.then(() => this.#lose())
  }

  /** After mounting. `descriptor`: of /dev/fuse; `connection`: the mount's number under /sys/fs/fuse/connections. */
  connect(mountPoint: string, descriptor: number, connection: number): void {
    if (this.#closed) return
    const notifier = new Notifier(descriptor)
    this.#notifier = notifier
    this.#companion.watch(mountPoint, connection)
    this.#cache = new KernelCache({ ...this.parts, send: (messages) => notifier.send(messages) })
  }

  /** What a file's opening has to wait for. */
  beforeOpen(path: string): Promise<unknown> | undefined {
    return this.#cache?.settled(path)
  }

  invalidate(changes: readonly Invalidation[]): void {
    this.#cache?.invalidate(changes)
  }

  close(): void {
    this.#closed = true
    this.#cache?.close()
    this.#notifier?.close()
    this.#companion.close()
  }

  /** Without the companion a notification could keep us from dying, so there are none any more. */
  #lose(): void {
    if (this.#closed) return
    this.close()
    this.parts.lost()
  }
}
