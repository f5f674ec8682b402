/**
 * The cache folder of one mount. A space mounted twice at a time on one machine has two; each is locked while it is in
 * use, and its lock tells whoever asks how the mount is doing.
 */
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { runtimePaths } from '../src/redis/runtime.js'
import { askSocket, holdSocket, type SocketLock } from '../src/socket-lock.js'
import { unsentBelow } from './engine/leftovers.js'

export interface CacheSlot {
  readonly folder: string
  /** Folders of the same space, in use by nobody, in which files wait that were never sent. */
  readonly forgotten: readonly string[]
  release(): Promise<void>
}

/**
 * Takes a folder below `base` that nobody uses: one with unsent files before others, else the first, else a new one.
 * `say`: what its lock tells.
 */
export async function takeSlot(base: string, say: () => string): Promise<CacheSlot> {
  await makeFolder(base)
  const numbers = (await readdir(base)).filter((name) => /^\d+$/.test(name)).map(Number)
  numbers.sort((a, b) => a - b)
  const slots = numbers.map((number) => join(base, `${number}`))
  const waiting = slots.filter((folder) => unsentBelow(folder).length > 0)
  for (const folder of [...new Set([...waiting, ...slots])]) {
    const lock = await hold(folder, say)
    if (!lock) continue
    const forgotten = []
    for (const other of waiting) if (other !== folder && !(await isHeld(other))) forgotten.push(other)
    return { folder, forgotten, release: () => lock.release() }
  }
  for (let number = (numbers.at(-1) ?? -1) + 1; ; number++) {
    const folder = join(base, `${number}`)
    const lock = await hold(folder, say)
    if (lock) return { folder, forgotten: [], release: () => lock.release() }
  }
}

/** What the mount that uses a folder says; undefined where none does. */
export function askSlot(folder: string): Promise<string | undefined> {
  return askSocket(runtimePaths(folder).lockSocket)
}

async function isHeld(folder: string): Promise<boolean> {
  return (await askSlot(folder)) !== undefined
}

async function hold(folder: string, say: () => string): Promise<SocketLock | undefined> {
  await makeFolder(folder)
  return holdSocket(runtimePaths(folder).lockSocket, say)
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new Error(
      `The cache folder ${folder} cannot be used (${(cause as Error).message}); choose another with --cache-dir.`,
      { cause },
    )
  }
}
