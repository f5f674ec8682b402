import { randomHex } from '../random-hex.js'
import { type Answer, type Change, type Engine, keyedId, type Refusal, text } from './engine.js'
import { SpaceError } from './errors.js'
import { replacedBefore } from './history.js'
import type { JournalRow } from './journal.js'
import { foldName } from './names.js'
import type {
  Attributes,
  Marked,
  MkdirRequest,
  MkdirResult,
  MoveRequest,
  MoveResult,
  RemoveRequest,
  RemoveResult,
  WriteRequest,
  WriteResult,
} from './operations.js'
import { decodeStat, stat } from './reading.js'
import { refusalError, type Subject } from './refusals.js'
import type {
  Conditions,
  Entry,
  FileEntry,
  FolderEntry,
  JournalMark,
  Location,
  OpContext,
  SpacePath,
  StoredBlob,
} from './types.js'
import { measure } from './walking.js'

const MEASURE_TRIES = 5
const NO_PROPERTIES: ReadonlyMap<string, string | null> = new Map()
const NO_BLOB = { id: '0'.repeat(32), md5: '0'.repeat(32) }

export async function checkWrite(
  engine: Engine,
  op: OpContext,
  at: Location,
  request: WriteRequest & { readonly size?: number },
): Promise<void> {
  const { size } = request
  // Asked again under its key, a write that was made is let in again, to be told so.
  const id = op.idempotencyKey === undefined ? '' : keyedId(op)
  const blob = { ...NO_BLOB, size: size ?? 0 }
  const args = [id, '', fingerprint('write', at), ...writeArgs(op, at, blob, request, true)]
  await engine.read('write', op, args, refuse({ at, limits: op.limits, size: size ?? 0 }))
}

export function write(
  engine: Engine,
  asked: OpContext,
  at: Location,
  blob: StoredBlob,
  request: WriteRequest,
): Promise<WriteResult> {
  return engine.change(asked, (op) => ({
    script: 'write',
    id: blob.id,
    fingerprint: fingerprint('write', at),
    args: writeArgs(op, at, blob, request, false),
    refuse: refuse({ at, limits: op.limits, size: blob.size }),
    decode: (answer) => {
      const { entry, mark } = described<FileEntry>(answer)
      return { entry, mark, created: answer[5] === 1 }
    },
    recover: async (row) => {
      const file: FileEntry = {
        kind: 'file',
        id: 0,
        name: row.path.slice(row.path.lastIndexOf('/') + 1),
        path: row.path,
        created: row.created,
        modified: request.modified ?? row.created,
        etag: blob.id,
        hasProperties: false,
        size: blob.size,
        contentType: request.contentType,
        md5: blob.md5,
        blob: blob.id,
        executable: request.executable ?? false,
      }
      const { entry, mark } = await written(engine, op, row, file)
      return { entry, mark, created: row.change === 'create' }
    },
  }))
}

export function mkdir(
  engine: Engine,
  asked: OpContext,
  at: Location,
  request: MkdirRequest = {},
): Promise<MkdirResult> {
  const id = operationId()
  return engine.change(asked, (op) => ({
    script: 'mkdir',
    id,
    fingerprint: fingerprint('mkdir', at),
    args: [
      ...placeArgs(at),
      parentsArg(at, request.parents),
      etagsArg(request.ifNoneMatch),
      op.limits.entries,
      request.modified ?? '',
      Buffer.from(id, 'hex'),
      etagsArg(request.ifMatch),
    ],
    refuse: refuse({ at, limits: op.limits }),
    decode: (answer) => ({ ...described<FolderEntry>(answer), created: answer[5] === 1 }),
    recover: async (row) => {
      const { entry, mark } = await written(engine, op, row, gone(row) as FolderEntry)
      return { entry, mark, created: true }
    },
  }))
}

