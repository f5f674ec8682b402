/** `FileSystem` on a Volume: what each call means for the names, the open files and the server. */
import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { basename } from 'node:path'
import type { Attributes, Awaitable, DirectoryEntry, FileSystem, Statistics } from '../filesystem.js'
import { FileSystemError } from '../filesystem.js'
import type { ItemAttributes, Volume } from '../volume.js'
import { withErrno } from './errno.js'
import { type Files, isWriting } from './files.js'
import type { Follower } from './follower.js'
import type { Namespace } from './namespace.js'
import { attach, FileNode, type FolderNode, learn, type Node, touch } from './nodes.js'
import type { Room } from './room.js'
import type { Saving } from './saving.js'
import { unsentItem } from './sender.js'
import type { Takeback } from './takeback.js'
import { addressIn, type Tree } from './tree.js'

const EXECUTE = 0o100

export interface EngineParts {
  readonly volume: Volume
  readonly tree: Tree
  readonly names: Namespace
  readonly files: Files
  readonly saving: Saving
  readonly follower: Follower
  readonly room: Room
  readonly takeback: Takeback
  readonly readOnly: boolean
  /** Frees what the engine does not own. */
  readonly onClose: () => Promise<void>
}

export class Engine implements FileSystem {
  constructor(private readonly parts: EngineParts) {}

  getattr(path: string, handle?: number): Awaitable<Attributes> {
    return withErrno(() => {
      const node = this.#node(path, handle)
      return node instanceof Promise
        ? node.then((found) => this.#attributes(found, path))
        : this.#attributes(node, path)
    })
  }

  #node(path: string, handle: number | undefined): Awaitable<Node> {
    const { files, names } = this.parts
    return handle ? files.handle(handle).node : names.get(path)
  }

