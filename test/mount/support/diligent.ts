/**
 * `node diligent.js <folder> <manifest> <seed>`: saves, renames and removes files in the folder until it is told to stop (SIGTERM)
 * or the folder is gone, and writes down in the manifest, a JSON line each, what it is about to do and what was acknowledged:
 * by close(2), fsync(2) or the call's own success.
 */
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Random } from '../../support/random.js'

/** What is at a path: size and MD5, or null for nothing. */
export type Found = string | null
export type ManifestLine =
  | { readonly try: Readonly<Record<string, Found>> }
  | { readonly done: Readonly<Record<string, Found>> }

/** The process that serves the mount is gone. */
const GONE = new Set(['ENOTCONN', 'ECONNABORTED'])
const DOCUMENTS = 3
const PIECE = 60_000

interface Kept {
  readonly name: string
  readonly found: Found
}

export function ofBytes(bytes: Buffer): string {
  return `${bytes.length} ${createHash('md5').update(bytes).digest('hex')}`
}

class Diligent {
  #count = 0
  #stopped = false
  readonly #kept: Kept[] = []

  constructor(
    private readonly folder: string,
    private readonly manifest: string,
    private readonly random: Random,
  ) {
    process.on('SIGTERM', () => {
      this.#stopped = true
    })
  }

  async work(): Promise<void> {
    while (!this.#stopped) {
      try {
        this.#step()
      } catch (error) {
        const { code = '' } = error as NodeJS.ErrnoException
        if (GONE.has(code)) return
        appendFileSync(`${this.manifest}.errors`, `${code} ${(error as Error).message}\n`)
      }
      await turn()
    }
  }

  #step(): void {
    const { random } = this
    const document = `document ${random.below(DOCUMENTS)}`
    const bytes = this.#bytes()
    const kept = random.below(4) === 0 ? this.#kept.shift() : undefined
    if (kept) {
      if (random.below(2) === 0) this.#rename(kept, `renamed ${kept.name}`)
      else this.#does({ [kept.name]: null }, () => unlinkSync(this.#at(kept.name)))
      return
    }
    switch (random.below(4)) {
      case 0:
        this.#save(document, bytes)
        break
      case 1:
        this.#rename(this.#save('temporary', bytes), document)
        break
      default:
        this.#kept.push(this.#save(`file ${this.#count++}`, bytes))
    }
  }

  #save(name: string, bytes: Buffer): Kept {
    const found = ofBytes(bytes)
    this.#does({ [name]: found }, () => {
      const fd = openSync(this.#at(name), 'w')
      try {
        for (let at = 0; at < bytes.length; at += PIECE) {
          writeSync(fd, bytes, at, Math.min(PIECE, bytes.length - at))
        }
        if (this.random.below(5) === 0) fsyncSync(fd)
      } finally {
        closeSync(fd)
      }
    })
    return { name, found }
  }

  #rename({ name, found }: Kept, to: string): void {
    this.#does({ [name]: null, [to]: found }, () => renameSync(this.#at(name), this.#at(to)))
  }

  #does(what: Readonly<Record<string, Found>>, step: () => void): void {
    this.#note({ try: what })
    step()
    this.#note({ done: what })
  }

  #bytes(): Buffer {
    const { random } = this
    return Buffer.alloc(
      random.below(20) === 0 ? random.below(400_000) : random.below(3000),
      `${this.#count} `,
    )
  }

  #note(line: ManifestLine): void {
    appendFileSync(this.manifest, `${JSON.stringify(line)}\n`)
  }

  #at(name: string): string {
    return join(this.folder, name)
  }
}

const [, script, folder, manifest, seed] = process.argv
if (script === fileURLToPath(import.meta.url) && folder && manifest) {
  if (!existsSync(folder)) throw new Error(`${folder} is not there.`)
  await new Diligent(folder, manifest, new Random(Number(seed))).work()
}
