/**
 * A space as a tar (POSIX pax): `space.json`, then `content/…` with folders before what is in them, then `journal/<first seq>.ndjson`, then
 * `end.json`, without which the archive is not whole. What tar has no field for is in pax records of ours.
 */

export const FORMAT = 'novem-spaces export'
export const VERSION = 1

export const ABOUT = 'space.json'
export const CONTENT = 'content/'
export const JOURNAL = 'journal/'
export const END = 'end.json'

/** Rows in one file of the journal. */
export const JOURNAL_ROWS = 1000

export interface About {
  readonly format: string
  readonly version: number
  readonly name: string
  readonly epoch: string
  readonly seq: number
  readonly exported_on: string
  /** The space's small text files. */
  readonly meta: Readonly<Record<string, string>>
}

export interface End {
  readonly files: number
  readonly folders: number
}

/** Of a file or folder. `mtime` is standard: seconds with a fraction. */
export interface PaxRecords {
  readonly mtime: string
  readonly 'NOVEM.content-type'?: string
  readonly 'NOVEM.md5'?: string
  /** Dead properties as a JSON object. */
  readonly 'NOVEM.properties'?: string
}

export const EXECUTABLE = 0o755
export const PLAIN = 0o644
