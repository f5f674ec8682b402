/**
 * What a name may be, when two names are the same, and how a path is read. Pure: nothing here looks at the tree.
 * Rules: seed 002 "names", contract §1 "Paths" and §3 "Names".
 */
import { SpaceError } from './errors.js'
import { quote } from './quote.js'
import type { SpacePath } from './types.js'
import { foldName, normalizeName } from './unicode/fold.js'

export { foldName, normalizeName, UNICODE_VERSION } from './unicode/fold.js'

/** Limits, in bytes of UTF-8 after NFC and in names below the root. */
export const NAME_BYTES = 255
export const PATH_BYTES = 1024
export const PATH_LEVELS = 64

/** The root of a space (or of a base folder). */
export const ROOT: SpacePath = Object.freeze({ names: Object.freeze([]), folded: Object.freeze([]) })

const FORBIDDEN = /[<>:"/\\|?*\p{Cc}\p{Cs}]/u

/** Windows takes the part before the first dot, without the spaces at its end, for the device: `CON .txt` is CON. */
const DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[1-9¹²³]) *(?:\.|$)/i

/** Most names: nothing that normal form, the rules for characters or the last one could object to. */
const PLAIN = /^[\w.-]{1,254}[\w-]$/

/** The name in NFC. BAD_NAME where no entry may be called so; the message names the name and the rule. */
export function checkName(name: string): string {
  if (PLAIN.test(name) && !DEVICE.test(name)) return name
  const normal = normalizeName(name)
  const refuse = (rule: string) => new SpaceError('BAD_NAME', `The name ${quote(name)} is refused: ${rule}.`)
  if (normal === '') throw refuse('a name may not be empty')
  if (normal === '.' || normal === '..') throw refuse('"." and ".." are not names of entries')
  const forbidden = FORBIDDEN.exec(normal)?.[0]
  if (forbidden !== undefined) throw refuse(forbiddenRule(forbidden))
  if (normal.endsWith('.')) throw refuse('a name may not end with a dot')
  if (normal.endsWith(' ')) throw refuse('a name may not end with a space')
  if (DEVICE.test(normal)) throw refuse('Windows reserves it for a device, with or without an extension')
  const bytes = Buffer.byteLength(normal)
  if (bytes > NAME_BYTES) throw refuse(`it is ${bytes} bytes long, and a name may have at most ${NAME_BYTES}`)
  return normal
}

function forbiddenRule(character: string): string {
  if (/\p{Cs}/u.test(character)) return 'it holds half of a surrogate pair, which is not a character'
  if (/\p{Cc}/u.test(character)) return `control characters are not allowed, and it holds ${quote(character)}`
  return `the characters < > : " / \\ | ? * are not allowed, and it holds ${character}`
}

/** A decoded path, such as the `to` of a move. BAD_NAME for a segment, BAD_PATH over a limit. */
export function parsePath(decoded: string): SpacePath {
  return pathOf(decoded.split('/'))
}

/** A path of decoded segments; empty ones do not count. Errors as `parsePath`. */
export function pathOf(segments: readonly string[]): SpacePath {
  return fromSegments(segments, (segment) => segment)
}

/** A path as it stands in a request line or a `Destination` header, without the query. Errors as `parsePath` and `decodePath`. */
export function parseRawPath(raw: string): SpacePath & { readonly trailingSlash: boolean } {
  const { names, folded } = fromSegments(raw.split('/'), decodePath)
  return { names, folded, trailingSlash: raw.endsWith('/') }
}

/** The path of an entry in a folder. Errors as `parsePath`. */
export function joinPath(path: SpacePath, name: string): SpacePath {
  return limited({
    names: [...path.names, checkName(name)],
    folded: [...path.folded, foldName(name)],
  })
}

/** The path as the journal and metadata show it: names as given, '' for the root. */
export function pathString(path: SpacePath): string {
  return path.names.join('/')
}

/**
 * Percent-decodes one segment (or one query value) once, as UTF-8; a `+` stays a plus. Bytes sent raw, which Node
 * hands over as one character each, count as if they had been escaped. BAD_PATH where an escape is broken or the bytes
 * are not UTF-8. A whole path goes through `parseRawPath`, where `%2F` is part of a name (and refused), not a separator.
 */
export function decodePath(raw: string): string {
  if (/^[\u0020-\u0024\u0026-\u007e]*$/.test(raw)) return raw
  const broken = /%(?![0-9a-f]{2}).{0,2}/is.exec(raw)?.[0]
  if (broken !== undefined) {
    throw new SpaceError(
      'BAD_PATH',
      `The path segment ${quote(raw)} holds ${quote(broken)}, which is not a percent-escape.`,
    )
  }
  try {
    return decodeURIComponent(raw.replace(/[\u0080-\u00ff]/g, encodeByte))
  } catch (cause) {
    throw new SpaceError('BAD_PATH', `The path segment ${quote(raw)} is not valid UTF-8.`, {}, { cause })
  }
}

function encodeByte(character: string): string {
  return `%${character.charCodeAt(0).toString(16)}`
}

function fromSegments(segments: readonly string[], decode: (segment: string) => string): SpacePath {
  const names: string[] = []
  for (const segment of segments) {
    if (segment === '') continue
    if (names.length === PATH_LEVELS) {
      throw new SpaceError(
        'BAD_PATH',
        `The path ${quote(segments.join('/'))} is more than ${PATH_LEVELS} levels deep.`,
      )
    }
    names.push(checkName(decode(segment)))
  }
  return limited({ names, folded: names.map(foldName) })
}

function limited(path: SpacePath): SpacePath {
  const shown = () => quote(pathString(path))
  if (path.names.length > PATH_LEVELS) {
    throw new SpaceError('BAD_PATH', `The path ${shown()} is more than ${PATH_LEVELS} levels deep.`)
  }
  const bytes = Buffer.byteLength(pathString(path))
  if (bytes > PATH_BYTES) {
    throw new SpaceError(
      'BAD_PATH',
      `The path ${shown()} is ${bytes} bytes long, and a path may have at most ${PATH_BYTES}.`,
    )
  }
  return path
}

/** Names of spaces, groups, organisations and accounts (contract §1). */
export const RESOURCE_NAME = /^[a-z0-9][a-z0-9_-]{0,127}$/

/** The name itself, or BAD_NAME. `kind`: what is being named, for the message ("space", "group"). */
export function checkResourceName(kind: string, name: string): string {
  if (RESOURCE_NAME.test(name)) return name
  throw new SpaceError(
    'BAD_NAME',
    `The ${kind} name ${quote(name)} is refused: it must have 1 to 128 characters of a–z, 0–9, "_" and "-", and begin with a letter or digit.`,
  )
}
