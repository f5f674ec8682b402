/**
 * What the kernel knows the mount's files and folders by: numbers. It gets one with each answer that tells of an entry, counts how
 * often, and says when it has forgotten it (FORGET). A node is one name, as it was asked for, in one folder; it moves with a rename,
 * and loses its name when that is removed, replaced or said to stand for something else: then it lives on for whoever has it open.
 */
import type { Attributes } from '../../filesystem.js'

export type Kind = Attributes['kind']

export class KernelNode {
  /** Absent: the root, or a node without a name. */
  parent: KernelNode | undefined
  readonly children = new Map<string, KernelNode>()
  /** The file's handles by which it is open through the mount. */
  readonly handles = new Set<number>()
  /** How often the kernel was told of it. */
  lookups = 0
  /** As it was when `paths` of the table was `pathsAt`. */
  path: string | undefined
  pathsAt = -1

  constructor(
    readonly id: number,
    readonly kind: Kind,
    /** The last one that it had. */
    public name: string,
  ) {}
}

export const ROOT_ID = 1

export class NodeTable {
  readonly root = new KernelNode(ROOT_ID, 'folder', '')
  readonly #nodes = new Map<number, KernelNode>([[ROOT_ID, this.root]])
  #lastId = ROOT_ID
  /** Counts what changes the paths of more than one node. */
  #paths = 0

  /** How many nodes are known. */
  get size(): number {
    return this.#nodes.size
  }

  get(id: number): KernelNode | undefined {
    return this.#nodes.get(id)
  }

  /** Undefined: it has none any more. */
  pathOf(node: KernelNode): string | undefined {
    if (node === this.root) return '/'
    if (node.pathsAt === this.#paths) return node.path
    node.path = node.parent && this.pathIn(node.parent, node.name)
    node.pathsAt = this.#paths
    return node.path
  }

  /** Undefined: the folder has none any more. */
  pathIn(folder: KernelNode, name: string): string | undefined {
    const above = this.pathOf(folder)
    if (above === undefined) return undefined
    return above === '/' ? `/${name}` : `${above}/${name}`
  }

  /** What the kernel knows by this path, spelled just so. */
  find(path: string): KernelNode | undefined {
    let node: KernelNode | undefined = this.root
    for (const name of path.split('/')) if (name !== '') node = node?.children.get(name)
    return node
  }

  /** The kernel is told that this is there: the node of that name, or a new one. Counted; `forget` takes it back. */
  told(folder: KernelNode, name: string, kind: Kind): KernelNode {
    const there = folder.children.get(name)
    const node = there?.kind === kind ? there : this.#add(folder, name, kind)
    node.lookups += 1
    return node
  }

  /** The same where something new is there now: what had the name before has gone. */
  toldNew(folder: KernelNode, name: string, kind: Kind): KernelNode {
    const node = this.#add(folder, name, kind)
    node.lookups += 1
    return node
  }

  forget(id: number, count: number): void {
    const node = this.#nodes.get(id)
    if (!node || node === this.root) return
    node.lookups = Math.max(0, node.lookups - count)
    this.#drop(node)
  }

  /** The name stands for nothing any more. Answers the node that had it. */
  unlink(folder: KernelNode, name: string): KernelNode | undefined {
    const node = folder.children.get(name)
    if (node) this.#detach(node)
    return node
  }

  /** Takes the name of a file away, and answers its id; 0: there is none, or it is a folder's, which stays with what is in it. */
  detachFile(path: string): number {
    const node = this.find(path)
    if (node?.kind !== 'file') return 0
    this.#detach(node)
    return node.id
  }

  rename(from: KernelNode, name: string, to: KernelNode, newName: string): void {
    const node = from.children.get(name)
    const replaced = to.children.get(newName)
    if (node && node === replaced) return
    if (replaced) this.#detach(replaced)
    if (!node) return
    from.children.delete(name)
    node.name = newName
    this.#attach(node, to)
    this.#pathChanged(node)
    this.#drop(from)
  }

  #add(folder: KernelNode, name: string, kind: Kind): KernelNode {
    this.unlink(folder, name)
    this.#lastId += 1
    const node = new KernelNode(this.#lastId, kind, name)
    this.#nodes.set(node.id, node)
    this.#attach(node, folder)
    return node
  }

  #attach(node: KernelNode, folder: KernelNode): void {
    node.parent = folder
    folder.children.set(node.name, node)
  }

  #detach(node: KernelNode): void {
    const { parent } = node
    parent?.children.delete(node.name)
    node.parent = undefined
    this.#pathChanged(node)
    if (parent) this.#drop(parent)
    this.#drop(node)
  }

  /** Those of nodes below change with it. */
  #pathChanged(node: KernelNode): void {
    if (node.children.size > 0) this.#paths += 1
    else node.pathsAt = -1
  }

  /** A node lives while the kernel knows it, or something in it. */
  #drop(node: KernelNode): void {
    if (node === this.root || node.lookups > 0 || node.children.size > 0) return
    this.#nodes.delete(node.id)
    const { parent } = node
    if (!parent) return
    node.parent = undefined
    parent.children.delete(node.name)
    this.#drop(parent)
  }
}
