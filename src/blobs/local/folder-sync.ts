import { close, fsync, open } from './files.js'

/**
 * Makes the entries of one folder durable, shared by all who wait (group commit): one `fsync` is in flight at a time,
 * and everybody who came after it began waits for the next one, which covers all of them.
 */
export class FolderSync {
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  private constructor(readonly fd: number) {}

  static async open(folder: string): Promise<FolderSync> {
    return new FolderSync(await open(folder, 'r'))
  }

  /** Resolves when every entry made in the folder before this call is on disk. */
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

  async close(): Promise<void> {
    await (this.#next ?? this.#running)?.catch(() => {})
    await close(this.fd)
  }

  #start(): Promise<void> {
    const running = fsync(this.fd).finally(() => {
      if (this.#running === running) this.#running = undefined
    })
    this.#running = running
    return running
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
