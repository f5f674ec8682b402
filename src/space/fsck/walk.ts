import { operationId } from '../changing.js'
import type { Engine } from '../engine.js'
import { foldName } from '../names.js'
import type { FileEntry } from '../types.js'
import type { BlobCheck } from './blobs.js'
import type { Findings } from './findings.js'
import { type FolderPlace, type FolderView, viewFolder } from './folder.js'
import { IdSet } from './ids.js'
import { checkIndex } from './order.js'
import { type PackedFolder, unpack } from './packed.js'
import type { Replay, ReplayedFolder } from './replay.js'

/** What the totals of a folder lack, and what its bounds must at least be where they are too low. */
export interface Correction {
  readonly entries: number
  readonly size: number
  readonly height: number
  readonly span: number
}

const NONE: Correction = { entries: 0, size: 0, height: 0, span: 0 }
const NAME_RULES = 'names are kept in NFC and filed under their folded form'

interface Subfolder {
  readonly folded: string
  readonly folder: PackedFolder
  /** As the journal told it when the folder above was read: by the time of the visit another may bear its name. */
  readonly told: ReplayedFolder | undefined
}

export interface WalkCounts {
  folders: number
  files: number
  bytes: number
  /** Large folders that changed whenever they were read: their totals and index were not judged. */
  unsettled: number
}

/**
 * Visits every folder once and holds it against what is in it, folder by folder, each at one instant: so a space that is
 * changing meanwhile raises no false alarm. Totals are judged from below: a wrong one is told at its own folder, not
 * at all those above, whose totals are sums of recorded totals and of what those lack.
 */
export class Walk {
  readonly counts: WalkCounts = { folders: 0, files: 0, bytes: 0, unsettled: 0 }
  /** Ids of all entries met; folders among them. */
  readonly ids = new IdSet()
  readonly folders = new IdSet()
  /** Entries whose id was met before: two with one id, or one that has moved on meanwhile. */
  readonly twice: { readonly id: number; readonly path: string }[] = []

  constructor(
    readonly engine: Engine,
    readonly space: string,
    readonly findings: Findings,
    readonly replay: Replay,
    readonly blobs: BlobCheck,
    readonly repair: boolean,
  ) {}

  /** `path`: canonical names. `replayed`: the folder as the journal tells it, where it does. */
  async folder(
    at: FolderPlace,
    path: readonly string[],
    replayed: ReplayedFolder | undefined,
  ): Promise<Correction> {
    const view = await viewFolder(this.engine, this.space, at)
    if (!view) return NONE
    this.counts.folders++
    await this.replay.advance(view.seq)
    if (replayed) replayed.seen = true
    const subfolders = await this.#children(view, path, replayed)
    if (view.settled) {
      if (replayed && this.replay.trusted) this.#missing(view, path, replayed)
      await checkIndex(this, view, path)
    } else this.counts.unsettled++
    const sums = { entries: view.children.size, size: 0, height: 0, span: 0 }
    let changed = 0
    for (const raw of view.children) {
      const entry = unpack(raw[1], raw[0])
      if (entry?.kind === 'file') raise(sums, entry, 1, Buffer.byteLength(entry.name))
    }
    for (const { folded, folder, told } of subfolders) {
      const place = { id: folder.id, parent: at.id, folded }
      // A folder met twice was told of, or has moved on: it is visited once.
      const lack = this.folders.add(folder.id) ? await this.folder(place, [...path, folder.name], told) : NONE
      sums.entries += folder.entries + lack.entries
      const span = Math.max(folder.span, lack.span)
      const reach = Buffer.byteLength(folder.name) + (span > 0 ? span + 1 : 0)
      raise(sums, { size: folder.size + lack.size }, 1 + Math.max(folder.height, lack.height), reach)
      changed = Math.max(changed, folder.changed)
    }
    return view.settled ? this.#judge(view, path, sums, changed) : NONE
  }

