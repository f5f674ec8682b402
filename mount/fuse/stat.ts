import type { Attributes, Statistics } from '../filesystem.js'

/** Whose everything is, and which bits are shown: the store keeps neither owners nor modes. */
export interface Ownership {
  readonly uid: number
  readonly gid: number
  /** Bits taken away from 0777 and 0666. */
  readonly umask: number
}

export const FOLDER_TYPE = 0o040000
export const FILE_TYPE = 0o100000
/** st_blocks counts these, whatever the system. */
export const SECTOR = 512
/** What df counts in, and what reading and writing likes best. */
export const BLOCK = 4096

export function modeOf({ kind, executable, writable }: Attributes, umask: number): number {
  const all = kind === 'folder' || executable ? 0o777 : 0o666
  const kept = (writable ? all : all & ~0o222) & ~umask
  return (kind === 'folder' ? FOLDER_TYPE : FILE_TYPE) | kept
}

export function linksOf({ kind }: Pick<Attributes, 'kind'>): number {
  return kind === 'folder' ? 2 : 1
}

/** For df, in blocks: never more free than there is, nor less than nothing. */
export function statisticsOf({ bytes, bytesFree, entries, entriesFree }: Statistics) {
  const blocks = Math.max(0, Math.ceil(bytes / BLOCK))
  return {
    blocks,
    blocksFree: Math.min(blocks, Math.max(0, Math.floor(bytesFree / BLOCK))),
    entries: Math.max(0, entries),
    entriesFree: Math.max(0, entriesFree),
  }
}