  #attributes(node: Node, path: string): Attributes {
    node.asked.set(basename(path), true)
    const content = node.kind === 'file' ? node.content : undefined
    const item =
      node.item ?? unsentItem(node as FileNode, content ?? this.parts.files.content(node as FileNode))
    return {
      kind: node.kind,
      size: node.kind === 'folder' ? 0 : (content?.work?.size ?? item.size),
      modified: content?.modified ?? item.modified,
      created: item.created,
      executable: content?.executable ?? item.executable,
      writable: !this.parts.readOnly && this.parts.room.writable,
    }
  }

  readdir(path: string): Awaitable<readonly DirectoryEntry[]> {
    return withErrno(async () => {
      const folder = await this.parts.names.get(path)
      if (folder.kind === 'file') throw new FileSystemError('ENOTDIR', `"${path}" is a file.`)
      return [...(await this.parts.tree.children(folder))].map(({ name, kind }) => ({ name, kind }))
    })
  }

  open(path: string, flags: number, like?: number): Awaitable<number> {
    return withErrno(() => {
      if (isWriting(flags)) this.#checkWritable()
      return this.#find(path, flags, like)
    })
  }

  #find(path: string, flags: number, like?: number): Awaitable<number> {
    const node = this.#node(path, like)
    const open = (found: Node) => this.#open(found, path, flags, () => this.#find(path, flags, like))
    return node instanceof Promise ? node.then(open) : open(node)
  }

  /** `again`: begins anew. What is to be cut while it is sent can have another name behind that, as a conflict copy. */
  #open(node: Node, path: string, flags: number, again: () => Awaitable<number>): Awaitable<number> {
    if (node.kind === 'folder') throw new FileSystemError('EISDIR', `"${path}" is a folder.`)
    const open = () => {
      const { sending } = node.content ?? {}
      const isCut = (flags & constants.O_TRUNC) !== 0
      return sending && isCut ? sending.then(again) : this.parts.files.open(node, path, flags)
    }
    const ready = isWriting(flags) ? this.parts.saving.begin() : undefined
    return ready instanceof Promise ? ready.then(open) : open()
  }

  create(path: string, mode: number, flags?: number): Awaitable<number> {
    return withErrno(() => {
      this.#checkWritable()
      return this.#create(path, mode, flags)
    })
  }

  async #create(path: string, mode: number, flags?: number): Promise<number> {
    const { names, files, saving } = this.parts
    const place = await names.newPlace(path)
    const there = await names.known(place)
    if (there) {
      if (flags === undefined || (flags & constants.O_EXCL) !== 0) {
        throw new FileSystemError('EEXIST', `"${path}" exists.`)
      }
      return this.#open(there, path, flags, () => this.#create(path, mode, flags))
    }
    await saving.begin()
    const node = new FileNode(place.name, -1)
    attach(place.folder, node, place.name)
    node.asked.set(basename(path), true)
    touch(place.folder)
    return files.openNew(node, path, flags ?? 0, (mode & EXECUTE) !== 0)
  }

  read(handle: number, buffer: Buffer, offset: number): Awaitable<number> {
    return withErrno(() => {
      const { files } = this.parts
      return files.read(files.handle(handle), buffer, offset)
    })
  }

  write(handle: number, buffer: Buffer, offset: number, appends = false): Awaitable<number> {
    return withErrno(() => {
      const { files } = this.parts
      return files.write(files.handle(handle), buffer, offset, appends)
    })
  }

  flush(handle: number): Awaitable<void> {
    return withErrno(() => {
      const { files } = this.parts
      return files.flush(files.handle(handle))
    })
  }

  fsync(handle: number): Awaitable<void> {
    return withErrno(() => {
      const { node } = this.parts.files.handle(handle)
      return node.content?.dirty ? this.parts.saving.sync(node) : undefined
    })
  }

  release(handle: number): Awaitable<void> {
    return withErrno(() => this.parts.files.release(handle))
  }

  truncate(path: string, size: number, handle?: number): Awaitable<void> {
    return this.#changing(() => this.#truncate(path, size, handle))
  }

  async #truncate(path: string, size: number, handle?: number): Promise<void> {
    const { names, files, saving, takeback } = this.parts
    const open = handle ? files.handle(handle) : undefined
    const node = open?.node ?? (await names.get(path))
    if (node.kind === 'folder') throw new FileSystemError('EISDIR', `"${path}" is a folder.`)
    // Behind that the name can be another file's.
    if (!open && node.content?.sending) return node.content.sending.then(() => this.#truncate(path, size))
    await files.truncate(node, size, open)
    takeback.changedHere(node, path)
    // By a handle: whoever has that closes it.
    if (open) return
    if (node.content?.dirty) await saving.flush(node)
    files.settle(node)
  }

  mkdir(path: string): Awaitable<void> {
    return this.#changing(() => this.parts.names.mkdir(path))
  }

  rmdir(path: string): Awaitable<void> {
    return this.#changing(() => this.parts.names.rmdir(path))
  }

  unlink(path: string): Awaitable<void> {
    return this.#changing(() => this.parts.names.unlink(path))
  }

  rename(from: string, to: string, unlessThere = false): Awaitable<void> {
    return this.#changing(() => this.parts.names.rename(from, to, unlessThere))
  }

  hide(path: string, alias: string): Awaitable<void> {
    return this.#changing(() => this.parts.names.hide(path, alias))
  }

  dropHidden(path: string): Awaitable<void> {
    return this.#changing(() => this.parts.names.dropHidden(path))
  }

  utimens(path: string, modified: number, handle?: number): Awaitable<void> {
    return this.#changing(() => this.#setAttributes(path, { modified }, handle))
  }

  chmod(path: string, mode: number, handle?: number): Awaitable<void> {
    return this.#changing(() => this.#setAttributes(path, { executable: (mode & EXECUTE) !== 0 }, handle))
  }

  async #setAttributes(path: string, change: ItemAttributes, handle?: number): Promise<void> {
    const { volume, saving, takeback, tree } = this.parts
    const node = await this.#node(path, handle)
    if (node.kind === 'folder' && (change.executable !== undefined || node === tree.root)) return
    const content = node.kind === 'file' ? node.content : undefined
    if (content?.sending) {
      await content.sending
      return this.#setAttributes(path, change, handle)
    }
    const executable = content?.executable ?? node.item?.executable
    if (change.executable !== undefined && change.executable === executable) return
    if (node.kind === 'file' && content?.dirty) {
      content.retime(change)
      if (content.intent) saving.retimed(node)
      takeback.changedHere(node, path)
      return
    }
    if (node.kind === 'folder') await this.#sendChildren(node)
    await node.exclusive(async () => {
      const { parent } = node
      if (!parent || !node.item) return
      const at = addressIn(parent, node.name)
      const { item, seq } = await volume.setAttributes(at, change, { key: randomUUID() })
      learn(node, item, seq)
      takeback.changedHere(node, path)
    })
  }

  /** A file that arrives at the server later would make its folder's time new again. What it refuses comes when it comes. */
  async #sendChildren(folder: FolderNode): Promise<void> {
    const waiting = [...folder.children.values()].filter(
      (child) => child.kind === 'file' && child.content?.intent,
    )
    await Promise.allSettled(waiting.map((child) => this.parts.saving.sync(child as FileNode)))
  }

  statfs(): Awaitable<Statistics> {
    return withErrno(() => this.parts.room.statistics())
  }

  async close(): Promise<void> {
    const { names, follower, files, saving, onClose } = this.parts
    await names.dropAllHidden()
    await saving.close()
    await follower.stop()
    files.closeAll()
    await onClose()
  }

  #changing(change: () => Promise<void>): Awaitable<void> {
    return withErrno(() => {
      this.#checkWritable()
      return change()
    })
  }

  #checkWritable(): void {
    if (this.parts.readOnly) throw new FileSystemError('EROFS', 'This mount is read-only.')
    if (!this.parts.room.writable)
      throw new FileSystemError('EACCES', 'The space is shared for reading only.')
  }
}
