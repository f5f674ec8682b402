/** The structures in answers (linux/fuse.h): what is not written in them is 0. All begin with room for `struct fuse_out_header`. */
import type { Attributes, Statistics } from '../../filesystem.js'
import { BLOCK, linksOf, modeOf, type Ownership, SECTOR, statisticsOf } from '../stat.js'
import { writeLong } from './numbers.js'

/** `struct fuse_out_header`: length, error, and the request's number. */
export const ANSWER_HEADER = 16

const ATTRIBUTES = 88
const LONGEST_NAME = 255
const SECOND = 1000
const NANOSECONDS = 1_000_000

/** What is told of a node. */
export interface Described {
  readonly id: number
  readonly attributes: Attributes
  /** Does it have a name still? */
  readonly isNamed: boolean
  /** Is it open, so that somebody may be writing to it? */
  readonly isOpen: boolean
  /** How long the kernel may believe it. */
  readonly seconds: number
}

export function writeHeader(bytes: Buffer, length: number, error: number, unique: number): void {
  bytes.writeUInt32LE(length, 0)
  bytes.writeInt32LE(error, 4)
  writeLong(bytes, unique, 8)
}

/**
 * `struct fuse_entry_out`, of which 0 as node id means that nothing is there. Attributes of what is open count only now: the kernel may
 * be about to forget the file, and make it anew from this answer, when programs have written on. (Not every kernel sees that itself.)
 */
export const ENTRY = 40 + ATTRIBUTES

export function writeEntry(bytes: Buffer, at: number, node: Described, owner: Ownership): void {
  const { whole, rest } = parted(node.seconds)
  const ofAttributes = parted(node.isOpen ? 0 : node.seconds)
  writeLong(bytes, node.id, at)
  // Its generation: ids are never used again.
  writeLong(bytes, 0, at + 8)
  writeLong(bytes, whole, at + 16)
  writeLong(bytes, ofAttributes.whole, at + 24)
  bytes.writeUInt32LE(rest, at + 32)
  bytes.writeUInt32LE(ofAttributes.rest, at + 36)
  writeAttributes(bytes, at + 40, node, owner)
}

/** `struct fuse_attr_out`. */
export const ATTRIBUTES_ANSWER = 16 + ATTRIBUTES

export function writeAttributesAnswer(bytes: Buffer, at: number, node: Described, owner: Ownership): void {
  const { whole, rest } = parted(node.seconds)
  writeLong(bytes, whole, at)
  bytes.writeUInt32LE(rest, at + 8)
  bytes.writeUInt32LE(0, at + 12)
  writeAttributes(bytes, at + 16, node, owner)
}

/** `struct fuse_attr`. */
function writeAttributes(bytes: Buffer, at: number, node: Described, owner: Ownership): void {
  const { attributes } = node
  const { size, modified, created } = attributes
  writeLong(bytes, node.id, at)
  writeLong(bytes, size, at + 8)
  writeLong(bytes, Math.ceil(size / SECTOR), at + 16)
  writeTime(bytes, modified, at + 24, at + 48)
  writeTime(bytes, modified, at + 32, at + 52)
  writeTime(bytes, Math.max(created, modified), at + 40, at + 56)
  bytes.writeUInt32LE(modeOf(attributes, owner.umask), at + 60)
  bytes.writeUInt32LE(node.isNamed ? linksOf(attributes) : 0, at + 64)
  bytes.writeUInt32LE(owner.uid, at + 68)
  bytes.writeUInt32LE(owner.gid, at + 72)
  bytes.writeUInt32LE(0, at + 76)
  bytes.writeUInt32LE(BLOCK, at + 80)
  bytes.writeUInt32LE(0, at + 84)
}

function writeTime(bytes: Buffer, time: number, seconds: number, nanoseconds: number): void {
  const whole = Math.floor(time / SECOND)
  writeLong(bytes, whole, seconds)
  bytes.writeUInt32LE(Math.floor((time - whole * SECOND) * NANOSECONDS), nanoseconds)
}

/** `struct fuse_open_out`. */
export const OPENED = 16

/** Pages that the kernel has of the file stay; they are taken back by notifications. */
export const KEEP_CACHE = 1 << 1
/** close(2) has nothing to ask. Known from Linux 5.16 on; older ones ask all the same. */
export const NO_FLUSH = 1 << 5

export function writeOpened(bytes: Buffer, at: number, handle: number, flags: number): void {
  writeLong(bytes, handle, at)
  bytes.writeUInt32LE(flags, at + 8)
  bytes.writeUInt32LE(0, at + 12)
}

/** `struct fuse_write_out`. */
export const WRITTEN = 8

export function writeWritten(bytes: Buffer, at: number, count: number): void {
  bytes.writeUInt32LE(count, at)
  bytes.writeUInt32LE(0, at + 4)
}

/** `struct fuse_statfs_out`. */
export const STATFS = 80

export function writeStatfs(bytes: Buffer, at: number, statistics: Statistics): void {
  const { blocks, blocksFree, entries, entriesFree } = statisticsOf(statistics)
  bytes.fill(0, at, at + STATFS)
  writeLong(bytes, blocks, at)
  writeLong(bytes, blocksFree, at + 8)
  writeLong(bytes, blocksFree, at + 16)
  writeLong(bytes, entries, at + 24)
  writeLong(bytes, entriesFree, at + 32)
  bytes.writeUInt32LE(BLOCK, at + 40)
  bytes.writeUInt32LE(LONGEST_NAME, at + 44)
  bytes.writeUInt32LE(BLOCK, at + 48)
}

function parted(seconds: number): { whole: number; rest: number } {
  const whole = Math.floor(seconds)
  return { whole, rest: Math.floor((seconds - whole) * SECOND * NANOSECONDS) }
}
