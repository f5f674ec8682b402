import { type FileSystem, FileSystemError } from '../../filesystem.js'
import { type Deferred, deferred } from '../deferred.js'

/**
 * libfuse 2.9 renames an open file to such a name before it unlinks or replaces it. Which of the two follows shows only
 * in what the same thread does next: a rename onto the path comes at once, after an unlink nothing comes.
 */
const ALIAS = /^\.fuse_hidden[0-9a-f]{16}$/
/** After this long without a rename it was an unlink. */
const PATIENCE = 10
/** Nobody comes so late with an old alias that there were more since. */
const REMEMBERED = 1_000

interface Hiding {
  readonly path: string
  readonly alias: string
  readonly thread: object
  /** Resolves when it has turned out and been done. */
  readonly over: Deferred
  timer?: NodeJS.Timeout
  dropping?: Promise<void>
  replacing?: boolean
}

interface Tell {
  /** An unlink that the program was told has happened has not. */
  failed(path: string, error: unknown): void
}

/** Tells hidings apart, and keeps their aliases from anybody but libfuse. */
export class HiddenFiles {
  /** Whose end is not known yet, by path; rarely more than one. */
  readonly #open = new Map<string, Hiding>()
  /** Names of aliases in use: unique in a mount, and the same wherever their folder is moved. */
  readonly #aliases = new Set<string>()
  /** The newest of those that were. */
  readonly #gone = new Set<string>()

  constructor(
    private readonly fs: Pick<FileSystem, 'hide' | 'dropHidden'>,
    private readonly tell: Tell,
    private readonly patience = PATIENCE,
  ) {}

  /** Is this rename a hiding? */
  isHiding(from: string, to: string): boolean {
    return isAlias(to) && folderOf(from) === folderOf(to)
  }

  /**
   * Raises for an alias of nothing. ESTALE where it was one: whoever comes with it has looked up a name whose file has been
   * replaced since, and the kernel looks the name up again.
   */
  check(path: string): void {
    const name = nameOf(path)
    if (!ALIAS.test(name) || this.#aliases.has(name)) return
    throw new FileSystemError(this.#gone.has(name) ? 'ESTALE' : 'ENOENT', `${path} is not there.`)
  }

  /** Is this name kept from programs? */
  isReserved(path: string): boolean {
    return isAlias(path)
  }

  async hide(thread: object, path: string, alias: string): Promise<void> {
    await this.fs.hide(path, alias)
    const hiding: Hiding = { path, alias, thread, over: deferred() }
    this.#aliases.add(nameOf(alias))
    this.#open.set(path, hiding)
    hiding.timer = setTimeout(() => this.#drop(hiding), this.patience)
  }

  /** The file with this alias is gone for good. */
  forget(alias: string): void {
    const name = nameOf(alias)
    this.#aliases.delete(name)
    this.#gone.add(name)
    for (const oldest of this.#gone) {
      if (this.#gone.size <= REMEMBERED) break
      this.#gone.delete(oldest)
    }
  }

  /**
   * Before a request is served: ends the hidings of which it shows that they were unlinks. While it renames, the kernel
   * lets nobody else change or list the folders; look-ups of the path, and whatever is done with the hidden file itself,
   * show nothing and wait.
   */
  settle(thread: object, operation: string, path: string, to?: string): Promise<unknown> | undefined {
    if (this.#open.size === 0) return undefined
    const waits: Promise<void>[] = []
    for (const hiding of this.#open.values()) {
      if (hiding.thread === thread) {
        const replaces = operation === 'rename' && to === hiding.path && !hiding.dropping
        if (!replaces) waits.push(this.#drop(hiding))
      } else if (path === hiding.alias || (path === hiding.path && operation === 'getattr')) {
        waits.push(hiding.over.promise)
      } else if (showsUnlink(hiding.path, operation, path, to)) {
        waits.push(hiding.replacing ? hiding.over.promise : this.#drop(hiding))
      }
    }
    return waits.length > 0 ? Promise.all(waits) : undefined
  }

  /** Runs a rename; if it ends a hiding, whoever looks the path up waits for it. */
  async replace<T>(path: string, rename: () => T | Promise<T>): Promise<T> {
    const hiding = this.#open.get(path)
    if (!hiding || hiding.dropping) return rename()
    clearTimeout(hiding.timer)
    hiding.replacing = true
    try {
      return await rename()
    } finally {
      this.#end(hiding)
    }
  }

  /** Ends all that are undecided; nothing follows them any more. */
  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((hiding) => this.#drop(hiding)))
  }

  #drop(hiding: Hiding): Promise<void> {
    clearTimeout(hiding.timer)
    hiding.dropping ??= this.#unlink(hiding)
    return hiding.dropping
  }

  async #unlink(hiding: Hiding): Promise<void> {
    try {
      await this.fs.dropHidden(hiding.path)
    } catch (error) {
      this.tell.failed(hiding.path, error)
    } finally {
      this.#end(hiding)
    }
  }

  #end(hiding: Hiding): void {
    this.#open.delete(hiding.path)
    hiding.over.resolve()
  }
}

function isAlias(path: string): boolean {
  return ALIAS.test(nameOf(path))
}

function showsUnlink(hidden: string, operation: string, path: string, to?: string): boolean {
  if (path === hidden || to === hidden) return true
  if (operation === 'readdir') return (path === '/' ? '' : path) === folderOf(hidden)
  return (operation === 'rmdir' || operation === 'rename') && hidden.startsWith(`${path}/`)
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}
