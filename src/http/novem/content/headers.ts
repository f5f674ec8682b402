/** What every GET of an entry says of it, whatever the form (contract §2, "Headers"). */
import type { StatResult } from '../../../space/operations.js'
import { httpDate } from '../../dates.js'
import { entryRights } from '../../rights.js'

export function entryHeaders({ entry, access }: Pick<StatResult, 'entry' | 'access'>): string[] {
  return [
    'ETag',
    `"${entry.etag}"`,
    'Last-Modified',
    httpDate(entry.modified),
    'X-NVM-Type',
    entry.kind === 'file' ? 'file' : 'dir',
    'X-NVM-Permissions',
    entryRights(access, entry).header,
    'Cache-Control',
    'private, no-cache',
    'Vary',
    'Accept, Authorization',
  ]
}
