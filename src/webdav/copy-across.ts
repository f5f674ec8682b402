/** COPY from one space into another: the bytes are copied, since blobs belong to a space (contract §9). */
import { randomBytes } from 'node:crypto'
import { commit } from '../http/upload.js'
import { SpaceError } from '../space/errors.js'
import { foldName } from '../space/names.js'
import type { CopyRequest } from '../space/operations.js'
import type { Entry, FileEntry, Location, SpacePath } from '../space/types.js'
import { type EntryCall, reload } from './call.js'
import { entryAt } from './lookup.js'

/**
 * A file appears whole or not at all. A folder is built beside its destination and moved there when it is complete; where
 * something fails or the client goes away, what was built is removed.
 * Errors of `stat`, `write`, `mkdir`; FOLDER_EXISTS never, as the destination is replaced unless `ifNoneMatch` says no.
 */
export async function copyAcross(
  from: EntryCall,
  to: EntryCall,
  request: CopyRequest,
): Promise<{ readonly entry: Entry; readonly replaced: boolean }> {
  const { tree } = from.deps
  const source = await tree.stat(from.op, from.at)
  const hit = await entryAt(to)
  if (request.ifMatch && request.ifMatch !== '*' && !request.ifMatch.includes(source.entry.etag)) {
    throw new SpaceError('PRECONDITION_FAILED', 'The precondition If-Match does not hold for the source.')
  }
  if (hit && request.ifNoneMatch) {
    throw new SpaceError('PRECONDITION_FAILED', `There is something at "/${hit.path}" already.`)
  }
  if (source.entry.kind === 'file' && hit?.kind !== 'folder') {
    const entry = await copyFile(from, to, source.entry, to.at)
    await copyProperties(from, to, [[source.entry, to.at]])
    return { entry, replaced: hit !== undefined }
  }
  const beside = sibling(to.at, `copying-${randomBytes(8).toString('hex')}`)
  try {
    if (source.entry.kind === 'folder') {
      await copyTree(from, to, source.entry, beside, request.shallow === true)
    } else {
      await copyFile(from, to, source.entry, beside)
      await copyProperties(from, to, [[source.entry, beside]])
    }
    const op = await reload(to)
    if (hit) await tree.remove(op, to.at, { recursive: true, ifMatch: [hit.etag] })
    const { entry } = await tree.move(op, beside, { ...to.at, base: 0 })
    return { entry, replaced: hit !== undefined }
  } catch (error) {
    await tree.remove(to.op, beside, { recursive: true }).catch(() => undefined)
    throw error
  }
}

async function copyTree(
  from: EntryCall,
  to: EntryCall,
  source: Entry,
  place: Location,
  shallow: boolean,
): Promise<void> {
  const { tree } = from.deps
  await tree.mkdir(to.op, place, { parents: false })
  await copyProperties(from, to, [[source, place]])
  if (shallow) return
  const { batches } = await tree.tree(from.op, from.at)
  for await (const batch of batches) {
    const placed = batch.map((entry) => [entry, below(place, entry.path.slice(pathLength(source)))] as const)
    for (const [entry, at] of placed) {
      if (from.res.destroyed)
        throw new SpaceError('BODY_BROKEN', 'The client went away while its copy was made.')
      if (entry.kind === 'file') await copyFile(from, to, entry, at)
      else await tree.mkdir(to.op, at, { parents: false, modified: entry.modified })
    }
    await copyProperties(from, to, placed)
  }
}

async function copyFile(from: EntryCall, to: EntryCall, file: FileEntry, at: Location): Promise<FileEntry> {
  const { blobs } = from.deps
  const { size, contentType, modified, executable } = file
  const request = { contentType, modified, executable, parents: false }
  await from.deps.tree.checkWrite(to.op, at, { ...request, size })
  const bytes =
    size === 0 ? new Uint8Array() : await blobs.get(from.op.space, file.blob, { start: 0, end: size - 1 })
  const blob = await blobs
    .put(to.op.space, bytes, { limit: to.op.limits.fileBytes, length: size })
    .finally(() => {
      if (!(bytes instanceof Uint8Array)) bytes.destroy()
    })
  const { entry } = await commit(to, at, blob, request, () => reload(to))
  return entry
}

/** Dead properties are copied with what has them (RFC 4918 §9.8.2). */
async function copyProperties(
  from: EntryCall,
  to: EntryCall,
  placed: readonly (readonly [Entry, Location])[],
): Promise<void> {
  const having = placed.filter(([entry]) => entry.hasProperties)
  if (having.length === 0) return
  const { tree } = from.deps
  const properties = await tree.properties(
    from.op,
    having.map(([{ id }]) => id),
  )
  for (const [{ id }, at] of having) {
    const set = properties.get(id)
    if (set) await tree.changeProperties(to.op, at, { set })
  }
}

function pathLength({ path }: Entry): number {
  return path === '' ? 0 : path.length + 1
}

function sibling({ path }: Location, name: string): Location {
  const { names, folded } = path
  return { path: { names: [...names.slice(0, -1), name], folded: [...folded.slice(0, -1), foldName(name)] } }
}

function below({ path }: Location, canonical: string): Location {
  const names = canonical.split('/')
  const joined: SpacePath = {
    names: [...path.names, ...names],
    folded: [...path.folded, ...names.map(foldName)],
  }
  return { path: joined }
}
