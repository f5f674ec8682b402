/**
 * What the mount needs of a space, and all it knows of one. `remote/` offers it over the novem HTTP API, `direct.ts`
 * straight on the tree of this process; the mount cannot tell which it has. Both pass `test/mount/volume.ts`.
 *
 * Everything is addressed from a folder's id, so that a change made to a path that somebody else has just renamed
 * arrives at the folder that was meant, and never brings the old path back.
 *
 * All methods reject with SpaceError, in the domain's codes; UNAVAILABLE: the server could not be reached (or did not
 * answer in time, after retries), and what was asked for may or may not have happened. Asked again with the same `key`
 * it happens once.
 */
import type { Readable } from 'node:stream'
import type { LentPieces } from './lent-pieces.js'

export interface Volume {
  info(): Promise<VolumeInfo>

  /** NOT_FOUND where nothing is. */
  stat(at: Address): Promise<Stat>

  /** A whole folder, its pages joined. What changes while it is read has a row with a seq over `seq`. */
  list(at: Address): Promise<Listing>

  /**
   * Bytes `start`…`end` inclusive of the version with this etag, as they come. Resolves behind the last that is there or wanted.
   * PRECONDITION_FAILED when the file has another by now, NOT_FOUND when it is gone, UNAVAILABLE also where they break off or the signal aborts.
   */
  read(at: Address, etag: string, range: ByteRange, take: Take, signal?: AbortSignal): Promise<void>

  /**
   * Creates or replaces a file; its folder must be there (NO_PARENT). PRECONDITION_FAILED where `ifMatch` (an etag) or
   * `ifNoneMatch` does not hold, FILE_TOO_LARGE, SPACE_FULL, TOO_MANY_ENTRIES, TYPE_CLASH, LOCKED, READ_ONLY.
   */
  write(at: Address, body: WriteBody, options: WriteOptions): Promise<Changed>

  /** EXISTS where something is there already. */
  mkdir(at: Address, options: Keyed): Promise<Changed>

  /**
   * Moves or renames; replaces a file by a file. FOLDER_EXISTS, TYPE_CLASH, INTO_ITSELF, NOT_FOUND, NO_PARENT.
   * `ifNoneMatch`: PRECONDITION_FAILED where the destination exists.
   */
  move(from: Address, to: Address, options: Keyed & { readonly ifNoneMatch?: boolean }): Promise<Changed>

  /** A file, or an empty folder (NOT_EMPTY). `ifMatch`: the etag it must have. */
  remove(at: Address, options: Keyed & { readonly ifMatch?: string }): Promise<{ readonly seq: number }>

  /** Would `remove` be let in now? Raises what it would raise (LOCKED, READ_ONLY, NOT_FOUND). Changes nothing. */
  checkRemove(at: Address): Promise<void>

  /** Times and exec bit. `ifMatch`: the etag it must have. */
  setAttributes(
    at: Address,
    attributes: ItemAttributes,
    options: Keyed & { readonly ifMatch?: string },
  ): Promise<Changed>

  /**
   * Rows after `since`, as they come, until `signal` aborts; empty batches tell that the server is there.
   * Raises EPOCH_GONE when the journal is another one, UNAVAILABLE when the connection is lost; the caller asks again.
   */
  follow(since: Cursor, signal: AbortSignal): AsyncIterable<Batch>

  close(): Promise<void>
}

/** The entry at `path` below the folder with id `base` (0: the root). '' is the folder itself. */
export interface Address {
  readonly base: number
  /** Names joined by '/', none at the ends. */
  readonly path: string
}

/** An entry as the mount sees it. Times in milliseconds since 1970, sizes in bytes. */
export interface Item {
  readonly id: number
  readonly kind: 'file' | 'folder'
  readonly name: string
  /** Of a folder: the bytes below it. */
  readonly size: number
  readonly etag: string
  readonly created: number
  readonly modified: number
  readonly executable: boolean
  /** 32 hex; '' of a folder. */
  readonly md5: string
}

export interface Stat {
  readonly item: Item
  /** Canonical path from the root. */
  readonly path: string
  /** Where the journal stood when this was true. */
  readonly seq: number
}

export interface Listing {
  readonly folder: Item
  readonly items: readonly Item[]
  readonly seq: number
}

export interface Changed {
  readonly item: Item
  /** The seq of the change's row (the last one, if there were several). */
  readonly seq: number
}

/** A file's new bytes: opened anew for each attempt. */
export interface WriteBody {
  /** Absent: so many as come. */
  readonly size?: number
  open(): Readable | LentPieces | Uint8Array
}

/** `key`: an Idempotency-Key of at most 64 letters, digits and '-', the same for every attempt at one change. */
export interface Keyed {
  readonly key: string
}

export interface ItemAttributes {
  readonly modified?: number | undefined
  readonly executable?: boolean | undefined
}

export interface WriteOptions extends Keyed, ItemAttributes {
  readonly ifMatch?: string | undefined
  /** Only where nothing is there. */
  readonly ifNoneMatch?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** Has each piece until it returns. False: no more are wanted. */
export type Take = (piece: Buffer) => boolean

export interface ByteRange {
  readonly start: number
  readonly end: number
}

export interface VolumeInfo {
  /** Immutable: names the cache folder. Differs between servers. */
  readonly id: string
  /** What people call it: `notes`, `@ann~notes`. */
  readonly name: string
  readonly writable: boolean
  readonly bytes: number
  readonly entries: number
  readonly limits: { readonly fileBytes: number; readonly spaceBytes: number; readonly entries: number }
  readonly cursor: Cursor
}

export interface Cursor {
  readonly seq: number
  readonly epoch: string
}

export interface Batch {
  readonly rows: readonly Row[]
  /** Where the journal stood after these rows, as far as the server said. */
  readonly seq: number
}

/** A row of the journal (contract §5). Paths are from the root, as they were at that seq. */
export interface Row {
  readonly seq: number
  readonly change: 'create' | 'update' | 'move' | 'delete'
  readonly path: string
  readonly oldPath: string | null
  readonly kind: 'file' | 'folder'
  readonly etag: string | null
  readonly size: number | null
}
