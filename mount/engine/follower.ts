/**
 * Follows the journal and keeps the tree true: what others change is taken over or marked, and taken back from the
 * kernel. While the server is away what is known stands as it is; on return the rows that were missed are applied.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '../../src/log.js'
import { foldName } from '../../src/space/names.js'
import type { Awaitable } from '../filesystem.js'
import type { Cursor, Item, Row, Volume } from '../volume.js'
import { isCode } from './errno.js'
import { attach, FileNode, FolderNode, type Node, touch } from './nodes.js'
import type { Takeback } from './takeback.js'
import type { Tree } from './tree.js'

const LEAST_PAUSE = 200
const LONGEST_PAUSE = 2000

/**
 * A folder that this mount itself has moved, until the journal has come by: rows before `seq` know it by its old path, and mean
 * something else by the new one. Paths as lists of names.
 */
interface OwnMove {
  readonly from: readonly string[]
  readonly to: readonly string[]
  readonly seq: number
}

interface OwnRemoval {
  readonly folder: FolderNode
  readonly folded: string
  readonly seq: number
}

export class Follower {
  /** The server answers, and the tree is as new as its journal. */
  online = true
  readonly #stop = new AbortController()
  #moves: OwnMove[] = []
  #removals: OwnRemoval[] = []
  #running: Promise<void> | undefined

  constructor(
    private readonly volume: Volume,
    private readonly tree: Tree,
    private readonly takeback: Takeback,
    private readonly log: Log,
    private cursor: Cursor,
    /** Called each time the server can be reached again. */
    private readonly onReturn: () => void,
    /** Called when somebody else has given a file another name or folder. */
    private readonly onMove: (node: FileNode) => void,
  ) {}

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  /** Rejects with UNAVAILABLE where the server is away; asks it where that is not sure. */
  reach(): Awaitable<void> {
    if (!this.online) return this.volume.info().then(() => undefined)
  }

  /** The mount itself has removed a name, or moved it away; rows that are older would bring it back. */
  removed(folder: FolderNode, name: string, seq: number): void {
    if (seq <= this.cursor.seq) return
    folder.removed.set(foldName(name), seq)
    this.#removals.push({ folder, folded: foldName(name), seq })
  }

  /** The mount has moved a folder by itself; rows that are older still call it by its old path. */
  moved(node: FolderNode, from: string, seq: number): void {
    if (seq <= this.cursor.seq) return
    this.#moves.push({ from: from.split('/'), to: node.path.split('/'), seq })
    this.#moves.sort((a, b) => a.seq - b.seq)
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    for (let wait = LEAST_PAUSE; !signal.aborted; ) {
      try {
        for await (const { rows, seq } of this.volume.follow(this.cursor, signal)) {
          this.#setOnline()
          wait = LEAST_PAUSE
          for (const row of rows) this.#apply(row)
          const last = rows.at(-1)?.seq ?? seq
          this.#passed(Math.max(this.cursor.seq, last))
        }
      } catch (error) {
        if (signal.aborted) return
        await this.#afterFailure(error)
      }
      await pause(wait, undefined, { signal }).catch(() => undefined)
      wait = Math.min(wait * 2, LONGEST_PAUSE)
    }
  }

