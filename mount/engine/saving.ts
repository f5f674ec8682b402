/** The two promises that close(2) can keep: `through` (the server has it) and `back` (it is safe here and on its way). */
import { randomUUID } from 'node:crypto'
import { basename } from 'node:path'
import type { Log } from '../../src/log.js'
import type { Awaitable } from '../filesystem.js'
import type { Content } from './content.js'
import type { Sending } from './files.js'
import { detach, type FileNode } from './nodes.js'
import type { SendQueue } from './queue.js'
import type { Sender } from './sender.js'

/** How long an unmount waits for what is unsent. */
const LAST_PATIENCE = 30_000

export interface Saving extends Sending {
  /** Resolves when the server has the file's bytes: fsync(2). */
  sync(node: FileNode): Promise<void>
  /** It is unlinked or replaced: what is unsent of it is not wanted any more. */
  forget(node: FileNode): void
  /** An unsent file has another name now. */
  renamed(node: FileNode): void
  /** An unsent file has other times or another exec bit. */
  retimed(node: FileNode): void
  close(): Promise<void>
}

export class WriteThrough implements Saving {
  constructor(
    private readonly sender: Sender,
    private readonly log: Log,
    private readonly settle: (node: FileNode) => void,
  ) {}

  flush(node: FileNode): Promise<void> {
    return this.sender.send(node)
  }

  sync(node: FileNode): Promise<void> {
    return this.sender.send(node)
  }

  /** No close(2) has heard of these bytes, or it was told that they did not arrive; they get one more chance. */
  last(node: FileNode): void {
    this.sender
      .send(node)
      .catch((error: Error) => {
        this.log.error(`The changes to "${node.path}" are lost, as close(2) has said: ${error.message}`)
        if (node.content && node.content.handles === 0) drop(node, node.content)
      })
      .finally(() => this.settle(node))
  }

  forget(): void {}
  renamed(): void {}
  retimed(): void {}
  async close(): Promise<void> {}
}

/** The file is again what the server has. */
function drop(node: FileNode, content: Content): void {
  content.dirty = false
  content.free()
  node.content = undefined
  if (node.item === undefined) detach(node)
}

export class WriteBack implements Saving {
  constructor(private readonly queue: SendQueue) {}

  flush(node: FileNode): Awaitable<void> {
    this.#add(node, node.content?.base !== undefined)
  }

  last(node: FileNode): void {
    this.flush(node)
  }

  sync(node: FileNode): Promise<void> {
    if (node.content?.intent === 0) this.flush(node)
    return this.queue.sent(node)
  }

  forget(node: FileNode): void {
    this.queue.forget(node)
  }

  renamed(node: FileNode): void {
    if (node.content?.intent) this.#add(node, true)
  }

  retimed(node: FileNode): void {
    this.#add(node, node.content?.base !== undefined)
  }

  close(): Promise<void> {
    return this.queue.close(LAST_PATIENCE)
  }

  #add(node: FileNode, barrier: boolean): void {
    const { content, parent, name, path } = node
    if (!content?.work || !parent) return
    const { base, executable, modified = Date.now() } = content
    this.queue.add(node, {
      base: parent.item.id,
      name,
      path,
      work: basename(content.work.path),
      key: randomUUID(),
      modified,
      barrier,
      ...(base && { ifMatch: base.etag }),
      ...(executable !== undefined && { executable }),
    })
  }
}
