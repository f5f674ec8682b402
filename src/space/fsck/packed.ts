import { decodeEntry, isFolder } from '../entry.js'
import type { FileEntry } from '../types.js'

/** Reads packed entries (`scripts/_entry.lua`) down to what only fsck looks at, and without trusting them. */

const FOLDER_BYTES = 41
const FILE_BYTES = 57
const BLOB = 2
const NAME = 16
const INDEX = 32

export interface PackedFolder {
  readonly kind: 'folder'
  readonly id: number
  readonly name: string
  readonly size: number
  readonly entries: number
  readonly children: number
  readonly height: number
  readonly span: number
  readonly changed: number
  /** It says that it has an ordered index. */
  readonly index: boolean
}

/** What is filed under `folded`, or undefined where the bytes are no entry. */
export function unpack(raw: Buffer, folded: string): PackedFolder | FileEntry | undefined {
  if (raw.length < FOLDER_BYTES) return undefined
  const flags = raw[0] as number
  if (isFolder(raw)) {
    return {
      kind: 'folder',
      id: raw.readUIntBE(1, 5),
      name: flags & NAME ? raw.toString('utf8', FOLDER_BYTES) : folded,
      size: raw.readUIntBE(6, 6),
      changed: raw.readUIntBE(24, 6),
      entries: raw.readUInt32BE(30),
      children: raw.readUInt32BE(34),
      height: raw[38] as number,
      span: raw.readUInt16BE(39),
      index: (flags & INDEX) !== 0,
    }
  }
  const typeAt = flags & BLOB ? FILE_BYTES + 16 : FILE_BYTES
  if (raw.length < typeAt || raw.length < typeAt + (raw[typeAt - 1] as number)) return undefined
  return decodeEntry({ bytes: raw, start: 0, end: raw.length }, { folded, prefix: '' }, '') as FileEntry
}

/** Where a folder is filed, as `u` says it: the id of the folder above, and the folded name there. */
export interface WayUp {
  readonly parent: number
  readonly folded: string
}

export function unpackWayUp(raw: Buffer): WayUp | undefined {
  return raw.length > 5 ? { parent: raw.readUIntBE(0, 5), folded: raw.toString('utf8', 5) } : undefined
}