export async function move(
  engine: Engine,
  asked: OpContext,
  from: Location,
  to: Location,
  request: MoveRequest = {},
): Promise<MoveResult & Reaping> {
  let exact: readonly (number | string)[] = ['', '', '']
  for (let tries = 0; ; tries++) {
    const id = operationId()
    const changeFor = (op: OpContext): Change<MoveResult & Reaping> => ({
      script: 'move',
      id,
      fingerprint: `${fingerprint('move', from)}\0${fingerprint('', to)}`,
      args: [
        ...placeArgs(from),
        ...placeArgs(to),
        parentsArg(to, undefined),
        guardArg(request),
        etagsArg(request.ifNoneMatch),
        op.limits.entries,
        Buffer.from(id, 'hex'),
        ...exact,
        request.overwrite ? 1 : 0,
      ],
      refuse: (refusal) =>
        refusal[0] === 'BOUNDS'
          ? new StaleBounds(refusal)
          : refusalError(refusal, { at: from, to, limits: op.limits }),
      decode: (answer) => ({
        ...described<Entry>(answer),
        from: text(answer[5]),
        replaced: answer[6] === 1,
        range: answer[7] as number,
      }),
      recover: async (row) => ({
        ...(await written(engine, op, row, gone(row))),
        from: row.oldPath ?? '',
        ...(await replacedBefore(engine.redis, op.space, row)),
      }),
    })
    try {
      return await engine.change(asked, changeFor)
    } catch (error) {
      if (!(error instanceof StaleBounds) || tries === MEASURE_TRIES) throw error
      const { height, span } = await measure(engine, asked, error.folder)
      exact = [height, span, error.changed]
    }
  }
}

/** Last seq of the tombstones that the reaper is to write; 0: none. */
export interface Reaping {
  readonly range: number
}

/** A folder's bounds say that a descendant might pass a limit: only measuring tells. */
class StaleBounds extends SpaceError {
  readonly folder: number
  readonly changed: number

  constructor(refusal: Refusal) {
    super('BUSY', 'The folder is being changed while it is to be moved; try again.')
    this.folder = Number(refusal[1])
    this.changed = Number(refusal[2])
  }
}

export function remove(
  engine: Engine,
  asked: OpContext,
  at: Location,
  request: RemoveRequest = {},
): Promise<RemoveResult & Reaping> {
  const id = operationId()
  return engine.change(asked, (op) => ({
    script: 'remove',
    id,
    fingerprint: fingerprint('remove', at),
    args: [
      ...placeArgs(at).slice(0, 2),
      request.recursive ? 1 : 0,
      guardArg(request),
      etagsArg(request.ifNoneMatch),
      Buffer.from(id, 'hex'),
    ],
    refuse: refuse({ at }),
    decode: (answer) => ({
      deleted: answer[3] as number,
      mark: { seq: answer[1] as number, epoch: text(answer[2]) },
      range: answer[4] as number,
    }),
    recover: async (row) => {
      const { mark } = await stat(engine, op, { path: { names: [], folded: [] } })
      return {
        deleted: row.first === undefined ? 1 : row.seq - row.first + 1,
        mark,
        range: row.first === undefined ? 0 : row.seq,
      }
    },
  }))
}

/** `properties`: dead properties to set, or with null to remove (RFC 4918 §9.2). */
export function setAttributes(
  engine: Engine,
  asked: OpContext,
  at: Location,
  attributes: Attributes,
  conditions: Conditions = {},
  properties: ReadonlyMap<string, string | null> = NO_PROPERTIES,
): Promise<Marked> {
  const id = operationId()
  return engine.change(asked, (op) => ({
    script: 'touch',
    id,
    fingerprint: fingerprint('touch', at),
    args: [
      ...placeArgs(at).slice(0, 2),
      guardArg(conditions),
      etagsArg(conditions.ifNoneMatch),
      attributes.modified ?? '',
      flagArg(attributes.executable),
      Buffer.from(id, 'hex'),
      ...propertyArgs(properties),
    ],
    refuse: refuse({ at }),
    decode: described,
    recover: (row) => written(engine, op, row, gone(row)),
  }))
}

export function described<E extends Entry>(answer: Answer): { entry: E; mark: JournalMark } {
  const { entry, mark } = decodeStat(answer)
  return { entry: entry as E, mark }
}

/**
 * The entry a lost reply told of: as it is now where it is still there, else `otherwise`, what the row says of it.
 */
