/** Attributes and statistics as fuse-native takes them: in words of 32 bits. */
import type { Attributes, Statistics } from '../../filesystem.js'
import {
  BLOCK,
  FILE_TYPE,
  FOLDER_TYPE,
  linksOf,
  modeOf,
  type Ownership,
  SECTOR,
  statisticsOf,
} from '../stat.js'

const LARGEST = 0xffff_ffff
const LONGEST_NAME = 255

/** The 18 words of a stat (`populate_stat` in its C file); the inode is libfuse's affair. */
export function statWords(attributes: Attributes, owner: Ownership): Uint32Array {
  const { size, modified, created } = attributes
  const words = new Uint32Array(18)
  words[0] = modeOf(attributes, owner.umask)
  words[1] = owner.uid
  words[2] = owner.gid
  setLong(words, 3, size)
  words[6] = linksOf(attributes)
  words[9] = BLOCK
  setLong(words, 10, Math.ceil(size / SECTOR))
  setLong(words, 12, modified)
  setLong(words, 14, modified)
  setLong(words, 16, Math.max(created, modified))
  return words
}

/** All that readdir tells of an entry is its type. */
export const TYPE_WORDS: Readonly<Record<Attributes['kind'], Uint32Array>> = {
  file: typeOnly(FILE_TYPE),
  folder: typeOnly(FOLDER_TYPE),
}

/** The 11 words of a statvfs: 32 bits of blocks reach 16 TiB. */
export function statfsWords(statistics: Statistics): Uint32Array {
  const { blocks, blocksFree, entries, entriesFree } = statisticsOf(statistics)
  const all = count(blocks)
  const free = count(blocksFree)
  const room = count(entriesFree)
  return Uint32Array.of(BLOCK, BLOCK, all, free, free, count(entries), room, room, 0, 0, LONGEST_NAME)
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
  return Math.min(LARGEST, value)
}
