import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'

const folders = new Set<string>()
process.on('exit', () => {
  for (const folder of folders) if (unmountBelow(folder)) rmSync(folder, { recursive: true, force: true })
})

/** Removing a folder with a mount in it would empty what is mounted. Is nothing mounted there any more? */
function unmountBelow(folder: string): boolean {
  const mounted = () =>
    readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[1] ?? '')
      .filter((path) => path.startsWith(`${folder}/`))
  for (const path of mounted()) spawnSync('umount', ['-l', path], { stdio: 'ignore' })
  return mounted().length === 0
}

/** Folders and servers of one run. Whatever happens, `end` takes them down, the last first. */
export class Stage {
  readonly #ends: (() => Promise<unknown>)[] = []

  /** A new folder in `where`. */
  async folder(where: string): Promise<string> {
    const folder = await mkdtemp(join(where, 'novem-bench-'))
    folders.add(folder)
    this.#ends.push(async () => {
      await rm(folder, { recursive: true, force: true })
      folders.delete(folder)
    })
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
