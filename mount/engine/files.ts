/** Open files: handles, and the bytes behind them. */
import { constants } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../../src/log.js'
import { Recent } from '../../src/recent.js'
import type { BlobCache, CachedBlob } from '../cache/blob-cache.js'
import { type Awaitable, FileSystemError } from '../filesystem.js'
import type { Item, Volume } from '../volume.js'
import { Content } from './content.js'
import { isCode } from './errno.js'
import type { FileNode } from './nodes.js'
import type { Room } from './room.js'
import type { Takeback } from './takeback.js'
import { addressIn, type Tree } from './tree.js'
import { WorkFile } from './work-file.js'

/** A file that changes on the server each time we begin to read it is given up. */
const MOST_VERSIONS = 5
const MOST_HANDLES = 0x7fffffff
const RECENT_BYTES = 32 * 1024 * 1024

export interface Handle {
  readonly node: FileNode
  /** By which it was opened. */
  readonly path: string
  readonly canWrite: boolean
  /** Written to since the last flush. */
  hasWritten: boolean
  /** Opening it has cut the file, to what was then this generation of it, and no program has closed it since. */
  cut: number | undefined
}

/** What becomes of local bytes: sent at once, or written down to be sent. */
export interface Sending {
  /** Bytes were added to a file that had `before`. */
  grew(node: FileNode, before: number): void
  /** At close(2). */
  flush(node: FileNode): Awaitable<void>
  /** The last handle is gone, and there are bytes that no flush has seen to. */
  last(node: FileNode): void
}

export interface FilesParts {
  readonly volume: Volume
  readonly tree: Tree
  readonly cache: BlobCache
  readonly room: Room
  readonly takeback: Takeback
  readonly log: Log
  /** Folder of the work files. */
  readonly workDir: string
}

export class Files {
  readonly #handles = new Map<number, Handle>()
  /** Small files that were just written, by etag: they are often read next, and need no file of their own for that. */
  readonly #recent = new Recent<Buffer>(RECENT_BYTES, ({ length }) => length)
  #lastHandle = 0
  #lastWork = 0

  constructor(
    private readonly parts: FilesParts,
    private readonly sending: Sending,
  ) {}

  handle(number: number): Handle {
    const handle = this.#handles.get(number)
    if (handle) return handle
    throw new FileSystemError('EBADF', `${number} is not an open file.`)
  }

  /** Opens a file that exists. */
  open(node: FileNode, path: string, flags: number): number {
    const canWrite = isWriting(flags)
    const content = this.content(node)
    if (content.handles === 0 && !content.work) content.base = node.item
    const isCut = (flags & constants.O_TRUNC) !== 0 && canWrite
    const canGoBack = !content.dirty || content.isWrittenDown
    if (isCut) {
      this.#empty(node, content)
      this.parts.takeback.changedHere(node, path)
    }
    const handle = this.#register(node, path, content, flags, isCut)
    if (isCut && canGoBack) this.handle(handle).cut = content.generation
    return handle
  }

  /** Opens a file that was just made, here only. */
  openNew(node: FileNode, path: string, flags: number, executable: boolean): number {
    const content = this.content(node)
    content.work = this.#newWork()
    content.executable = executable
    content.changed()
    return this.#register(node, path, content, flags | constants.O_RDWR, true)
  }

  #register(node: FileNode, path: string, content: Content, flags: number, hasWritten: boolean): number {
    content.handles += 1
    do this.#lastHandle = (this.#lastHandle % MOST_HANDLES) + 1
    while (this.#handles.has(this.#lastHandle))
    const handle = { node, path, canWrite: isWriting(flags), hasWritten, cut: undefined }
    this.#handles.set(this.#lastHandle, handle)
    return this.#lastHandle
  }

  content(node: FileNode): Content {
    node.content ??= new Content(node.item)
    return node.content
  }

  read({ node }: Handle, buffer: Buffer, offset: number): Awaitable<number> {
    const work = node.content?.work
    if (work) return work.read(buffer, offset)
    if (node.stale && node.parent) return this.#readFresh(node, buffer, offset)
    try {
      const read = this.#readClean(node, buffer, offset)
      return read instanceof Promise ? read.catch((error) => this.#reread(node, buffer, offset, error)) : read
    } catch (error) {
      return this.#reread(node, buffer, offset, error)
    }
  }

  #readClean(node: FileNode, buffer: Buffer, offset: number): Awaitable<number> {
    const size = node.item?.size ?? 0
    if (offset >= size) return 0
    const recent = this.#recent.get(node.item?.etag ?? '')
    if (recent) return recent.copy(buffer, 0, offset)
    const room = Math.min(buffer.length, size - offset)
    return this.#blob(node).read(room === buffer.length ? buffer : buffer.subarray(0, room), offset)
  }

