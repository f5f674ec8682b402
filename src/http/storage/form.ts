/** Forms as browsers send them (RFC 7578): the bytes of the part `file`, as they come, never gathered. */
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { Dicer } from '@fastify/busboy'
import { SpaceError } from '../../space/errors.js'
import { quote } from '../../space/quote.js'
import { isCut } from '../request-body.js'

export interface FormFile {
  readonly body: Readable
  /** What the part declares. */
  readonly contentType: string | undefined
}

/** Parts beside the file are read over; all of them together may have so many bytes. */
export const MOST_OTHER_BYTES = 1024 * 1024
const MOST_HEADERS = 100
const FILE = 'file'
/** Transfer encodings that change nothing; the others are deprecated (RFC 7578 §4.7). */
const PLAIN = new Set(['7bit', '8bit', 'binary'])

type PartHeaders = Readonly<Record<string, readonly string[] | undefined>>

export class Form {
  /** When the part begins. Its body must be read for the form to go on. BAD_REQUEST where the form has no such part; BODY_BROKEN. */
  readonly file: Promise<FormFile>
  /** When all of the form has come and is right. BAD_REQUEST where another file follows; BODY_BROKEN. */
  readonly end: Promise<void>
  /** What was wrong with the form, whatever its body said when it failed. */
  failure: SpaceError | undefined
  readonly #req: IncomingMessage
  readonly #parser: Dicer
  #begin: (file: FormFile) => void = () => {}
  #finish: () => void = () => {}
  #fail: (error: SpaceError) => void = () => {}
  #body: Readable | undefined
  #otherBytes = 0

  /** `boundary`: as `boundaryOf` gives it. */
  constructor(req: IncomingMessage, boundary: string) {
    this.#req = req
    this.#parser = new Dicer({ boundary, maxHeaderPairs: MOST_HEADERS })
    const failed = new Promise<never>((_resolve, reject) => {
      this.#fail = (error) => {
        this.failure ??= error
        reject(error)
        this.#body?.destroy(error)
        this.close()
      }
    })
    const file = new Promise<FormFile>((resolve) => {
      this.#begin = resolve
    })
    const end = new Promise<void>((resolve) => {
      this.#finish = resolve
    })
    this.file = Promise.race([file, failed])
    this.end = Promise.race([end, failed])
    // Whoever waits for neither still hears of it from the body.
    for (const promise of [this.file, this.end]) promise.catch(() => {})
    this.#listen()
  }

  /** Lets go of the request, which is not destroyed. */
  close(): void {
    this.#req.off('close', this.#onClose).unpipe(this.#parser)
  }

  #listen(): void {
    this.#parser
      .on('part', (part) => {
        part.on('error', () => {})
        part.once('header', (headers) => this.#part(part, headers as PartHeaders))
      })
      .on('error', () => this.#fail(new SpaceError('BODY_BROKEN', 'The form ends before its last boundary.')))
      .on('finish', () => this.#ended())
    this.#req.on('error', () => {}).on('close', this.#onClose)
    if (isCut(this.#req)) this.#onClose()
    else this.#req.pipe(this.#parser)
  }

  readonly #onClose = () => {
    if (isCut(this.#req)) this.#fail(new SpaceError('BODY_BROKEN', 'The body broke off within a form.'))
  }

  #part(part: Readable, headers: PartHeaders): void {
    const { name, isFile } = dispositionOf(headers['content-disposition']?.[0] ?? '')
    if (name !== FILE && !isFile) {
      part.on('data', (chunk: Buffer) => this.#skip(chunk))
      return
    }
    const encoding = headers['content-transfer-encoding']?.[0]?.trim().toLowerCase() ?? 'binary'
    if (name !== FILE) {
      this.#refuse(`its file is in the part ${quote(name)}, and must be in the part "${FILE}"`)
    } else if (this.#body) {
      this.#refuse(`it has a second part "${FILE}", and only one can be taken`)
    } else if (!PLAIN.has(encoding)) {
      this.#refuse(`its file comes with Content-Transfer-Encoding ${quote(encoding)}`)
    } else {
      this.#body = part
      this.#begin({ body: part, contentType: headers['content-type']?.[0] })
    }
  }

  #skip(chunk: Buffer): void {
    this.#otherBytes += chunk.length
    if (this.#otherBytes <= MOST_OTHER_BYTES) return
    this.#refuse(`it has more than ${MOST_OTHER_BYTES} bytes besides the file`)
  }

  #ended(): void {
    if (this.#body) this.#finish()
    else this.#refuse(`it has no part "${FILE}"`)
  }

  #refuse(why: string): void {
    this.#fail(new SpaceError('BAD_REQUEST', `The form is refused: ${why}.`))
  }
}

/** BAD_REQUEST where the type names none. */
export function boundaryOf(contentType: string): string {
  const found = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))\s*(?:;|$)/i.exec(contentType)
  const boundary = found?.[1] ?? found?.[2]
  if (boundary !== undefined) return boundary
  throw new SpaceError(
    'BAD_REQUEST',
    `The header Content-Type names no boundary of 1 to 70 characters: ${quote(contentType)}.`,
  )
}

const PARAMETER = /;\s*([\w*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]*))\s*/gy

/** Anything with a file name is a file (RFC 7578 §4.2). The parser hands bytes over as characters. */
function dispositionOf(header: string): { readonly name: string; readonly isFile: boolean } {
  if (!/^\s*form-data\s*(?:;|$)/i.test(header)) return { name: '', isFile: false }
  const parameters = new Map<string, string>()
  PARAMETER.lastIndex = Math.max(0, header.indexOf(';'))
  for (let found = PARAMETER.exec(header); found; found = PARAMETER.exec(header)) {
    parameters.set((found[1] ?? '').toLowerCase(), (found[2] ?? found[3] ?? '').replace(/\\(.)/g, '$1'))
  }
  const name = Buffer.from(parameters.get('name') ?? '', 'latin1').toString()
  return { name, isFile: parameters.has('filename') || parameters.has('filename*') }
}
