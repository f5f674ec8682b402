import { close, fsync, open } from './files.js'

/**
 * One forced write for all who wait (group commit): one is in flight at a time, and everybody who came after it began waits
 * for the next one, which covers all of them.
 */
export class SharedSync {
  readonly #force: () => Promise<void>
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(force: () => Promise<void>) {
    this.#force = force
  }

  /** Resolves when everything that was written before this call is on disk. */
  sync(): Promise<void> {
    if (this.#running === undefined) return this.#start()
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#next = undefined
        return this.#start()
      })
    return this.#next
  }

  /** Resolves when nobody waits any more. */
  async ended(): Promise<void> {
    await (this.#next ?? this.#running)?.catch(() => {})
  }

  #start(): Promise<void> {
    const running = this.#force().finally(() => {
      if (this.#running === running) this.#running = undefined
    })
    this.#running = running
    return running
  }
}

/** Makes the entries of one folder durable, see `SharedSync`. */
export class FolderSync {
  readonly #shared: SharedSync

  private constructor(readonly fd: number) {
    this.#shared = new SharedSync(() => fsync(fd))
  }

  static async open(folder: string): Promise<FolderSync> {
    return new FolderSync(await open(folder, 'r'))
  }

  /** Resolves when every entry made in the folder before this call is on disk. */
  sync(): Promise<void> {
    return this.#shared.sync()
  }

  async close(): Promise<void> {
    await this.#shared.ended()
    await close(this.fd)
  }
}

/** One `fsync` of a folder that is not kept open. */
export async function syncFolder(folder: string): Promise<void> {
  const fd = await open(folder, 'r')
  try {
    await fsync(fd)
  } finally {
    await close(fd)
  }
}
