import { stat } from 'node:fs/promises'
import { Recent } from '../../../recent.js'
import { ignoreMissing } from '../failure.js'
import { close, fdatasync, fstat, open, readFully, writeAll } from '../files.js'
import { syncFolder } from '../folder-sync.js'
import type { PackFolder } from './folder.js'

const MODE = 0o640
const LINE = /^[0-9a-f]{8}$/
/** Lines of a few hundred packs. */
const MOST_REMEMBERED = 1_000_000

interface Lines {
  /** Bytes of the file that were read, up to the end of a line. */
  readonly read: number
  /** Grows with the file, which is only added to. */
  readonly places: Set<number>
  readonly cost: number
}

/**
 * Which records of the packs are deleted. A line is a record's place; those that came to be broken are passed over, which keeps a
 * blob that nobody needs until fsck finds it.
 */
export class GoneLists {
  readonly #folder: PackFolder
  readonly #durable: boolean
  readonly #lines = new Recent<Lines>(MOST_REMEMBERED, ({ cost }) => cost)

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
    // Only what is new: who is refused again and again must not make each refusal dearer.
    const { read, places } = known && known.read < size ? known : { read: 0, places: new Set<number>() }
    const text = size === 0 ? '' : await readFrom(path, read, size)
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    for (const line of whole.split('\n')) if (LINE.test(line)) places.add(Number.parseInt(line, 16))
    this.#lines.set(pack, { read: read + whole.length, places, cost: 100 + places.size })
    return places
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

/** '' where the file has gone. */
async function readFrom(path: string, from: number, to: number): Promise<string> {
  const fd = await open(path, 'r').catch(ignoreMissing)
  if (fd === undefined) return ''
  try {
    const bytes = Buffer.allocUnsafe(to - from)
    return bytes.toString('latin1', 0, await readFully(fd, bytes, from))
  } finally {
    await close(fd)
  }
}
