import {
  type Attributes,
  type DirectoryEntry,
  type Errno,
  type FileSystem,
  FileSystemError,
  type Statistics,
} from '../../../mount/filesystem.js'

interface Node {
  readonly kind: 'file' | 'folder'
  data: Buffer
  /** Of a file that is longer than its data: zeros follow. */
  claimed?: number
  modified: number
  created: number
  executable: boolean
  children: Map<string, Node>
}

/** So many calls are remembered. */
const REMEMBERED = 10_000

/** A FileSystem in memory, for tests of what brings one to the kernel. Its calls are kept in `calls`. */
export class MemoryFileSystem implements FileSystem {
  readonly root = folder()
  readonly calls: string[] = []
  /** Open files by handle. */
  readonly handles = new Map<number, Node>()
  /** By the name of its alias, whichever folder that is in by now. */
  readonly #hidden = new Map<string, Node>()
  #next = 1

  getattr(path: string, handle?: number): Attributes {
    this.#note('getattr', path)
    const node = handle === undefined ? this.#at(path) : this.#handle(handle)
    const { kind, modified, created, executable } = node
    return { kind, size: sizeOf(node), modified, created, executable, writable: true }
  }

  readdir(path: string): DirectoryEntry[] {
    this.#note('readdir', path)
    return [...this.#folder(path).children].map(([name, { kind }]) => ({ name, kind }))
  }

  open(path: string, flags: number, like?: number): number {
    this.#note('open', path, flags.toString(8))
    const node = like === undefined ? this.#at(path) : this.#handle(like)
    if (flags & 0o1000) this.#resize(node, 0)
    return this.#opened(node)
  }

  create(path: string, mode: number, flags?: number): number {
    this.#note('create', path, mode.toString(8), flags?.toString(8) ?? '-')
    const { children } = this.#folder(parentOf(path))
    if (children.has(nameOf(path))) throw problem('EEXIST', path)
    const node = file((mode & 0o100) !== 0)
    children.set(nameOf(path), node)
    return this.#opened(node)
  }

  read(handle: number, buffer: Buffer, offset: number): number {
    this.#note('read', `${offset}`)
    const node = this.#handle(handle)
    if (offset < node.data.length) return node.data.copy(buffer, 0, offset)
    const zeros = Math.min(buffer.length, Math.max(0, sizeOf(node) - offset))
    buffer.fill(0, 0, zeros)
    return zeros
  }

  write(handle: number, buffer: Buffer, offset: number): number {
    this.#note('write', `${offset}`, `${buffer.length}`)
    const node = this.#handle(handle)
    if (offset + buffer.length > node.data.length) this.#resize(node, offset + buffer.length)
    buffer.copy(node.data, offset)
    node.modified = Date.now()
    return buffer.length
  }

  flush(handle: number): void {
    this.#note('flush', `${handle}`)
  }

  fsync(handle: number): void {
    this.#note('fsync', `${handle}`)
  }

  release(handle: number): void {
    this.#note('release', `${handle}`)
    this.handles.delete(handle)
  }

  truncate(path: string, size: number, handle?: number): void {
    this.#note('truncate', path, `${size}`)
    this.#resize(handle === undefined ? this.#at(path) : this.#handle(handle), size)
  }

  mkdir(path: string): void {
    this.#note('mkdir', path)
    const { children } = this.#folder(parentOf(path))
    if (children.has(nameOf(path))) throw problem('EEXIST', path)
    children.set(nameOf(path), folder())
  }

  rmdir(path: string): void {
    this.#note('rmdir', path)
    if (this.#folder(path).children.size > 0) throw problem('ENOTEMPTY', path)
    this.#folder(parentOf(path)).children.delete(nameOf(path))
  }

  unlink(path: string): void {
    this.#note('unlink', path)
    if (this.#hidden.delete(nameOf(path))) return
    this.#at(path)
    this.#folder(parentOf(path)).children.delete(nameOf(path))
  }

  rename(from: string, to: string, unlessThere = false): void {
    this.#note('rename', from, to, ...(unlessThere ? ['unlessThere'] : []))
    const node = this.#at(from)
    this.#folder(parentOf(from)).children.delete(nameOf(from))
    this.#folder(parentOf(to)).children.set(nameOf(to), node)
  }

  hide(path: string, alias: string): void {
    this.#note('hide', path)
    this.#hidden.set(nameOf(alias), this.#at(path))
  }

  dropHidden(path: string): void {
    this.#note('dropHidden', path)
    this.#folder(parentOf(path)).children.delete(nameOf(path))
  }

  utimens(path: string, modified: number, handle?: number): void {
    this.#note('utimens', path, `${modified}`)
    const node = handle === undefined ? this.#at(path) : this.#handle(handle)
    node.modified = modified
  }

  chmod(path: string, mode: number, handle?: number): void {
    this.#note('chmod', path, mode.toString(8))
    const node = handle === undefined ? this.#at(path) : this.#handle(handle)
    node.executable = (mode & 0o100) !== 0
  }

  statfs(): Statistics {
    return { bytes: 5 * 2 ** 30, bytesFree: 4 * 2 ** 30, entries: 1_000_000, entriesFree: 999_000 }
  }

  /** As somebody else would: other bytes in this file. */
  update(path: string, text: string): void {
    const node = this.#at(path)
    node.data = Buffer.from(text)
    node.modified = Date.now()
  }

  /** As somebody else would: a size without the bytes. */
  resize(path: string, size: number): void {
    this.#at(path).claimed = size
  }

  /** As somebody else would: the file is another one with these bytes. */
  put(path: string, text: string): void {
    const node = file(false)
    node.data = Buffer.from(text)
    this.#folder(parentOf(path)).children.set(nameOf(path), node)
  }

  async close(): Promise<void> {
    this.#note('close', '')
  }

  #note(...call: string[]): void {
    if (this.calls.length < REMEMBERED) this.calls.push(call.join(' '))
  }

  #opened(node: Node): number {
    this.handles.set(this.#next, node)
    return this.#next++
  }

  #handle(handle: number): Node {
    const node = this.handles.get(handle)
    if (!node) throw problem('EBADF', `${handle}`)
    return node
  }

  #at(path: string): Node {
    const hidden = this.#hidden.get(nameOf(path))
    if (hidden) return hidden
    let node: Node | undefined = this.root
    for (const name of path.split('/').filter(Boolean)) node = node?.children.get(name)
    if (!node) throw problem('ENOENT', path)
    return node
  }

  #folder(path: string): Node {
    const node = this.#at(path)
    if (node.kind !== 'folder') throw problem('ENOTDIR', path)
    return node
  }

  #resize(node: Node, size: number): void {
    const data = Buffer.alloc(size)
    node.data.copy(data)
    node.data = data
    node.modified = Date.now()
  }
}

function sizeOf({ data, claimed = 0 }: Node): number {
  return Math.max(data.length, claimed)
}

function problem(errno: Errno, path: string): FileSystemError {
  return new FileSystemError(errno, `${path}: ${errno}`)
}

function folder(): Node {
  return { ...file(false), kind: 'folder' }
}

function file(executable: boolean): Node {
  const now = Date.now()
  return { kind: 'file', data: Buffer.alloc(0), modified: now, created: now, executable, children: new Map() }
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')))
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
