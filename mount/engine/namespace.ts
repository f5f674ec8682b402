/** What the names of a mount stand for, and the calls that change it: folders, unlink, rename. */
import { randomUUID } from 'node:crypto'
import { basename } from 'node:path'
import type { Log } from '../../src/log.js'
import { foldName, parsePath } from '../../src/space/names.js'
import { type Awaitable, FileSystemError } from '../filesystem.js'
import type { Item, Volume } from '../volume.js'
import type { Content } from './content.js'
import { isCode } from './errno.js'
import type { Files } from './files.js'
import type { Follower } from './follower.js'
import { attach, detach, type FileNode, type FolderNode, learn, type Node, touch } from './nodes.js'
import type { Room } from './room.js'
import type { Saving } from './saving.js'
import type { Takeback } from './takeback.js'
import { addressIn, type Tree } from './tree.js'

export interface NamespaceParts {
  readonly volume: Volume
  readonly tree: Tree
  readonly files: Files
  readonly saving: Saving
  readonly follower: Follower
  readonly takeback: Takeback
  readonly room: Room
  readonly log: Log
  /** The server no longer has a file's version: it has gone, or another is in its place. */
  readonly outdated: (version: Item) => void
}

/** Where something is to be. */
interface Place {
  readonly folder: FolderNode
  readonly name: string
}

/** The paths of a rename, as the kernel has them. */
interface Asked {
  readonly from: string
  readonly to: string
  /** Refused where the server has something there. */
  readonly unlessThere: boolean
}

export class Namespace {
  /** Files that libfuse has moved out of the way, by the last name of their alias. */
  readonly #aliases = new Map<string, FileNode>()

  constructor(private readonly parts: NamespaceParts) {}

  /** What is at a path now, aliases included; ENOENT. What a row has marked is asked of the server first. */
  get(path: string): Awaitable<Node> {
    const aliased = this.#aliases.size === 0 ? undefined : this.#aliases.get(basename(path))
    if (aliased) return aliased
    const found = this.parts.tree.get(path)
    return found instanceof Promise ? found.then((node) => this.#fresh(node, path)) : this.#fresh(found, path)
  }

  #fresh(node: Node, path: string): Awaitable<Node> {
    const fresh = this.parts.tree.fresh(node)
    return fresh instanceof Promise ? fresh.then((known) => known ?? missing(path)) : (fresh ?? missing(path))
  }

  /** What a folder has under a name now. */
  async known({ folder, name }: Place): Promise<Node | undefined> {
    const child = await this.parts.tree.child(folder, name)
    return child && this.parts.tree.fresh(child)
  }

  /**
   * Where a new entry would be. ENOENT, ENOTDIR; EINVAL for a name that the store refuses, ENAMETOOLONG for a path: said here, since
   * not every program hears what close(2) says.
   */
  async newPlace(path: string): Promise<Place> {
    const place = await this.parts.tree.place(path)
    parsePath(`${place.folder.path}/${place.name}`)
    return place
  }

  async mkdir(path: string): Promise<void> {
    const { tree, volume } = this.parts
    const place = await this.newPlace(path)
    if (await this.known(place)) throw new FileSystemError('EEXIST', `"${path}" exists.`)
    const { folder, name } = place
    const { item, seq } = await volume.mkdir(addressIn(folder, name), { key: randomUUID() })
    this.parts.room.changed(0, 1)
    const made = tree.put(folder, item, seq)
    if (made.kind === 'folder' && made.seq === seq) {
      made.complete = true
      made.listedAt = seq
    }
    touch(folder)
  }

  async rmdir(path: string): Promise<void> {
    const node = await this.get(path)
    if (node.kind === 'file') throw new FileSystemError('ENOTDIR', `"${path}" is a file.`)
    this.#checkMovable(node)
    await this.#clear(node, path)
    await this.#remove(node, path)
  }

