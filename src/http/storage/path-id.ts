/** Paths in one segment of a URL: base64 of their UTF-8 (seed 001, "Path Encoding"). */
import { SpaceError } from '../../space/errors.js'
import { quote } from '../../space/quote.js'

export function pathIdOf(path: string): string {
  return Buffer.from(path).toString('base64url')
}

/** Takes both alphabets, padded or not. BAD_REQUEST where it is not base64 of UTF-8. */
export function pathOfId(id: string): string {
  const unpadded = id.replace(/={1,2}$/, '')
  const bytes = Buffer.from(unpadded, 'base64url')
  const isPaddedRight = unpadded === id || id.length % 4 === 0
  // Node ignores what it cannot decode; what is read whole can be written again.
  const written = bytes.toString('base64url')
  if (!isPaddedRight || written !== unpadded.replaceAll('+', '-').replaceAll('/', '_')) {
    throw new SpaceError('BAD_REQUEST', `The path id ${quote(id)} is not base64.`)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new SpaceError('BAD_REQUEST', `The path id ${quote(id)} is not base64 of UTF-8.`, {}, { cause })
  }
}
