import type {
  Access,
  Change,
  Conditions,
  Entry,
  FileEntry,
  FolderEntry,
  JournalMark,
  Location,
  Lock,
  OpContext,
  SpacePath,
  StoredBlob,
} from './types.js'

/**
 * The dozen operations that everything else is made of. Each is one atomic step on one space (one Redis round trip, two
 * where said), checks access, preconditions, names and quotas before it changes anything, and appends its journal rows.
 * Idempotent: when a reply is lost the operation finds out what happened and answers once.
 *
 * Raised by all, besides what is said with each: NOT_FOUND (no such space, or no read access), READ_ONLY (mutations by
 * somebody who only reads), UNAVAILABLE, BUSY.
 */
export interface TreeOperations {
  /** NOT_FOUND where nothing is at the path. */
  stat(op: OpContext, at: Location): Promise<StatResult>

  /** One page of a folder in the order of folded names. What stays in the folder is never missed. TYPE_CLASH on a file. */
  list(op: OpContext, at: Location, page: PageRequest): Promise<ListResult>

  /** stat and, on a folder, its first page, in one step. */
  look(op: OpContext, at: Location, page: PageRequest): Promise<StatResult & { readonly page?: Page }>

  /**
   * Everything below a folder, parents before children, in steps. Up to 10,000 entries it is one step, exact at
   * `mark.seq`; larger ones are a walk that began at `mark.seq` (contract §3).
   */
  tree(op: OpContext, at: Location): Promise<TreeResult>

  /** Would this write be let in? The checks of `write` that need no bytes. `size`: announced length, if any. */
  checkWrite(op: OpContext, at: Location, request: WriteRequest & { readonly size?: number }): Promise<void>

  /**
   * Links a stored blob into the tree as the file at the path: creates or replaces.
   * TYPE_CLASH on a folder or below a file, PRECONDITION_FAILED, FILE_TOO_LARGE, SPACE_FULL, TOO_MANY_ENTRIES,
   * BAD_PATH; NO_PARENT where `parents` is false or the location has a base; USED; BAD_REQUEST over 64 KiB of properties.
   * When this rejects with UNAVAILABLE the outcome is unknown and the blob must be left pending. Raises `AnotherSpace`, to which the
   * blob has to be brought.
   */
  write(op: OpContext, at: Location, blob: StoredBlob, request: WriteRequest): Promise<WriteResult>

  /** Makes a folder; fine where it exists. TYPE_CLASH, TOO_MANY_ENTRIES, NO_PARENT as with `write`. */
  mkdir(op: OpContext, at: Location, request?: MkdirRequest): Promise<MkdirResult>

  /**
   * POSIX mv in constant time, parents of the destination made on the way (not with a base). A file replaces a file; with
   * `overwrite` anything replaces anything, in the same step.
   * TYPE_CLASH, FOLDER_EXISTS, INTO_ITSELF (also where the destination holds the source), PRECONDITION_FAILED (`ifMatch` guards the source, `ifNoneMatch: '*'` the
   * destination), BAD_PATH where a descendant would pass a limit.
   */
  move(op: OpContext, from: Location, to: Location, request?: MoveRequest): Promise<MoveResult>

  /** NOT_EMPTY without `recursive`; the root cannot go (NOT_ALLOWED). Constant time for any tree. */
  remove(op: OpContext, at: Location, request?: RemoveRequest): Promise<RemoveResult>

  /** Times and exec bit only: the etag stays, the journal gets an `update` row. Root: NOT_ALLOWED. */
  setAttributes(op: OpContext, at: Location, attributes: Attributes, conditions?: Conditions): Promise<Marked>

  /**
   * Copies a file or a whole tree without copying a byte; nobody sees half of it. `shallow` (of a folder): itself only.
   * Replaces as `move` does. TYPE_CLASH, FOLDER_EXISTS, INTO_ITSELF, NO_PARENT (parents are not made
   * unless `parents`), limits as with `write`.
   */
  copy(op: OpContext, from: Location, to: Location, request?: CopyRequest): Promise<CopyResult>