  /** Somebody has replaced the version that was being read: the new one is read, as on a local disk. */
  async #reread(node: FileNode, buffer: Buffer, offset: number, error: unknown, count = 1): Promise<number> {
    if (!isCode(error, 'PRECONDITION_FAILED', 'NOT_FOUND') || !node.parent || count > MOST_VERSIONS)
      throw error
    node.changed()
    try {
      return await this.#readFresh(node, buffer, offset)
    } catch (next) {
      return this.#reread(node, buffer, offset, next, count + 1)
    }
  }

  async #readFresh(node: FileNode, buffer: Buffer, offset: number): Promise<number> {
    const fresh = await this.parts.tree.fresh(node)
    if (fresh !== node) throw new FileSystemError('ESTALE', `"${node.path}" was removed while it was read.`)
    return this.#readClean(node, buffer, offset)
  }

  /** The bytes of the version that the server has, as far as is known. */
  #blob(node: FileNode): CachedBlob {
    const content = this.content(node)
    const { item } = node
    if (content.blob && (!node.parent || content.blobEtag === item?.etag)) return content.blob
    if (!item) throw new FileSystemError('ESTALE', `The bytes of "${node.path}" are gone.`)
    content.blob?.release()
    content.blob = this.#openVersion(node, item)
    content.blobEtag = item.etag
    return content.blob
  }

  #openVersion(node: FileNode, { etag, size }: Item): CachedBlob {
    const { cache, volume } = this.parts
    return cache.open({ etag, size }, (range, take, signal) => {
      if (!node.parent) throw new FileSystemError('ESTALE', `"${node.name}" is gone from the server.`)
      return volume.read(addressIn(node.parent, node.name), etag, range, take, signal)
    })
  }

  /** See `FileSystem.write`. */
  write(handle: Handle, buffer: Buffer, offset: number, appends: boolean): Awaitable<number> {
    const { node } = handle
    if (!handle.canWrite) throw new FileSystemError('EBADF', `"${node.path}" is open for reading only.`)
    const content = this.content(node)
    const end = appends ? this.#sizeOf(node, content) : offset
    const ready = this.#workable(node, content, end + buffer.length)
    handle.hasWritten = true
    const write = (work: WorkFile) => this.#writeTo(work, handle, buffer, offset, appends)
    return ready instanceof Promise ? ready.then(write) : write(ready)
  }

  /**
   * The kernel says where it takes the end to be, and can be wrong: it holds one size for each spelling of a name, and an old one
   * where it had forgotten the file while a look-up was answered.
   */
  #writeTo(work: WorkFile, { node, path }: Handle, buffer: Buffer, offset: number, appends: boolean): number {
    const { takeback } = this.parts
    const { size } = work
    const at = appends ? size : offset
    work.write(buffer, at)
    this.content(node).changed()
    if (work.size > size) this.sending.grew(node, size)
    if (at === offset) takeback.changedHere(node, path)
    else takeback.misplaced(node)
    return buffer.length
  }

  /** As programs see it. */
  #sizeOf({ item }: FileNode, { work }: Content): number {
    return work?.size ?? item?.size ?? 0
  }

  truncate(node: FileNode, size: number, handle?: Handle): Awaitable<void> {
    const content = this.content(node)
    if (handle) handle.hasWritten = true
    if (content.handles === 0 && !content.work) content.base = node.item
    if (size === 0 && !content.sending) return this.#empty(node, content)
    const cut = (work: WorkFile) => {
      if (work.size === size) return
      work.truncate(size)
      content.changed()
    }
    const ready = this.#workable(node, content, size)
    return ready instanceof Promise ? ready.then(cut) : cut(ready)
  }

  #empty(node: FileNode, content: Content): void {
    if (!content.work) {
      content.base = node.item
      content.work = this.#newWork()
      this.#releaseBlob(content)
    } else if (content.isWrittenDown) content.goOnWith(this.#newWork())
    content.work.truncate(0)
    content.changed()
  }

  /** The work file, holding the file's bytes, when it may be written to up to `size`. */
  #workable(node: FileNode, content: Content, size: number): Awaitable<WorkFile> {
    const { work, sending } = content
    this.parts.room.check(node.path, size, countedSize(node, content))
    if (sending) return sending.then(() => this.#workable(node, content, size))
    if (work && content.isWrittenDown) content.goOnWith(work.copy(this.#workPath()))
    if (content.work) return content.work
    if ((node.item?.size ?? 0) === 0) {
      content.work = this.#newWork()
      return content.work
    }
    content.preparing ??= this.#copyBase(node, content).finally(() => {
      content.preparing = undefined
    })
    // Meanwhile another program may have written to it, and closed it.
    return content.preparing.then(() => this.#workable(node, content, size))
  }

  /**
   * Local bytes begin as a copy of the version that was opened. Where somebody has replaced that and it was never read
   * here, they begin from the new one: then nothing of it is lost.
   */
  async #copyBase(node: FileNode, content: Content): Promise<void> {
    const { tree } = this.parts
    for (let count = 1; ; count++) {
      if (node.stale && node.parent) await tree.fresh(node)
      // Cut to nothing meanwhile: programs have gone on with that.
      if (content.work) return
      const { base } = content
      if (!base || (base.etag !== node.item?.etag && !this.#has(base))) content.base = node.item
      const version = content.base
      if (!version) throw new FileSystemError('ESTALE', `The bytes of "${node.path}" are gone.`)
      try {
        const copy = await this.#copyOf(node, content, version)
        if (content.work) return copy.remove()
        content.work = copy
        return this.#releaseBlob(content)
      } catch (error) {
        if (content.work) return
        if (!isCode(error, 'PRECONDITION_FAILED') || count > MOST_VERSIONS) throw error
        node.changed()
      }
    }
  }

  #has({ etag, size }: Item): boolean {
    return this.#recent.get(etag) !== undefined || this.parts.cache.has(etag, size)
  }

  async #copyOf(node: FileNode, content: Content, version: Item): Promise<WorkFile> {
    const path = this.#workPath()
    const recent = this.#recent.get(version.etag)
    if (recent) return WorkFile.of(Buffer.from(recent), path)
    const blob =
      version.etag === content.blobEtag && content.blob ? content.blob : this.#openVersion(node, version)
    try {
      await blob.copyTo(path)
    } finally {
      if (blob !== content.blob) blob.release()
    }
    return WorkFile.open(path)
  }

  #releaseBlob(content: Content): void {
    content.blob?.release()
    content.blob = undefined
    content.blobEtag = ''
  }

  /** What close(2) does for a handle. */
  flush(handle: Handle): Awaitable<void> {
    const { content } = handle.node
    handle.cut = undefined
    if (!handle.hasWritten || !content?.dirty) return undefined
    const { generation } = content
    // Not before: another close of the same handle must not be answered earlier.
    const flushed = () => {
      if (content.generation === generation) handle.hasWritten = false
    }
    const sent = this.sending.flush(handle.node)
    return sent instanceof Promise ? sent.then(flushed) : flushed()
  }

  release(number: number): void {
    const { node, cut } = this.handle(number)
    this.#handles.delete(number)
    const { content } = node
    if (!content) return
    content.handles -= 1
    if (content.handles > 0) return
    // No program has got this handle (the kernel looks the name up again, and opens what it finds): it has cut nothing.
    if (cut === content.generation) content.goBack()
    if (content.dirty && node.parent && !content.isWrittenDown) this.sending.last(node)
    this.settle(node)
  }

  /** Where nobody has the file open and nothing of it is unsent, its bytes go to the cache. */
  settle(node: FileNode): void {
    const { content, item } = node
    if (!content || content.handles > 0 || content.sending || content.preparing) return
    if (content.dirty && node.parent) return
    const { work, base } = content
    // Somebody else's version may be there by now.
    const isThere = item !== undefined && item.etag === base?.etag
    if (work && isThere && !content.dirty && node.parent && work.size > 0) this.#keep(work, item)
    content.free()
    node.content = undefined
  }

  #keep(work: WorkFile, { etag, size }: Item): void {
    if (work.memory) {
      this.#recent.set(etag, work.memory)
      return
    }
    work.close()
    this.parts.cache.adopt(etag, size, work.path)
  }

  /** The file is about to go from the server while it is open: what was not read yet is fetched first. */
  async secure(node: FileNode): Promise<void> {
    const { content } = node
    if (!content || content.handles === 0 || content.work || (node.item?.size ?? 0) === 0) return
    const recent = this.#recent.get(node.item?.etag ?? '')
    if (recent) content.work = WorkFile.of(recent, this.#workPath())
    else await this.#blob(node).complete()
  }

  /** Bytes that an earlier mount has left. */
  recover(node: FileNode, workName: string): Content {
    const content = this.content(node)
    content.work = WorkFile.open(join(this.parts.workDir, workName))
    content.dirty = true
    content.generation = 1
    return content
  }

  closeAll(): void {
    for (const number of [...this.#handles.keys()]) this.release(number)
  }

  #newWork(): WorkFile {
    return WorkFile.empty(this.#workPath())
  }

  #workPath(): string {
    this.#lastWork += 1
    return join(this.parts.workDir, `${process.pid}-${Date.now().toString(36)}-${this.#lastWork}`)
  }
}

/** How much of it is among the bytes of which `Room` knows: what the server has, or what waits to be sent. */
function countedSize({ item }: FileNode, content: Content): number {
  const waiting = content.intent === 0 ? 0 : (content.outgoing?.work.size ?? 0)
  return Math.max(item?.size ?? 0, waiting)
}

/** Do the flags of open(2) ask for more than reading? */
export function isWriting(flags: number): boolean {
  return (flags & (constants.O_WRONLY | constants.O_RDWR)) !== 0
}
