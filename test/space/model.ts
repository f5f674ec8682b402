import type { ErrorCode } from '../../src/space/errors.js'
import { foldName, normalizeName } from '../../src/space/names.js'

/** What a space is, in plain memory and without any thought of speed: the tests' second opinion. */

export interface ModelFile {
  kind: 'file'
  name: string
  etag: string
  size: number
  executable: boolean
}

export interface ModelFolder {
  kind: 'folder'
  name: string
  /** Once the real tree has told it. */
  id?: number
  /** By folded name. */
  readonly children: Map<string, ModelFile | ModelFolder>
}

export type ModelEntry = ModelFile | ModelFolder

export interface ModelConditions {
  readonly ifMatch?: readonly string[]
  readonly ifNoneMatch?: '*'
}

/** What an operation must be refused with. */
export class Refused extends Error {
  constructor(readonly code: ErrorCode) {
    super(code)
  }
}

interface Place {
  /** Folders passed, from the base down to the deepest one that exists. */
  readonly passed: readonly ModelFolder[]
  readonly entry: ModelEntry | undefined
  /** Names that do not exist, without the last. */
  readonly missing: readonly string[]
  readonly name: string
  /** A file where a folder is needed. */
  readonly blocked: boolean
}

export class Model {
  readonly root = newFolder('')

  /** `base` undefined: the root, and missing parents are made. */
  write(
    path: string,
    file: { etag: string; size: number },
    base?: ModelFolder,
    conditions: ModelConditions = {},
  ): { created: boolean; path: string } {
    const place = this.#locate(path, base)
    const { entry } = place
    holds(conditions, entry)
    if (entry?.kind === 'folder' || place.blocked) throw new Refused('TYPE_CLASH')
    if (entry) {
      Object.assign(entry, file)
      return { created: false, path: this.pathOf(entry) }
    }
    const made: ModelFile = { kind: 'file', name: place.name, executable: false, ...file }
    this.#parent(place, base).children.set(foldName(made.name), made)
    return { created: true, path: this.pathOf(made) }
  }

  mkdir(path: string, base?: ModelFolder): { created: boolean; folder: ModelFolder } {
    const place = this.#locate(path, base)
    if (place.entry?.kind === 'file' || place.blocked) throw new Refused('TYPE_CLASH')
    if (place.entry) return { created: false, folder: place.entry }
    const folder = newFolder(place.name)
    this.#parent(place, base).children.set(foldName(folder.name), folder)
    return { created: true, folder }
  }

  move(
    from: string,
    to: string,
    conditions: ModelConditions = {},
    bases: { from?: ModelFolder | undefined; to?: ModelFolder | undefined } = {},
    overwrite = false,
  ): { entry: ModelEntry; from: string; replaced: boolean } {
    const source = this.#locate(from, bases.from)
    const { entry } = source
    if (!entry) throw new Refused('NOT_FOUND')
    const { ifMatch, ifNoneMatch } = conditions
    if (ifMatch) holds({ ifMatch }, entry)
    const target = this.#locate(to, bases.to)
    if (target.passed.includes(entry as ModelFolder)) throw new Refused('INTO_ITSELF')
    const hit = target.entry
    if (hit && hit !== entry) {
      if (ifNoneMatch) throw new Refused('PRECONDITION_FAILED')
      if (hit.kind === 'folder' && !overwrite) throw new Refused('FOLDER_EXISTS')
      if (entry.kind === 'folder' && !overwrite) throw new Refused('TYPE_CLASH')
      if (source.passed.includes(hit as ModelFolder)) throw new Refused('INTO_ITSELF')
    }
    if (target.blocked) throw new Refused('TYPE_CLASH')
    if (target.missing.length > 0 && bases.to) throw new Refused('NO_PARENT')
    const result = { entry, from: this.pathOf(entry), replaced: hit !== undefined && hit !== entry }
    const holder = source.passed.at(-1) as ModelFolder
    holder.children.delete(foldName(entry.name))
    if (hit) target.passed.at(-1)?.children.delete(foldName(hit.name))
    const parent = this.#parent(target, bases.to)
    entry.name = target.name
    parent.children.set(foldName(entry.name), entry)
    return result
  }

  /** Copies are made without parents; `etag` is a file's, and folders get theirs told by `adopt`. */
  copy(from: string, to: string, overwrite = false): ModelEntry {
    const source = this.#locate(from)
    if (!source.entry) throw new Refused('NOT_FOUND')
    const target = this.#locate(to)
    const hit = target.entry
    if (hit?.kind === 'folder' && !overwrite) throw new Refused('FOLDER_EXISTS')
    if (target.blocked || (hit && source.entry.kind === 'folder' && !overwrite))
      throw new Refused('TYPE_CLASH')
    if (hit && (hit === source.entry || source.passed.includes(hit as ModelFolder))) {
      throw new Refused('INTO_ITSELF')
    }
    if (target.missing.length > 0) throw new Refused('NO_PARENT')
    if (target.passed.includes(source.entry as ModelFolder)) throw new Refused('INTO_ITSELF')
    const made = twin(source.entry)
    const holder = target.passed.at(-1) as ModelFolder
    if (hit?.kind === 'file' && made.kind === 'file') return Object.assign(hit, { ...made, name: hit.name })
    made.name = target.name
    if (hit) holder.children.delete(foldName(hit.name))
    holder.children.set(foldName(made.name), made)
    return made
  }

