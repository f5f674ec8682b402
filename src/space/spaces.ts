import { randomBytes } from 'node:crypto'
import type { BlobStore } from '../blobs/store.js'
import type { RedisClient } from '../redis/scripts.js'
import { whereItIs } from './another-space.js'
import * as changing from './changing.js'
import { copy } from './copying.js'
import { accessOf, Engine, type MayWrite, text } from './engine.js'
import { changes } from './feed.js'
import { graft } from './grafting.js'
import * as ledger from './ledger.js'
import * as locking from './locking.js'
import type {
  Attributes,
  ChangesRequest,
  CopyRequest,
  CopyResult,
  GraftRequest,
  GraftSource,
  LockRequest,
  MetaValue,
  MkdirRequest,
  MoveRequest,
  MoveResult,
  PageRequest,
  PropertyChange,
  RemoveRequest,
  RemoveResult,
  SpaceInfo,
  TreeOperations,
  WriteRequest,
} from './operations.js'
import * as reading from './reading.js'
import { Reaper } from './reaper.js'
import { refusalError } from './refusals.js'
import { type Sealing, sealNext } from './sealing.js'
import { Segments } from './segments.js'
import { Standing } from './standing.js'
import type { Conditions, JournalMark, Location, OpContext, StoredBlob } from './types.js'
import { tree } from './walking.js'

export interface SpacesOptions {
  /** Hears of errors in the background; they are taken up again later. */
  readonly failed?: (error: unknown) => void
  /** Ends the locks of those who lost their write access; absent: every lock binds. */
  readonly mayWrite?: MayWrite
  /** Where old rows of journals are; absent: none are sealed. */
  readonly blobs?: Pick<BlobStore, 'get'>
}

/** The spaces of one Redis: the operations of `TreeOperations`, and the life and death of spaces themselves. */
export class Spaces implements TreeOperations {
  readonly #engine: Engine
  readonly #reaper: Reaper
  readonly #standing: Standing

  constructor(redis: RedisClient, options: SpacesOptions = {}) {
    const { mayWrite, blobs } = options
    this.#engine = new Engine(redis, mayWrite, blobs && new Segments(redis, blobs))
    this.#standing = new Standing(redis)
    this.#reaper = new Reaper(this.#engine, options.failed ?? (() => undefined))
  }

  isUnchanged(space: string, mark: JournalMark) {
    return this.#standing.isUnchanged(space, mark)
  }