export async function written<E extends Entry>(
  engine: Engine,
  op: OpContext,
  row: JournalRow,
  otherwise: E,
): Promise<{ entry: E; mark: JournalMark }> {
  const names = row.path.split('/')
  try {
    const { entry, mark } = await stat(engine, op, { path: pathOf(names) })
    if (entry.kind === row.kind && (entry.kind === 'folder' || entry.etag === row.etag)) {
      return { entry: entry as E, mark }
    }
    return { entry: otherwise, mark }
  } catch (error) {
    if (!(error instanceof SpaceError) || error.code !== 'NOT_FOUND') throw error
    const { mark } = await stat(engine, op, { path: pathOf([]) })
    return { entry: otherwise, mark }
  }
}

function pathOf(names: readonly string[]): SpacePath {
  return { names, folded: names.map(foldName) }
}

/** What a row knows of an entry that has gone on since. */
export function gone(row: JournalRow): Entry {
  const common = {
    id: 0,
    name: row.path.slice(row.path.lastIndexOf('/') + 1),
    path: row.path,
    created: row.created,
    modified: row.created,
    etag: row.etag ?? '0'.repeat(32),
    hasProperties: false,
    size: row.size ?? 0,
  }
  if (row.kind === 'folder') return { ...common, kind: 'folder', entries: 0 }
  const contentType = 'application/octet-stream'
  return { ...common, kind: 'file', contentType, md5: '', blob: '', executable: false }
}

function writeArgs(op: OpContext, at: Location, blob: StoredBlob, request: WriteRequest, dry: boolean) {
  return [
    ...placeArgs(at),
    parentsArg(at, request.parents),
    guardArg(request),
    etagsArg(request.ifNoneMatch),
    op.limits.fileBytes,
    op.limits.spaceBytes,
    op.limits.entries,
    blob.size,
    dry ? 1 : 0,
    Buffer.from(blob.id, 'hex'),
    Buffer.from(blob.md5, 'hex'),
    Buffer.from(request.contentType, 'latin1'),
    request.modified ?? '',
    flagArg(request.executable),
    request.once?.id ?? '',
    request.once?.forMs ?? '',
    ...propertyArgs(request.properties ?? NO_PROPERTIES),
  ]
}

function propertyArgs(properties: ReadonlyMap<string, string | null>): (string | number)[] {
  return [...properties].flatMap(([name, value]) => [name, value === null ? 0 : 1, value ?? ''])
}

export function placeArgs(at: Location) {
  return [at.base ?? '', at.path.folded.join('/'), at.path.names.join('/')]
}

/** A location relative to a folder never makes parents: it might resurrect what somebody removed (contract §3). */
export function parentsArg(at: Location, parents: boolean | undefined): number {
  return at.base === undefined && parents !== false ? 1 : 0
}

/** '*' or the raw etags in a row; what is no etag of ours can match nothing, yet makes the list a condition. */
/** What must be true of what is there: raw etags, or the time (six bytes) at which it was modified at the latest. */
export function guardArg({
  ifMatch,
  unmodifiedSince,
}: Pick<Conditions, 'ifMatch' | 'unmodifiedSince'>): Buffer | string {
  if (ifMatch !== undefined || unmodifiedSince === undefined) return etagsArg(ifMatch)
  const latest = Buffer.alloc(6)
  latest.writeUIntBE(Math.max(0, unmodifiedSince + 999), 0, 6)
  return latest
}

export function etagsArg(list: readonly string[] | '*' | undefined): Buffer | string {
  if (list === undefined) return ''
  if (list === '*') return '*'
  const raw = list.filter((etag) => /^[0-9a-f]{32}$/.test(etag)).map((etag) => Buffer.from(etag, 'hex'))
  return raw.length > 0 ? Buffer.concat(raw) : Buffer.alloc(16)
}

function flagArg(flag: boolean | undefined): number | string {
  return flag === undefined ? '' : Number(flag)
}

export function operationId(): string {
  return randomHex(8)
}

export function fingerprint(verb: string, at: Location): string {
  return `${verb} ${at.base ?? ''}:${at.path.names.join('/')}`
}

export function refuse(subject: Subject): (refusal: Refusal) => SpaceError {
  return (refusal) => refusalError(refusal, subject)
}
