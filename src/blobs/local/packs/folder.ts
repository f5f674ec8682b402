import { readdir, readFile, stat } from 'node:fs/promises'
import { ignoreMissing } from '../failure.js'
import { hasEnded } from './owner.js'

const PACK = /^[0-9a-f]{12}$/
/** Of `.open`: the checkpoint, then who it belongs to. */
const STATE = /^([0-9a-f]{8})\n(.*)\n$/

/** What `<pack>.open` says. */
export interface OpenState {
  /** Of all records before this place it is decided what becomes of them. */
  readonly checkpoint: number
  readonly owner: string
  /** The owner's last heart-beat, ms since 1970. */
  readonly touched: number
}

export interface PackNames {
  readonly packs: readonly string[]
  /** Packs whose `.open` is there. */
  readonly open: ReadonlySet<string>
  /** Packs of which records are gone. */
  readonly gone: ReadonlySet<string>
  /** Packs that somebody gives back, or gave back when it died. */
  readonly claims: readonly string[]
  /** Files being written. */
  readonly drafts: readonly string[]
}

/**
 * The folder of the packs:
 *
 *     <pack>          records, one after another; only its owner appends to it
 *     <pack>.open     made before the pack; it is there while the owner may append, or records are undecided. Its time is the
 *                     owner's heart-beat
 *     <pack>.gone     places of the records that are deleted, a line each; anybody appends
 *     <pack>.claim    a link to the name of the process that gives the pack back
 *     <id>.draft      a file of its own for one of the blobs, being written
 */
export class PackFolder {
  /** Packs that were seen without `.open`: they have it never again. */
  readonly #closed = new Set<string>()

  constructor(readonly path: string) {}

  pack(name: string): string {
    return `${this.path}/${name}`
  }

  open(name: string): string {
    return `${this.path}/${name}.open`
  }

  gone(name: string): string {
    return `${this.path}/${name}.gone`
  }

  claim(name: string): string {
    return `${this.path}/${name}.claim`
  }

  draft(id: string): string {
    return `${this.path}/${id}.draft`
  }

  async names(): Promise<PackNames> {
    const all = await readdir(this.path)
    const having = (ending: string) =>
      all.filter((name) => name.endsWith(ending)).map((name) => name.slice(0, -ending.length))
    return {
      packs: all.filter((name) => PACK.test(name)),
      open: new Set(having('.open').filter((name) => PACK.test(name))),
      gone: new Set(having('.gone').filter((name) => PACK.test(name))),
      claims: having('.claim').filter((name) => PACK.test(name)),
      drafts: having('.draft'),
    }
  }

  /** Undefined where there is no `.open`: nobody appends any more, and all is decided or has a note of its own. */
  async state(name: string): Promise<OpenState | undefined> {
    if (this.#closed.has(name)) return undefined
    // In this order: `.open` was there before the pack was.
    const isThere = (await stat(this.pack(name)).catch(ignoreMissing)) !== undefined
    const path = this.open(name)
    const found = await stat(path).catch(ignoreMissing)
    const text = found && (await readFile(path, 'latin1').catch(ignoreMissing))
    if (found === undefined || text === undefined) {
      if (isThere) this.#closed.add(name)
      return undefined
    }
    const [, checkpoint = '0', owner = ''] = STATE.exec(text) ?? []
    return { checkpoint: Number.parseInt(checkpoint, 16), owner, touched: found.mtimeMs }
  }

  /** The pack was removed. */
  forget(name: string): void {
    this.#closed.delete(name)
  }
}

export function stateText(checkpoint: number, owner: string): string {
  return `${checkpointText(checkpoint)}\n${owner}\n`
}

/** Written in place at the file's beginning. */
export function checkpointText(checkpoint: number): string {
  return checkpoint.toString(16).padStart(8, '0')
}

/** Nobody appends to the pack any more: the owner has ended, or was not heard of since `before` (ms since 1970). */
export function isAbandoned({ owner, touched }: OpenState, before: number): boolean {
  return hasEnded(owner) || touched < before
}
