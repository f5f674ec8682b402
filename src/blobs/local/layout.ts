import { join } from 'node:path'
import { checkBlobId, checkSpaceId } from '../ids.js'

/**
 * Where a local store keeps what:
 *
 *     pending/<space>.<blob>          put, and not yet known to be live
 *     blobs/<space>/<aa>/<blob>       live; <aa> is the id's first two digits
 *     packs/                          small ones, many to a file, see `packs/folder.ts`
 */
export class Layout {
  readonly pendingFolder: string
  readonly blobsFolder: string
  readonly packsFolder: string

  constructor(readonly folder: string) {
    this.pendingFolder = join(folder, 'pending')
    this.blobsFolder = join(folder, 'blobs')
    this.packsFolder = join(folder, 'packs')
  }

  /** Both places of a blob. Raises CORRUPT when an id is not one. */
  places(space: string, blob: string): Places {
    checkSpaceId(space)
    checkBlobId(blob)
    const fan = `${this.blobsFolder}/${space}/${blob.slice(0, 2)}`
    return { pending: `${this.pendingFolder}/${space}.${blob}`, fan, live: `${fan}/${blob}` }
  }

  spaceFolder(space: string): string {
    checkSpaceId(space)
    return `${this.blobsFolder}/${space}`
  }
}

export interface Places {
  readonly pending: string
  /** The folder of `live`. */
  readonly fan: string
  readonly live: string
}

/** Space and blob of a name in the pending folder; undefined for anything that is not ours. */
export function parsePendingName(name: string): { space: string; blob: string } | undefined {
  const match = /^([a-z0-9]+)\.([0-9a-f]{32})$/.exec(name)
  return match?.[1] && match[2] ? { space: match[1], blob: match[2] } : undefined
}
