/** Entries as JSON objects: what `Accept: application/json` gets of a file, and what changes answer (contract §3). */
import type { Entry } from '../../space/types.js'
import { rowDate } from '../dates.js'

/**
 * The object's members in the order of the seed; folders have no MD5 or exec bit. What is undefined does not come into JSON.
 * `created`: of a change, whether it made the entry.
 */
export function metadata(entry: Entry, created?: boolean): Readonly<Record<string, unknown>> {
  const file = entry.kind === 'file' ? entry : undefined
  return {
    created,
    kind: entry.kind,
    name: entry.name,
    path: entry.path,
    size: entry.size,
    content_type: file?.contentType ?? null,
    etag: entry.etag,
    created_on: rowDate(entry.created),
    last_modified: rowDate(entry.modified),
    id: entry.id,
    md5: file?.md5,
    executable: file?.executable,
    created_ms: entry.created,
    modified_ms: entry.modified,
  }
}
