/** The server's JSON as the mount's shapes. */
import { SpaceError } from '../../src/space/errors.js'
import type { Item, Listing, Row, VolumeInfo } from '../volume.js'
import type { Answer } from './exchange.js'

/** As `src/http/novem/metadata.ts` and `view.ts` write it; of a folder without the last two. */
interface WireEntry {
  readonly kind: 'file' | 'folder'
  readonly id: number
  readonly name: string
  readonly path: string
  readonly size: number
  readonly etag: string
  readonly created_ms: number
  readonly modified_ms: number
  readonly md5?: string
  readonly executable?: boolean
}

interface WireListing {
  readonly folder: WireEntry
  readonly children: readonly WireEntry[]
}

interface WireUsage {
  readonly id: string
  readonly shortname: string
  readonly writable: boolean
  readonly bytes: number
  readonly entries: number
  readonly limits: { readonly file_bytes: number; readonly space_bytes: number; readonly entries: number }
  readonly seq: number
  readonly epoch: string
}

/** As `src/http/novem/changes.ts` writes it. */
export interface WireRow {
  readonly seq: number
  readonly path: string
  readonly change: Row['change']
  readonly old_path: string | null
  readonly type: 'file' | 'dir'
  readonly etag: string | null
  readonly size_bytes: number | null
}

export function itemOf({ body }: Answer): { readonly item: Item; readonly path: string } {
  const entry = parse<WireEntry>(body)
  return { item: item(entry), path: entry.path }
}

/** Where the journal stood, as every answer about content says. UNAVAILABLE where it does not. */
export function seqOf({ headers }: Pick<Answer, 'headers'>): number {
  const seq = Number(headers['x-nvm-seq'])
  if (Number.isSafeInteger(seq)) return seq
  throw stranger('it lacks the header X-NVM-Seq')
}

/** JSON that the server wrote. UNAVAILABLE where it is none: something else answered, such as a portal in front. */
export function parse<T>(text: Buffer | string): T {
  try {
    return JSON.parse(text.toString()) as T
  } catch {
    throw stranger('it is not JSON')
  }
}

/** UNAVAILABLE: what answers there is not one of our servers. */
export function stranger(why: string): SpaceError {
  return new SpaceError('UNAVAILABLE', `The answer is not from a novem server: ${why}.`)
}

export function listingOf(answer: Answer): Listing {
  const { folder, children } = parse<WireListing>(answer.body)
  return { folder: item(folder), items: children.map(item), seq: seqOf(answer) }
}

export function shortnameOf({ body }: Answer): string {
  return parse<WireUsage>(body).shortname
}

export function infoOf({ body }: Answer, name: string): VolumeInfo {
  const { id, writable, bytes, entries, limits, seq, epoch } = parse<WireUsage>(body)
  return {
    id,
    name,
    writable,
    bytes,
    entries,
    limits: { fileBytes: limits.file_bytes, spaceBytes: limits.space_bytes, entries: limits.entries },
    cursor: { seq, epoch },
  }
}

export function rowOf({ seq, change, path, old_path, type, etag, size_bytes }: WireRow): Row {
  const kind = type === 'file' ? 'file' : 'folder'
  return { seq, change, path, oldPath: old_path, kind, etag, size: size_bytes }
}

function item(entry: WireEntry): Item {
  const { id, kind, name, size, etag, created_ms: created, modified_ms: modified } = entry
  const { executable = false, md5 = '' } = entry
  return { id, kind, name, size, etag, created, modified, executable, md5 }
}
