/** `FileSystem` on a Volume: what each call means for the tree, the open files and the server. */
import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { basename } from 'node:path'
import type { Log } from '../../src/log.js'
import { checkName, foldName } from '../../src/space/names.js'
import type { Attributes, Awaitable, DirectoryEntry, FileSystem, Statistics } from '../filesystem.js'
import { FileSystemError } from '../filesystem.js'
import type { Volume } from '../volume.js'
import { withErrno } from './errno.js'
import { type Files, isWriting } from './files.js'
import type { Follower } from './follower.js'
import { attach, detach, FileNode, type FolderNode, learn, type Node } from './nodes.js'
import type { Room } from './room.js'
import type { Saving } from './saving.js'
import { unsentItem } from './sender.js'
import type { Takeback } from './takeback.js'
import { addressIn, type Tree } from './tree.js'

const EXECUTE = 0o100

export interface EngineParts {
  readonly volume: Volume
  readonly tree: Tree
  readonly files: Files
  readonly saving: Saving
  readonly follower: Follower
  readonly takeback: Takeback
  readonly room: Room
  readonly log: Log
  readonly readOnly: boolean
  /** Frees what the engine does not own. */
  readonly onClose: () => Promise<void>
}

export class Engine implements FileSystem {
  /** Files that libfuse has moved out of the way, by the last name of their alias. */
  readonly #aliases = new Map<string, FileNode>()

  constructor(private readonly parts: EngineParts) {}

  getattr(path: string, handle?: number): Awaitable<Attributes> {
    return withErrno(() => {
      const node = handle ? this.parts.files.handle(handle).node : (this.#alias(path) ?? this.#get(path))
      return node instanceof Promise
        ? node.then((found) => this.#attributes(found, path))
        : this.#attributes(node, path)
    })
  }

  #attributes(node: Node, path: string): Attributes {
    node.asked.add(basename(path))
    const content = node.kind === 'file' ? node.content : undefined
    const item =
      node.item ?? unsentItem(node as FileNode, content ?? this.parts.files.content(node as FileNode))
    return {
      kind: node.kind,
      size: node.kind === 'folder' ? 0 : (content?.work?.size ?? item.size),
      modified: content?.modified ?? item.modified,
      created: item.created,
      executable: content?.executable ?? item.executable,
      writable: this.#canWrite,
    }
  }

  get #canWrite(): boolean {
    return !this.parts.readOnly && this.parts.room.writable
  }

  /** What is at a path now; ENOENT. What a row has marked is asked of the server first. */
  #get(path: string): Awaitable<Node> {
    const found = this.parts.tree.get(path)
    return found instanceof Promise ? found.then((node) => this.#fresh(node, path)) : this.#fresh(found, path)
  }

