import type { Frame } from './cpu-profile.js'

/** What time is spent on. Native code counts for whoever called it. */
export const KINDS = [
  'our own code',
  'the Redis client',
  'files (node:fs)',
  'HTTP, sockets and streams (Node)',
  'other packages',
  'garbage collection',
  'native, called by nobody in particular',
] as const

export type Kind = (typeof KINDS)[number]

/** Microseconds of each kind in all of the tree. */
export function byKind(root: Frame): ReadonlyMap<Kind, number> {
  const found = new Map<Kind, number>(KINDS.map((kind) => [kind, 0]))
  const visit = (frame: Frame, caller: Kind) => {
    const kind = kindOf(frame) ?? caller
    found.set(kind, (found.get(kind) ?? 0) + frame.self)
    for (const child of frame.children) visit(child, kind)
  }
  visit(root, 'native, called by nobody in particular')
  return found
}

/** Undefined where the caller decides. */
export function kindOf({ name, url }: Frame): Kind | undefined {
  if (name === '(garbage collector)') return 'garbage collection'
  if (url === '') return undefined
  if (url.startsWith('node:')) return /fs\b|fs\//.test(url) ? 'files (node:fs)' : nodeKind(url)
  if (/\/(ioredis|redis-parser|standard-as-callback|denque)\//.test(url)) return 'the Redis client'
  if (url.includes('/node_modules/')) return 'other packages'
  return url.includes('/src/redis/') ? 'the Redis client' : 'our own code'
}

/** Timers, ticks and the like belong to whoever they are for. */
function nodeKind(url: string): Kind | undefined {
  if (/process\/task_queues|async_hooks|node:buffer|internal\/util|internal\/buffer/.test(url))
    return undefined
  return 'HTTP, sockets and streams (Node)'
}
