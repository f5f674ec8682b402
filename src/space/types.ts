/** The shapes the domain speaks in. Sizes are bytes, times are milliseconds since 1970 (UTC), ids and seqs are integers. */

/** Who asks, as far as a space cares: as loaded for this request, or presumed. */
export interface Caller {
  /** Immutable account id; '' for somebody without an account. */
  readonly accountId: string
  /** What others shared with the caller, found together with the space. Owners need none. */
  readonly grant?: Grant
}

/** 'w' includes 'r'. */
export interface Grant {
  readonly space: string
  readonly letter: 'w' | 'r'
}

/** What the owner's plan allows, sent along with every mutation. */
export interface Limits {
  readonly fileBytes: number
  readonly spaceBytes: number
  readonly entries: number
}

/**
 * That what was last loaded of who asks still holds. A change is made on it in one trip, since its script looks whether it does; whatever
 * else is done with the operation confirms it first.
 */
export interface Presumption {
  /** Key that says `version` for as long as nothing about accounts, groups and shares has changed. */
  readonly key: string
  readonly version: string
  /** Redis has said so for this request. */
  readonly holds: boolean
  held(): void
  /** The same operation for who asks as it is now, with nothing presumed. Raises what somebody is told who may no longer ask. */
  confirm(op: OpContext): Promise<OpContext>
}

/** What every operation on a space is told. */
export interface OpContext {
  /** Immutable space id. */
  readonly space: string
  readonly caller: Caller
  readonly limits: Limits
  /** The client's Idempotency-Key: the same key within an hour gets the first answer. */
  readonly idempotencyKey?: string | undefined
  /** Lock tokens the caller submits; a lock of its own whose token is not here binds it too (RFC 4918 §6.4). */
  readonly lockTokens?: readonly string[]
  /** Absent: who asks was loaded for this very request. */
  readonly presumed?: Presumption | undefined
}

/** A parsed, validated path (`names.ts`). Empty lists are the root of the base. */
export interface SpacePath {
  /** Names in NFC, as given. */
  readonly names: readonly string[]
  /** The same folded for comparison (NFC + full case folding as contract §3 says). */
  readonly folded: readonly string[]
}

/** Where an operation works: a path from the root, or from the folder with id `base`, wherever that now is. */
export interface Location {
  readonly path: SpacePath
  readonly base?: number
}

/** Preconditions of RFC 9110 §13.1. A list of bare etags (32 hex), or '*'. */
export interface Conditions {
  readonly ifMatch?: readonly string[] | '*' | undefined
  readonly ifNoneMatch?: readonly string[] | '*' | undefined
  /** `If-Unmodified-Since` (ms, a whole second); says nothing beside `ifMatch`, nor of what is not there (§13.1.4). */
  readonly unmodifiedSince?: number | undefined
}

interface EntryCommon {
  /** Stable within the space, survives moves; the root is 0. */
  readonly id: number
  readonly name: string
  /** Slash-separated canonical path from the root, '' for the root. */
  readonly path: string
  readonly created: number
  readonly modified: number
  /** 32 lower-case hex. A folder's changes whenever anything below it does. */
  readonly etag: string
  /** There are dead properties (RFC 4918 §4) to be asked for. */
  readonly hasProperties: boolean
}

export interface FileEntry extends EntryCommon {
  readonly kind: 'file'
  readonly size: number
  readonly contentType: string
  readonly md5: string
  /** Key in the blob store. */
  readonly blob: string
  readonly executable: boolean
}

export interface FolderEntry extends EntryCommon {
  readonly kind: 'folder'
  /** Bytes in the whole subtree. */
  readonly size: number
  /** Files and folders in the whole subtree, itself not counted. */
  readonly entries: number
}

export type Entry = FileEntry | FolderEntry

/** 'rw' may change content, 'r' may only look. `owner` manages the space itself. */
export interface Access {
  readonly write: boolean
  readonly owner: boolean
}

/** Where the journal stood when an answer was computed. */
export interface JournalMark {
  readonly seq: number
  readonly epoch: string
}

/** Bytes that are in the blob store, ready to be linked into the tree. */
export interface StoredBlob {
  /** 32 hex; it becomes the file's etag and identifies the write when its reply is lost. */
  readonly id: string
  readonly size: number
  /** 32 hex. */
  readonly md5: string
}

/** A write lock (RFC 4918 §6, §7). It hangs on an entry and ends when that moves or goes. */
export interface Lock {
  /** `urn:uuid:…`, made by whoever asks for the lock. */
  readonly token: string
  /** Canonical path of the locked entry now. */
  readonly path: string
  readonly scope: 'exclusive' | 'shared'
  readonly depth: 0 | 'infinity'
  /** Account id of the holder. */
  readonly accountId: string
  /** What the holder said of itself, an XML fragment; ''. */
  readonly owner: string
  readonly expires: number
  /** What it was asked to last, in milliseconds. */
  readonly timeout: number
}

export type ChangeKind = 'create' | 'update' | 'move' | 'delete'

/** One row of the journal. */
export interface Change {
  readonly seq: number
  readonly path: string
  readonly change: ChangeKind
  readonly oldPath: string | null
  readonly kind: 'file' | 'folder'
  readonly etag: string | null
  readonly size: number | null
  readonly created: number
}
