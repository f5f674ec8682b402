import type { Entry, FileEntry, FolderEntry } from './types.js'

/** Unpacks what `scripts/_entry.lua` packs; change both. */

const FOLDER = 1
const BLOB = 2
const EXEC = 4
const PROPERTIES = 8
const NAME = 16

/** How an entry is filed: its folded name, which is its name too where the packed form holds no other. */
export interface Filed {
  readonly folded: string
  /** Canonical path of the folder it is in, '' for the root. */
  readonly parent: string
}

/** Makes an entry of its packed form. `epoch` is the journal's, part of a folder's etag. */
export function decodeEntry(raw: Buffer, at: Filed, epoch: string): Entry {
  const flags = raw[0] as number
  const id = raw.readUIntBE(1, 5)
  const size = raw.readUIntBE(6, 6)
  const created = raw.readUIntBE(12, 6)
  const modified = raw.readUIntBE(18, 6)
  if (flags & FOLDER) {
    const name = flags & NAME ? raw.toString('utf8', 41) : at.folded
    return {
      kind: 'folder',
      id,
      name,
      path: at.parent === '' ? name : `${at.parent}/${name}`,
      created,
      modified,
      etag: folderEtag(raw, epoch),
      hasProperties: (flags & PROPERTIES) !== 0,
      size,
      entries: raw.readUInt32BE(30),
    } satisfies FolderEntry
  }
  const typeAt = flags & BLOB ? 73 : 57
  // One call, of which the parts are slices.
  const hex = raw.toString('hex', 24, typeAt - 1)
  const etag = hex.slice(0, 32)
  const nameAt = typeAt + (raw[typeAt - 1] as number)
  const name = flags & NAME ? raw.toString('utf8', nameAt) : at.folded
  return {
    kind: 'file',
    id,
    name,
    path: at.parent === '' ? name : `${at.parent}/${name}`,
    created,
    modified,
    etag,
    hasProperties: (flags & PROPERTIES) !== 0,
    size,
    contentType: typeOf(raw, typeAt, nameAt),
    md5: hex.slice(32, 64),
    blob: flags & BLOB ? hex.slice(64) : etag,
    executable: (flags & EXEC) !== 0,
  } satisfies FileEntry
}

let lastType = { bytes: Buffer.alloc(0), text: '' }

/** Neighbours in a folder mostly share their content type. */
function typeOf(raw: Buffer, start: number, end: number): string {
  const { bytes, text } = lastType
  let at = 0
  if (bytes.length === end - start) while (at < bytes.length && bytes[at] === raw[start + at]) at++
  if (at === end - start && at === bytes.length) return text
  lastType = { bytes: Buffer.from(raw.subarray(start, end)), text: raw.toString('latin1', start, end) }
  return lastType.text
}

/** The entry at a known path, as scripts describe it; the root is the folder with path ''. */
export function decodeAt(raw: Buffer, path: string, epoch: string): Entry {
  const slash = path.lastIndexOf('/')
  const entry = decodeEntry(raw, { folded: path.slice(slash + 1), parent: '' }, epoch)
  return { ...entry, name: path.slice(slash + 1), path }
}

/** Without unpacking the rest. */
export function isFolder(raw: Buffer): boolean {
  return ((raw[0] as number) & FOLDER) !== 0
}

export function idOf(raw: Buffer): number {
  return raw.readUIntBE(1, 5)
}

/** Id, seq of the last change below, and the journal it belongs to: changes whenever anything below does. */
function folderEtag(raw: Buffer, epoch: string): string {
  return (
    raw.toString('hex', 1, 6) + raw.toString('hex', 24, 30) + Buffer.from(epoch.slice(0, 5)).toString('hex')
  )
}
