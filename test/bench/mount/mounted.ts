import type { ChildProcess } from 'node:child_process'
import { unmount, untilMounted, willBeUnmounted } from '../../support/mounts.js'
import { owned, terminate } from '../peers/processes.js'

export interface MountOptions {
  readonly name: string
  /** A folder that is there. */
  readonly folder: string
  /** Mounts it; answers the process that serves the mount, or resolves where that has detached itself. */
  mount(): ChildProcess | Promise<void>
  /** Removes what it has cached; called when nothing is mounted. */
  forget?(): Promise<void>
}

/** A mount that is measured. The process that measures never touches the folder itself: it might hang. */
export class Mounted {
  readonly #options: MountOptions
  #child: ChildProcess | undefined

  private constructor(options: MountOptions) {
    this.#options = options
  }

  static async start(options: MountOptions): Promise<Mounted> {
    const mounted = new Mounted(options)
    willBeUnmounted(options.folder)
    await mounted.#mount()
    return mounted
  }

  get name(): string {
    return this.#options.name
  }

  get folder(): string {
    return this.#options.folder
  }

  /** Mounts anew, with nothing cached. */
  async coldly(): Promise<void> {
    await this.end()
    await this.#mount()
  }

  async end(): Promise<void> {
    await unmount(this.folder)
    if (this.#child) await terminate(this.#child)
    this.#child = undefined
    await this.#options.forget?.()
  }

  async #mount(): Promise<void> {
    const serving = this.#options.mount()
    if (serving instanceof Promise) {
      await serving
      return
    }
    this.#child = owned(serving)
    await Promise.race([untilMounted(this.folder), ended(serving)])
  }
}

/** Rejects when the process ends. */
async function ended(child: ChildProcess): Promise<never> {
  const code = await new Promise((resolve) => child.once('exit', resolve))
  throw new Error(`${child.spawnargs.slice(0, 3).join(' ')} ended with ${code}.`)
}
