import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Folders and servers of one run. Whatever happens, `end` takes them down, the last first. */
export class Stage {
  readonly #ends: (() => Promise<unknown>)[] = []

  /** A new folder in `where`. */
  async folder(where: string): Promise<string> {
    const folder = await mkdtemp(join(where, 'novem-bench-'))
    this.#ends.push(() => rm(folder, { recursive: true, force: true }))
    return folder
  }

  async started<P extends { end(): Promise<unknown> }>(starting: Promise<P>): Promise<P> {
    const started = await starting
    this.#ends.push(() => started.end())
    return started
  }

  async end(): Promise<void> {
    for (const end of this.#ends.splice(0).reverse()) await end()
  }
}
