import type { FileSystem, Invalidate } from '../filesystem.js'
import { abortConnection } from './abort.js'
import type { FuseOptions, Mounted } from './index.js'
import { serveByLibfuse } from './macos/index.js'
import { mountAt } from './mounts.js'
import { serveByProtocol } from './server/index.js'
import type { Serving } from './serving.js'
import { unmountAt } from './unmount.js'

/** One mount, from its beginning to its end. */
export class Session implements Mounted {
  readonly invalidate: Invalidate
  readonly done: Promise<void>
  /** Whoever waits for the end may end the process: what aborting has mounted for that must have gone. */
  #aborting: Promise<unknown> = Promise.resolve()

  private constructor(
    readonly path: string,
    private readonly serving: Serving,
    private readonly options: FuseOptions,
  ) {
    this.invalidate = serving.invalidate
    this.done = serving.ended.then(async () => {
      await this.#aborting
    })
  }

  /** `path`: as `readyMountPoint` gives it. */
  static async start(path: string, fs: FileSystem, options: FuseOptions): Promise<Session> {
    const serve = process.platform === 'darwin' ? serveByLibfuse : serveByProtocol
    return new Session(path, await serve(path, fs, options), options)
  }

  async unmount(force = false): Promise<void> {
    if (force) {
      const { connection } = this.serving
      if (connection !== undefined) this.#aborting = abortConnection(connection, this.path)
      await this.#aborting
      this.serving.stop()
    }
    await this.#takeAway().catch(async (error: unknown) => {
      // Else it has gone meanwhile: somebody asked twice.
      if (await mountAt(this.path)) throw error
    })
    await this.done
  }

  async #takeAway(): Promise<void> {
    if (!(await mountAt(this.path))) return
    if ((await unmountAt(this.path)) === 'unmounted') return
    this.options.log.warn(
      `${this.path} is in use. It is taken away now, and ends when the programs that use it let go of it.`,
    )
    await unmountAt(this.path, { lazy: true })
  }
}