  /** Takes over the etags of what a copy made; everything else must be as the model has it. */
  adopt(top: string, entries: ReadonlyMap<string, string>): void {
    for (const [path, entry] of walk(this.find(top) as ModelEntry, top)) {
      const etag = entries.get(path)
      if (entry.kind === 'file' && etag !== undefined) entry.etag = etag
    }
  }

  remove(path: string, recursive: boolean, base?: ModelFolder): number {
    const { entry, passed } = this.#locate(path, base)
    if (!entry) throw new Refused('NOT_FOUND')
    if (entry.kind === 'folder' && entry.children.size > 0 && !recursive) throw new Refused('NOT_EMPTY')
    const parent = passed.at(-1) as ModelFolder
    parent.children.delete(foldName(entry.name))
    return [...walk(entry, '')].length
  }

  setExecutable(path: string, executable: boolean): ModelFile {
    const { entry } = this.#locate(path)
    if (!entry) throw new Refused('NOT_FOUND')
    if (entry.kind === 'folder') throw new Refused('TYPE_CLASH')
    entry.executable = executable
    return entry
  }

  find(path: string): ModelEntry | undefined {
    return path === '' ? this.root : this.#locate(path).entry
  }

  /** Path → entry, in the form of `TestSpace.listing`. */
  listing(top: ModelFolder = this.root): Map<string, string> {
    const rows = [...walk(top, '')].slice(1)
    const shown = rows.map(([path, entry]): [string, string] => [
      path,
      entry.kind === 'file' ? `${entry.etag} ${entry.size}` : 'folder',
    ])
    return new Map(shown.sort())
  }

  pathOf(wanted: ModelEntry): string {
    for (const [path, entry] of walk(this.root, '')) if (entry === wanted) return path
    throw new Error(`the model lost ${wanted.name}`)
  }

  #locate(path: string, base: ModelFolder = this.root): Place {
    const names = path.split('/').map(normalizeName)
    const name = names.pop() as string
    const passed = [...this.#above(base), base]
    for (const [index, step] of names.entries()) {
      const next = (passed.at(-1) as ModelFolder).children.get(foldName(step))
      if (next?.kind !== 'folder') {
        return { passed, entry: undefined, missing: names.slice(index), name, blocked: next !== undefined }
      }
      passed.push(next)
    }
    const entry = (passed.at(-1) as ModelFolder).children.get(foldName(name))
    return { passed, entry, missing: [], name, blocked: false }
  }

  /** The folder an entry goes into, made where it is missing. */
  #parent(place: Place, base: ModelFolder | undefined): ModelFolder {
    if (place.missing.length > 0 && base) throw new Refused('NO_PARENT')
    let at = place.passed.at(-1) as ModelFolder
    for (const name of place.missing) {
      const folder = newFolder(name)
      at.children.set(foldName(name), folder)
      at = folder
    }
    return at
  }

  #above(folder: ModelFolder, at: ModelFolder = this.root): ModelFolder[] {
    if (folder === this.root) return []
    for (const child of at.children.values()) {
      if (child === folder) return [at]
      if (child.kind === 'folder') {
        const below = this.#above(folder, child)
        if (below.length > 0) return [at, ...below]
      }
    }
    return []
  }
}

/** The entry and everything below it, parents first. */
export function* walk(entry: ModelEntry, path: string): Generator<[path: string, entry: ModelEntry]> {
  yield [path, entry]
  if (entry.kind === 'file') return
  for (const child of entry.children.values()) {
    yield* walk(child, path === '' ? child.name : `${path}/${child.name}`)
  }
}

function twin(entry: ModelEntry): ModelEntry {
  if (entry.kind === 'file') return { ...entry }
  const children = new Map([...entry.children].map(([folded, child]) => [folded, twin(child)]))
  return { kind: 'folder', name: entry.name, children }
}

function newFolder(name: string): ModelFolder {
  return { kind: 'folder', name, children: new Map() }
}

function holds({ ifMatch, ifNoneMatch }: ModelConditions, entry: ModelEntry | undefined): void {
  const matches = entry?.kind === 'file' && ifMatch?.includes(entry.etag) === true
  if (ifMatch && !matches) throw new Refused('PRECONDITION_FAILED')
  if (ifNoneMatch && entry) throw new Refused('PRECONDITION_FAILED')
}
