/**
 * The part of the space's tree that the mount has seen, kept in memory and true by the journal (`follower.ts`). What is
 * known is answered at once; what is not is asked of the server, entry by entry at first, then by the folder.
 */
import { foldName, NAME_BYTES, normalizeName } from '../../src/space/names.js'
import { type Awaitable, FileSystemError } from '../filesystem.js'
import type { Address, Item, Volume } from '../volume.js'
import type { Content } from './content.js'
import { isCode } from './errno.js'
import { attach, detach, FileNode, FolderNode, learn, type Node } from './nodes.js'
import type { Takeback } from './takeback.js'

/** So many look-ups one by one in a folder that was not read; then it is read whole. */
const SINGLE_LOOKUPS = 3
/** A folder that changes each time while it is read is taken as it was last seen, each entry in doubt. */
const MOST_LISTINGS = 5

export class Tree {
  readonly root: FolderNode

  constructor(
    private readonly volume: Volume,
    private readonly takeback: Takeback,
    root: { readonly item: Item; readonly seq: number },
  ) {
    this.root = new FolderNode('', root.seq, root.item)
  }

  /** The node at a path, or undefined. ENOTDIR below a file, ENAMETOOLONG. */
  find(path: string): Awaitable<Node | undefined> {
    return this.#walk(this.root, names(path))
  }

  /** ENOENT where nothing is. */
  get(path: string): Awaitable<Node> {
    const found = this.find(path)
    return found instanceof Promise ? found.then((node) => node ?? missing(path)) : (found ?? missing(path))
  }

  /** The folder that holds the path, and the last name. ENOENT, ENOTDIR. */
  async place(path: string): Promise<{ folder: FolderNode; name: string }> {
    const above = names(path)
    const name = above.pop()
    if (name === undefined) throw new FileSystemError('EBUSY', 'The root of a mount stays where it is.')
    const folder = await this.#walk(this.root, above)
    if (!folder) return missing(path)
    if (folder.kind === 'file') return notFolder(path)
    return { folder, name: normalizeName(name) }
  }

