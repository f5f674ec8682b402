import { readFile, stat } from 'node:fs/promises'
import { Recent } from '../../../recent.js'
import { ignoreMissing } from '../failure.js'
import { close, fdatasync, fstat, open, readFully, writeAll } from '../files.js'
import { syncFolder } from '../folder-sync.js'
import type { PackFolder } from './folder.js'

const MODE = 0o640
/** Lines of a few hundred packs. */
const MOST_REMEMBERED = 1_000_000

interface Lines {
  /** Bytes of the file that were read. */
  readonly read: number
  readonly places: ReadonlySet<number>
}

/**
 * Which records of the packs are deleted. A line is a record's place; those that came to be broken are passed over, which keeps a
 * blob that nobody needs until fsck finds it.
 */
export class GoneLists {
  readonly #folder: PackFolder
  readonly #durable: boolean
  readonly #lines = new Recent<Lines>(MOST_REMEMBERED, ({ places }) => 100 + places.size)

  /** `durable`: what is added is on disk when `add` resolves. */
  constructor(folder: PackFolder, durable: boolean) {
    this.#folder = folder
    this.#durable = durable
  }

  async of(pack: string): Promise<ReadonlySet<number>> {
    const path = this.#folder.gone(pack)
    const size = (await stat(path).catch(ignoreMissing))?.size ?? 0
    const known = this.#lines.get(pack)
    if (known?.read === size) return known.places
    const text = size === 0 ? '' : ((await readFile(path, 'latin1').catch(ignoreMissing)) ?? '')
    const whole = text.split('\n').filter((line) => /^[0-9a-f]{8}$/.test(line))
    const lines = { read: text.length, places: new Set(whole.map((line) => Number.parseInt(line, 16))) }
    this.#lines.set(pack, lines)
    return lines.places
  }

  async add(pack: string, places: readonly number[]): Promise<void> {
    const text = places.map((place) => `${place.toString(16).padStart(8, '0')}\n`).join('')
    const path = this.#folder.gone(pack)
    const isNew = this.#durable && (await stat(path).catch(ignoreMissing)) === undefined
    const fd = await open(path, 'a+', MODE)
    try {
      await writeAll(fd, [Buffer.from((await endsInLine(fd)) ? text : `\n${text}`)])
      if (this.#durable) await fdatasync(fd)
    } finally {
      await close(fd)
    }
    if (isNew) await syncFolder(this.#folder.path)
  }

  /** The pack was removed. */
  forget(pack: string): void {
    this.#lines.delete(pack)
  }
}

/** Where a full disk has cut off a line, the next one would become part of it. */
async function endsInLine(fd: number): Promise<boolean> {
  const { size } = await fstat(fd)
  const last = Buffer.from('\n')
  if (size > 0) await readFully(fd, last, size - 1)
  return last.toString() === '\n'
}
