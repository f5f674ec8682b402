/** Brings a file's local bytes to the server: once, and without ever replacing what somebody else has written meanwhile. */
import { randomUUID } from 'node:crypto'
import type { Log } from '../../src/log.js'
import type { Address, Changed, Item, ItemAttributes, Volume, WriteOptions } from '../volume.js'
import type { Content, Version } from './content.js'
import { isCode } from './errno.js'
import { conflictName } from './names.js'
import { attach, type FileNode, type FolderNode, learn } from './nodes.js'
import type { Room } from './room.js'
import { StreamedUpload } from './streamed-upload.js'
import type { Takeback } from './takeback.js'
import { addressIn, type Tree } from './tree.js'

/** A file that changes again and again while it is sent, or is fought over, is given up for this time. */
const MOST_TURNS = 10
/** Each holds a request, and memory of the server, for as long as a program takes to write the file. */
const MOST_STREAMS = 4

export interface SenderParts {
  readonly volume: Volume
  readonly tree: Tree
  readonly takeback: Takeback
  readonly room: Room
  readonly log: Log
  /** Names this mount in conflict copies. */
  readonly host: string
  /** The server no longer has a file's version: another is in its place. */
  readonly outdated: (version: Item) => void
  /** The file has another name now, here. */
  readonly renamed: (node: FileNode) => void
  /** The server has this version. Called before anybody can change the file again. */
  readonly arrived: (node: FileNode, version: Version) => void
}

export interface Attempt {
  readonly key: string
  readonly generation: number
  /** When its turn comes. False: what was to be sent has arrived, is not wanted any more, or another attempt is for it. */
  readonly isDue: () => boolean
}

export class Sender {
  #streams = 0

  constructor(private readonly parts: SenderParts) {}

  /**
   * Sends what the file has that the server has not, and waits. `first`: with the Idempotency-Key of an attempt that may have been made
   * already, and the generation of the bytes that it is for; other bytes need another key. Rejects with the server's refusal, or with UNAVAILABLE; the bytes stay as they are.
   */
  send(node: FileNode, first?: Attempt): Promise<void> {
    return node.exclusive(async () => {
      const { content } = node
      if (!content?.dirty || first?.isDue() === false) return
      const sending = this.#send(node, content, first)
      content.sending = sending.catch(() => undefined)
      try {
        await sending
        content.refusal = undefined
      } finally {
        content.sending = undefined
      }
    })
  }

  /** Begins to send a file that is still being written, unless many are; `send` ends it. */
  stream({ parent, name, content }: FileNode): void {
    if (!parent || !content?.work?.isInOrder || this.#streams >= MOST_STREAMS) return
    const at = addressIn(parent, name)
    this.#streams += 1
    content.streamed = new StreamedUpload(this.parts.volume, content.work, at, content.base, () => {
      this.#streams -= 1
    })
  }

  async #send(node: FileNode, content: Content, first?: Attempt): Promise<void> {
    let key = first && first.generation === content.outgoing?.generation ? first.key : undefined
    for (let turn = 0; content.dirty; turn++) {
      if (node.parent && node.parent.item.id < 0) await this.parts.tree.identify(node.parent)
      if (!node.parent) return
      const { outgoing, closed } = content
      if (!outgoing) throw new Error(`The local bytes of "${node.path}" are gone.`)
      content.underWay = outgoing
      try {
        this.#sent(node, content, outgoing, await this.#put(node, node.parent, content, outgoing, key))
        return
      } catch (error) {
        if (turn >= MOST_TURNS) throw error
        if (await this.#isThere(node, content, outgoing, error)) return
      } finally {
        content.underWay = undefined
        if (content.closed !== outgoing) content.release(outgoing)
      }
      // Something else was closed meanwhile; who has written that down sends it. (Not what was opened to be cut, and let go of again.)
      if (closed && content.outgoing?.generation !== closed.generation) return
      key = undefined
    }
  }

  async #put(
    node: FileNode,
    folder: FolderNode,
    content: Content,
    version: Version,
    key?: string,
  ): Promise<Changed> {
    const { base, streamed } = content
    const at = addressIn(folder, node.name)
    if (!streamed || version.work !== content.work) return this.#write(at, base, version, key)
    content.streamed = undefined
    const finished = await streamed.finish(at, base)
    const sent = finished ?? (await this.#write(at, base, version, streamed.key))
    try {
      return await this.#retimed(at, version, sent)
    } catch (error) {
      // The bytes are there, and are what the next attempt replaces; time and mode are still to come.
      this.#sent(node, content, { ...version, generation: -1 }, sent)
      throw error
    }
  }

  #write(
    at: Address,
    base: Item | undefined,
    { work, modified, executable }: Version,
    key: string = randomUUID(),
  ): Promise<Changed> {
    const options: WriteOptions = {
      key,
      modified,
      executable,
      ifMatch: base?.etag,
      ifNoneMatch: base === undefined,
    }
    return this.parts.volume.write(at, work.body(), options)
  }