  #fresh(node: Node, path: string): Awaitable<Node> {
    const fresh = this.parts.tree.fresh(node)
    return fresh instanceof Promise ? fresh.then((known) => known ?? missing(path)) : (fresh ?? missing(path))
  }

  #alias(path: string): FileNode | undefined {
    return this.#aliases.size === 0 ? undefined : this.#aliases.get(basename(path))
  }

  readdir(path: string): Awaitable<readonly DirectoryEntry[]> {
    return withErrno(async () => {
      const folder = await this.#get(path)
      if (folder.kind === 'file') throw new FileSystemError('ENOTDIR', `"${path}" is a file.`)
      return [...(await this.parts.tree.children(folder))].map(({ name, kind }) => ({ name, kind }))
    })
  }

  open(path: string, flags: number): Awaitable<number> {
    return withErrno(() => {
      if (isWriting(flags)) this.#checkWritable()
      const node = this.#alias(path) ?? this.#get(path)
      return node instanceof Promise
        ? node.then((found) => this.#open(found, path, flags))
        : this.#open(node, path, flags)
    })
  }

  #open(node: Node, path: string, flags: number): Awaitable<number> {
    if (node.kind === 'folder') throw new FileSystemError('EISDIR', `"${path}" is a folder.`)
    const { sending } = node.content ?? {}
    const isCut = (flags & constants.O_TRUNC) !== 0
    if (sending && isCut) return sending.then(() => this.#open(node, path, flags))
    return this.parts.files.open(node, flags)
  }

  create(path: string, mode: number, flags?: number): Awaitable<number> {
    return withErrno(async () => {
      this.#checkWritable()
      const { tree, files, room } = this.parts
      const { folder, name } = await tree.place(path)
      checkName(name)
      const there = await tree.child(folder, name)
      if (there) {
        if (flags === undefined || (flags & constants.O_EXCL) !== 0) {
          throw new FileSystemError('EEXIST', `"${path}" exists.`)
        }
        return this.#open(await this.#fresh(there, path), path, flags)
      }
      room.check(path, 0, 0)
      const node = new FileNode(name, -1)
      attach(folder, node, name)
      node.asked.add(basename(path))
      this.#touch(folder)
      return files.openNew(node, (mode & EXECUTE) !== 0)
    })
  }

  read(handle: number, buffer: Buffer, offset: number): Awaitable<number> {
    return withErrno(() => {
      const { files } = this.parts
      return files.read(files.handle(handle), buffer, offset)
    })
  }

  write(handle: number, buffer: Buffer, offset: number): Awaitable<number> {
    return withErrno(() => {
      const { files } = this.parts
      return files.write(files.handle(handle), buffer, offset)
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
    return withErrno(async () => {
      this.#checkWritable()
      const { files, saving } = this.parts
      const open = handle ? files.handle(handle) : undefined
      const node = open?.node ?? this.#alias(path) ?? (await this.#get(path))
      if (node.kind === 'folder') throw new FileSystemError('EISDIR', `"${path}" is a folder.`)
      await files.truncate(node, size, open)
      if ((node.content?.handles ?? 0) > 0) return
      if (node.content?.dirty) await saving.flush(node)
      files.settle(node)
    })
  }

  mkdir(path: string): Awaitable<void> {
    return withErrno(async () => {
      this.#checkWritable()
      const { tree, volume } = this.parts
      const { folder, name } = await tree.place(path)
      checkName(name)
      if (await tree.child(folder, name)) throw new FileSystemError('EEXIST', `"${path}" exists.`)
      const { item, seq } = await volume.mkdir(addressIn(folder, name), { key: randomUUID() })
      const made = tree.put(folder, item, seq)
      if (made.kind === 'folder' && made.seq === seq) {
        made.complete = true
        made.listedAt = seq
      }
      this.#touch(folder)
    })
  }

  rmdir(path: string): Awaitable<void> {
    return withErrno(async () => {
      this.#checkWritable()
      const node = await this.#get(path)
      if (node.kind === 'file') throw new FileSystemError('ENOTDIR', `"${path}" is a file.`)
      if (node === this.parts.tree.root)
        throw new FileSystemError('EBUSY', 'The root of a mount stays where it is.')
      await this.#clear(node, path)
      await this.#remove(node, path)
    })
  }

  /** Unsent files count as entries; those that were unlinked while open do not. */
  async #clear(folder: FolderNode, path: string): Promise<void> {
    for (const name of [...folder.hidden.values()].map((node) => node.name))
      await this.#dropHidden(folder, name)
    const unsent = [...folder.children.values()].some(
      (child) => child.kind === 'file' && child.item === undefined,
    )
    if (unsent) throw new FileSystemError('ENOTEMPTY', `"${path}" is not empty.`)
  }

  unlink(path: string): Awaitable<void> {
    return withErrno(async () => {
      if (this.#aliases.delete(basename(path))) return
      this.#checkWritable()
      const node = await this.#get(path)
      if (node.kind === 'folder') throw new FileSystemError('EISDIR', `"${path}" is a folder.`)
      this.parts.saving.forget(node)
      await this.#remove(node, path)
      this.parts.files.settle(node)
    })
  }

  /** From the server, where it has the entry, and from the tree. */
  #remove(node: Node, path: string): Promise<void> {
    return node.exclusive(async () => {
      const { parent } = node
      if (!parent) return missing(path)
      if (node.item) {
        if (node.kind === 'file') await this.parts.files.secure(node)
        await this.parts.volume.remove(addressIn(parent, node.name), { key: randomUUID() })
      }
      this.parts.takeback.unlinked(node, basename(path))
      detach(node)
      this.#touch(parent)
    })
  }

  hide(path: string, alias: string): Awaitable<void> {
    return withErrno(async () => {
      this.#checkWritable()
      const { volume, takeback, tree } = this.parts
      const node = await tree.get(path)
      const { parent } = node
      if (node.kind === 'folder' || !parent) throw new FileSystemError('EISDIR', `"${path}" is a folder.`)
      if (node.item) await volume.checkRemove(addressIn(parent, node.name))
      takeback.unlinked(node, basename(path))
      parent.hidden.set(foldName(node.name), node)
      parent.children.delete(foldName(node.name))
      this.#aliases.set(basename(alias), node)
    })
  }

  dropHidden(path: string): Awaitable<void> {
    return withErrno(async () => {
      const { folder, name } = await this.parts.tree.place(path)
      await this.#dropHidden(folder, name)
    })
  }

  /** The program has been told that it is gone; where the server refuses, it comes back, and the log says so. */
  async #dropHidden(folder: FolderNode, name: string): Promise<void> {
    const folded = foldName(name)
    const node = folder.hidden.get(folded)
    if (!node) return
    const { saving, files, volume, log } = this.parts
    saving.forget(node)
    try {
      await node.exclusive(async () => {
        await files.secure(node)
        if (node.item) await volume.remove(addressIn(folder, node.name), { key: randomUUID() })
      })
    } catch (error) {
      log.error(`"${node.path}" was unlinked here but stays on the server: ${(error as Error).message}`)
      folder.complete = false
    }
    folder.hidden.delete(folded)
    node.parent = undefined
    this.#touch(folder)
    files.settle(node)
  }

  rename(from: string, to: string): Awaitable<void> {
    return withErrno(async () => {
      this.#checkWritable()
      const { tree } = this.parts
      const source = await this.#settled(from)
      if (source === tree.root) throw new FileSystemError('EBUSY', 'The root of a mount stays where it is.')
      const { folder, name } = await tree.place(to)
      checkName(name)
      const target = (await tree.child(folder, name)) ?? folder.hidden.get(foldName(name))
      if (target === source && source.name === name) return
      const replaced = target === source ? undefined : target
      if (replaced) await this.#checkReplace(source, replaced, to)
      if (source.kind === 'file' && source.item === undefined)
        this.#renameUnsent(source, folder, name, replaced)
      else await this.#move(source, folder, name, replaced, basename(to))
      folder.hidden.delete(foldName(name))
      if (replaced?.kind === 'file') {
        replaced.parent = undefined
        this.parts.files.settle(replaced)
      }
      source.asked.clear()
      source.asked.add(basename(to))
    })
  }

  /** What is at a path, when nothing of it is on its way. */
  async #settled(path: string): Promise<Node> {
    const node = await this.#get(path)
    const sending = node.kind === 'file' ? node.content?.sending : undefined
    if (!sending) return node
    await sending
    return this.#settled(path)
  }

  async #checkReplace(source: Node, target: Node, to: string): Promise<void> {
    if (target.kind === 'file') {
      if (source.kind === 'folder') throw new FileSystemError('ENOTDIR', `"${to}" is a file.`)
      return
    }
    if (source.kind === 'file') throw new FileSystemError('EISDIR', `"${to}" is a folder.`)
    // POSIX: an empty folder gives way to another one.
    await this.#clear(target, to)
    await this.#remove(target, to)
  }

  /** The server has not heard of the file: it arrives there under its new name, in place of what has that now. */
  #renameUnsent(source: FileNode, folder: FolderNode, name: string, replaced: Node | undefined): void {
    const { saving, files, takeback } = this.parts
    const content = files.content(source)
    if (replaced?.kind === 'file') {
      saving.forget(replaced)
      content.base = replaced.item
      takeback.unlinked(replaced)
    }
    const { parent } = source
    attach(folder, source, name)
    if (parent) this.#touch(parent)
    this.#touch(folder)
    saving.renamed(source)
  }

  async #move(
    source: Node,
    folder: FolderNode,
    name: string,
    replaced: Node | undefined,
    asked: string,
  ): Promise<void> {
    const { saving, files, volume, takeback, follower } = this.parts
    if (source.kind === 'file' && source.content?.intent) await saving.sync(source)
    if (replaced?.kind === 'file') {
      saving.forget(replaced)
      if (replaced.item) await files.secure(replaced)
    }
    await source.exclusive(async () => {
      const { parent, path } = source
      if (!parent) return missing(source.path)
      const key = randomUUID()
      const { item, seq } = await volume.move(addressIn(parent, source.name), addressIn(folder, name), {
        key,
      })
      if (replaced) takeback.unlinked(replaced, asked)
      attach(folder, source, name)
      learn(source, item, seq)
      if (source.kind === 'file' && source.content?.base) source.content.base = item
      this.#touch(parent)
      this.#touch(folder)
      if (source.kind === 'folder') follower.moved(source, path, seq)
    })
  }

  utimens(path: string, modified: number): Awaitable<void> {
    return withErrno(async () => this.#setAttributes(path, { modified }))
  }

  chmod(path: string, mode: number): Awaitable<void> {
    return withErrno(async () => this.#setAttributes(path, { executable: (mode & EXECUTE) !== 0 }))
  }

  async #setAttributes(path: string, change: { modified?: number; executable?: boolean }): Promise<void> {
    this.#checkWritable()
    const { volume, saving, tree } = this.parts
    const node = this.#alias(path) ?? (await this.#get(path))
    if (node.kind === 'folder' && (change.executable !== undefined || node === tree.root)) return
    if (
      node.kind === 'file' &&
      node.item &&
      change.executable === (node.content?.executable ?? node.item.executable)
    ) {
      return
    }
    const content = node.kind === 'file' ? node.content : undefined
    if (content?.dirty && node.kind === 'file') {
      if (change.modified !== undefined) content.modified = change.modified
      if (change.executable !== undefined) content.executable = change.executable
      if (content.intent) saving.retimed(node)
      return
    }
    await node.exclusive(async () => {
      const { parent } = node
      if (!parent || !node.item) return
      const { item, seq } = await volume.setAttributes(addressIn(parent, node.name), change, { key: randomUUID() })
      learn(node, item, seq)
    })
  }

  statfs(): Awaitable<Statistics> {
    return withErrno(() => this.parts.room.statistics())
  }

  async close(): Promise<void> {
    const { follower, files, saving, onClose } = this.parts
    for (const folder of this.#foldersWithHidden()) {
      for (const { name } of [...folder.hidden.values()]) await this.#dropHidden(folder, name)
    }
    await saving.close()
    await follower.stop()
    files.closeAll()
    await onClose()
  }

  #foldersWithHidden(): Set<FolderNode> {
    return new Set([...this.#aliases.values()].flatMap(({ parent }) => (parent ? [parent] : [])))
  }

  /** Its modification time, as POSIX has it when an entry comes or goes. */
  #touch(folder: FolderNode): void {
    folder.item = { ...folder.item, modified: Math.max(folder.item.modified, Date.now()) }
  }

  #checkWritable(): void {
    if (this.parts.readOnly) throw new FileSystemError('EROFS', 'This mount is read-only.')
    if (!this.parts.room.writable)
      throw new FileSystemError('EACCES', 'The space is shared for reading only.')
  }
}

function missing(path: string): never {
  throw new FileSystemError('ENOENT', `Nothing is at "${path}".`)
}
