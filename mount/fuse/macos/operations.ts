import type { Log } from '../../../src/log.js'
import { type Awaitable, type FileSystem, FileSystemError } from '../../filesystem.js'
import type { Ownership } from '../stat.js'
import { HiddenFiles } from './hidden.js'
import { OpenPaths } from './open-paths.js'
import { statfsWords, statWords, TYPE_WORDS } from './words.js'

/** As libfuse passes "leave it as it is": (uid_t) -1. */
const UNCHANGED = 0xffff_ffff

/** A folder's names with their types, as fuse-native takes them. */
export interface Listed {
  readonly names: readonly string[]
  readonly stats: readonly Uint32Array[]
}

/** What the kernel asks, in the kernel's terms, answered by a FileSystem. Fails with FileSystemError. */
export class Operations {
  readonly hidden: HiddenFiles
  readonly #open = new OpenPaths()

  constructor(
    private readonly fs: FileSystem,
    private readonly owner: Ownership,
    log: Log,
  ) {
    this.hidden = new HiddenFiles(fs, {
      failed: (path, error) => log.error(`${path} was unlinked here while open, but stays: ${String(error)}`),
    })
  }

  getattr(path: string, handle: number): Awaitable<Uint32Array> {
    // fstat(2) comes without its handle, and an alias can be gone before the last handle is.
    const open = handle || (this.hidden.isReserved(path) && this.#open.handleAt(path))
    if (!open) this.hidden.check(path)
    const found = open ? this.fs.getattr(path, open) : this.fs.getattr(path)
    return found instanceof Promise
      ? found.then((attributes) => statWords(attributes, this.owner))
      : statWords(found, this.owner)
  }

  async readdir(path: string): Promise<Listed> {
    const entries = await this.fs.readdir(path)
    const names = ['.', '..']
    const stats = [TYPE_WORDS.folder, TYPE_WORDS.folder]
    for (const { name, kind } of entries) {
      names.push(name)
      stats.push(TYPE_WORDS[kind])
    }
    return { names, stats }
  }

  async statfs(): Promise<Uint32Array> {
    return statfsWords(await this.fs.statfs())
  }

  open(path: string, flags: number): Awaitable<number> {
    this.hidden.check(path)
    return this.#opened(path, this.fs.open(path, flags))
  }

  create(path: string, mode: number): Awaitable<number> {
    this.#checkNew(path)
    return this.#opened(path, this.fs.create(path, mode))
  }

  read(handle: number, buffer: Buffer, offset: number): Awaitable<number> {
    return this.fs.read(handle, buffer, offset)
  }

  write(handle: number, buffer: Buffer, offset: number): Awaitable<number> {
    // Its kernel writes by pages, and says nothing of how they came to be.
    return this.fs.write(handle, buffer, offset, false)
  }

  flush(handle: number): Awaitable<void> {
    return this.fs.flush(handle)
  }

  fsync(handle: number): Awaitable<void> {
    return this.fs.fsync(handle)
  }

  release(handle: number): Awaitable<void> {
    this.#open.released(handle)
    return this.fs.release(handle)
  }

  truncate(path: string, size: number, handle: number): Awaitable<void> {
    return handle === 0 ? this.fs.truncate(path, size) : this.fs.truncate(path, size, handle)
  }

  utimens(path: string, modified: number): Awaitable<void> {
    return this.fs.utimens(path, modified)
  }

  chmod(path: string, mode: number): Awaitable<void> {
    return this.fs.chmod(path, mode)
  }

  /** Nothing has another owner than the one shown, so only that one may be asked for. */
  chown(path: string, uid: number, gid: number): void {
    const same =
      (uid === UNCHANGED || uid === this.owner.uid) && (gid === UNCHANGED || gid === this.owner.gid)
    if (!same)
      throw new FileSystemError('EPERM', `${path} cannot be given to ${uid}:${gid}: a space keeps no owners.`)
  }

  mkdir(path: string, mode: number): Awaitable<void> {
    this.#checkNew(path)
    return this.fs.mkdir(path, mode)
  }

  rmdir(path: string): Awaitable<void> {
    this.#checkUnused(path)
    return this.fs.rmdir(path)
  }

  /** Of an alias: the last handle of the hidden file was closed. */
  async unlink(path: string): Promise<void> {
    this.hidden.check(path)
    await this.fs.unlink(path)
    this.hidden.forget(path)
  }

  async rename(thread: object, from: string, to: string): Promise<void> {
    if (this.hidden.isHiding(from, to)) await this.hidden.hide(thread, from, to)
    else {
      this.#checkNew(to)
      this.#checkUnused(to)
      await this.hidden.replace(to, () => this.fs.rename(from, to))
    }
    this.#open.moved(from, to)
  }

  #checkNew(path: string): void {
    if (this.hidden.isReserved(path)) throw reserved(path)
    // The binding puts this where bytes are no UTF-8; the name would be another one than was asked for.
    if (/\uFFFD[^/]*$/.test(path)) {
      throw new FileSystemError('EINVAL', `${path} cannot be made: its name is not valid UTF-8.`)
    }
  }

  /** A space has neither links of either sort nor devices. */
  refuse(what: string, path: string): never {
    throw new FileSystemError('EPERM', `${path} cannot be made: a space keeps no ${what}.`)
  }

  /** Of a folder that is to go. */
  #checkUnused(path: string): void {
    if (this.#open.isAnyBelow(path)) throw new FileSystemError('ENOTEMPTY', `A file in ${path} is open.`)
  }

  #opened(path: string, handle: Awaitable<number>): Awaitable<number> {
    if (handle instanceof Promise) return handle.then((given) => this.#opened(path, given))
    this.#open.opened(handle, path)
    return handle
  }

  close(): Promise<void> {
    return this.hidden.close()
  }
}

function reserved(path: string): FileSystemError {
  return new FileSystemError(
    'EPERM',
    `${path} cannot be made: its name is kept for files that are deleted while open.`,
  )
}
