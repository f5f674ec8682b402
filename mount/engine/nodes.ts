/** Entries as the mount knows them. A node is one entry for as long as anybody holds it: it moves, and goes, with it. */
import { foldName } from '../../src/space/names.js'
import type { Item } from '../volume.js'
import type { Content } from './content.js'

export type Node = FileNode | FolderNode

abstract class Entry {
  /** Absent: the root, or an entry that is no longer in the tree. */
  parent: FolderNode | undefined
  name: string
  /** Where the journal stood when what is known of the entry was true. */
  seq: number
  /** Something changed here at this seq; what is known is older: ask the server before the next use. */
  #changedAt = -1
  /** Names by which the kernel knows it here; true: and what it was told of it is still so. */
  readonly asked = new Map<string, boolean>()
  /** The last of the changes that are made one after the other. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(name: string, seq: number) {
    this.name = name
    this.seq = seq
  }

  /** Is there something newer than what is known? */
  get stale(): boolean {
    return this.#changedAt > this.seq
  }

  /** Where the journal stood at the last change that is known of it; -1: none is. */
  get changedAt(): number {
    return this.#changedAt
  }

  /** A row said that it changed; absent: it is known to have changed since. */
  changed(seq = this.seq + 1): void {
    this.#changedAt = Math.max(this.#changedAt, seq)
  }

  /** Canonical path from the root, without a slash at its begin; of a detached node what is left of it. */
  get path(): string {
    const { parent, name } = this
    if (!parent) return name
    const above = parent.path
    return above === '' ? name : `${above}/${name}`
  }

  /** Runs changes of this entry one after the other. */
  exclusive<T>(change: () => Promise<T>): Promise<T> {
    const run = this.#turn.then(change)
    this.#turn = run.catch(() => undefined)
    return run
  }
}

export class FileNode extends Entry {
  readonly kind = 'file'
  /** What the server has; absent: it has nothing of this file yet. */
  item: Item | undefined
  /** Present while the file is open or has bytes that are not sent. */
  content: Content | undefined
  /** MD5s of what was sent without an answer: when the server has one of them, it arrived. They outlive what was given up of it here. */
  readonly attempts = new Set<string>()

  constructor(name: string, seq: number, item?: Item) {
    super(name, seq)
    this.item = item
  }
}

export class FolderNode extends Entry {
  readonly kind = 'folder'
  item: Item
  /** By folded name. */
  readonly children = new Map<string, Node>()
  /** Files that are out of the way and not yet unlinked or replaced, by folded name (`FileSystem.hide`). */
  readonly hidden = new Map<string, FileNode>()
  /** Names that this mount has taken away, with the seq of that, until the journal has come by: older rows are past. */
  readonly removed = new Map<string, number>()
  /** All children are known. */
  complete = false
  /** Where the journal stood when they were read. */
  listedAt = -1
  /** The last row about a name in it. */
  touchedAt = -1
  /** Single look-ups since; after a few the whole folder is read. */
  lookups = 0
  listing: Promise<void> | undefined

  constructor(name: string, seq: number, item: Item) {
    super(name, seq)
    this.item = item
  }

  /** The seq at which this mount took a name away; -1: it did not, or the journal has come by. */
  removedAt(name: string): number {
    return this.removed.size === 0 ? -1 : (this.removed.get(foldName(name)) ?? -1)
  }

  child(name: string): Node | undefined {
    return this.children.get(foldName(name))
  }
}

/** Puts a node into a folder under a name; what had that name is detached and returned. */
export function attach(folder: FolderNode, node: Node, name: string): Node | undefined {
  const folded = foldName(name)
  const before = folder.children.get(folded)
  if (node.parent) node.parent.children.delete(foldName(node.name))
  if (before && before !== node) before.parent = undefined
  node.parent = folder
  node.name = name
  folder.children.set(folded, node)
  return before === node ? undefined : before
}

/** Takes a node out of the tree; who holds it keeps it. */
export function detach(node: Node): void {
  const { parent, name } = node
  if (!parent) return
  if (parent.child(name) === node) parent.children.delete(foldName(name))
  node.parent = undefined
}

/** Its modification time, as POSIX has it when an entry comes or goes. */
export function touch(folder: FolderNode): void {
  const { id, kind, name, size, etag, created, modified, executable, md5 } = folder.item
  const now = Math.max(modified, Date.now())
  folder.item = { id, kind, name, size, etag, created, modified: now, executable, md5 }
}

/** What the server said of an entry becomes what is known of it, unless something newer is. */
export function learn(node: Node, item: Item, seq: number): void {
  if (node.seq > seq) return
  node.item = item
  node.seq = seq
  if (node.parent) node.name = item.name
}