  /** Checks each child by itself; resolves with the folders to visit. */
  async #children(
    view: FolderView,
    path: readonly string[],
    replayed: ReplayedFolder | undefined,
  ): Promise<Subfolder[]> {
    const subfolders: Subfolder[] = []
    // In one order, so that two reports of the same damage are the same.
    const inOrder = [...view.children].sort(([a], [b]) => (a < b ? -1 : 1))
    for (const [folded, raw] of inOrder) {
      const entry = unpack(raw, folded)
      const shown = [...path, entry?.name ?? folded].join('/')
      if (!entry) {
        this.findings.add('entry', `What is filed under "${folded}" is no entry.`, { path: shown })
        continue
      }
      if (foldName(entry.name) !== folded) {
        const detail = `The entry "${entry.name}" is filed under "${folded}"; ${NAME_RULES}.`
        this.findings.add('entry', detail, { path: shown })
      }
      if (!this.ids.add(entry.id)) {
        this.twice.push({ id: entry.id, path: shown })
      }
      if (view.settled && replayed && this.replay.trusted) this.#compare(entry, shown, replayed)
      if (entry.kind === 'file') {
        this.counts.files++
        this.counts.bytes += entry.size
        await this.blobs.check(entry, { folder: view.place.id, folded, path: shown })
      } else {
        await this.#wayUp(entry, view, folded, shown)
        const told = replayed?.children.get(entry.name)
        subfolders.push({ folded, folder: entry, told: told?.kind === 'folder' ? told : undefined })
      }
    }
    return subfolders
  }

  #compare(entry: PackedFolder | FileEntry, path: string, replayed: ReplayedFolder): void {
    const told = replayed.children.get(entry.name)
    const tell = (detail: string) => this.findings.add('journal', detail, { path })
    if (!told) tell(`By the journal no ${entry.kind} is there.`)
    else if (told.kind !== entry.kind) tell(`By the journal it is a ${told.kind}.`)
    else if (told.kind === 'file' && entry.kind === 'file') {
      if (told.etag !== entry.etag) tell(`By the journal its etag is ${told.etag}, and it is ${entry.etag}.`)
      if (told.size !== entry.size)
        tell(`By the journal it has ${told.size} bytes, and it has ${entry.size}.`)
    }
  }

  #missing(view: FolderView, path: readonly string[], replayed: ReplayedFolder): void {
    for (const [name, { kind }] of replayed.children) {
      if (view.children.has(foldName(name))) continue
      const detail = `By the journal a ${kind} is there.`
      this.findings.add('journal', detail, { path: [...path, name].join('/') })
    }
  }

  async #wayUp(entry: PackedFolder, view: FolderView, folded: string, path: string): Promise<void> {
    const says = view.waysUp.get(entry.id)
    if (says?.parent === view.place.id && says.folded === folded) return
    // Read in steps, the way up may be of another instant than the entry.
    if (!view.settled) return
    const detail = says
      ? `The folder ${entry.id} is filed in ${view.place.id}, and its way up leads to ${says.parent} ("${says.folded}").`
      : `The folder ${entry.id} has no way up.`
    const repaired =
      this.repair &&
      (await this.engine.run('mend_way_up', this.space, [entry.id, view.place.id, folded])) === 1
    this.findings.add('way-up', detail, { path, repaired })
  }

  async #judge(
    view: FolderView,
    path: readonly string[],
    sums: Correction,
    changed: number,
  ): Promise<Correction> {
    const { own, place } = view
    const shown = path.join('/')
    const lack = { entries: sums.entries - own.entries, size: sums.size - own.size }
    const children = view.children.size - own.children
    const low = sums.height > own.height || sums.span > own.span || changed > own.changed
    if (lack.entries === 0 && lack.size === 0 && children === 0 && !low) return NONE
    const args = [lack.entries, lack.size, children, sums.height, sums.span, changed, operationId()]
    const repaired =
      this.repair &&
      (await this.engine.run('mend_folder', this.space, [place.id, place.parent, place.folded, ...args])) ===
        1
    const tell = (kind: 'totals' | 'bounds', detail: string) =>
      this.findings.add(kind, detail, { path: shown, repaired })
    if (lack.entries !== 0) tell('totals', `It says ${own.entries} entries, and has ${sums.entries}.`)
    if (lack.size !== 0) tell('totals', `It says ${own.size} bytes, and has ${sums.size}.`)
    if (children !== 0) tell('totals', `It says ${own.children} children, and has ${view.children.size}.`)
    if (sums.height > own.height)
      tell('bounds', `It says at most ${own.height} levels below it, and has ${sums.height}.`)
    if (sums.span > own.span)
      tell('bounds', `It says at most ${own.span} bytes of path below it, and has ${sums.span}.`)
    if (changed > own.changed)
      tell('bounds', `It says it last changed at seq ${own.changed}, and a folder in it at ${changed}.`)
    return { ...lack, height: sums.height, span: sums.span }
  }
}

function raise(
  sums: { size: number; height: number; span: number },
  entry: { readonly size: number },
  height: number,
  span: number,
): void {
  sums.size += entry.size
  sums.height = Math.max(sums.height, height)
  sums.span = Math.max(sums.span, span)
}
