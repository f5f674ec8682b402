/** Locks as clients see them (RFC 4918 §6, §15.8, §15.10). */
import { foldName } from '../space/names.js'
import type { Lock, SpacePath } from '../space/types.js'
import { hrefIn } from './target.js'

export const SUPPORTED_LOCK =
  '<D:supportedlock>' +
  '<D:lockentry><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>' +
  '<D:lockentry><D:lockscope><D:shared/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>' +
  '</D:supportedlock>'

const NO_LOCKS = '<D:lockdiscovery/>'

/** The locks on the entry at a canonical path: its own, and those of depth infinity above it. */
export function locksOn(locks: readonly Lock[], path: string): readonly Lock[] {
  if (locks.length === 0) return locks
  return locks.filter((lock) => reaches(lock.depth, lock.path, path))
}

/** The same for a path as a client gives it, where case does not count, and nothing needs to be there. */
export function tokensOn(locks: readonly Lock[], { folded }: SpacePath): ReadonlySet<string> {
  const path = folded.join('/')
  const on = locks.filter((lock) => reaches(lock.depth, lock.path.split('/').map(foldName).join('/'), path))
  return new Set(on.map(({ token }) => token))
}

function reaches(depth: Lock['depth'], root: string, path: string): boolean {
  return root === path || (depth === 'infinity' && (root === '' || path.startsWith(`${root}/`)))
}

/** The property of an entry on which these locks are. */
export function lockDiscovery(locks: readonly Lock[], spaceHref: string): string {
  if (locks.length === 0) return NO_LOCKS
  return `<D:lockdiscovery>${locks.map((lock) => activeLock(lock, spaceHref)).join('')}</D:lockdiscovery>`
}

function activeLock({ scope, depth, owner, expires, token, path }: Lock, spaceHref: string): string {
  const seconds = Math.max(0, Math.round((expires - Date.now()) / 1000))
  return (
    `<D:activelock><D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype>` +
    `<D:depth>${depth}</D:depth>${owner}<D:timeout>Second-${seconds}</D:timeout>` +
    `<D:locktoken><D:href>${token}</D:href></D:locktoken>` +
    `<D:lockroot><D:href>${hrefIn(spaceHref, path, false)}</D:href></D:lockroot></D:activelock>`
  )
}
