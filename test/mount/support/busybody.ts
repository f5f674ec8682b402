/**
 * Random work of one of several who share a space: files of its own, which must not get lost, a file that everybody overwrites,
 * and folders that everybody renames.
 *
 * `node busybody.js <folder> <who> <seed> <milliseconds>` does it through a mount, and says how it ended as JSON.
 */
import {
  closeSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Random } from '../../support/random.js'
import { ofBytes } from './diligent.js'

/** What a client of a space can do. Each rejects with an errno where it cannot. Paths are below the shared folder. */
export interface Client {
  create(path: string, bytes: Buffer): unknown
  /** Of a file that is there, and else ENOENT. */
  overwrite(path: string, bytes: Buffer): unknown
  /** Whether it is there or not. */
  save(path: string, bytes: Buffer): unknown
  /** Replaces nothing but a file. */
  rename(from: string, to: string): unknown
  unlink(path: string): unknown
  /** Of all files of a folder. */
  read(folder: string): unknown
}

export interface Outcome {
  /** Size and MD5 of own files by name, wherever they are by now. */
  readonly kept: Readonly<Record<string, string>>
  readonly gone: readonly string[]
  readonly steps: number
  /** Codes of errors, with how often they came. */
  readonly errors: Readonly<Record<string, number>>
  /** Whole contents of the shared file. */
  readonly shared: readonly string[]
}

/** Some of them are there at first. */
export const FOLDERS = ['one', 'two', 'three', 'four', 'five']
export const SHARED = 'shared'
/** Node has no name for it everywhere. */
const ESTALE = 116

export async function work(client: Client, who: string, seed: number, duration: number): Promise<Outcome> {
  const random = new Random(seed)
  const kept = new Map<string, { folder: string; found: string }>()
  const gone: string[] = []
  const errors: Record<string, number> = {}
  const shared: string[] = []
  let steps = 0

  const step = async (): Promise<void> => {
    const folder = random.pick(FOLDERS)
    const bytes = Buffer.alloc(
      random.below(10) === 0 ? random.below(200_000) : 1 + random.below(2000),
      `${who} ${steps} `,
    )
    const own = [...kept.keys()]
    const name = own.length > 0 ? random.pick(own) : ''
    const file = kept.get(name)
    const path = `${file?.folder}/${name}`
    switch (random.below(file ? 10 : 4)) {
      case 4:
        await client.overwrite(path, bytes)
        kept.set(name, { folder: file?.folder ?? '', found: ofBytes(bytes) })
        break
      case 5:
        await client.rename(path, `${folder}/${name}`)
        kept.set(name, { folder, found: file?.found ?? '' })
        break
      case 6:
        await client.unlink(path)
        kept.delete(name)
        gone.push(name)
        break
      case 7:
        await client.rename(folder, random.pick(FOLDERS))
        break
      case 8:
        await client.read(folder)
        break
      case 9:
        shared.push(ofBytes(bytes))
        await client.save(`${folder}/${SHARED}`, bytes)
        break
      default: {
        const made = `${who}-${steps}`
        await client.create(`${folder}/${made}`, bytes)
        kept.set(made, { folder, found: ofBytes(bytes) })
      }
    }
  }

  for (const end = Date.now() + duration; Date.now() < end; steps++) {
    try {
      await step()
    } catch (error) {
      const { code, errno, message, syscall } = error as NodeJS.ErrnoException
      const what = errno === -ESTALE ? `ESTALE ${syscall}` : (code ?? message)
      errors[what] = (errors[what] ?? 0) + 1
    }
    await turn()
  }
  const found = Object.fromEntries([...kept].map(([name, file]) => [name, file.found]))
  return { kept: found, gone, steps, errors, shared }
}

/** Through a mount, as programs do. */
function onFolder(root: string): Client {
  const at = (path: string) => `${root}/${path}`
  return {
    create: (path, bytes) => writeFileSync(at(path), bytes, { flag: 'wx' }),
    overwrite: (path, bytes) => {
      const fd = openSync(at(path), 'r+')
      try {
        writeSync(fd, bytes, 0, bytes.length, 0)
        ftruncateSync(fd, bytes.length)
      } finally {
        closeSync(fd)
      }
    },
    save: (path, bytes) => writeFileSync(at(path), bytes),
    rename: (from, to) => renameSync(at(from), at(to)),
    unlink: (path) => unlinkSync(at(path)),
    read: (folder) => readdirSync(at(folder)).map((name) => readFileSync(at(`${folder}/${name}`))),
  }
}

const [, script, root, who, seed, duration] = process.argv
if (script === fileURLToPath(import.meta.url) && root && who) {
  process.stdout.write(JSON.stringify(await work(onFolder(root), who, Number(seed), Number(duration))))
}