  /** What was kept for older rows is not needed any more. */
  #passed(seq: number): void {
    this.cursor = { seq, epoch: this.cursor.epoch }
    this.#moves = this.#moves.filter((move) => move.seq > seq)
    this.#removals = this.#removals.filter((removal) => {
      if (removal.seq > seq) return true
      if (removal.folder.removed.get(removal.folded) === removal.seq)
        removal.folder.removed.delete(removal.folded)
      return false
    })
  }

  #setOnline(): void {
    if (this.online) return
    this.online = true
    this.log.info('The server is back; the mount has caught up by the journal.')
    this.onReturn()
  }

  async #afterFailure(error: unknown): Promise<void> {
    if (isCode(error, 'EPOCH_GONE')) {
      this.log.warn('The space has another journal (a backup was restored): everything is looked up again.')
      const info = await this.volume.info().catch(() => undefined)
      if (!info) return
      this.cursor = info.cursor
      this.tree.doubt()
      return
    }
    if (this.online) this.log.warn(`The journal cannot be followed: ${(error as Error).message}`)
    this.online = false
  }

  #apply(row: Row): void {
    if (row.seq <= this.cursor.seq) return
    if (row.change === 'move') this.#moved(row)
    else if (row.change === 'delete') this.#deleted(row)
    else this.#written(row)
  }

  #written(row: Row): void {
    const place = this.#place(row.path, row)
    if (!place) return
    const { folder, name } = place
    if (row.seq <= folder.removedAt(name)) return
    const node = folder.child(name)
    if (!node) {
      if (!isNews(folder, name, row)) return
      attach(folder, placeholder(name, row), name)
      this.#touch(folder, row)
      return
    }
    if (node.seq >= row.seq) return
    if (node.kind !== row.kind) {
      this.tree.drop(node)
      if (node.parent) this.#mark(node, row)
      else attach(folder, placeholder(name, row), name)
    } else {
      this.#mark(node, row)
    }
    // A file of our own that is just arriving was new when it was made here.
    const isOurs = node.kind === 'file' && node.content?.sending !== undefined
    if (row.change === 'create' && !isOurs) this.#touch(folder, row)
  }

  #deleted(row: Row): void {
    const place = this.#place(row.path, row)
    const node = place?.folder.child(place.name)
    if (!place || !node || node.seq >= row.seq) return
    this.tree.drop(node)
    if (!node.parent) this.#touch(place.folder, row)
  }

  #moved(row: Row): void {
    const from = this.#place(row.oldPath ?? row.path, row)
    const removed = from ? from.folder.removedAt(from.name) : -1
    // Our own move, which is done here already; after a later one of ours the name stands for something else.
    if (removed === row.seq) return
    const there = from?.folder.child(from.name)
    // What is newer than the row came to that name afterwards, and is not what the row has moved.
    const isThis = there && there.seq < row.seq && removed <= row.seq && !isUnsent(there)
    const node = isThis ? there : undefined
    const to = this.#place(row.path, row)
    if (from && node) {
      this.takeback.unlinked(node)
      this.#touch(from.folder, row)
    }
    if (!to) {
      if (node) this.tree.drop(node)
      return
    }
    const target = to.folder.child(to.name)
    if (target && target !== node) {
      if (target.seq >= row.seq) {
        if (node) this.tree.drop(node)
        return
      }
      if (target.kind === 'file' && target.content?.dirty) {
        // What was changed here meets the other version when it is sent.
        if (node) this.tree.drop(node)
        this.#mark(target, row)
        return
      }
      this.tree.drop(target)
    }
    this.#touch(to.folder, row)
    if (node) {
      attach(to.folder, node, to.name)
      this.#mark(node, row)
      if (node.kind === 'file') this.onMove(node)
    } else if (isNews(to.folder, to.name, row)) {
      attach(to.folder, placeholder(to.name, row), to.name)
    }
  }

  #mark(node: Node, { seq }: Row): void {
    node.changed(seq)
    this.takeback.changed(node)
  }

  /** An entry came to a folder or left it. */
  #touch(folder: FolderNode, row: Row): void {
    if (folder.seq >= row.seq) return
    touch(folder)
    this.takeback.changed(folder)
  }

  /** The known folder that a row is about: it holds the path. Undefined also where that is of the past. */
  #place(path: string, { seq }: Row): { folder: FolderNode; name: string } | undefined {
    const names = this.#namesNow(path.split('/'), seq)
    const name = names?.pop()
    if (!names || name === undefined) return undefined
    let folder: Node | undefined = this.tree.root
    for (const step of names) {
      if (folder?.kind !== 'folder') return undefined
      folder = folder.child(step)
    }
    if (folder?.kind !== 'folder') return undefined
    folder.touchedAt = seq
    return { folder, name }
  }

  /** Where a path of `seq` is after the moves of our own since. Undefined: a folder of ours has taken its place. */
  #namesNow(path: string[], seq: number): string[] | undefined {
    let names = path
    for (const { from, to, seq: movedAt } of this.#moves) {
      if (movedAt <= seq) continue
      if (isIn(names, from)) names = [...to, ...names.slice(from.length)]
      else if (isIn(names, to)) return undefined
    }
    return names
  }
}

/** Does the row tell of a name that a folder, whose children are all known, does not have yet? */
function isNews(folder: FolderNode, name: string, { seq }: Row): boolean {
  if (!folder.complete || seq <= folder.listedAt || seq <= folder.removedAt(name)) return false
  const hidden = folder.hidden.get(foldName(name))
  // Whoever has the name when that file is gone is looked up then.
  if (hidden && seq > hidden.seq) folder.complete = false
  return !hidden
}

function isUnsent(node: Node | undefined): boolean {
  return node !== undefined && node.item === undefined
}

/** An entry of which only a row is known; it is looked up before it is used. */
function placeholder(name: string, { seq, kind, etag, size }: Row): Node {
  const now = Date.now()
  const item: Item = {
    id: -1,
    kind,
    name,
    size: size ?? 0,
    etag: etag ?? '',
    created: now,
    modified: now,
    executable: false,
    md5: '',
  }
  const node = kind === 'file' ? new FileNode(name, -1, item) : new FolderNode(name, -1, item)
  node.changed(seq)
  return node
}

function isIn(names: readonly string[], folder: readonly string[]): boolean {
  return folder.every((name, index) => foldName(name) === foldName(names[index] ?? ''))
}
