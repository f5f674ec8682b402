/** Collects what the kernel must forget, and says it once a turn of the event loop. */
import type { Invalidate, Invalidation } from '../filesystem.js'
import type { Node } from './nodes.js'

export class Takeback {
  #waiting: Invalidation[] = []

  constructor(private readonly invalidate: Invalidate) {}

  /** Attributes or bytes are other ones now. */
  changed(node: Node): void {
    this.#takeBack(node, false)
  }

  /**
   * The name stands for something else from now on, or for nothing; to be said while the node is still where it was.
   * `except`: the name that the kernel itself asked to change.
   */
  unlinked(node: Node, except?: string): void {
    this.#takeBack(node, true, except)
  }

  #takeBack(node: Node, unlinked: boolean, except?: string): void {
    if (node.asked.size === 0) return
    const { parent } = node
    if (!parent) this.#say({ folder: '/' })
    else {
      const folder = `/${parent.path}`
      for (const name of node.asked) if (name !== except) this.#say({ folder, name, unlinked })
    }
    node.asked.clear()
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
