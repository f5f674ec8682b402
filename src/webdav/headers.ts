/** Headers that only WebDAV has (RFC 4918 §10). */
import type { IncomingHttpHeaders } from 'node:http'
import { SpaceError } from '../space/errors.js'
import { quote } from '../space/quote.js'

export type Depth = 0 | 1 | 'infinity'

/** RFC 4918 §10.2. `otherwise` where the header is absent. BAD_REQUEST where it is not one of `among`. */
export function depthOf<D extends Depth>(
  { depth }: IncomingHttpHeaders,
  among: readonly D[],
  otherwise: NoInfer<D>,
): D {
  if (depth === undefined) return otherwise
  const given = String(depth).trim().toLowerCase()
  const found = among.find((one) => String(one) === given)
  if (found !== undefined) return found
  throw new SpaceError(
    'BAD_REQUEST',
    `The header Depth must be ${among.map(String).join(' or ')} here, not ${quote(String(depth))}.`,
  )
}

/** RFC 4918 §10.6: true where it is absent. */
export function overwrites({ overwrite }: IncomingHttpHeaders): boolean {
  const given = String(overwrite ?? 'T')
    .trim()
    .toUpperCase()
  if (given === 'T' || given === 'F') return given === 'T'
  throw new SpaceError('BAD_REQUEST', `The header Overwrite must be T or F, not ${quote(String(overwrite))}.`)
}

const LONGEST_SECONDS = 3600

/**
 * RFC 4918 §10.7, in milliseconds: the first wish that is understood, at most the hour that locks last at the longest
 * (contract §9), which is also what whoever wishes nothing gets.
 */
export function timeoutOf({ timeout }: IncomingHttpHeaders): number {
  for (const wish of String(timeout ?? '').split(',')) {
    const seconds = /^\s*second-(\d{1,10})\s*$/i.exec(wish)?.[1]
    if (seconds !== undefined) return Math.min(Math.max(Number(seconds), 1), LONGEST_SECONDS) * 1000
    if (/^\s*infinite\s*$/i.test(wish)) break
  }
  return LONGEST_SECONDS * 1000
}

/** RFC 4918 §10.5. BAD_REQUEST where it is not a token in angle brackets. */
export function lockTokenOf({ 'lock-token': header }: IncomingHttpHeaders): string | undefined {
  if (header === undefined) return undefined
  const token = /^\s*<\s*([^<>\s]+)\s*>\s*$/.exec(String(header))?.[1]
  if (token !== undefined) return token
  throw new SpaceError(
    'BAD_REQUEST',
    `The header Lock-Token must be a token in angle brackets, not ${quote(String(header))}.`,
  )
}

/** Does the client want nothing of the properties that are not there? (RFC 8144 §2.1, and Microsoft's older `Brief`.) */
export function prefersMinimal({ prefer, brief }: IncomingHttpHeaders): boolean {
  return (
    /(?:^|[,;\s])return\s*=\s*"?minimal\b/i.test(String(prefer ?? '')) ||
    /^\s*t\s*$/i.test(String(brief ?? ''))
  )
}
