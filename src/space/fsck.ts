import { Cluster } from 'ioredis'
import type { RedisClient } from '../redis/scripts.js'
import { Engine } from './engine.js'
import type { ReadableBlobs } from './fsck/blobs.js'
import { Findings, type FsckProblem } from './fsck/findings.js'
import { scan } from './fsck/folder.js'
import { readRecord } from './fsck/record.js'
import { checkSpace, type SpaceCounts } from './fsck/space.js'
import { recordKey } from './keys.js'
import { Segments } from './segments.js'

export { type FsckProblem, PROBLEM_KINDS, type ProblemKind } from './fsck/findings.js'

/** What is checked. */
export interface FsckParts {
  readonly redis: RedisClient
  readonly blobs: ReadableBlobs
  /** Which spaces there should be; without it, those that Redis holds are checked. */
  readonly directory?: {
    allSpaces(): AsyncIterable<{ readonly id: string; readonly state: string; readonly name: string }>
  }
}

export interface FsckOptions {
  /** Mend what can be mended safely. Never deletes an entry. */
  readonly repair?: boolean
  /** Read every blob and compare its MD5. */
  readonly deep?: boolean
  /** Only these spaces, by id. */
  readonly spaces?: readonly string[]
}

export interface FsckReport {
  /** At most 200 of a kind and space. */
  readonly problems: readonly FsckProblem[]
  readonly counts: SpaceCounts & {
    spaces: number
    /** Found, those not told one by one included. */
    problems: number
  }
}

/**
 * Checks spaces: entries and blobs, totals, bounds, indexes and ways up, the record, the journal and its replay, and what
 * was let go. Works in steps of a few milliseconds, beside a running server too: each folder is judged as it is at one
 * instant, and what could be an effect of changes going on is looked at again before it is told.
 *
 * Repairs totals, bounds, indexes, ways up, the next id, live blobs among those let go; lets go of orphaned blobs
 * when nothing else was found that could hide their entries and the space is quiet (the collector deletes them after its
 * grace period). Entries without blob, gaps in the journal and children without folder are told only.
 * Raises UNAVAILABLE.
 */
export async function fsck(parts: FsckParts, options: FsckOptions = {}): Promise<FsckReport> {
  const engine = new Engine(parts.redis, undefined, new Segments(parts.redis, parts.blobs))
  const problems: FsckProblem[] = []
  const counts = {
    spaces: 0,
    problems: 0,
    folders: 0,
    files: 0,
    bytes: 0,
    unsettled: 0,
    blobs: 0,
    journalRows: 0,
  }
  const { repair = false, deep = false } = options
  for (const space of await spacesOf(parts, options)) {
    const findings = new Findings(space.id)
    const record = await readRecord(engine, space.id)
    if (!record) {
      if (space.mustExist) findings.add('space', `The space ${space.name} has no record.`)
    } else if (record.fields.get('state') === 'live') {
      if (space.unknown) findings.add('space', `The directory does not know the space ${space.id}.`)
      counts.spaces++
      const owner = record.fields.get('owner') ?? ''
      const found = await checkSpace(engine, parts.blobs, owner, findings, { repair, deep })
      for (const key of Object.keys(found) as (keyof SpaceCounts)[]) counts[key] += found[key]
    } else if (space.mustExist) {
      findings.add('space', `The space ${space.name} is deleted, and the directory does not know.`)
    }
    problems.push(...findings.problems)
    counts.problems += findings.total
  }
  return { problems, counts }
}

interface SpaceToCheck {
  readonly id: string
  /** For messages. */
  readonly name: string
  readonly mustExist: boolean
  /** Redis holds it, the directory says nothing of it. */
  readonly unknown: boolean
}

async function spacesOf({ redis, directory }: FsckParts, options: FsckOptions): Promise<SpaceToCheck[]> {
  const spaces = new Map<string, SpaceToCheck>()
  // Records first: a space made meanwhile is then in the directory at the latest when that is read.
  for (const id of options.spaces ?? (await recorded(redis))) {
    spaces.set(id, { id, name: id, mustExist: false, unknown: directory !== undefined })
  }
  if (directory) {
    for await (const { id, name, state } of directory.allSpaces()) {
      if (options.spaces && !options.spaces.includes(id)) continue
      spaces.set(id, { id, name: `"${name}" (${id})`, mustExist: state === 'ready', unknown: false })
    }
  }
  return [...spaces.values()]
}

/** Ids of all spaces that Redis has a record of. */
async function recorded(redis: RedisClient): Promise<string[]> {
  const pattern = recordKey('*')
  const ids = new Set<string>()
  for (const master of redis instanceof Cluster ? redis.nodes('master') : [redis]) {
    await scan(
      (cursor) => master.scanBuffer(cursor, 'MATCH', pattern, 'COUNT', 1000),
      1,
      ([key]) => {
        ids.add(String(key).slice(1, -3))
      },
    )
  }
  return [...ids]
}
