/** Collects what the kernel must forget, and says it once a turn of the event loop. */
import { basename } from 'node:path'
import type { Invalidate, Invalidation } from '../filesystem.js'
import type { FolderNode, Node } from './nodes.js'

/** Whoever spells a path in more ways than this sees some of them change late. */
const MOST_SPELLINGS = 64

/**
 * Names are found in any case and normal form, and to the kernel each spelling is another entry, with bytes and attributes of
 * its own: all of them are told.
 */
export class Takeback {
  #waiting: Invalidation[] = []

  constructor(private readonly invalidate: Invalidate) {}

  /** Attributes or bytes are other ones now. `except`: the path by which the kernel itself changed it. */
  changed(node: Node, except?: string): void {
    const { parent } = node
    if (!parent) {
      if (node.asked.delete('')) this.#say({ folder: '/' })
      return
    }
    const names = [...node.asked.keys()].filter((name) => node.asked.get(name))
    for (const name of names) node.asked.set(name, name === (except && basename(except)))
    this.#takeBack(parent, names, { except })
  }

  /**
   * The name stands for something else from now on, or for nothing; to be said while the node is still where it was.
   * `except`: the path that the kernel itself asked to change.
   */
  unlinked(node: Node, except?: string): void {
    const names = [...node.asked.keys()]
    node.asked.clear()
    if (node.parent) this.#takeBack(node.parent, names, { except, unlinked: true })
  }

  /** This mount has changed a file by a path that the kernel used; to others that lead there the kernel holds old bytes. */
  changedHere(node: Node, path: string): void {
    if (isSpelledTwice(node)) this.changed(node, path)
  }

  /** The kernel has put bytes elsewhere than they are, under whatever name: of that it was told nothing. */
  misplaced(node: Node): void {
    for (const name of node.asked.keys()) node.asked.set(name, true)
    this.changed(node)
  }

  #takeBack(
    parent: FolderNode,
    names: readonly string[],
    { except, unlinked = false }: { readonly except: string | undefined; readonly unlinked?: boolean },
  ): void {
    if (names.length === 0) return
    for (const above of spellings(parent)) {
      for (const name of names) {
        if (`${above}/${name}` !== except) this.#say({ folder: above === '' ? '/' : above, name, unlinked })
      }
    }
  }

  #say(invalidation: Invalidation): void {
    this.#waiting.push(invalidation)
    if (this.#waiting.length > 1) return
    queueMicrotask(() => {
      const waiting = this.#waiting
      this.#waiting = []
      this.invalidate(waiting)
    })
  }
}

/** Does the kernel know it by more than one path? */
function isSpelledTwice(node: Node): boolean {
  for (let entry: Node | undefined = node; entry; entry = entry.parent) if (entry.asked.size > 1) return true
  return false
}

/** The paths by which the kernel may have come to a folder; '' is the root. */
function spellings(folder: FolderNode): string[] {
  const { parent } = folder
  if (!parent) return ['']
  const names = folder.asked.size > 0 ? [...folder.asked.keys()] : [folder.name]
  const paths = spellings(parent).flatMap((above) => names.map((name) => `${above}/${name}`))
  return paths.slice(0, MOST_SPELLINGS)
}
