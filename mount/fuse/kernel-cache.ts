/**
 * Takes back what the kernel believes. It may keep names, attributes and pages for a minute, because whatever somebody else
 * changes is named here and invalidated by notifications.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Invalidation } from '../filesystem.js'
import { type Deferred, deferred } from './deferred.js'
import { invalidateAttributes, invalidateEntry, invalidateInode } from './protocol/notifications.js'
import type { Requests } from './requests.js'

export interface KernelCacheParts {
  /** By which number the kernel knows a path in the mount, from '/'; 0: it does not. */
  idAt(path: string): number
  /** Takes the name away from a file, whose id is answered: what the name stands for next is another one. 0: nothing, or a folder. */
  detach(path: string): number
  /** Resolves when the kernel has obeyed. */
  send(messages: readonly Buffer[]): Promise<void>
  readonly requests: Pick<Requests, 'drained'>
  /** How long an answer may take from here into the kernel, in milliseconds. */
  readonly grace?: number
  /** So many names at most are held; beyond, whole folders are taken back. */
  readonly longest?: number
}

interface Pending {
  readonly folder: string
  readonly name: string | undefined
  unlinked: boolean
  /** Files that had the name. */
  readonly detached: number[]
  /** Resolves when the kernel has been told. */
  readonly told: Deferred
}

const GRACE = 25
const LONGEST = 100_000
/** Nobody waits longer than this for a notification: it may itself be waiting for whoever would. */
const PATIENCE = 500

export class KernelCache {
  /** What is to be told, by `keyOf`: a thousand changes of one name are one. */
  #queued = new Map<string, Pending>()
  /** What is being told. */
  #current: ReadonlyMap<string, Pending> = new Map()
  #running = false
  #closed = false

  constructor(private readonly parts: KernelCacheParts) {}

  invalidate(changes: readonly Invalidation[]): void {
    if (this.#closed) return
    for (const change of changes) this.#queue(change)
    if (this.#queued.size > (this.parts.longest ?? LONGEST)) this.#widen()
    void this.#run()
  }

  /**
   * Before a file is opened: resolves when what is known to have changed of it is no longer in the kernel, so that nobody
   * reads a page of an old version beside one of a new. Undefined: nothing is.
   */
  settled(path: string): Promise<unknown> | undefined {
    const pending = this.#queued.get(path) ?? this.#current.get(path)
    return pending && Promise.race([pending.told.promise, sleep(PATIENCE, undefined, { ref: false })])
  }

  close(): void {
    this.#closed = true
    for (const { told } of this.#queued.values()) told.resolve()
    this.#queued.clear()
  }

  #queue({ folder, name, unlinked = false }: Invalidation): void {
    const key = keyOf(folder, name)
    const pending = this.#queued.get(key) ?? { folder, name, unlinked, detached: [], told: deferred() }
    this.#queued.set(key, pending)
    if (!unlinked || name === undefined) return
    pending.unlinked = true
    const detached = this.parts.detach(key)
    if (detached > 0) pending.detached.push(detached)
  }

  /** Too many names: their folders are forgotten with all that is in them. Names in the root stay; it has no folder. */
  #widen(): void {
    const names = this.#queued
    this.#queued = new Map()
    for (const pending of names.values()) {
      const { folder, name } = pending
      if (folder === '/') this.#queued.set(keyOf(folder, name), pending)
      else {
        this.#queue({ folder: parentOf(folder), name: nameOf(folder), unlinked: true })
        pending.told.resolve()
      }
    }
  }

  async #run(): Promise<void> {
    if (this.#running) return
    this.#running = true
    try {
      while (this.#queued.size > 0) {
        this.#current = this.#queued
        this.#queued = new Map()
        const batch = [...this.#current.values()]
        await this.#tell(batch)
        for (const { told } of batch) told.resolve()
        void this.#again(batch)
      }
    } catch {
      // The mount has gone, and the kernel's cache with it.
      this.close()
    } finally {
      for (const { told } of this.#current.values()) told.resolve()
      this.#current = new Map()
      this.#running = false
    }
  }

  /**
   * An answer from before a change may reach the kernel after the change was told. So it is told once more, when all that
   * was in flight has been answered and had time to arrive.
   */
  async #again(batch: readonly Pending[]): Promise<void> {
    const paths = new Set(batch.map(({ folder, name }) => (name === undefined ? folder : join(folder, name))))
    await this.parts.requests.drained(paths)
    await sleep(this.parts.grace ?? GRACE, undefined, { ref: false })
    if (this.#closed) return
    try {
      await this.#tell(batch)
    } catch {
      this.close()
    }
  }

  async #tell(batch: readonly Pending[]): Promise<void> {
    await this.parts.send(batch.flatMap((pending) => this.#messagesFor(pending)))
  }

  /** The bytes of a file that has gone stay for those who have it open. */
  #messagesFor({ folder, name, unlinked, detached }: Pending): Buffer[] {
    if (name === undefined || !unlinked) return this.#ofNode(name === undefined ? folder : join(folder, name))
    const parent = this.parts.idAt(folder)
    return [
      ...detached.map(invalidateAttributes),
      ...this.#ofNode(join(folder, name)),
      ...(parent > 0 ? [invalidateEntry(parent, name)] : []),
    ]
  }

  #ofNode(path: string): Buffer[] {
    const id = this.parts.idAt(path)
    return id > 0 ? [invalidateInode(id)] : []
  }
}

/** Of a name its path; of a folder's own attributes something else. */
function keyOf(folder: string, name: string | undefined): string {
  return name === undefined ? `${folder}/` : join(folder, name)
}

function join(folder: string, name: string): string {
  return folder === '/' ? `/${name}` : `${folder}/${name}`
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')))
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
