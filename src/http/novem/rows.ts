/** Rows of directory listings (contract §2), built as text: a folder may have a hundred thousand of them. */
import type { Access, Entry } from '../../space/types.js'
import { rowDate } from '../dates.js'
import { entryRights, type Rights } from '../rights.js'

export interface Row {
  readonly name: string
  /** Percent-encoded. */
  readonly uri: string
  readonly type: 'file' | 'dir' | 'link' | 'system_file' | 'system_dir'
  readonly rights: Rights
  readonly etag: string
  readonly created: number
  readonly modified: number
  readonly size: number
  /** What rows of this kind say besides. */
  readonly more?: Readonly<Record<string, unknown>>
}

export function rowsJson(rows: readonly Row[]): string {
  return `[${rows
    .map(
      ({ name, uri, type, rights, etag, created, modified, size, more }) =>
        `{"name":${text(name)},"uri":"${uri}${nature(type, rights)}${etag}","etag":"${etag}${times(created, modified)}${size}${members(more)}}`,
    )
    .join(',')}]`
}

function members(more: Row['more']): string {
  return more === undefined ? '' : `,${JSON.stringify(more).slice(1, -1)}`
}

/** From the end of the URI to the beginning of the etag: the same for all rows of a kind. */
function nature(type: Row['type'], rights: Rights): string {
  return `","target":null,"type":"${type}",${rights.json},"ETag":"`
}

/** Writes rows of content, of few pieces each: joining them is what a long listing costs. */
export class EntryRows {
  readonly #contentUri: string
  readonly #file: string
  readonly #folder: string
  readonly #contentTypes = new Map<string, string>()
  /** Siblings share the beginning of their URIs. */
  #parent = ''
  #parentUri: string

  /** `contentUri`: that of the content root. */
  constructor(contentUri: string, access: Access) {
    this.#contentUri = contentUri
    this.#parentUri = `,"uri":"${contentUri}/`
    this.#file = nature('file', entryRights(access, { kind: 'file', path: '-' }))
    this.#folder = nature('dir', entryRights(access, { kind: 'folder', path: '-' }))
  }

  /** `path` beside the name, for listings of whole trees. */
  row(entry: Entry, withPath: boolean): string {
    const { kind, name, etag, created, modified, size, id } = entry
    const common =
      `{"name":${text(name)}${this.#uriOfParent(entry)}${encode(name)}${kind === 'file' ? this.#file : this.#folder}` +
      `${etag}","etag":"${etag}${times(created, modified)}${size}`
    const path = withPath ? `,"path":${text(entry.path)}}` : '}'
    if (entry.kind === 'folder') return `${common},"content_type":null,"id":${id}${path}`
    const { contentType, md5, executable } = entry
    return `${common}${this.#contentType(contentType)}${id},"md5":"${md5}","executable":${executable}${path}`
  }

  #uriOfParent({ path, name }: Entry): string {
    const parent = path.slice(0, Math.max(0, path.length - name.length - 1))
    if (parent !== this.#parent) {
      this.#parent = parent
      const below = parent === '' ? '' : `/${parent.split('/').map(encode).join('/')}`
      this.#parentUri = `,"uri":"${this.#contentUri}${below}/`
    }
    return this.#parentUri
  }

  #contentType(type: string): string {
    const known = this.#contentTypes.get(type)
    if (known !== undefined) return known
    const written = `,"content_type":${text(type)},"id":`
    this.#contentTypes.set(type, written)
    return written
  }
}

/** Of most names nothing needs escaping. */
function text(value: string): string {
  return /^[ !#-[\]-~]*$/.test(value) ? `"${value}"` : JSON.stringify(value)
}

function encode(name: string): string {
  return /^[\w.~-]*$/.test(name) ? name : encodeURIComponent(name)
}

const MOST_DATES = 1000
const dates = new Map<number, string>()
const bothTimes = new Map<number, string>()

/** From the end of the etag to the beginning of the size. Entries made together share their times, which are in seconds. */
function times(created: number, modified: number): string {
  const second = Math.floor(created / 1000)
  if (second !== Math.floor(modified / 1000)) return written(date(created), date(modified))
  return remembered(bothTimes, second, () => written(date(created), date(created)))
}

function written(created: string, modified: string): string {
  return `","created_on":"${created}","last_modified":"${modified}","size":`
}

function date(time: number): string {
  return remembered(dates, Math.floor(time / 1000), () => rowDate(time))
}

function remembered(cache: Map<number, string>, key: number, make: () => string): string {
  const known = cache.get(key)
  if (known !== undefined) return known
  if (cache.size === MOST_DATES) cache.clear()
  const made = make()
  cache.set(key, made)
  return made
}
