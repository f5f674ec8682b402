/** COPY from one space into another: the bytes are copied, since blobs belong to a space (contract §9). */

import { isGone } from '../http/connection.js'
import { matches } from '../http/etags.js'
import { isMissingSpace } from '../http/space-op.js'
import { SpaceError } from '../space/errors.js'
import { foldName, ROOT } from '../space/names.js'
import type { CopyRequest, CopyResult, Grafted, GraftSource } from '../space/operations.js'
import { quote } from '../space/quote.js'
import type { Entry, FileEntry, FolderEntry, OpContext, SpacePath, StoredBlob } from '../space/types.js'
import { type EntryCall, noSuchSpace, reload } from './call.js'

/**
 * It is there whole, in one step when everything has been copied, or not at all: the tree grows out of sight, and what was
 * copied is collected where something fails, the client goes away or the server dies.
 * Errors of `stat`, `tree` and `graft`; BUSY where a folder of more than 10,000 entries changes meanwhile.
 */
export async function copyAcross(from: EntryCall, to: EntryCall, request: CopyRequest): Promise<CopyResult> {
  const { entry: top } = await from.deps.tree.stat(from.op, from.at)
  const {
    ifMatch,
    ifNoneMatch,
    unmodifiedSince = Number.POSITIVE_INFINITY,
    overwrite,
    shallow = false,
  } = request
  if (ifMatch ? !matches(ifMatch, top.etag) : top.modified >= unmodifiedSince + 1000) {
    const header = ifMatch ? 'If-Match' : 'If-Unmodified-Since'
    throw new SpaceError('PRECONDITION_FAILED', `The precondition ${header} does not hold for the source.`)
  }
  const source = new Source(from, to, top, shallow)
  try {
    return await from.deps.tree.graft(to.op, to.at, source, {
      ...(ifNoneMatch !== undefined && { ifNoneMatch }),
      ...(overwrite !== undefined && { overwrite }),
    })
  } catch (error) {
    await source.giveUp(error)
    throw isMissingSpace(error) ? noSuchSpace(to.target) : error
  }
}

/** Reads the source, and puts each file's bytes into the other space as they are asked for. */
class Source implements GraftSource {
  readonly size: number
  readonly below?: number
  /** Blobs of which nobody knows yet whether the tree uses them. */
  readonly #pending = new Set<string>()
  #as: OpContext

  constructor(
    readonly from: EntryCall,
    readonly to: EntryCall,
    readonly top: Entry,
    readonly shallow: boolean,
  ) {
    this.#as = from.op
    this.size = shallow && top.kind === 'folder' ? 0 : top.size
    if (top.kind === 'folder') this.below = shallow ? 0 : top.entries
  }

  get entries(): AsyncIterable<Grafted> {
    return this.#read()
  }

  /** Access to both spaces, as it is now. */
  async reload(): Promise<OpContext> {
    const { from } = this
    this.#as = await reload(from)
    try {
      await from.deps.tree.info(this.#as)
    } catch (error) {
      throw isMissingSpace(error) ? noSuchSpace(from.target) : error
    }
    return reload(this.to)
  }

  async linked(blobs: readonly string[]): Promise<void> {
    const { op, deps } = this.to
    await Promise.all(blobs.map((blob) => deps.blobs.settle(op.space, blob)))
    for (const blob of blobs) this.#pending.delete(blob)
  }

  /** What no tree uses goes at once; where nobody knows, the collector asks. */
  async giveUp(error: unknown): Promise<void> {
    if (!(error instanceof SpaceError) || error.code === 'UNAVAILABLE') return
    const { op, deps } = this.to
    for (const blob of this.#pending) {
      await deps.blobs.discard(op.space, blob).catch((failure: unknown) => {
        deps.log.warn(`Discarding blob ${blob} of space ${op.space}: ${failure}`)
      })
    }
  }

  async *#read(): AsyncGenerator<Grafted> {
    const { top, shallow, from } = this
    yield* this.#grafts([top], top)
    if (shallow || top.kind === 'file') return
    const { tree } = from.deps
    const { folder, exact, batches } = await tree.tree(from.op, from.at)
    for await (const batch of batches) yield* this.#grafts(batch, folder)
    // What was read step by step is only what was there at some moment if nothing moved about meanwhile.
    if (!exact) await this.#stillIs(folder)
  }

  async *#grafts(batch: readonly Entry[], top: Entry): AsyncGenerator<Grafted> {
    const having = batch.filter((entry) => entry.hasProperties).map(({ id }) => id)
    const { tree } = this.from.deps
    const properties = having.length > 0 ? await tree.properties(this.#as, having) : undefined
    for (const entry of batch) {
      const kept = properties?.get(entry.id)
      yield {
        path: below(top, entry),
        modified: entry.modified,
        ...(kept && { properties: kept }),
        ...(entry.kind === 'file' && { file: await this.#file(entry) }),
      }
    }
  }

  async #file(file: FileEntry): Promise<NonNullable<Grafted['file']>> {
    const { contentType, executable } = file
    return { blob: await this.#copyBytes(file), contentType, executable }
  }

  async #copyBytes({ blob, size, path }: FileEntry): Promise<StoredBlob> {
    const { from, to } = this
    if (isGone(from.req, from.res))
      throw new SpaceError('BODY_BROKEN', 'The client went away while its copy was made.')
    const { blobs } = from.deps
    const range = { start: 0, end: size - 1 }
    const bytes =
      size === 0 ? new Uint8Array() : await this.#orChanged(blobs.get(from.op.space, blob, range), path)
    try {
      const put = await blobs.put(to.op.space, bytes, { limit: to.op.limits.fileBytes, length: size })
      this.#pending.add(put.id)
      return put
    } finally {
      if (!(bytes instanceof Uint8Array)) bytes.destroy()
    }
  }

  /** A file that goes while its tree is copied takes its bytes along, after some minutes. */
  async #orChanged<T>(reading: Promise<T>, path: string): Promise<T> {
    try {
      return await reading
    } catch (error) {
      if (error instanceof SpaceError && error.code === 'CORRUPT' && this.top.kind === 'folder') {
        await this.#stillIs(this.top, path)
      }
      throw error
    }
  }

  async #stillIs({ etag }: FolderEntry, path = this.top.path): Promise<void> {
    const { entry } = await this.from.deps.tree.stat(this.#as, this.from.at)
    if (entry.etag === etag) return
    throw new SpaceError('BUSY', `${quote(path)} was changed while it was copied; try again.`)
  }
}

function below(top: Entry, { path }: Entry): SpacePath {
  if (path === top.path) return ROOT
  const names = path.slice(top.path === '' ? 0 : top.path.length + 1).split('/')
  return { names, folded: names.map(foldName) }
}
