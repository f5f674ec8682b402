import { setTimeout as sleep } from 'node:timers/promises'
import type { FileSystem, Invalidation } from '../filesystem.js'
import { abortConnection } from './abort.js'
import { type Bridge, createBridge } from './bridge.js'
import { fuseDescriptors, isFuse } from './descriptor.js'
import type { FuseOptions, Mounted } from './index.js'
import { KernelLink } from './kernel-link.js'
import { ProcessMemory } from './memory.js'
import { mountAt } from './mounts.js'
import { Operations } from './operations.js'
import { optionString } from './options.js'
import { Requests } from './requests.js'
import { withFusermount } from './requirements.js'
import { unmountAt } from './unmount.js'

const LONG_CACHE = 60
/** Where the kernel cannot be told of changes it asks again after this long. */
const SHORT_CACHE = 1
const WATCH_INTERVAL = 200

/** One mount, from its beginning to its end. */
export class Session implements Mounted {
  readonly done: Promise<void>
  readonly #operations: Operations
  readonly #requests: Requests
  readonly #memory = ProcessMemory.open()
  readonly #link: KernelLink | undefined
  #bridge: Bridge | undefined
  #descriptor: number | undefined
  /** Of the mount, under /sys/fs/fuse/connections. */
  #connection: number | undefined
  #forced = false
  #ended: () => void = () => {}

  private constructor(
    readonly path: string,
    fs: FileSystem,
    private readonly options: FuseOptions,
  ) {
    const { log, uid = process.getuid?.() ?? 0, gid = process.getgid?.() ?? 0, umask = 0o022 } = options
    this.#requests = new Requests(options.longestWait)
    this.#operations = new Operations(fs, { uid, gid, umask }, log, (restored) =>
      this.#link?.forget(restored),
    )
    this.done = new Promise((resolve) => {
      this.#ended = resolve
    })
    if (process.platform === 'linux') this.#link = this.#newLink()
  }

  /** `path`: as `readyMountPoint` gives it. */
  static async start(path: string, fs: FileSystem, options: FuseOptions): Promise<Session> {
    const session = new Session(path, fs, options)
    try {
      await session.#mount()
    } catch (error) {
      session.#free()
      throw error
    }
    void session.#watch()
    return session
  }

  invalidate(changes: readonly Invalidation[]): void {
    this.#link?.invalidate(changes)
  }

  async unmount(force = false): Promise<void> {
    if (force) {
      this.#forced = true
      if (this.#connection !== undefined && this.#connection >= 0)
        await abortConnection(this.#connection, this.path)
    }
    await this.#takeAway()
    await this.done
  }

  async #mount(): Promise<void> {
    const { name, log, readOnly = false, allowOther = false, nonEmpty = false } = this.options
    const link = this.#link
    const cacheSeconds = link ? (this.options.cacheSeconds ?? LONG_CACHE) : SHORT_CACHE
    const keepPages = link !== undefined
    const { uid, gid, umask } = this.options
    const chosen = uid ?? gid ?? umask
    const checkModes = allowOther || chosen !== undefined || this.options.checkModes === true
    const bridge = await createBridge({
      mountPoint: this.path,
      options: optionString({ name, readOnly, allowOther, checkModes, nonEmpty, cacheSeconds, keepPages }),
      cacheSeconds,
      operations: this.#operations,
      memory: this.#memory,
      requests: this.#requests,
      beforeOpen: (file) => link?.beforeOpen(file),
      holds: (serve) => link?.holds(serve) === true,
      log,
    })
    const before = fuseDescriptors()
    await withFusermount(() => bridge.mount())
    this.#bridge = bridge
    this.#descriptor = [...fuseDescriptors()].find((found) => !before.has(found))
    this.#connection = (await mountAt(this.path))?.connection
    if (!link) return
    if (this.#descriptor !== undefined && this.#connection !== undefined) {
      await link.connect(this.#descriptor, this.#connection)
    } else {
      this.#loseLink()
    }
  }

  #newLink(): KernelLink {
    return new KernelLink({
      mountPoint: this.path,
      requests: this.#requests,
      keepThreads: (busy) => this.#bridge?.keepThreads(busy) === true,
      lost: () => this.#loseLink(),
      log: this.options.log,
    })
  }

  #loseLink(): void {
    const shortened = this.#bridge?.setCacheSeconds(SHORT_CACHE) === true
    const seconds = shortened ? SHORT_CACHE : LONG_CACHE
    this.options.log.warn(
      `The kernel cannot be told of changes to ${this.path}: they may show up to ${seconds} s late.`,
    )
  }

  async #takeAway(): Promise<void> {
    if (!(await mountAt(this.path))) return
    if ((await unmountAt(this.path)) === 'unmounted') return
    this.options.log.warn(
      `${this.path} is in use. It is taken away now, and ends when the programs that use it let go of it.`,
    )
    await unmountAt(this.path, { lazy: true })
  }

  /** Nobody tells when a mount ends; what shows it is that libfuse closes its descriptor. */
  async #watch(): Promise<void> {
    while (!this.#forced && (await this.#lives())) await sleep(WATCH_INTERVAL)
    await this.#operations.close()
    this.#free()
    await this.#bridge?.leave()
    this.#ended()
  }

  async #lives(): Promise<boolean> {
    return this.#descriptor === undefined
      ? (await mountAt(this.path)) !== undefined
      : isFuse(this.#descriptor)
  }

  #free(): void {
    this.#link?.close()
    this.#requests.close()
    this.#memory?.close()
  }
}