  /**
   * Makes an entry of what comes from elsewhere, a file or a whole tree, in one step when all of it has come: nobody sees
   * half, and where something fails (errors of `entries` and of `reload` included) nothing of it stays.
   * Replaces as `move` does. Errors as with `copy`; BUSY where two entries have the same name.
   */
  graft(op: OpContext, to: Location, source: GraftSource, request?: GraftRequest): Promise<CopyResult>

  /**
   * Locks an entry. LOCKED where a lock that excludes this one is on it, above or (depth infinity) below it.
   * BAD_REQUEST where the space holds its most locks already.
   */
  lock(op: OpContext, at: Location, request: LockRequest): Promise<Lock>
  /** Makes a lock of the caller's last longer. LOCK_UNKNOWN: not one that covers the path. */
  refreshLock(op: OpContext, at: Location, token: string, timeoutMs: number): Promise<Lock>
  /** Ends a lock: its holder may, and the space's owner. LOCK_UNKNOWN: not one that covers the path. */
  unlock(op: OpContext, at: Location, token: string): Promise<void>

  /** Dead properties of entries, by id; those without any are left out. For entries with `hasProperties`. */
  properties(op: OpContext, ids: readonly number[]): Promise<ReadonlyMap<number, Properties>>
  /**
   * Sets and (with null) removes dead properties and times in one step, with an `update` row.
   * BAD_REQUEST over 64 KiB of properties an entry. LOCKED, PRECONDITION_FAILED.
   */
  changeProperties(
    op: OpContext,
    at: Location,
    change: PropertyChange,
    conditions?: Conditions,
  ): Promise<Marked>

  /** Rows with seq > since. EPOCH_GONE when `epoch` is given and another one rules. */
  changes(op: OpContext, request: ChangesRequest): Promise<ChangesResult>

  /**
   * Is everything in the space as it was at `mark`? False also where there are locks. Says nothing of who may know: ask the directory.
   * Many who ask at once cost Redis one command.
   */
  isUnchanged(space: string, mark: JournalMark): Promise<boolean>

  /** Space-wide facts: seq, totals, times, the caller's access. */
  info(op: OpContext): Promise<SpaceInfo>
  /** Values of the space's small text files (`name`, `summary`, `description`, `config/access/ssh` …); absent = default. */
  readMeta(
    op: OpContext,
  ): Promise<{ readonly info: SpaceInfo; readonly meta: Readonly<Record<string, MetaValue>> }>
  /** Owner only (NOT_ALLOWED). `null` clears. */
  writeMeta(op: OpContext, key: string, text: string | null): Promise<void>
}

/** An entry as a change has left it, and where the journal stood then. */
export interface Marked {
  readonly entry: Entry
  readonly mark: JournalMark
}

export interface StatResult {
  readonly entry: Entry
  readonly access: Access
  readonly mark: JournalMark
  /** All locks of the space, for `lockdiscovery`; empty nearly always. */
  readonly locks: readonly Lock[]
}

/** Dead properties: `{namespace}name` → the element as XML, with the namespaces it uses declared on it. */
export type Properties = ReadonlyMap<string, string>

export interface PropertyChange extends Attributes {
  readonly set: ReadonlyMap<string, string | null>
}

export interface CopyRequest extends MoveRequest {
  readonly parents?: boolean
  readonly shallow?: boolean
}

export interface CopyResult {
  readonly entry: Entry
  readonly replaced: boolean
  readonly mark: JournalMark
}

export type GraftRequest = Pick<MoveRequest, 'ifNoneMatch' | 'overwrite'>

/** What comes from elsewhere. */
export interface GraftSource {
  /** Bytes, and how many entries are below the top (absent: it is a file), for the limits to be checked before. */
  readonly size: number
  readonly below?: number
  /** The top first, each folder before what is in it; blobs are in the store, pending. Read one by one, as they are needed. */
  readonly entries: AsyncIterable<Grafted>
  /** The caller, asked anew before each step. */
  reload(): Promise<OpContext>
  /** These blobs are in use now, though perhaps out of sight: they can be settled. */
  linked(blobs: readonly string[]): Promise<void>
}

