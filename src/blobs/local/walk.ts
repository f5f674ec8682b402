import { opendir, stat } from 'node:fs/promises'
import { ignoreMissing } from './failure.js'

export interface FoundFile {
  readonly name: string
  readonly size: number
  /** Last written or touched, ms since 1970. */
  readonly touched: number
  /** When the file was made, ms since 1970; `touched` where the file system does not know. */
  readonly made: number
}

/** `stat`s in flight at a time. */
const AT_ONCE = 32

/** Names in a folder, streamed; none when it does not exist. */
export async function* namesIn(folder: string): AsyncGenerator<string> {
  const entries = await opendir(folder, { bufferSize: 256 }).catch(ignoreMissing)
  if (entries === undefined) return
  // Iterating closes the folder, also when the consumer stops early.
  for await (const entry of entries) yield entry.name
}

/** Files of a folder whose names `wanted` accepts, streamed; files that go meanwhile are left out. */
export async function* filesIn(folder: string, wanted: (name: string) => boolean): AsyncGenerator<FoundFile> {
  let names: string[] = []
  for await (const name of namesIn(folder)) {
    if (!wanted(name)) continue
    names.push(name)
    if (names.length < AT_ONCE) continue
    yield* await look(folder, names)
    names = []
  }
  yield* await look(folder, names)
}

async function look(folder: string, names: readonly string[]): Promise<FoundFile[]> {
  const found = await Promise.all(
    names.map(async (name) => {
      const stats = await stat(`${folder}/${name}`).catch(ignoreMissing)
      if (!stats?.isFile()) return []
      const made = stats.birthtimeMs > 0 ? Math.min(stats.birthtimeMs, stats.mtimeMs) : stats.mtimeMs
      return [{ name, size: stats.size, touched: stats.mtimeMs, made }]
    }),
  )
  return found.flat()
}
