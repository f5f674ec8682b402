/** A space of this process' own store, for `serve --mount`: the same rules as over HTTP, without the HTTP. */
import { Readable } from 'node:stream'
import type { SpaceAddress, SpaceRef } from '../src/accounts/types.js'
import type { AppDeps } from '../src/http/deps.js'
import { typeOfName } from '../src/http/mime.js'
import { visibleSpace } from '../src/http/space-op.js'
import { commit } from '../src/http/upload.js'
import { SpaceError } from '../src/space/errors.js'
import { parsePath, ROOT } from '../src/space/names.js'
import type { WriteRequest } from '../src/space/operations.js'
import { quote } from '../src/space/quote.js'
import type { Change, Entry, JournalMark, Location, OpContext, StoredBlob } from '../src/space/types.js'
import { LentPieces } from './lent-pieces.js'
import { pour } from './pour.js'
import type {
  Address,
  Batch,
  ByteRange,
  Changed,
  Cursor,
  Item,
  ItemAttributes,
  Keyed,
  Listing,
  Row,
  Stat,
  Take,
  Volume,
  VolumeInfo,
  WriteBody,
  WriteOptions,
} from './volume.js'

/** The parts of an opened store (`src/store.ts`), which whoever opened them closes, and whose space it is. */
export interface DirectOptions extends Pick<AppDeps, 'tree' | 'blobs' | 'directory' | 'watcher' | 'log'> {
  readonly owner: string
  readonly space: string
  /** How often `follow` tells that all is well, in milliseconds; 15 s unless said. */
  readonly heartbeatMs?: number
}

const HEARTBEAT_MS = 15_000
const MOST_ROWS = 1000
/** Up to this size taking the bytes in is cheaper than asking first whether they are wanted. */
const SMALL_BYTES = 64 * 1024
/** No entry has it. */
const NO_ETAG = ['0']

/**
 * Acts in the name of the space's owner. Opens with `openDirectVolume`. Found by its shortname, which no renaming changes, and
 * loaded again for every operation: a plan, a flag, the end of the space hold from the next one on.
 */
class DirectVolume implements Volume {
  readonly #parts: DirectOptions
  readonly #space: SpaceRef

  constructor(parts: DirectOptions, space: SpaceRef) {
    this.#parts = parts
    this.#space = space
  }

  async info(): Promise<VolumeInfo> {
    const op = await this.#op()
    const { id, access, bytes, entries, mark } = await this.#parts.tree.info(op)
    const { fileBytes, spaceBytes, entries: mostEntries } = op.limits
    return {
      id,
      name: `@${this.#space.owner.name}~${this.#space.name}`,
      writable: access.write,
      bytes,
      entries,
      limits: { fileBytes, spaceBytes, entries: mostEntries },
      cursor: mark,
    }
  }

  async stat(at: Address): Promise<Stat> {
    const location = locate(at)
    const { entry, mark } = await this.#parts.tree.stat(await this.#op(), location)
    return { item: itemOf(entry), path: entry.path, seq: mark.seq }
  }

  async list(at: Address): Promise<Listing> {
    const location = locate(at)
    const op = await this.#op()
    const { folder, entries, cursor: second, mark } = await this.#parts.tree.list(op, location, {})
    const items = entries.map(itemOf)
    // By id: the pages are of one folder, also when it moves meanwhile.
    const same = { path: ROOT, base: folder.id }
    for (let cursor = second; cursor !== undefined; ) {
      const page = await this.#parts.tree.list(op, same, { cursor })
      for (const entry of page.entries) items.push(itemOf(entry))
      cursor = page.cursor
    }
    return { folder: itemOf(folder), items, seq: mark.seq }
  }