export interface Grafted {
  /** Names from the top down; none for the top itself. */
  readonly path: SpacePath
  readonly modified: number
  readonly properties?: Properties
  /** Absent for a folder. */
  readonly file?: { readonly blob: StoredBlob; readonly contentType: string; readonly executable: boolean }
}

export interface LockRequest {
  readonly token: string
  readonly scope: 'exclusive' | 'shared'
  readonly depth: 0 | 'infinity'
  readonly owner: string
  /** At most an hour. */
  readonly timeoutMs: number
}

export interface PageRequest {
  /** At most this many entries; the tree may answer fewer. */
  readonly limit?: number
  /** From the previous page. Unknown or foreign: BAD_REQUEST. */
  readonly cursor?: string
}

export interface Page {
  readonly entries: readonly Entry[]
  /** Absent: this was the last page. */
  readonly cursor?: string | undefined
}

export interface ListResult extends Page {
  readonly folder: FolderEntry
  readonly access: Access
  readonly mark: JournalMark
}

export interface TreeResult {
  readonly folder: FolderEntry
  readonly access: Access
  readonly mark: JournalMark
  readonly exact: boolean
  /** Batches of entries; each step is fetched when the consumer asks. */
  readonly batches: AsyncIterable<readonly Entry[]>
}

export interface WriteRequest extends Conditions {
  /** Make missing parents (true unless said). */
  readonly parents?: boolean | undefined
  readonly contentType: string
  /** The caller's modification time; the write's own where absent. */
  readonly modified?: number | undefined
  /** Kept as it was where absent. */
  readonly executable?: boolean | undefined
  /** Dead properties that are set, or with null removed, in the same step; the others stay. */
  readonly properties?: ReadonlyMap<string, string | null>
  /** A right to write once: USED where a write with this id was done, for as long as that is remembered. */
  readonly once?: { readonly id: string; readonly forMs: number }
}

export interface WriteResult {
  readonly created: boolean
  readonly entry: FileEntry
  readonly mark: JournalMark
}

export interface MkdirRequest {
  readonly parents?: boolean
  readonly modified?: number
  /** The folder must be there already, with this etag (PRECONDITION_FAILED). */
  readonly ifMatch?: readonly string[] | '*' | undefined
  /** The path must not exist (PRECONDITION_FAILED). */
  readonly ifNoneMatch?: readonly string[] | '*' | undefined
}

export interface MkdirResult {
  readonly created: boolean
  readonly entry: FolderEntry
  readonly mark: JournalMark
}

export interface MoveRequest extends Conditions {
  /** What is at the destination goes, with all that is below it. */
  readonly overwrite?: boolean
}

export interface MoveResult {
  /** The entry where it is now. */
  readonly entry: Entry
  /** Canonical path where it was. */
  readonly from: string
  /** Something at the destination was replaced. */
  readonly replaced: boolean
  readonly mark: JournalMark
}

export interface RemoveRequest extends Conditions {
  readonly recursive?: boolean
}

export interface RemoveResult {
  /** Files and folders that went. */
  readonly deleted: number
  readonly mark: JournalMark
}

export interface Attributes {
  readonly modified?: number | undefined
  readonly executable?: boolean | undefined
}

export interface ChangesRequest {
  readonly since: number
  /** 1–1000. */
  readonly limit: number
  readonly epoch?: string
}

export interface ChangesResult {
  readonly changes: readonly Change[]
  readonly latestSeq: number
  readonly hasMore: boolean
  readonly epoch: string
}

export interface SpaceInfo {
  readonly id: string
  readonly access: Access
  readonly mark: JournalMark
  readonly created: number
  readonly modified: number
  readonly bytes: number
  readonly entries: number
}

export interface MetaValue {
  readonly text: string
  readonly modified: number
}
