import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import type { Result } from '../measure.js'
import type { Machine } from './machine.js'

/** What one run of a group found. */
export interface GroupResults {
  readonly group: string
  readonly machine: Machine
  readonly quick: boolean
  readonly results: readonly Result[]
  readonly remarks: readonly string[]
}

/** `test/bench/` of the sources, as seen from `dist/test/bench/report/`. */
export const BENCH = new URL('../../../../test/bench/', import.meta.url)
const RESULTS = new URL('results/', BENCH)

/** In place of what was found the last time. */
export async function keep(results: GroupResults): Promise<void> {
  await mkdir(RESULTS, { recursive: true })
  await writeFile(new URL(`${results.group}.json`, RESULTS), `${JSON.stringify(results, null, 2)}\n`)
}

/** The newest of every group, in the order given. */
export async function kept(groups: readonly string[]): Promise<GroupResults[]> {
  const there = new Set(await readdir(RESULTS))
  const files = groups.map((group) => `${group}.json`).filter((name) => there.has(name))
  return Promise.all(files.map(async (name) => JSON.parse(await readFile(new URL(name, RESULTS), 'utf8'))))
}
