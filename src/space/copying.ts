import { randomBytes } from 'node:crypto'
import type { ScriptArg } from '../redis/scripts.js'
import {
  described,
  etagsArg,
  fingerprint,
  gone,
  guardArg,
  parentsArg,
  placeArgs,
  type Reaping,
  written,
} from './changing.js'
import type { Change, Engine, Refusal } from './engine.js'
import { SpaceError } from './errors.js'
import { replacedBefore } from './history.js'
import type { CopyRequest, CopyResult } from './operations.js'
import { refusalError, type Subject } from './refusals.js'
import type { Entry, Location, OpContext } from './types.js'

/** Entries a step copies (scripts/copy_step.lua), each with a new etag. */
const STEP = 256
const TRIES = 5

/**
 * A file is copied in one step. A folder's tree is built out of sight in bounded steps and then linked in by one script,
 * which also makes its journal rows visible; whoever dies in between leaves it to the sweep.
 */
export async function copy(
  engine: Engine,
  op: OpContext,
  from: Location,
  to: Location,
  request: CopyRequest = {},
): Promise<CopyResult & Reaping> {
  try {
    return await link(engine, op, from, to, request, '')
  } catch (error) {
    if (!(error instanceof HasEntries)) throw error
    return copyTree(engine, op, from, to, request, error.folder)
  }
}

async function copyTree(
  engine: Engine,
  op: OpContext,
  from: Location,
  to: Location,
  request: CopyRequest,
  folder: number,
): Promise<CopyResult & Reaping> {
  const subject = { at: from, to, limits: op.limits }
  for (let tries = 1; ; tries++) {
    const id = randomBytes(8).toString('hex')
    await engine.read(
      'copy',
      op,
      ['', 0, '', ...linkArgs(op, from, to, request, randomBytes(16), id, true)],
      (refusal) => refusalError(refusal, subject),
    )
    try {
      for (let more = true; more; ) {
        const answer = await engine.read(
          'copy_step',
          op,
          [id, folder, randomBytes(16 * STEP)],
          refuseFor(subject),
        )
        more = answer[1] === 1
      }
      return await link(engine, op, from, to, request, id)
    } catch (error) {
      // What was built is in nobody's way; the reaper takes it, at the latest with the next sweep.
      await engine.run('copy_abandon', op.space, [id, 0])
      if (!(error instanceof StaleCopy) || tries === TRIES) throw error
    }
  }
}

function link(
  engine: Engine,
  op: OpContext,
  from: Location,
  to: Location,
  request: CopyRequest,
  tree: string,
): Promise<CopyResult & Reaping> {
  const etag = randomBytes(16)
  const args = linkArgs(op, from, to, request, etag, tree, false)
  return linkBy(engine, op, args, etag, { at: from, to, limits: op.limits })
}

/** The script that makes a copy seen. `etag`: a file's, and what tells the operation of a folder. */
export function linkBy(
  engine: Engine,
  op: OpContext,
  args: readonly ScriptArg[],
  etag: Buffer,
  subject: Subject & { readonly to: Location },
): Promise<CopyResult & Reaping> {
  const { at, to } = subject
  const change: Change<CopyResult & Reaping> = {
    script: 'copy',
    id: etag.toString('hex'),
    fingerprint: `${at ? fingerprint('copy', at) : 'graft'}\0${fingerprint('', to)}`,
    args,
    refuse: refuseFor(subject),
    decode: (answer) => ({
      ...described<Entry>(answer),
      replaced: answer[5] === 1,
      range: answer[6] as number,
    }),
    recover: async (row) => ({
      ...(await written(engine, op, row, gone(row))),
      ...(row.change === 'update'
        ? { replaced: true, range: 0 }
        : await replacedBefore(engine.redis, op.space, row)),
    }),
  }
  return engine.change(op, () => change)
}

export function linkArgs(
  op: OpContext,
  from: Location,
  to: Location,
  request: CopyRequest,
  etag: Buffer,
  tree: string,
  dry: boolean,
): ScriptArg[] {
  return [
    ...placeArgs(from).slice(0, 2),
    ...placeArgs(to),
    request.parents ? parentsArg(to, true) : 0,
    guardArg(request),
    etagsArg(request.ifNoneMatch),
    op.limits.spaceBytes,
    op.limits.entries,
    etag,
    tree,
    dry ? 1 : 0,
    request.shallow ? 1 : 0,
    request.overwrite ? 1 : 0,
  ]
}

/** The source is a folder with entries. */
class HasEntries extends SpaceError {
  constructor(readonly folder: number) {
    super('BUSY', 'The folder must be copied in steps.')
  }
}

/** The source changed while it was copied. */
class StaleCopy extends SpaceError {
  constructor() {
    super('BUSY', 'The folder is being changed while it is to be copied; try again.')
  }
}

export function refuseFor(subject: Subject): (refusal: Refusal) => SpaceError {
  return (refusal) => {
    if (refusal[0] === 'TREE') return new HasEntries(Number(refusal[1]))
    if (refusal[0] === 'STALE_COPY') return new StaleCopy()
    return refusalError(refusal, subject)
  }
}
