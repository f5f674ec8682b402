/** The content type a file gets (contract §3). */
import { posix } from 'node:path'
import mime from 'mime-types'
import { SpaceError } from '../space/errors.js'
import { quote } from '../space/quote.js'

const UNKNOWN = 'application/octet-stream'

/** What clients send when they mean nothing by it; the second is curl's. */
const NO_DECLARATION = new Set(['', UNKNOWN, 'application/x-www-form-urlencoded'])

const LONGEST = 255

/** RFC 9110 §8.3.1, in printable ASCII. */
const MEDIA_TYPE =
  /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+(?: *;(?: *[\w!#$%&'*+.^`|~-]+=(?:[\w!#$%&'*+.^`|~-]+|"(?:[ !#-[\]-~]|\\[ -~])*"))?)*$/

/**
 * The type a write declares, else that of the name's extension.
 * `declared`: the request's Content-Type, or what else `what` calls it. BAD_REQUEST where it is not a media type of at most
 * 255 bytes.
 */
export function contentType(
  declared: string | undefined,
  name: string,
  what = 'The header Content-Type',
): string {
  if (declared === undefined) return typeOfName(name)
  const given = declared.trim()
  if (given !== '' && !isMediaType(given)) {
    throw new SpaceError(
      'BAD_REQUEST',
      `${what} is not a media type of at most ${LONGEST} bytes such as "text/csv; charset=utf-8": ${quote(given)}.`,
    )
  }
  const essence = given.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  return NO_DECLARATION.has(essence) ? typeOfName(name) : given
}

/** Of at most 255 bytes. */
export function isMediaType(text: string): boolean {
  return text.length <= LONGEST && MEDIA_TYPE.test(text)
}

/** By extension; a name without one, or with nothing before it, says nothing of its content. */
export function typeOfName(name: string): string {
  const extension = posix.extname(name)
  return (extension !== '' && mime.lookup(extension)) || UNKNOWN
}
