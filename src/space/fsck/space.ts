import type { Engine } from '../engine.js'
import { SpaceError } from '../errors.js'
import { foldName } from '../names.js'
import { stat } from '../reading.js'
import type { OpContext } from '../types.js'
import { BlobCheck, type BlobOptions, type ReadableBlobs } from './blobs.js'
import type { Findings } from './findings.js'
import { Leftovers } from './leftovers.js'
import { readRecord } from './record.js'
import { Replay } from './replay.js'
import { Walk, type WalkCounts } from './walk.js'

export interface SpaceCounts extends WalkCounts {
  blobs: number
  journalRows: number
}

/** Rounds after the walk, for folders that moved past it. */
const ROUNDS = 10
const ROOT = { id: 0, parent: 0, folded: '' }
/** The way up says where it is. */
const NOWHERE = { parent: 0, folded: '' }
const NO_LIMITS = { fileBytes: 0, spaceBytes: 0, entries: 0 }

/** Checks one live space. */
export async function checkSpace(
  engine: Engine,
  blobStore: ReadableBlobs,
  owner: string,
  findings: Findings,
  options: BlobOptions,
): Promise<SpaceCounts> {
  const { space } = findings
  const op: OpContext = { space, caller: { accountId: owner }, limits: NO_LIMITS }
  const began = await seqOf(engine, space)
  const blobs = new BlobCheck(engine, blobStore, space, findings, options)
  await blobs.list()
  const replay = new Replay(engine, op, findings)
  const walk = new Walk(engine, space, findings, replay, blobs, options.repair)
  await walk.folder(ROOT, [], replay.root)
  await catchUp(engine, op, walk, replay)
  const seq = await seqOf(engine, space)
  await replay.advance(seq)
  const after = await readRecord(engine, space)
  const exact = seq === began && Number(after?.fields.get('seq')) === began && after?.outOfSight === false
  if (exact) {
    for (const { id, path } of walk.twice) {
      findings.add('entry', `Another entry has the id ${id} too.`, { path })
    }
  }
  await new Leftovers(engine, findings, walk, options.repair, exact).check()
  const hiding = ['entry', 'totals', 'lost-folder', 'journal', 'record', 'reaping'] as const
  await blobs.finish(replay, { seq, exact, certain: !hiding.some((kind) => findings.has(kind)) })
  return { ...walk.counts, blobs: blobs.count, journalRows: replay.seq }
}

async function seqOf(engine: Engine, space: string): Promise<number> {
  return Number((await readRecord(engine, space))?.fields.get('seq') ?? 0)
}

/** Visits folders that the journal knows and the walk has not met: they moved while it went on. */
async function catchUp(engine: Engine, op: OpContext, walk: Walk, replay: Replay): Promise<void> {
  for (let round = 0; round < ROUNDS && replay.trusted; round++) {
    const missed = [...replay.unseen()]
    if (missed.length === 0) return
    for (const path of missed) {
      const found = await findFolder(engine, op, path)
      if (!found) continue
      await replay.advance(found.seq)
      const told = replay.folder(path)
      if (!told || told.seen || !walk.folders.add(found.id)) continue
      await walk.folder({ id: found.id, ...NOWHERE }, path, told)
    }
  }
}

async function findFolder(
  engine: Engine,
  op: OpContext,
  names: readonly string[],
): Promise<{ readonly id: number; readonly seq: number } | undefined> {
  try {
    const { entry, mark } = await stat(engine, op, { path: { names, folded: names.map(foldName) } })
    return entry.kind === 'folder' ? { id: entry.id, seq: mark.seq } : undefined
  } catch (error) {
    if (error instanceof SpaceError && (error.code === 'NOT_FOUND' || error.code === 'BUSY')) return undefined
    throw error
  }
}