  async read(
    at: Address,
    etag: string,
    { start, end }: ByteRange,
    take: Take,
    signal?: AbortSignal,
  ): Promise<void> {
    const { tree, blobs } = this.#parts
    const location = locate(at)
    const { entry } = await tree.stat(await this.#op(), location)
    if (entry.kind === 'folder' || entry.etag !== etag) {
      throw new SpaceError('PRECONDITION_FAILED', `${quote(at.path)} is not the version ${etag} any more.`)
    }
    const range = { start, end: Math.min(end, entry.size - 1) }
    const { id } = this.#space
    if (range.end - range.start < SMALL_BYTES) take(await blobs.read(id, entry.blob, range))
    else await pour(await blobs.get(id, entry.blob, range), take, signal)
  }

  async write(at: Address, body: WriteBody, options: WriteOptions): Promise<Changed> {
    const { tree } = this.#parts
    const location = locate(at)
    const op = await this.#op(options)
    const request = writeRequest(location, options)
    const { size } = body
    const isSmall = size !== undefined && size <= SMALL_BYTES
    if (!isSmall) await tree.checkWrite(op, location, { ...request, ...(size !== undefined && { size }) })
    const blob = await this.#take(op, body, options.signal)
    const reload = isSmall ? undefined : () => this.#op(options)
    return changed(await commit({ deps: this.#parts, op }, location, blob, request, reload))
  }

  async mkdir(at: Address, options: Keyed): Promise<Changed> {
    const location = locate(at)
    const op = await this.#op(options)
    try {
      return changed(await this.#parts.tree.mkdir(op, location, { ifNoneMatch: '*' }))
    } catch (error) {
      if (!isPrecondition(error)) throw error
      throw new SpaceError('EXISTS', `${quote(at.path)} exists already.`, {}, { cause: error })
    }
  }

  async move(
    from: Address,
    to: Address,
    options: Keyed & { readonly ifNoneMatch?: boolean },
  ): Promise<Changed> {
    const [source, destination] = [locate(from), locate(to)]
    const op = await this.#op(options)
    return changed(
      await this.#parts.tree.move(op, source, destination, { ifNoneMatch: unlessThere(options) }),
    )
  }

  async remove(
    at: Address,
    options: Keyed & { readonly ifMatch?: string },
  ): Promise<{ readonly seq: number }> {
    const { ifMatch } = options
    const location = locate(at)
    const request = ifMatch === undefined ? {} : { ifMatch: [ifMatch] }
    const { mark } = await this.#parts.tree.remove(await this.#op(options), location, request)
    return { seq: mark.seq }
  }

  /** A condition that nothing meets is looked at last: when it is what fails, nothing else would have. */
  async checkRemove(at: Address): Promise<void> {
    const location = locate(at)
    const op = await this.#op()
    try {
      await this.#parts.tree.remove(op, location, { ifMatch: NO_ETAG })
    } catch (error) {
      if (!isPrecondition(error)) throw error
    }
  }

  async setAttributes(
    at: Address,
    attributes: ItemAttributes,
    options: Keyed & { readonly ifMatch?: string },
  ): Promise<Changed> {
    const { ifMatch } = options
    const location = locate(at)
    const op = await this.#op(options)
    const conditions = ifMatch === undefined ? {} : { ifMatch: [ifMatch] }
    return changed(await this.#parts.tree.setAttributes(op, location, attributes, conditions))
  }

  /** Subscribes, reads, and waits only then: nothing slips through between. */
  async *follow({ seq: since, epoch }: Cursor, signal: AbortSignal): AsyncGenerator<Batch, void> {
    const { watcher, tree, heartbeatMs = HEARTBEAT_MS } = this.#parts
    const watch = await watcher.watch(this.#space.id, this.#space.owner.id).catch(unavailable)
    try {
      for (let seq = since; !signal.aborted; ) {
        const op = await this.#op()
        const { changes, hasMore } = await tree.changes(op, { since: seq, limit: MOST_ROWS, epoch })
        seq = changes.at(-1)?.seq ?? seq
        yield { rows: changes.map(rowOf), seq }
        if (!hasMore) await watch.changed(heartbeatMs, signal)
      }
    } finally {
      watch.close()
    }
  }

  async close(): Promise<void> {}

  async #op(keyed?: Keyed): Promise<OpContext> {
    const space = await find(this.#parts, { shortname: this.#space.shortname })
    if (space.id !== this.#space.id) throw missing(this.#parts)
    const op = { space: space.id, caller: { accountId: space.owner.id }, limits: space.owner.plan }
    return keyed ? { ...op, idempotencyKey: keyed.key } : op
  }

  async #take(op: OpContext, body: WriteBody, signal: AbortSignal | undefined): Promise<StoredBlob> {
    const pieces = body.open()
    const opened =
      pieces instanceof LentPieces ? Readable.from(pieces.copies(), { objectMode: false }) : pieces
    try {
      return await this.#parts.blobs.put(op.space, opened, {
        limit: op.limits.fileBytes,
        ...(body.size !== undefined && { length: body.size }),
        ...(signal && { signal }),
      })
    } catch (error) {
      if (!signal?.aborted) throw error
      throw new SpaceError('UNAVAILABLE', 'The write was given up.', {}, { cause: error })
    } finally {
      if (opened instanceof Readable) opened.destroy()
    }
  }
}

/** NOT_FOUND where there is no such space. */
export async function openDirectVolume(options: DirectOptions): Promise<Volume> {
  const { owner, space: name } = options
  const volume = new DirectVolume(options, await find(options, { owner, name }))
  await volume.info()
  return volume
}

async function find(options: DirectOptions, address: SpaceAddress): Promise<SpaceRef> {
  const space = visibleSpace(await options.directory.load(undefined, address))
  if (!space) throw missing(options)
  return space
}

function missing({ owner, space }: DirectOptions): SpaceError {
  return new SpaceError('NOT_FOUND', `There is no space ${quote(space)} of ${quote(owner)}.`)
}

function locate({ base, path }: Address): Location {
  return { base, path: parsePath(path) }
}

function writeRequest({ path }: Location, options: WriteOptions): WriteRequest {
  const { ifMatch, modified, executable } = options
  return {
    contentType: typeOfName(path.names.at(-1) ?? ''),
    ifMatch: ifMatch === undefined ? undefined : [ifMatch],
    ifNoneMatch: unlessThere(options),
    modified,
    executable,
  }
}

function unlessThere({ ifNoneMatch }: Pick<WriteOptions, 'ifNoneMatch'>): '*' | undefined {
  return ifNoneMatch ? '*' : undefined
}

function unavailable(cause: unknown): never {
  throw new SpaceError('UNAVAILABLE', 'Redis does not tell of changes now.', {}, { cause })
}

function isPrecondition(error: unknown): boolean {
  return error instanceof SpaceError && error.code === 'PRECONDITION_FAILED'
}

function changed({ entry, mark }: { readonly entry: Entry; readonly mark: JournalMark }): Changed {
  return { item: itemOf(entry), seq: mark.seq }
}

function rowOf({ created, ...row }: Change): Row {
  return row
}

function itemOf(entry: Entry): Item {
  const { id, kind, name, size, etag, created, modified } = entry
  const isFile = entry.kind === 'file'
  return {
    ...{ id, kind, name, size, etag, created, modified },
    executable: isFile && entry.executable,
    md5: isFile ? entry.md5 : '',
  }
}
