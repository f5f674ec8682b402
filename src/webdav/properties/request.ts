/** What a PROPFIND asks for (RFC 4918 §9.1, §14.20). */
import { SpaceError } from '../../space/errors.js'
import { clark, davChild, elementsOf, isDav, type XmlElement } from '../xml/element.js'
import { parseXml } from '../xml/parse.js'

/** Names as `clark` makes them. */
export type PropertyQuery =
  | { readonly kind: 'names' }
  | { readonly kind: 'all'; readonly include: readonly string[] }
  | { readonly kind: 'some'; readonly names: readonly string[] }

const ALL: PropertyQuery = { kind: 'all', include: [] }

const REMEMBERED_BYTES = 2048
const MOST_REMEMBERED = 100
const remembered = new Map<string, PropertyQuery>()

/** Clients send the same handful of bodies again and again. An empty one means all. BAD_REQUEST. */
export function parsePropfind(body: Buffer): PropertyQuery {
  if (body.length === 0) return ALL
  if (body.length > REMEMBERED_BYTES) return queryOf(parseXml(body))
  const key = body.toString('latin1')
  let query = remembered.get(key)
  if (!query) {
    query = queryOf(parseXml(body))
    if (remembered.size === MOST_REMEMBERED) remembered.clear()
    remembered.set(key, query)
  }
  return query
}

function queryOf(root: XmlElement): PropertyQuery {
  if (!isDav(root, 'propfind')) throw refused('its root must be DAV:propfind')
  const kinds = ['prop', 'allprop', 'propname'].filter((kind) => davChild(root, kind))
  if (kinds.length !== 1) {
    throw refused('it must have exactly one of DAV:prop, DAV:allprop and DAV:propname')
  }
  if (kinds[0] === 'propname') return { kind: 'names' }
  if (kinds[0] === 'prop') return { kind: 'some', names: namesIn(davChild(root, 'prop')) }
  return { kind: 'all', include: namesIn(davChild(root, 'include')) }
}

/** The names of the properties in a `prop` or `include`. */
export function namesIn(element: XmlElement | undefined): string[] {
  return element ? [...new Set(elementsOf(element).map(clark))] : []
}

function refused(why: string): SpaceError {
  return new SpaceError('BAD_REQUEST', `The body of the PROPFIND is refused: ${why}.`)
}
