/** Writes what a query asks for of one entry after another. */
import type { Properties } from '../../space/operations.js'
import type { Entry } from '../../space/types.js'
import { DAV, unclark } from '../xml/element.js'
import { escapeAttribute } from '../xml/escape.js'
import { propstat } from '../xml/multistatus.js'
import { LIVE, type LiveProperty, type View } from './live.js'
import type { PropertyQuery } from './request.js'

/** How a query is answered; made once a request. */
export interface Renderer {
  readonly needsDead: boolean
  readonly needsQuota: boolean
  /** What it writes of an entry is the same as long as the entry is. */
  readonly isLasting: boolean
  /** The `propstat`s of an entry. `dead`: its dead properties, where it has any. */
  write(entry: Entry, view: View, dead?: Properties): string
}

/** `minimal`: says nothing of properties that are not there. */
export function rendererOf(query: PropertyQuery, minimal: boolean): Renderer {
  switch (query.kind) {
    case 'names':
      return { needsDead: true, needsQuota: false, isLasting: false, write: writeNames }
    case 'all':
      return allRenderer(query.include, minimal)
    case 'some':
      return someRenderer(query.names, minimal)
  }
}

const IN_ALL = [...LIVE.values()].filter(({ onRequest }) => !onRequest)

function writeNames(entry: Entry, view: View, dead?: Properties): string {
  let names = ''
  for (const property of IN_ALL)
    if (property.write(entry, view) !== undefined) names += emptyElement(property)
  for (const name of dead?.keys() ?? []) names += emptyElement(unclark(name))
  return propstat(200, names)
}

function allRenderer(include: readonly string[], minimal: boolean): Renderer {
  const all = new Set<string>(IN_ALL.map(({ uri, local }) => `{${uri}}${local}`))
  // Dead properties are all there anyway.
  const extra = someRenderer(
    include.filter((name) => LIVE.has(name) && !all.has(name)),
    minimal,
  )
  return {
    needsDead: true,
    needsQuota: extra.needsQuota,
    isLasting: false,
    write: (entry, view, dead) => {
      let found = ''
      for (const property of IN_ALL) found += property.write(entry, view) ?? ''
      for (const xml of dead?.values() ?? []) found += xml
      const rest = extra.wanted.length === 0 ? NOTHING : collect(extra.wanted, entry, view)
      return statuses(found + rest.found, rest.missing, minimal)
    },
  }
}

interface Wanted {
  readonly name: string
  readonly live?: LiveProperty
  /** The element that says that there is none. */
  readonly absent: string
}

function someRenderer(
  names: readonly string[],
  minimal: boolean,
): Renderer & { readonly wanted: readonly Wanted[] } {
  const wanted = names.map((name): Wanted => {
    const live = LIVE.get(name)
    return { name, absent: emptyElement(unclark(name)), ...(live && { live }) }
  })
  return {
    wanted,
    needsDead: wanted.some(({ live }) => !live),
    needsQuota: wanted.some(({ live }) => live?.quota),
    isLasting: wanted.every(({ live }) => live && !live.passing),
    write: (entry, view, dead) => {
      const { found, missing } = collect(wanted, entry, view, dead)
      return statuses(found, missing, minimal)
    },
  }
}

const NOTHING = { found: '', missing: '' }

function collect(wanted: readonly Wanted[], entry: Entry, view: View, dead?: Properties) {
  let found = ''
  let missing = ''
  for (const { name, live, absent } of wanted) {
    const xml = live ? live.write(entry, view) : dead?.get(name)
    if (xml === undefined) missing += absent
    else found += xml
  }
  return { found, missing }
}

function statuses(found: string, missing: string, minimal: boolean): string {
  if (missing === '' || minimal) return propstat(200, found)
  return found === '' ? propstat(404, missing) : propstat(200, found) + propstat(404, missing)
}

/** A property's name without its value. */
export function emptyElement({ uri, local }: { readonly uri: string; readonly local: string }): string {
  return uri === DAV ? `<D:${local}/>` : `<${local} xmlns="${escapeAttribute(uri)}"/>`
}
