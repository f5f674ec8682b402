/**
 * JSON bodies of uploads. They are small, except that of a file as a data URL: `{"file":"data:…"}`. That string is handed on as
 * it comes, so a data URL may be as large as any other upload, and is never held whole.
 */
import type { Readable } from 'node:stream'
import { SpaceError } from '../../space/errors.js'
import { quote } from '../../space/quote.js'

/** Characters that are read before it is decided which it is. What surrounds a large string may have as many. */
const MOST_SMALL = 64 * 1024

export type UploadBody =
  | { readonly kind: 'small'; readonly body: Readonly<Record<string, unknown>> }
  /** The string in `file`; reading it to its end checks the rest of the body. Raises BAD_REQUEST, BODY_BROKEN. */
  | { readonly kind: 'large'; readonly file: AsyncGenerator<string, void> }

const FILE_FIRST = /^\s*\{\s*"file"\s*:\s*"(?=data:)/i

/**
 * `body` is the caller's to destroy, which ends whatever still reads it. BAD_REQUEST where it is no JSON object, or a long one
 * that begins with something else than a data URL in `file`; what the stream fails with.
 */
export async function readUploadBody(body: Readable): Promise<UploadBody> {
  const pieces = textOf(body)
  let head = ''
  while (head.length <= MOST_SMALL) {
    const { value, done } = await pieces.next()
    if (done) return { kind: 'small', body: parseObject(head) }
    head += value
  }
  const start = FILE_FIRST.exec(head)
  if (start) return { kind: 'large', file: stringIn(head.slice(start[0].length), pieces) }
  throw new SpaceError(
    'BAD_REQUEST',
    `A JSON body over ${MOST_SMALL} characters must begin with {"file":"data:…; this one begins with ${quote(head.slice(0, 40))}.`,
  )
}

async function* textOf(body: Readable): AsyncGenerator<string, void> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const decode = (bytes?: Buffer) => {
    try {
      return decoder.decode(bytes, { stream: bytes !== undefined })
    } catch (cause) {
      throw new SpaceError('BAD_REQUEST', 'The body is not UTF-8.', {}, { cause })
    }
  }
  for await (const chunk of body) yield decode(chunk)
  yield decode()
}

const ESCAPE = /^\\(?:["\\/bfnrt]|u[0-9a-f]{4})/i
const LONGEST_ESCAPE = 6

/** What a JSON string says, from behind its opening quote; then the rest of the object is read and checked. */
async function* stringIn(head: string, pieces: AsyncGenerator<string, void>): AsyncGenerator<string, void> {
  let text = head
  for (;;) {
    const { said, rest, ends } = readString(text)
    yield said
    if (ends) return checkRest(rest.slice(1), pieces)
    const { value, done } = await pieces.next()
    if (done) throw notJson(text.slice(-40))
    text = rest + value
  }
}

/** As far as the text goes: `rest` begins with the closing quote, or with what may be half an escape. */
function readString(text: string): { readonly said: string; readonly rest: string; readonly ends: boolean } {
  let said = ''
  let rest = text
  for (;;) {
    const stop = rest.search(/["\\]/)
    if (stop === -1) return { said: said + rest, rest: '', ends: false }
    said += rest.slice(0, stop)
    rest = rest.slice(stop)
    if (rest.startsWith('"')) return { said, rest, ends: true }
    const [sequence] = ESCAPE.exec(rest) ?? []
    if (sequence === undefined) {
      if (rest.length < LONGEST_ESCAPE) return { said, rest, ends: false }
      throw notJson(rest)
    }
    said += JSON.parse(`"${sequence}"`)
    rest = rest.slice(sequence.length)
  }
}

/** BAD_REQUEST where what follows the string does not complete the object. */
async function checkRest(head: string, pieces: AsyncGenerator<string, void>): Promise<void> {
  let rest = head
  for await (const piece of pieces) {
    rest += piece
    if (rest.length > MOST_SMALL) {
      throw new SpaceError(
        'BAD_REQUEST',
        `The body has more than ${MOST_SMALL} characters behind the string in "file".`,
      )
    }
  }
  const { file } = parseObject(`{"file":""${rest}`)
  if (file !== '') throw new SpaceError('BAD_REQUEST', 'The body has "file" more than once.')
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw notJson(text, cause)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>
  }
  throw new SpaceError('BAD_REQUEST', `The body must be a JSON object, not ${quote(text)}.`)
}

function notJson(near: string, cause?: unknown): SpaceError {
  return new SpaceError('BAD_REQUEST', `The body is not JSON: ${quote(near)}.`, {}, { cause })
}
