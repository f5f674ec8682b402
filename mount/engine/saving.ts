/** The two promises that close(2) can keep: `through` (the server has it) and `back` (it is safe here and on its way). */
import { randomUUID } from 'node:crypto'
import { linkSync, mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Log } from '../../src/log.js'
import type { Awaitable } from '../filesystem.js'
import type { Content, Version } from './content.js'
import type { Sending } from './files.js'
import { detach, type FileNode } from './nodes.js'
import type { SendQueue } from './queue.js'
import type { Sender } from './sender.js'
import { STREAMED_FROM } from './streamed-upload.js'
import type { Takeback } from './takeback.js'

/** How long an unmount waits for what is unsent. */
const LAST_PATIENCE = 30_000
const MOST_NAME = 80

export interface Saving extends Sending {
  /** Before anything new is written: fails where close(2) would have to fail anyway. */
  begin(): Awaitable<void>
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

export interface WriteThroughParts {
  readonly sender: Sender
  /** For what an earlier mount, which wrote back, has left: it stays written down until the server has it. */
  readonly back: WriteBack
  readonly log: Log
  readonly settle: (node: FileNode) => void
  readonly takeback: Takeback
  /** Rejects with UNAVAILABLE where the server is away. */
  readonly reach: () => Awaitable<void>
  /** Folder for bytes that the server did not take. */
  readonly unsavedDir: string
}

export class WriteThrough implements Saving {
  constructor(private readonly parts: WriteThroughParts) {}

  begin(): Awaitable<void> {
    return this.parts.reach()
  }

  grew(node: FileNode, before: number): void {
    const { streamed, work } = node.content ?? {}
    if (streamed) streamed.grew()
    else if (before < STREAMED_FROM && (work?.size ?? 0) >= STREAMED_FROM) this.parts.sender.stream(node)
  }

  flush(node: FileNode): Promise<void> {
    if (isLeftOver(node)) return this.parts.back.sync(node)
    const send = () => this.parts.sender.send(node)
    return node.content ? node.content.overtake(send) : send()
  }

  sync(node: FileNode): Promise<void> {
    return this.flush(node)
  }

  /** No close(2) has heard of these bytes, or it was told that they did not arrive; they get one more chance. */
  last(node: FileNode): void {
    if (isLeftOver(node)) this.parts.back.last(node)
    else this.#last(node)
  }

  #last(node: FileNode): void {
    this.flush(node)
      .catch((error: Error) => this.#setAside(node, error))
      .finally(() => this.parts.settle(node))
  }

  /** The file is again what the server has. Programs that do not look at what close(2) answers lose nothing. */
  #setAside(node: FileNode, error: Error): void {
    const { content } = node
    if (!content || content.handles > 0) return
    const { log, unsavedDir } = this.parts
    const kept = content.work && join(unsavedDir, `${Date.now()} ${node.name}`.slice(0, MOST_NAME))
    try {
      if (content.work && content.work.size > 0 && kept) {
        mkdirSync(unsavedDir, { recursive: true, mode: 0o700 })
        content.work.persist()
        linkSync(content.work.path, kept)
        log.error(`"${node.path}" is not saved: ${error.message} What was written is kept in "${kept}".`)
      } else log.error(`"${node.path}" is not saved: ${error.message}`)
    } catch (cause) {
      log.error(`"${node.path}" is not saved, and not kept either: ${(cause as Error).message}.`)
    }
    content.dirty = false
    content.free()
    node.content = undefined
    this.#forgetOwn(node)
  }

  /** What programs see of it is what the server has. Where an attempt went unheard, only the server knows what that is. */
  #forgetOwn(node: FileNode): void {
    const { takeback } = this.parts
    const isUnsure = node.attempts.size > 0
    if (node.item !== undefined) {
      if (isUnsure) node.changed()
      takeback.changed(node)
      return
    }
    if (isUnsure && node.parent) node.parent.complete = false
    takeback.unlinked(node)
    detach(node)
  }

  forget(node: FileNode): void {
    node.content?.streamed?.giveUp()
    this.parts.back.forget(node)
  }

  renamed(node: FileNode): void {
    if (isLeftOver(node)) this.parts.back.renamed(node)
  }

  retimed(node: FileNode): void {
    if (isLeftOver(node)) this.parts.back.retimed(node)
  }

  async close(): Promise<void> {}
}

export class WriteBack implements Saving {
  constructor(private readonly queue: SendQueue) {}

  begin(): void {}
  /** Nobody waits for the server at close(2). */
  grew(): void {}

  flush(node: FileNode): Awaitable<void> {
    return node.content?.underWay ? this.#overtaking(node, node.content) : this.#keep(node)
  }

  /** A kill may come before the answer of what is under way: the next mount must know that for ours. */
  async #overtaking(node: FileNode, content: Content): Promise<void> {
    const { underWay } = content
    const md5 = await underWay?.work.md5().catch((error: Error) => error)
    if (content.underWay === underWay) {
      if (md5 instanceof Error) throw md5
      if (md5) node.attempts.add(md5)
    }
    this.#keep(node)
  }

  #keep(node: FileNode): void {
    const { content } = node
    content?.overtake(() => this.#add(node, content.base !== undefined, content.current))
  }

  /** An older version is written down, or none, and this is not. At once: nobody waits for it, perhaps the mount is about to end. */
  last(node: FileNode): void {
    this.#keep(node)
    // And once more with what is under way; without that it is kept as well.
    if (node.content?.underWay) this.#overtaking(node, node.content).catch(() => undefined)
  }

  async sync(node: FileNode): Promise<void> {
    if (node.content?.intent === 0 || node.content?.closed) await this.flush(node)
    await this.queue.sent(node)
  }

  forget(node: FileNode): void {
    this.queue.forget(node)
  }

  /** What is open has taken the place of another file by its name, and so must outlive this process as that did. */
  renamed(node: FileNode): void {
    const { content } = node
    if (content?.intent) this.#add(node, true, content.outgoing)
    else if (content?.dirty) this.#keep(node)
  }

  retimed(node: FileNode): void {
    this.#add(node, node.content?.base !== undefined, node.content?.outgoing)
  }

  close(): Promise<void> {
    return this.queue.close(LAST_PATIENCE)
  }

  #add(node: FileNode, barrier: boolean, version: Version | undefined): void {
    const { content, parent, name, path } = node
    if (!content || !version || !parent) return
    const { base } = content
    const { work, executable, modified = Date.now() } = version
    work.persist()
    this.queue.add(node, {
      base: parent.item.id,
      name,
      path,
      work: basename(work.path),
      key: randomUUID(),
      modified,
      barrier,
      ...(base && { ifMatch: base.etag }),
      ...(executable !== undefined && { executable }),
    })
  }
}

function isLeftOver({ content }: FileNode): boolean {
  return content !== undefined && content.intent !== 0
}
