/** Which resource a path under `/dav/` means, and how hrefs lead back to it. */

import { isResourceName } from '../accounts/names.js'
import type { SpaceAddress } from '../accounts/types.js'
import { parseTarget } from '../http/target.js'
import { SpaceError } from '../space/errors.js'
import { decodePath, pathOf } from '../space/names.js'
import { quote } from '../space/quote.js'
import type { SpacePath } from '../space/types.js'
import { DavError } from './errors.js'
import { encodePath, encodeSegment, encodeSpace } from './xml/escape.js'

/** `above`: the server's root, which clients look at on their way; `top`: where the spaces are; `space`: one of them. */
export type DavTarget = OutsideTarget | SpaceTarget

interface OutsideTarget {
  readonly kind: 'above' | 'top'
  /** Absolute path, encoded, with a slash at the end. */
  readonly href: string
}

export interface SpaceTarget {
  readonly kind: 'space'
  /** The path's first name: `name`, or `@owner~name`. */
  readonly spaceName: string
  /** Absent where nothing can be called so. */
  readonly address: SpaceAddress | undefined
  readonly path: SpacePath & { readonly trailingSlash: boolean }
  /** As the client spells it, encoded anew, without a slash at the end: what its clients compare. */
  readonly href: string
}

/** The target of a request line. BAD_PATH, BAD_NAME, BAD_REQUEST (a fragment). `root`: what `/dav` is to the client. */
export function parseDavTarget(url: string, root: string): DavTarget {
  if (url.includes('#')) {
    throw new SpaceError(
      'BAD_REQUEST',
      `The request's target ${quote(url)} has a fragment, which is never sent.`,
    )
  }
  return targetOf(parseTarget(url).path, root)
}

function targetOf(path: string, root: string): DavTarget {
  const segments = path.split('/').filter((segment) => segment !== '')
  const first = segments[1]
  if (segments.length === 0) return { kind: 'above', href: root.slice(0, root.lastIndexOf('/') + 1) }
  if (first === undefined) return { kind: 'top', href: `${root}/` }
  const spaceName = decodePath(first)
  const decoded = segments.slice(2).map(decodePath)
  const { names, folded } = pathOf(decoded)
  let href = `${root}/${encodeSpace(spaceName)}`
  for (const name of decoded) href += `/${encodeSegment(name)}`
  return {
    kind: 'space',
    spaceName,
    address: addressOf(spaceName),
    path: { names, folded, trailingSlash: path.endsWith('/') },
    href,
  }
}

/** Own spaces by name, others' as `@owner~name` (contract §9). */
function addressOf(spaceName: string): SpaceAddress | undefined {
  const tilde = spaceName.startsWith('@') ? spaceName.indexOf('~') : -1
  const name = spaceName.slice(tilde + 1)
  if (!isResourceName(name)) return undefined
  if (tilde === -1) return { name }
  const owner = spaceName.slice(1, tilde)
  return isResourceName(owner) ? { owner, name } : undefined
}

/** What our clients' own URLs look like. */
export interface Origin {
  /** Hosts that are us, as `host:port`. */
  readonly hosts: readonly string[]
  /** What `/dav` is to the client. */
  readonly root: string
}

/**
 * The resource a `Destination` or the tag of an `If` names: an absolute URI or path (RFC 4918 §8.3, §10.3).
 * 502 for another server, 403 outside `/dav/`, else as `parseDavTarget`.
 */
export function parseReference(header: string, reference: string, { hosts, root }: Origin): DavTarget {
  const value = reference.trim()
  const authority = /^https?:\/\/([^/?#]*)/i.exec(value)
  if (!authority && !value.startsWith('/')) {
    throw new SpaceError(
      'BAD_REQUEST',
      `The header ${header} must be an absolute URL or path, not ${quote(reference)}.`,
    )
  }
  const host = authority && hostOf(authority[0])
  if (host !== null && !hosts.includes(host)) {
    throw new DavError(502, `The header ${header} names another server: ${quote(reference)}.`)
  }
  if (value.includes('#')) {
    throw new SpaceError('BAD_REQUEST', `The header ${header} has a fragment: ${quote(reference)}.`)
  }
  const { path } = parseTarget(value)
  const inside = path.replace(/^\/+/, '/')
  if (inside !== root && !inside.startsWith(`${root}/`)) {
    throw new DavError(403, `The header ${header} leads out of ${root}/: ${quote(reference)}.`)
  }
  return targetOf(inside.slice(root.lastIndexOf('/')), root)
}

/** Without the port where it is the scheme's own; '' where it is none. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : ''
}

/** The href of the entry at `path`, canonical in the space. Folders end with a slash. */
export function hrefIn(spaceHref: string, path: string, isFolder: boolean): string {
  const href = path === '' ? spaceHref : `${spaceHref}/${encodePath(path)}`
  return isFolder ? `${href}/` : href
}