  /** Where the bytes went out before anybody knew the time and mode that the file would have. */
  async #retimed(at: Address, { modified, executable }: Version, sent: Changed): Promise<Changed> {
    const { item } = sent
    const attributes: ItemAttributes = {
      ...(modified !== undefined && modified !== item.modified && { modified }),
      ...(executable !== undefined && executable !== item.executable && { executable }),
    }
    if (Object.keys(attributes).length === 0) return sent
    try {
      const options = { key: randomUUID(), ifMatch: item.etag }
      return await this.parts.volume.setAttributes(at, attributes, options)
    } catch (error) {
      // Somebody else's version is there by now.
      if (isCode(error, 'PRECONDITION_FAILED', 'NOT_FOUND')) return sent
      throw error
    }
  }

  #sent(node: FileNode, content: Content, version: Version, { item, seq }: Changed): void {
    const before = node.item
    this.parts.room.changed(item.size - (before?.size ?? 0), before ? 0 : 1)
    content.base = item
    node.attempts.clear()
    if (content.closed === version) content.closed = undefined
    else if (content.generation === version.generation) {
      content.dirty = false
      content.modified = undefined
      content.executable = undefined
    }
    learn(node, item, seq)
    this.parts.arrived(node, version)
    if (before && before.etag !== item.etag) this.parts.outdated(before)
  }

  /** After a refusal. The server may have it all the same; else makes the next attempt possible, or raises what must not be tried again. */
  async #isThere(node: FileNode, content: Content, version: Version, error: unknown): Promise<boolean> {
    const { parent } = node
    if (!parent) return false
    if (isCode(error, 'UNAVAILABLE')) {
      node.attempts.add(await version.work.md5())
      throw error
    }
    if (isCode(error, 'PRECONDITION_FAILED')) return this.#meet(node, parent, content, version)
    if (!isCode(error, 'TYPE_CLASH', 'NO_PARENT', 'NOT_FOUND')) throw error
    await this.#stepAside(node, isCode(error, 'TYPE_CLASH') ? parent : this.parts.tree.root, content)
    return false
  }

  /** The server has another version than the one we began from: is it ours, has it gone, or is it somebody else's? True: it is this one. */
  async #meet(node: FileNode, folder: FolderNode, content: Content, version: Version): Promise<boolean> {
    const there = await this.parts.volume.stat(addressIn(folder, node.name)).catch((error: unknown) => {
      if (isCode(error, 'NOT_FOUND')) return undefined
      throw error
    })
    if (there === undefined) {
      content.base = undefined
      return false
    }
    const { item, seq } = there
    if (item.kind === 'file') {
      const isSame = item.md5 === (await version.work.md5())
      if (isSame) {
        const sent = await this.#retimed(addressIn(folder, node.name), version, { item, seq })
        this.#sent(node, content, version, sent)
        return true
      }
      if (node.attempts.has(item.md5)) {
        content.base = item
        return false
      }
    }
    await this.#stepAside(node, folder, content, { item, seq })
    return false
  }

  /** Neither version is lost: ours gets a name of its own beside the other (or in the root, where its folder is gone). */
  async #stepAside(node: FileNode, folder: FolderNode, content: Content, other?: Changed): Promise<void> {
    const { tree, takeback, host, log, renamed } = this.parts
    const [was, { name }] = [node.path, node]
    for (let count = 1; ; count++) {
      const aside = conflictName(name, host, new Date(), count)
      if (await tree.child(folder, aside)) continue
      takeback.unlinked(node)
      attach(folder, node, aside)
      break
    }
    node.item = undefined
    content.base = undefined
    if (other) tree.put(folder, other.item, other.seq)
    // What has the name there was not looked at.
    else folder.complete = false
    // After a kill the next mount must find this copy, and make no other.
    renamed(node)
    log.warn(
      `Somebody else has changed "${was}" meanwhile; the version of this mount is kept as "${node.path}".`,
    )
  }
}

/** The attributes of a file that the server does not have yet. */
export function unsentItem(node: FileNode, content: Content): Item {
  const modified = content.modified ?? Date.now()
  return {
    id: -1,
    kind: 'file',
    name: node.name,
    size: content.work?.size ?? 0,
    etag: '',
    created: modified,
    modified,
    executable: content.executable ?? false,
    md5: '',
  }
}
