/** Data URLs (RFC 2397), decoded as they come: percent-encoded, or base64 within that (WHATWG Fetch, "data: URL processor"). */
import { SpaceError } from '../../space/errors.js'
import { quote } from '../../space/quote.js'

export interface DataUrl {
  /** The media type with its parameters; undefined where it declares none. */
  readonly contentType: string | undefined
  /** Raises BAD_REQUEST where what comes is not what the URL says, and what `pieces` raises. */
  readonly bytes: AsyncGenerator<Buffer, void>
}

/** Longer than any media type we take, with room to say so. */
const LONGEST_HEAD = 1024
const SCHEME = /^data:/i
const BASE64 = /; *base64 *$/i

export function isDataUrl(text: string): boolean {
  return SCHEME.test(text)
}

/** `pieces` of the URL, split anywhere. BAD_REQUEST where it has no comma within its first KiB. */
export async function openDataUrl(pieces: AsyncGenerator<string, void>): Promise<DataUrl> {
  let head = ''
  let comma = -1
  while (comma === -1) {
    const { value, done } = await pieces.next()
    if (done || head.length > LONGEST_HEAD) throw malformed(head, 'it has no comma before its data')
    head += value
    comma = head.indexOf(',')
  }
  const declared = head.slice(0, comma).replace(SCHEME, '')
  const type = declared.replace(BASE64, '').trim()
  const data = complete(continued(head.slice(comma + 1), pieces))
  return {
    // RFC 2397 §3: parameters alone are those of text/plain.
    contentType: type === '' ? undefined : type.replace(/^;/, 'text/plain;'),
    bytes: BASE64.test(declared) ? base64Decoded(data) : percentDecoded(data),
  }
}

async function* continued(head: string, pieces: AsyncGenerator<string, void>): AsyncGenerator<string, void> {
  yield head
  yield* pieces
}

/** What may be the beginning of an escape or of a character. */
const INCOMPLETE = /(?:%[0-9a-f]?|[\ud800-\udbff])$/i
const PERCENT = 0x25

/** The same text, cut so that no piece ends within one of those. */
async function* complete(pieces: AsyncGenerator<string, void>): AsyncGenerator<string, void> {
  let kept = ''
  for await (const piece of pieces) {
    const text = kept + piece
    kept = INCOMPLETE.exec(text.slice(-2))?.[0] ?? ''
    yield kept === '' ? text : text.slice(0, -kept.length)
  }
  if (kept !== '') throw malformed(kept, 'it ends within an escape')
}

async function* percentDecoded(pieces: AsyncGenerator<string, void>): AsyncGenerator<Buffer, void> {
  for await (const piece of pieces) yield unescaped(piece)
}

function unescaped(text: string): Buffer {
  // Browsers would take it for the URL's fragment and drop the rest without a word.
  if (text.includes('#')) throw malformed(text.slice(text.indexOf('#')), 'a # must be written %23')
  const bytes = Buffer.from(text)
  if (!text.includes('%')) return bytes
  const broken = /%(?![0-9a-f]{2}).{0,2}/is.exec(text)?.[0]
  if (broken !== undefined) throw malformed(broken, 'this is not a percent-escape')
  let to = 0
  for (let from = 0; from < bytes.length; from++) {
    const byte = bytes[from] as number
    if (byte === PERCENT) {
      bytes[to++] = 16 * hexDigit(bytes[++from]) + hexDigit(bytes[++from])
    } else bytes[to++] = byte
  }
  return bytes.subarray(0, to)
}

/** Of the character with that code. */
function hexDigit(code = 0): number {
  return (code & 15) + (code > 57 ? 9 : 0)
}

/** White space does not count, padding may be left out; what follows padding, or a single last character, is wrong. */
async function* base64Decoded(pieces: AsyncGenerator<string, void>): AsyncGenerator<Buffer, void> {
  let rest = ''
  for await (const piece of pieces) {
    const said = /[%#]/.test(piece) ? unescaped(piece).toString('latin1') : piece
    const text = rest + said.replace(/[\t\n\f\r ]+/g, '')
    const wrong = /[^A-Za-z0-9+/=].{0,8}/s.exec(text)?.[0]
    if (wrong !== undefined) throw malformed(wrong, 'this is not base64')
    const padding = text.indexOf('=')
    const whole = padding === -1 ? text.length : padding
    const end = whole - (whole % 4)
    rest = text.slice(end)
    if (rest.length > 4) throw malformed(rest, 'base64 ends with its padding')
    if (end > 0) yield Buffer.from(text.slice(0, end), 'base64')
  }
  if (rest === '') return
  if (!/^(?:[^=]{2}(?:==)?|[^=]{3}=?)$/.test(rest)) throw malformed(rest, 'this is not the end of base64')
  yield Buffer.from(rest, 'base64')
}

function malformed(near: string, why: string): SpaceError {
  return new SpaceError('BAD_REQUEST', `The data URL is refused at ${quote(near.slice(0, 40))}: ${why}.`)
}