  #walk(from: Node, steps: readonly string[]): Awaitable<Node | undefined> {
    let node: Node | undefined = from
    for (const [index, name] of steps.entries()) {
      if (!node) return undefined
      if (node.kind === 'file') return notFolder(node.path)
      const child: Awaitable<Node | undefined> = isNamedOnly(node)
        ? this.#refresh(node).then((known) =>
            known?.kind === 'folder' ? this.child(known, name) : undefined,
          )
        : this.child(node, name)
      if (child instanceof Promise) {
        const rest = steps.slice(index + 1)
        return child.then((found) => found && this.#walk(found, rest))
      }
      node = child
    }
    return node
  }

  child(folder: FolderNode, name: string): Awaitable<Node | undefined> {
    const known = folder.child(name)
    if (known || folder.complete || folder.hidden.has(foldName(name))) return known
    folder.lookups += 1
    if (folder.listing || folder.lookups > SINGLE_LOOKUPS) {
      return this.load(folder).then(() => folder.child(name))
    }
    return this.#lookUp(folder, name)
  }

  async #lookUp(folder: FolderNode, name: string): Promise<Node | undefined> {
    try {
      const { item, seq } = await this.volume.stat(addressIn(folder, name))
      if (folder.removedAt(name) > seq) return undefined
      const node = folder.child(name) ?? this.put(folder, item, seq)
      // The journal has gone past this answer, perhaps with a row about this very name.
      if (folder.touchedAt > seq) node.changed(folder.touchedAt)
      return node
    } catch (error) {
      if (isCode(error, 'NOT_FOUND', 'BAD_NAME', 'BAD_PATH', 'TYPE_CLASH')) return undefined
      throw error
    }
  }

  /** All children of a folder. */
  children(folder: FolderNode): Awaitable<Iterable<Node>> {
    if (folder.complete) return folder.children.values()
    return this.load(folder).then(() => folder.children.values())
  }

  /** Reads a folder whole; those who come meanwhile wait for the same reading. */
  load(folder: FolderNode): Promise<void> {
    folder.listing ??= this.#load(folder).finally(() => {
      folder.listing = undefined
    })
    return folder.listing
  }

  async #load(asked: FolderNode, attempt = 1): Promise<void> {
    const folder = isNamedOnly(asked) ? await this.#refresh(asked) : asked
    if (folder?.kind !== 'folder') return missing(asked.path)
    const { folder: item, items, seq } = await this.volume.list(addressOf(folder))
    learn(folder, item, seq)
    // The journal has gone past this answer, with rows about this folder: another one is needed.
    if (folder.touchedAt > seq && attempt < MOST_LISTINGS) return this.#load(folder, attempt + 1)
    const listed = new Set<Node>()
    for (const entry of items) {
      if (folder.removedAt(entry.name) <= seq) listed.add(this.put(folder, entry, seq))
    }
    for (const node of folder.children.values()) {
      const isOurs = node.kind === 'file' && node.item === undefined
      if (!listed.has(node) && node.seq <= seq && !isOurs) this.drop(node)
    }
    if (folder.touchedAt > seq) for (const node of listed) node.changed(folder.touchedAt)
    folder.listedAt = seq
    folder.complete = true
  }

  /** An entry as the server told of it, in its folder. An entry of the same name and another id takes its place. */
  put(folder: FolderNode, item: Item, seq: number): Node {
    const known = folder.child(item.name)
    if (known) {
      // Where it was changed here, the other version is met when that is sent.
      const isOther = known.item !== undefined && known.item.id !== item.id && !mayBecome(known)
      const isSame = known.kind === item.kind && (isChangedHere(known) || !isOther)
      if (known.seq > seq) return known
      if (isSame) {
        const before = known.item
        learn(known, item, seq)
        if (before && differs(before, item)) this.takeback.changed(known)
        return known
      }
      this.drop(known)
      if (known.parent) {
        known.changed(seq)
        return known
      }
    }
    const node =
      item.kind === 'file' ? new FileNode(item.name, seq, item) : new FolderNode(item.name, seq, item)
    attach(folder, node, item.name)
    return node
  }

  /** Others have removed it. What was changed here stays, makes a new file when it is sent, and gives way to another one then. */
  drop(node: Node): void {
    if (isChangedHere(node)) {
      node.item = undefined
      node.content.base = undefined
      return
    }
    this.takeback.unlinked(node)
    detach(node)
  }

  /** Asks the server about a node of which a row said that it changed. Answers undefined where it is gone. */
  fresh(node: Node): Awaitable<Node | undefined> {
    return node.stale ? this.#refresh(node) : node
  }

  async #refresh(node: Node): Promise<Node | undefined> {
    const { changedAt, parent, name } = node
    if (!parent && node !== this.root) return node
    // Of the place that it has by now an answer about this one says nothing.
    const hasMoved = () => node.parent !== parent || node.name !== name
    try {
      const { item, seq } = await this.volume.stat(parent ? addressIn(parent, name) : addressOf(this.root))
      if (hasMoved()) return this.#refresh(node)
      return parent ? this.put(parent, item, seq) : this.#relearn(node, item, seq)
    } catch (error) {
      if (isCode(error, 'UNAVAILABLE')) return node
      if (!isCode(error, 'NOT_FOUND', 'TYPE_CLASH')) throw error
      if (isChangedHere(node)) return node
      if (hasMoved()) return this.#refresh(node)
      // A row has overtaken the answer: it was not there, and is again.
      if (node.changedAt > changedAt && node.parent) return this.#refresh(node)
      this.drop(node)
      return undefined
    }
  }

  /** A folder of which only a row told gets its id, by which what is in it is addressed. */
  async identify(folder: FolderNode): Promise<void> {
    if (!isNamedOnly(folder)) return
    if (folder.parent) await this.identify(folder.parent)
    await this.#refresh(folder)
  }

  #relearn(node: Node, item: Item, seq: number): Node {
    learn(node, item, seq)
    return node
  }

  /** The journal is another one: nothing that is known is sure any more, and nothing is thrown away that is open. */
  doubt(node: Node = this.root): void {
    node.seq = -1
    node.changed()
    this.takeback.changed(node)
    if (node.kind === 'file') return
    node.complete = false
    node.listedAt = -1
    for (const child of node.children.values()) this.doubt(child)
  }
}

function isChangedHere(node: Node): node is FileNode & { content: Content } {
  return node.kind === 'file' && node.content?.dirty === true
}

/**
 * May what is known be another entry by now, and the node go on as that? A file of which a row told, for its bytes are asked for by etag.
 * Not a folder that has an id: what is known to be in it is in that one, whoever has taken its place.
 */
function mayBecome(node: Node): boolean {
  return node.kind === 'file' ? node.stale : isNamedOnly(node)
}

/** Only a row told of it: its id is not known yet. */
function isNamedOnly(node: Node): boolean {
  return node.item !== undefined && node.item.id < 0
}

/** A folder, by its id. */
export function addressOf(folder: FolderNode): Address {
  return { base: folder.item.id, path: '' }
}

/** A name in a folder. */
export function addressIn(folder: FolderNode, name: string): Address {
  return { base: folder.item.id, path: name }
}

function differs(a: Item, b: Item): boolean {
  return a.etag !== b.etag || a.modified !== b.modified || a.executable !== b.executable
}

function names(path: string): string[] {
  const list = path.split('/').filter((name) => name !== '')
  const long = list.find(
    (name) => name.length * 3 > NAME_BYTES && Buffer.byteLength(normalizeName(name)) > NAME_BYTES,
  )
  if (long === undefined) return list
  throw new FileSystemError('ENAMETOOLONG', `The name "${long}" has more than ${NAME_BYTES} bytes.`)
}

function missing(path: string): never {
  throw new FileSystemError('ENOENT', `Nothing is at "${path}".`)
}

function notFolder(path: string): never {
  throw new FileSystemError('ENOTDIR', `"${path}" is a file.`)
}
