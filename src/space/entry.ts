import type { Slice } from './strings.js'
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
  /** Canonical path of the folder it is in, with a slash; '' for the root. */
  readonly prefix: string
}

/** Makes an entry of its packed form. `epoch` is the journal's, part of a folder's etag. */
export function decodeEntry({ bytes, start, end }: Slice, at: Filed, epoch: string): Entry {
  const flags = bytes[start] as number
  const id = whole40(bytes, start + 1)
  const size = whole48(bytes, start + 6)
  const created = whole48(bytes, start + 12)
  const modified = whole48(bytes, start + 18)
  if (flags & FOLDER) {
    const name = flags & NAME ? bytes.toString('utf8', start + 41, end) : at.folded
    return {
      kind: 'folder',
      id,
      name,
      path: at.prefix + name,
      created,
      modified,
      etag: folderEtag(bytes, start, epoch),
      hasProperties: (flags & PROPERTIES) !== 0,
      size,
      entries: whole32(bytes, start + 30),
    } satisfies FolderEntry
  }
  const typeAt = start + (flags & BLOB ? 73 : 57)
  // One call, of which the parts are slices.
  const hex = bytes.toString('hex', start + 24, typeAt - 1)
  const etag = hex.slice(0, 32)
  const nameAt = typeAt + (bytes[typeAt - 1] as number)
  const name = flags & NAME ? bytes.toString('utf8', nameAt, end) : at.folded
  return {
    kind: 'file',
    id,
    name,
    path: at.prefix + name,
    created,
    modified,
    etag,
    hasProperties: (flags & PROPERTIES) !== 0,
    size,
    contentType: typeOf(bytes, typeAt, nameAt),
    md5: hex.slice(32, 64),
    blob: flags & BLOB ? hex.slice(64) : etag,
    executable: (flags & EXEC) !== 0,
  } satisfies FileEntry
}

/** Big-endian whole numbers. Node's own readers check their arguments each time, which a long listing feels. */
function whole32(bytes: Buffer, at: number): number {
  const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
  const low = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)
  return high * 2 ** 16 + low
}

function whole40(bytes: Buffer, at: number): number {
  return (bytes[at] as number) * 2 ** 32 + whole32(bytes, at + 1)
}

function whole48(bytes: Buffer, at: number): number {
  return (((bytes[at] as number) << 8) | (bytes[at + 1] as number)) * 2 ** 32 + whole32(bytes, at + 2)
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
  const filed = { folded: path.slice(slash + 1), prefix: path.slice(0, slash + 1) }
  return decodeEntry({ bytes: raw, start: 0, end: raw.length }, filed, epoch)
}

/** Without unpacking the rest. */
export function isFolder(raw: Buffer): boolean {
  return ((raw[0] as number) & FOLDER) !== 0
}

export function idOf(raw: Buffer): number {
  return raw.readUIntBE(1, 5)
}

/** Id, seq of the last change below, and the journal it belongs to: changes whenever anything below does. */
function folderEtag(bytes: Buffer, start: number, epoch: string): string {
  return (
    bytes.toString('hex', start + 1, start + 6) +
    bytes.toString('hex', start + 24, start + 30) +
    Buffer.from(epoch.slice(0, 5)).toString('hex')
  )
}