  stat(op: OpContext, at: Location) {
    return reading.stat(this.#engine, op, at)
  }

  list(op: OpContext, at: Location, page: PageRequest) {
    return reading.list(this.#engine, op, at, page)
  }

  look(op: OpContext, at: Location, page: PageRequest) {
    return reading.look(this.#engine, op, at, page)
  }

  tree(op: OpContext, at: Location) {
    return tree(this.#engine, op, at)
  }

  checkWrite(op: OpContext, at: Location, request: WriteRequest & { readonly size?: number }) {
    return changing.checkWrite(this.#engine, op, at, request)
  }

  write(op: OpContext, at: Location, blob: StoredBlob, request: WriteRequest) {
    return changing.write(this.#engine, op, at, blob, request)
  }

  mkdir(op: OpContext, at: Location, request?: MkdirRequest) {
    return whereItIs(op, (there) => changing.mkdir(this.#engine, there, at, request))
  }

  move(op: OpContext, from: Location, to: Location, request?: MoveRequest): Promise<MoveResult> {
    return whereItIs(op, (there) =>
      this.#reaping(there, changing.move(this.#engine, there, from, to, request)),
    )
  }

  remove(op: OpContext, at: Location, request?: RemoveRequest): Promise<RemoveResult> {
    return whereItIs(op, (there) => this.#reaping(there, changing.remove(this.#engine, there, at, request)))
  }

  setAttributes(op: OpContext, at: Location, attributes: Attributes, conditions?: Conditions) {
    return whereItIs(op, (there) => changing.setAttributes(this.#engine, there, at, attributes, conditions))
  }

  copy(op: OpContext, from: Location, to: Location, request?: CopyRequest): Promise<CopyResult> {
    return this.#reaping(op, copy(this.#engine, op, from, to, request))
  }

  graft(op: OpContext, to: Location, source: GraftSource, request?: GraftRequest): Promise<CopyResult> {
    return this.#reaping(op, graft(this.#engine, op, to, source, request))
  }

  lock(op: OpContext, at: Location, request: LockRequest) {
    return locking.lock(this.#engine, op, at, request)
  }

  refreshLock(op: OpContext, at: Location, token: string, timeoutMs: number) {
    return locking.refreshLock(this.#engine, op, at, token, timeoutMs)
  }

  unlock(op: OpContext, at: Location, token: string) {
    return locking.unlock(this.#engine, op, at, token)
  }

  properties(op: OpContext, ids: readonly number[]) {
    return reading.properties(this.#engine, op, ids)
  }

  changeProperties(op: OpContext, at: Location, change: PropertyChange, conditions?: Conditions) {
    return whereItIs(op, (there) =>
      changing.setAttributes(this.#engine, there, at, change, conditions, change.set),
    )
  }

  changes(op: OpContext, request: ChangesRequest) {
    return changes(this.#engine, op, request)
  }

  async info(op: OpContext): Promise<SpaceInfo> {
    return (await this.#info(op, false)).info
  }

  readMeta(op: OpContext) {
    return this.#info(op, true)
  }

  async writeMeta(op: OpContext, key: string, value: string | null): Promise<void> {
    await this.#engine.read('meta', op, [key, value ?? '', value === null ? 1 : 0], refusalError)
  }

  /** Moves the oldest rows of a journal out of Redis; resolves with whether there may be more. See `sealing.ts`. */
  seal(id: string, sealing: Sealing): Promise<boolean> {
    return sealNext(this.#engine, id, sealing)
  }

  /** In how many spaces this process takes deleted trees apart at the moment. */
  get reaping(): number {
    return this.#reaper.waiting
  }

  /** Makes the space's record; harmless where it exists. */
  async createSpace(id: string, ownerAccountId: string): Promise<void> {
    await this.#engine.run('create_space', id, [ownerAccountId, randomBytes(8).toString('hex')])
  }

  /** Gives the journal another epoch (16 hex): whoever knows the old one starts over. False where the space is gone. */
  async renewEpoch(id: string, epoch: string): Promise<boolean> {
    return (await this.#engine.run('new_epoch', id, [epoch])) === 1
  }

  /** From here on the space is not found by anybody; what it held is freed in the background. Harmless to repeat. */
  async deleteSpace(id: string): Promise<void> {
    if ((await this.#engine.run('delete_space', id, [])) === 1) this.#reaper.kick(id)
  }

  /** Removes a dead space's last keys once nothing of it is left to free. Resolves with whether it is gone. */
  async burySpace(id: string): Promise<boolean> {
    return (await this.#engine.run('bury', id, [])) === 1
  }

  /** Gives up tree copies that no process has worked on since `olderThan` (ms); the reaper takes them apart. */
  async abandonCopies(space: string, olderThan: number): Promise<void> {
    if (((await this.#engine.run('copy_abandon', space, ['', olderThan])) as number) > 0)
      this.#reaper.kick(space)
  }

  /** Somebody (this process after its start, the periodic sweep) thinks that the space may have something to reap. */
  reap(id: string): void {
    this.#reaper.kick(id)
  }

  /** Resolves when this process has reaped all it knows of. */
  reaped(): Promise<void> {
    return this.#reaper.idle()
  }

  claimPending(space: string, blob: string, since: number): Promise<'live' | 'dead'> {
    return ledger.claimPending(this.#engine, space, blob, since)
  }

  countFreed(space: string, olderThan: number): Promise<number> {
    return ledger.countFreed(this.#engine, space, olderThan)
  }

  freed(space: string, olderThan: number, limit: number): Promise<string[]> {
    return ledger.claimFreed(this.#engine, space, olderThan, limit)
  }

  forget(space: string, blobs: readonly string[]): Promise<void> {
    return ledger.forget(this.#engine, space, blobs)
  }

  /** Ends the background work after its current step. */
  close(): Promise<void> {
    return this.#reaper.stop()
  }

  /** What a change cut off is taken apart behind its answer. */
  async #reaping<T extends changing.Reaping>({ space }: OpContext, change: Promise<T>): Promise<T> {
    const result = await change
    if (result.range > 0) this.#reaper.kick(space)
    return result
  }

  async #info(op: OpContext, withMeta: boolean) {
    const answer = await this.#engine.read('info', op, [withMeta ? 1 : 0], refusalError)
    const info: SpaceInfo = {
      id: op.space,
      access: accessOf(answer[0] as Buffer),
      mark: { seq: answer[1] as number, epoch: text(answer[2]) },
      created: answer[3] as number,
      modified: answer[4] as number,
      bytes: answer[5] as number,
      entries: answer[6] as number,
    }
    const meta: Record<string, MetaValue> = {}
    const flat = answer[7] as readonly Buffer[]
    for (let at = 0; at < flat.length; at += 2) {
      const value = flat[at + 1] as Buffer
      meta[text(flat[at])] = { text: value.toString('utf8', 6), modified: value.readUIntBE(0, 6) }
    }
    return { info, meta }
  }
}
