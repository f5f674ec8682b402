import { classify } from '../../redis/retry.js'
import type { Engine } from '../engine.js'
import { changes } from '../feed.js'
import type { Change, OpContext } from '../types.js'
import type { Findings } from './findings.js'

export interface ReplayedFile {
  readonly kind: 'file'
  readonly etag: string
  readonly size: number
}

export interface ReplayedFolder {
  readonly kind: 'folder'
  /** By name as given. */
  readonly children: Map<string, ReplayedFile | ReplayedFolder>
  /** The walk has compared it. */
  seen: boolean
}

const PAGE = 1000

/** The tree as the journal tells it, at any seq, forwards only. Holds some 300 bytes an entry. */
export class Replay {
  readonly root: ReplayedFolder = newFolder()
  /** False as soon as the journal was found wrong: there is no use in comparing any more. */
  trusted = true
  seq = 0
  readonly #engine: Engine
  readonly #op: OpContext
  readonly #findings: Findings
  #rows: readonly Change[] = []
  #next = 0

  constructor(engine: Engine, op: OpContext, findings: Findings) {
    this.#engine = engine
    this.#op = op
    this.#findings = findings
  }

  /** Replays up to the change `seq`. As it reads tombstones, what recursive deletes up to there cut off is reaped. */
  async advance(seq: number): Promise<void> {
    while (this.trusted && this.seq < seq) {
      const row = await this.#nextRow()
      if (!row) return this.#distrust(`The journal ends at ${this.seq}, and the space’s seq is ${seq}.`)
      if (row.seq !== this.seq + 1)
        return this.#distrust(`The journal has no row ${this.seq + 1}; ${row.seq} comes next.`)
      const wrong = this.#apply(row)
      if (wrong)
        return this.#distrust(`Row ${row.seq} (${row.change} of "${row.path}") cannot be replayed: ${wrong}.`)
      this.seq = row.seq
    }
  }

  /** Paths of the folders that were not compared. */
  *unseen(folder = this.root, path: readonly string[] = []): Generator<readonly string[]> {
    for (const [name, child] of folder.children) {
      if (child.kind === 'file') continue
      if (!child.seen) yield [...path, name]
      yield* this.unseen(child, [...path, name])
    }
  }

  /** Calls `visit` with every file. */
  files(visit: (file: ReplayedFile) => void, folder = this.root): void {
    for (const child of folder.children.values()) {
      if (child.kind === 'file') visit(child)
      else this.files(visit, child)
    }
  }

  folder(path: readonly string[]): ReplayedFolder | undefined {
    let at = this.root
    for (const name of path) {
      const child = at.children.get(name)
      if (child?.kind !== 'folder') return undefined
      at = child
    }
    return at
  }

  async #nextRow(): Promise<Change | undefined> {
    if (this.#next === this.#rows.length) {
      try {
        const page = await changes(this.#engine, this.#op, { since: this.seq, limit: PAGE })
        this.#rows = page.changes
      } catch (error) {
        const { code, message } = error as { code?: string; message: string }
        if (code !== 'CORRUPT' && classify(error) !== 'answer') throw error
        this.#findings.add('reaping', `Behind ${this.seq} the journal cannot be read: ${message}`)
        this.#rows = []
      }
      this.#next = 0
    }
    return this.#rows[this.#next++]
  }

  #distrust(detail: string): void {
    this.trusted = false
    this.#findings.add('journal', detail)
  }

  /** Says what is wrong, if anything. */
  #apply(row: Change): string | undefined {
    const at = this.#locate(row.path)
    if (!at) return 'it has no folder to be in'
    const old = at.folder.children.get(at.name)
    switch (row.change) {
      case 'create':
        if (old) return 'something is there'
        at.folder.children.set(at.name, made(row))
        return undefined
      case 'update':
        if (old?.kind !== row.kind) return `no ${row.kind} is there`
        if (row.kind === 'file') at.folder.children.set(at.name, made(row))
        return undefined
      case 'delete':
        if (old?.kind !== row.kind) return `no ${row.kind} is there`
        if (old.kind === 'folder' && old.children.size > 0) return 'the folder is not empty'
        if (old.kind === 'file' && old.etag !== row.etag) return 'the file has another etag'
        at.folder.children.delete(at.name)
        return undefined
      case 'move':
        return this.#move(row, at)
    }
  }

  #move(row: Change, to: { folder: ReplayedFolder; name: string }): string | undefined {
    const from = this.#locate(row.oldPath ?? '')
    const moved = from?.folder.children.get(from.name)
    if (!from || moved?.kind !== row.kind) return `no ${row.kind} is at "${row.oldPath}"`
    if (moved.kind === 'file' && moved.etag !== row.etag) return 'the file has another etag'
    from.folder.children.delete(from.name)
    if (to.folder.children.has(to.name)) return 'something is there'
    to.folder.children.set(to.name, moved)
    return undefined
  }

  #locate(path: string): { folder: ReplayedFolder; name: string } | undefined {
    const names = path.split('/')
    const name = names.pop() as string
    const folder = this.folder(names)
    return folder && { folder, name }
  }
}

function newFolder(): ReplayedFolder {
  return { kind: 'folder', children: new Map(), seen: false }
}

function made(row: Change): ReplayedFile | ReplayedFolder {
  if (row.kind === 'folder') return newFolder()
  return { kind: 'file', etag: row.etag ?? '', size: row.size ?? 0 }
}
