/**
 * A mounted space as programs see it: paths and handles, POSIX semantics, errors as errno names. `engine/` implements it
 * on a Volume; `fuse/` brings it to the kernel. Paths begin with '/', as the kernel gives them: any case, any
 * normalisation. Every method may answer at once or later, and fails with `FileSystemError`.
 */
export interface FileSystem {
  /** `handle`: what is asked of the open file, whatever its path is called by now. ENOENT. */
  getattr(path: string, handle?: number): Awaitable<Attributes>
  readdir(path: string): Awaitable<readonly DirectoryEntry[]>

  /**
   * `flags`: those of open(2), as numbers of this system. O_TRUNC is honoured. Answers a handle, from 1 on. `like`: opens what
   * this handle has open, whatever its path is called by now.
   */
  open(path: string, flags: number, like?: number): Awaitable<number>
  /** Makes a file and opens it. EEXIST where it is there and O_EXCL is among the flags (or they are not known). */
  create(path: string, mode: number, flags?: number): Awaitable<number>
  /** Fills `buffer` from `offset`; fewer bytes than it holds only at the end of the file. */
  read(handle: number, buffer: Buffer, offset: number): Awaitable<number>
  /**
   * `appends`: the bytes go to the end, wherever that is by now, and not to `offset`, where the kernel takes it to be. (Never pages that a
   * program has mapped.)
   */
  write(handle: number, buffer: Buffer, offset: number, appends?: boolean): Awaitable<number>
  /** Once for each close(2): what went wrong with the file's bytes is said here. */
  flush(handle: number): Awaitable<void>
  /** Resolves when the server has the bytes. */
  fsync(handle: number): Awaitable<void>
  release(handle: number): Awaitable<void>
  truncate(path: string, size: number, handle?: number): Awaitable<void>

  mkdir(path: string, mode: number): Awaitable<void>
  rmdir(path: string): Awaitable<void>
  /** Of an open file: its handles go on with what it was. */
  unlink(path: string): Awaitable<void>
  /**
   * What is at `to` is replaced in one step; if it is open, its handles go on with what it was. `unlessThere`: EEXIST where
   * something is at `to` (RENAME_NOREPLACE of renameat2(2)).
   */
  rename(from: string, to: string, unlessThere?: boolean): Awaitable<void>

  /**
   * Asked only where libfuse serves the mount (macOS): it takes an open file out of the way, to `alias` in the same folder,
   * before it is unlinked or replaced; which of the two is not known yet. The alias stays within the mount. What would refuse
   * an unlink is raised here. Ends with `rename` onto `path` (it is replaced, in one step), or with `dropHidden` (it is unlinked).
   */
  hide(path: string, alias: string): Awaitable<void>
  dropHidden(path: string): Awaitable<void>

  /** Milliseconds since 1970; only the modification time is kept. `handle`: as for `getattr`. */
  utimens(path: string, modified: number, handle?: number): Awaitable<void>
  /** Only the exec bit is kept; other bits are let go in silence (contract §10). `handle`: as for `getattr`. */
  chmod(path: string, mode: number, handle?: number): Awaitable<void>
  statfs(): Awaitable<Statistics>

  /** Sends what is unsent, as far as the server can be reached, and frees everything. */
  close(): Promise<void>
}

export type Awaitable<T> = T | Promise<T>

export interface Attributes {
  readonly kind: 'file' | 'folder'
  readonly size: number
  readonly modified: number
  readonly created: number
  readonly executable: boolean
  readonly writable: boolean
}

export interface DirectoryEntry {
  readonly name: string
  readonly kind: 'file' | 'folder'
}

/** For df: bytes and entries, used and free. */
export interface Statistics {
  readonly bytes: number
  readonly bytesFree: number
  readonly entries: number
  readonly entriesFree: number
}

/**
 * What others have changed, for whoever caches names, attributes and bytes on the strength of earlier answers (the
 * kernel). Only what was asked for since it was last taken back is named.
 */
export interface Invalidation {
  /** Path of the folder, from '/'. */
  readonly folder: string
  /** As it was asked for. Absent: the folder's own attributes. */
  readonly name?: string
  /** The name no longer stands for what it did (gone, another entry, another type); otherwise only attributes and bytes changed. */
  readonly unlinked?: boolean
}

export type Invalidate = (changes: readonly Invalidation[]) => void

/** `errno` is its name: 'ENOENT'. The message is for the log. */
export class FileSystemError extends Error {
  override readonly name = 'FileSystemError'

  constructor(
    readonly errno: Errno,
    message: string,
    options?: ErrorOptions,
  ) {
    // Most are answers ("no such file"), some thousand a second; a stack costs more than all else and tells nothing.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(message, options)
    Error.stackTraceLimit = stackTraceLimit
  }
}

export type Errno =
  | 'EACCES'
  | 'EBADF'
  | 'EBUSY'
  | 'EDQUOT'
  | 'EEXIST'
  | 'EFBIG'
  | 'EHOSTDOWN'
  | 'EINVAL'
  | 'EIO'
  | 'EISDIR'
  | 'ENAMETOOLONG'
  | 'ENOENT'
  | 'ENOSPC'
  | 'ENOSYS'
  | 'ENOTDIR'
  | 'ENOTEMPTY'
  | 'EOPNOTSUPP'
  | 'EPERM'
  | 'EROFS'
  | 'ESTALE'