  /** Unsent files count as entries; those that were unlinked while open do not. */
  async #clear(folder: FolderNode, path: string): Promise<void> {
    for (const name of [...folder.hidden.values()].map((node) => node.name))
      await this.#dropHidden({ folder, name })
    const unsent = [...folder.children.values()].some(
      (child) => child.kind === 'file' && child.item === undefined,
    )
    if (unsent) throw new FileSystemError('ENOTEMPTY', `"${path}" is not empty.`)
  }

  async unlink(path: string): Promise<void> {
    if (this.#aliases.delete(basename(path))) return
    const node = await this.get(path)
    if (node.kind === 'folder') throw new FileSystemError('EISDIR', `"${path}" is a folder.`)
    await this.#remove(node, path)
    this.parts.saving.forget(node)
    this.parts.files.settle(node)
  }

  /** From the server, where it has the entry, and from the tree. */
  #remove(node: Node, path: string): Promise<void> {
    return node.exclusive(async () => {
      const { files, follower, takeback } = this.parts
      const { parent } = node
      if (!parent) return missing(path)
      if (node.kind === 'file') await this.#seek(node, parent)
      if (node.item) {
        if (node.kind === 'file') await files.secure(node)
        follower.removed(parent, node.name, await this.#removeThere(parent, node))
      }
      takeback.unlinked(node, path)
      detach(node)
      // It was in the way of something else that has its name on the server.
      if (node.stale) parent.complete = false
      touch(parent)
    })
  }

  /** An attempt whose answer was lost may have arrived: then the server has the file, and must hear what becomes of it. */
  async #seek(node: FileNode, folder: FolderNode): Promise<void> {
    const { content } = node
    if (node.item || !content || node.attempts.size === 0) return
    const there = await this.parts.volume.stat(addressIn(folder, node.name)).catch((error: unknown) => {
      if (isCode(error, 'NOT_FOUND', 'NO_PARENT', 'TYPE_CLASH')) return undefined
      throw error
    })
    if (!there || !node.attempts.has(there.item.md5)) return
    content.base = there.item
    node.item = there.item
    node.seq = there.seq
  }

  async #removeThere(folder: FolderNode, node: Node): Promise<number> {
    const { volume, room, outdated } = this.parts
    const { seq } = await volume.remove(addressIn(folder, node.name), { key: randomUUID() })
    if (node.kind === 'file' && node.item) outdated(node.item)
    room.changed(node.kind === 'file' ? -(node.item?.size ?? 0) : 0, -1)
    return seq
  }

  /** See `FileSystem.hide`. */
  async hide(path: string, alias: string): Promise<void> {
    const { volume, takeback, tree } = this.parts
    const node = await tree.get(path)
    const { parent } = node
    if (node.kind === 'folder' || !parent) throw new FileSystemError('EISDIR', `"${path}" is a folder.`)
    if (node.item) await volume.checkRemove(addressIn(parent, node.name))
    takeback.unlinked(node, path)
    parent.hidden.set(foldName(node.name), node)
    parent.children.delete(foldName(node.name))
    this.#aliases.set(basename(alias), node)
  }

  async dropHidden(path: string): Promise<void> {
    await this.#dropHidden(await this.parts.tree.place(path))
  }

  async dropAllHidden(): Promise<void> {
    for (const node of new Set(this.#aliases.values())) {
      if (node.parent) await this.#dropHidden({ folder: node.parent, name: node.name })
    }
  }

  /** The program has been told that it is gone; where the server refuses, it comes back, and the log says so. */
  async #dropHidden({ folder, name }: Place): Promise<void> {
    const folded = foldName(name)
    const node = folder.hidden.get(folded)
    if (!node) return
    const { saving, files, follower, log } = this.parts
    try {
      await node.exclusive(async () => {
        await this.#seek(node, folder)
        await files.secure(node)
        if (node.item) follower.removed(folder, node.name, await this.#removeThere(folder, node))
      })
    } catch (error) {
      log.error(`"${node.path}" was unlinked here but stays on the server: ${(error as Error).message}`)
      folder.complete = false
    }
    folder.hidden.delete(folded)
    node.parent = undefined
    saving.forget(node)
    touch(folder)
    files.settle(node)
  }

  async rename(from: string, to: string, unlessThere: boolean): Promise<void> {
    const { saving, files } = this.parts
    const source = await this.get(from)
    this.#checkMovable(source)
    const place = await this.newPlace(to)
    const { folder, name } = place
    const target = (await this.known(place)) ?? folder.hidden.get(foldName(name))
    if (target === source && source.name === name) return
    if (unlessThere && target && target !== source) throw new FileSystemError('EEXIST', `"${to}" exists.`)
    const replaced = await this.#giveWay(source, target === source ? undefined : target, to)
    if (source.kind === 'file' && source.item && source.content?.intent) await saving.sync(source)
    const rename = async () => {
      // What was being sent can have become a conflict copy: then something else has the name.
      const isThere = !replaced || (replaced.parent === folder && foldName(replaced.name) === foldName(name))
      if (isThere)
        await this.#rename(source, place, replaced, { from, to, unlessThere: unlessThere && !target })
      return isThere
    }
    try {
      const isDone = await source.exclusive(() => (replaced ? replaced.exclusive(rename) : rename()))
      if (!isDone) return this.rename(from, to, unlessThere)
    } catch (error) {
      // It was hidden to be replaced, and is not.
      if (replaced && folder.hidden.delete(foldName(name))) attach(folder, replaced, name)
      throw error
    }
    folder.hidden.delete(foldName(name))
    if (replaced) {
      replaced.parent = undefined
      saving.forget(replaced)
      files.settle(replaced)
    }
    source.asked.set(basename(to), true)
  }

  /** The file that is to be replaced, if any. POSIX: an empty folder gives way to another one. */
  async #giveWay(source: Node, target: Node | undefined, to: string): Promise<FileNode | undefined> {
    if (!target) return undefined
    if (target.kind === 'file') {
      if (source.kind === 'folder') throw new FileSystemError('ENOTDIR', `"${to}" is a file.`)
      return target
    }
    if (source.kind === 'file') throw new FileSystemError('EISDIR', `"${to}" is a folder.`)
    await this.#clear(target, to)
    await this.#remove(target, to)
    return undefined
  }

  async #rename(source: Node, to: Place, replaced: FileNode | undefined, asked: Asked): Promise<void> {
    const { parent } = source
    if (!parent) return missing(source.name)
    const { takeback, saving } = this.parts
    if (source.kind === 'file') await this.#seek(source, parent)
    if (replaced) await this.#secure(replaced)
    if (source.kind === 'file' && source.item === undefined) {
      // The server has not heard of it: it arrives there under its new name, in place of what has that now.
      if (replaced) takeback.unlinked(replaced, asked.to)
      takeback.unlinked(source, asked.from)
      attach(to.folder, source, to.name)
      if (replaced) takeOver(source, this.parts.files.content(source), replaced)
      saving.renamed(source)
    } else await this.#move(source, parent, to, replaced, asked)
    touch(parent)
    touch(to.folder)
  }

  /** For who has it open. Where the server is away a rename that does not need it goes on, and only the reader loses. */
  async #secure(file: FileNode): Promise<void> {
    await this.parts.files.secure(file).catch((error: unknown) => {
      if (!isCode(error, 'UNAVAILABLE')) throw error
    })
  }

  async #move(
    source: Node,
    parent: FolderNode,
    { folder, name }: Place,
    replaced: FileNode | undefined,
    asked: Asked,
  ): Promise<void> {
    const { volume, takeback, follower, room, saving, outdated } = this.parts
    const { path, name: before } = source
    const key = randomUUID()
    const options = { key, ifNoneMatch: asked.unlessThere }
    const { item, seq } = await volume
      .move(addressIn(parent, before), addressIn(folder, name), options)
      .catch((error: unknown) => {
        if (!isCode(error, 'PRECONDITION_FAILED')) throw error
        // Of it nobody has heard here.
        folder.complete = false
        throw new FileSystemError('EEXIST', `"${asked.to}" exists.`, { cause: error })
      })
    follower.removed(parent, before, seq)
    if (replaced?.item) {
      room.changed(-replaced.item.size, -1)
      outdated(replaced.item)
    }
    if (replaced) takeback.unlinked(replaced, asked.to)
    takeback.unlinked(source, asked.from)
    attach(folder, source, name)
    learn(source, item, seq)
    if (source.kind === 'folder') return follower.moved(source, path, seq)
    if (source.content?.base) source.content.base = item
    if (source.content?.intent) saving.renamed(source)
  }

  #checkMovable(node: Node): void {
    if (node !== this.parts.tree.root) return
    throw new FileSystemError('EBUSY', 'The root of a mount stays where it is.')
  }
}

/** Bytes of which the server has not heard become the next version of the file that they replace, under its spelling. */
function takeOver(
  source: FileNode,
  content: Content,
  { item, seq, attempts, content: before }: FileNode,
): void {
  content.base = before?.dirty ? before.base : item
  for (const md5 of attempts) source.attempts.add(md5)
  if (!item) return
  // Whatever was known of the other name: this is what the server has under this one.
  Object.assign(source, { item, seq, name: item.name })
}

function missing(path: string): never {
  throw new FileSystemError('ENOENT', `Nothing is at "${path}".`)
}
