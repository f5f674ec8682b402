/** Entries as JSON objects: what `Accept: application/json` gets of a file, and what changes answer (contract §3). */
import type { Entry } from '../../space/types.js'
import { rowDate } from '../dates.js'

/** The object's members in the order of the seed; folders have no content type, MD5 or exec bit. */
export function metadata(entry: Entry): Readonly<Record<string, unknown>> {
  const { name, path, size, etag } = entry
  const times = { created_on: rowDate(entry.created), last_modified: rowDate(entry.modified) }
  const exact = { created_ms: entry.created, modified_ms: entry.modified }
  if (entry.kind === 'folder') {
    return { kind: 'folder', name, path, size, content_type: null, etag, ...times, id: entry.id, ...exact }
  }
  const { contentType, md5, executable, id } = entry
  return {
    ...{ kind: 'file', name, path, size, content_type: contentType, etag, ...times },
    ...{ id, md5, executable, ...exact },
  }
}
