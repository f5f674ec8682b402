import type { Attributes, Statistics } from '../filesystem.js'

/** Whose everything is, and which bits are shown: the store keeps neither owners nor modes. */
export interface Ownership {
  readonly uid: number
  readonly gid: number
  /** Bits taken away from 0777 and 0666. */
  readonly umask: number
}

const FOLDER = 0o040000
const FILE = 0o100000
const BLOCK = 512
/** Of df: 32 bits of them reach 16 TiB. */
const STATFS_BLOCK = 4096
const LARGEST_COUNT = 0xffff_ffff
const LONGEST_NAME = 255

/** The 18 words in which fuse-native takes a stat (`populate_stat` in its C file); the inode is libfuse's affair. */
export function statWords(attributes: Attributes, owner: Ownership): Uint32Array {
  const { kind, size, modified, created } = attributes
  const words = new Uint32Array(18)
  words[0] = modeOf(attributes, owner.umask)
  words[1] = owner.uid
  words[2] = owner.gid
  setLong(words, 3, size)
  words[6] = kind === 'folder' ? 2 : 1
  words[9] = STATFS_BLOCK
  setLong(words, 10, Math.ceil(size / BLOCK))
  setLong(words, 12, modified)
  setLong(words, 14, modified)
  setLong(words, 16, Math.max(created, modified))
  return words
}

/** All that readdir tells of an entry is its type. */
export const TYPE_WORDS: Readonly<Record<Attributes['kind'], Uint32Array>> = {
  file: typeOnly(FILE),
  folder: typeOnly(FOLDER),
}

/** The 11 words in which fuse-native takes a statvfs. */
export function statfsWords({ bytes, bytesFree, entries, entriesFree }: Statistics): Uint32Array {
  const blocks = count(Math.ceil(bytes / STATFS_BLOCK))
  const blocksFree = Math.min(blocks, count(Math.floor(bytesFree / STATFS_BLOCK)))
  const free = count(entriesFree)
  return Uint32Array.of(
    STATFS_BLOCK,
    STATFS_BLOCK,
    blocks,
    blocksFree,
    blocksFree,
    count(entries),
    free,
    free,
    0,
    0,
    LONGEST_NAME,
  )
}

function modeOf({ kind, executable, writable }: Attributes, umask: number): number {
  const all = kind === 'folder' ? 0o777 : executable ? 0o777 : 0o666
  const kept = (writable ? all : all & ~0o222) & ~umask
  return (kind === 'folder' ? FOLDER : FILE) | kept
}

function typeOnly(type: number): Uint32Array {
  const words = new Uint32Array(18)
  words[0] = type
  return words
}

/** Times before 1970 cannot be told apart from far ones by the C file, and are shown as 1970. */
function setLong(words: Uint32Array, at: number, value: number): void {
  const whole = Math.max(0, Math.floor(value))
  words[at] = whole % 2 ** 32
  words[at + 1] = Math.floor(whole / 2 ** 32)
}

function count(value: number): number {
  return Math.min(LARGEST_COUNT, Math.max(0, value))
}
