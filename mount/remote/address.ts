/** Where a space and its entries are on the server. */
import { SpaceError } from '../../src/space/errors.js'
import { quote } from '../../src/space/quote.js'
import type { Address } from '../volume.js'

/** Path of a space: `notes` is the caller's own, `@ann~notes` somebody else's. BAD_REQUEST where it is neither. */
export function spacePath(space: string): string {
  const [, owner, name] = /^(?:@([^~/]+)~)?([^~/@]+)$/.exec(space) ?? []
  if (name === undefined) {
    throw new SpaceError('BAD_REQUEST', `${quote(space)} names no space; write "notes" or "@owner~notes".`)
  }
  const spaces = owner === undefined ? '/v1' : `/v1/users/${encodeURIComponent(owner)}`
  return `${spaces}/code/spaces/${encodeURIComponent(name)}`
}

/** The same by its shortname, which stays when the space is renamed. */
export function lastingPath(shortname: string): string {
  return `/v1/code/spaces/~${shortname}`
}

/** Path and query of an entry, below that of its space. BAD_NAME where a name cannot be written as UTF-8. */
export function entryPath({ base, path }: Address, query = ''): string {
  return `/content/${encoded(path)}?base=${base}${query}`
}

/** The same as a folder, for PUT. */
export function folderPath({ base, path }: Address): string {
  return `/content/${encoded(path)}/?base=${base}`
}

function encoded(path: string): string {
  if (/^[\w./~-]*$/.test(path)) return path
  try {
    return path.split('/').map(encodeURIComponent).join('/')
  } catch (cause) {
    throw new SpaceError('BAD_NAME', `${quote(path)} holds half a character.`, {}, { cause })
  }
}
