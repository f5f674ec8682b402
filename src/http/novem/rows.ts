/** Rows of directory listings (contract §2), built as text: a folder may have a hundred thousand of them. */
import type { Access, Entry } from '../../space/types.js'
import { rowDate } from '../dates.js'
import { entryRights, type Rights } from '../rights.js'

export interface Row {
  readonly name: string
  readonly uri: string
  readonly type: 'file' | 'dir' | 'link' | 'system_file' | 'system_dir'
  readonly rights: Rights
  readonly etag: string
  readonly created: number
  readonly modified: number
  readonly size: number
}

/** A row as JSON, without its closing brace: content adds to it. */
function openRow(row: Row): string {
  const { name, uri, type, rights, etag, created, modified, size } = row
  return (
    `{"name":${text(name)},"uri":${text(uri)},"target":null,"type":"${type}",${rights.json},` +
    `"ETag":"${etag}","etag":"${etag}","created_on":"${date(created)}","last_modified":"${date(modified)}","size":${size}`
  )
}

export function rowsJson(rows: readonly Row[]): string {
  return `[${rows.map((row) => `${openRow(row)}}`).join(',')}]`
}

/** Writes rows of content. `uri`: that of the content root. */
export class EntryRows {
  readonly #uri: string
  readonly #access: Access
  /** URIs of folders, as siblings share theirs. */
  #folder = ''
  #folderUri: string

  constructor(uri: string, access: Access) {
    this.#uri = uri
    this.#access = access
    this.#folderUri = uri
  }

  /** `path` beside the name, for listings of whole trees. */
  row(entry: Entry, withPath: boolean): string {
    const rights = entryRights(this.#access, entry)
    const uri = `${this.#uriOfFolder(entry)}/${encode(entry.name)}`
    const { kind, name, etag, created, modified, size, id } = entry
    const type = kind === 'file' ? 'file' : 'dir'
    const open = openRow({ name, uri, type, rights, etag, created, modified, size })
    const path = withPath ? `,"path":${text(entry.path)}` : ''
    if (entry.kind === 'folder') return `${open},"content_type":null,"id":${id}${path}}`
    const { contentType, md5, executable } = entry
    return `${open},"content_type":${text(contentType)},"id":${id},"md5":"${md5}","executable":${executable}${path}}`
  }

  #uriOfFolder({ path, name }: Entry): string {
    const folder = path.slice(0, Math.max(0, path.length - name.length - 1))
    if (folder !== this.#folder) {
      this.#folder = folder
      this.#folderUri = folder === '' ? this.#uri : `${this.#uri}/${folder.split('/').map(encode).join('/')}`
    }
    return this.#folderUri
  }
}

/** Of most names and types nothing needs escaping. */
function text(value: string): string {
  return /^[ !#-[\]-~]*$/.test(value) ? `"${value}"` : JSON.stringify(value)
}

function encode(name: string): string {
  return /^[\w.~-]*$/.test(name) ? name : encodeURIComponent(name)
}

const dates = new Map<number, string>()
const MOST_DATES = 1000

/** Entries made together share their times. */
function date(time: number): string {
  const second = Math.floor(time / 1000)
  let written = dates.get(second)
  if (written === undefined) {
    written = rowDate(time)
    if (dates.size === MOST_DATES) dates.clear()
    dates.set(second, written)
  }
  return written
}
