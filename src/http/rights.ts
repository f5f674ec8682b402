/** What a caller may do with a resource, as rows, headers and OPTIONS say it (contract §2). */
import type { Access, Entry } from '../space/types.js'

export type Letter = 'r' | 'w' | 'd'

export class Rights {
  /** As in `X-NVM-Permissions`. */
  readonly header: string
  /** `"permissions":[…],"actions":[…]`, as it stands in every row. */
  readonly json: string

  constructor(
    readonly permissions: readonly Letter[],
    readonly actions: readonly string[],
  ) {
    this.header = permissions.join(', ')
    this.json = `"permissions":${JSON.stringify(permissions)},"actions":${JSON.stringify(actions)}`
  }
}

const ALL = ['r', 'w', 'd'] as const

/** To somebody for whom nothing is there. */
export const NOTHING = new Rights([], ['OPTIONS'])
export const READ = new Rights(['r'], ['GET', 'OPTIONS'])
/** A name that is still free. */
export const NEW_SPACE = new Rights(['w'], ['PUT', 'OPTIONS'])
export const NEW_ENTRY = new Rights(ALL, ['PUT', 'POST', 'OPTIONS'])

export const OWN_SPACE = new Rights(ALL, ['GET', 'PATCH', 'DELETE', 'OPTIONS'])
/** A small text file that its owner may write and clear. */
export const OWN_TEXT = new Rights(ALL, ['GET', 'POST', 'DELETE', 'OPTIONS'])
export const TOKEN = new Rights(['r', 'd'], ['GET', 'DELETE', 'OPTIONS'])

const FILE = new Rights(ALL, ['GET', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS'])
const FOLDER = new Rights(ALL, ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
const CONTENT = new Rights(ALL, ['GET', 'PUT', 'OPTIONS'])

/** Inside content, writing implies deleting (seed 002, "Permissions"). */
export function entryRights({ write }: Access, { kind, path }: Pick<Entry, 'kind' | 'path'>): Rights {
  if (!write) return READ
  if (kind === 'file') return FILE
  return path === '' ? CONTENT : FOLDER
}
