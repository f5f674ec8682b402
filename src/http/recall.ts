/**
 * Small answers as they were given. Clients ask for the same again and again; where Redis says that neither the space nor anything about
 * accounts has changed since, the answer is the same too, and need not be made anew. Nothing is ever answered without asking, and those who
 * ask at the same moment share the question.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Loaded } from '../accounts/types.js'
import { Recent } from '../recent.js'
import type { JournalMark } from '../space/types.js'
import type { Answer } from './answer.js'
import type { AppDeps } from './deps.js'
import { notesOf } from './notes.js'
import { announcedLength, readAgain } from './request-body.js'

/** Of memory, for one body, and for all answers of a server. */
const LARGEST_BYTES = 64 * 1024
const MOST_BYTES = 16 * 1024 * 1024
/** What an answer takes besides its body, about. */
const ANSWER_COST = 1024
/** Not longer than this (ms): what `fsck` corrects in a folder's totals is in no journal. */
const LASTS_MS = 60_000
const MOST_SPACES = 1000
/** Of a request's body, which is part of the question. */
const LONGEST_BODY = 4096

const METHODS = new Set(['GET', 'HEAD', 'PROPFIND'])

/** All that is read of a request's headers on the way to an answer that may be remembered. */
const HEADERS = [
  'authorization',
  'depth',
  'accept',
  'range',
  'if-none-match',
  'if-modified-since',
  'if-match',
  'if-unmodified-since',
  'if-range',
  'prefer',
  'brief',
  'idempotency-key',
] as const
/** With these every request is looked at anew. */
const OTHERS = ['if', 'expect', 'transfer-encoding', 'x-forwarded-host'] as const

interface Remembered {
  readonly answer: Answer
  /** Who asked. */
  readonly loaded: Loaded
  readonly space: string
  readonly mark: JournalMark
  readonly made: number
}

export class RecalledAnswers {
  readonly #deps: Pick<AppDeps, 'directory' | 'tree'>
  readonly #answers = new Recent<Remembered>(MOST_BYTES, costOf)
  /** Where the journals of spaces stood when they were last read. */
  readonly #marks = new Recent<JournalMark>(MOST_SPACES)
  readonly #questions = new WeakMap<IncomingMessage, string>()

  constructor(deps: Pick<AppDeps, 'directory' | 'tree'>) {
    this.#deps = deps
  }

  /** May the answer to this request be known? */
  isAsked(req: IncomingMessage): boolean {
    const { method, headers } = req
    return (
      METHODS.has(method as string) &&
      headers.authorization !== undefined &&
      headers.host !== undefined &&
      OTHERS.every((name) => headers[name] === undefined) &&
      (announcedLength(req) ?? Number.POSITIVE_INFINITY) <= LONGEST_BODY
    )
  }

  /** The answer, if it is known and still holds. Errors as `Directory.load`, and BODY_BROKEN. */
  async answer(req: IncomingMessage, res: ServerResponse, url: string): Promise<Answer | undefined> {
    const hasBody = req.method === 'PROPFIND' && announcedLength(req) !== 0
    const question = questionOf(req, url, hasBody ? await readAgain(req, res, LONGEST_BODY) : undefined)
    const known = this.#answers.get(question)
    if (known && Date.now() - known.made < LASTS_MS) {
      const { directory, tree } = this.#deps
      const asked = [directory.isAsLoaded(known.loaded), tree.isUnchanged(known.space, known.mark)]
      const [isAllowed, isUnchanged] = await Promise.all(asked)
      if (isAllowed && isUnchanged) {
        notesOf(req).account = known.loaded.session?.account.id
        return known.answer
      }
    }
    this.#answers.delete(question)
    this.#questions.set(req, question)
    return undefined
  }

  /**
   * Remembers the answer to a request that was asked for here, where it says of when it is. Not in a space that has changed since the
   * last time: it will have changed again.
   */
  keep(req: IncomingMessage, loaded: Loaded, answer: Answer): void {
    const question = this.#questions.get(req)
    const { asOf, body } = answer
    if (
      question === undefined ||
      !asOf ||
      !(body === undefined || typeof body === 'string' || Buffer.isBuffer(body))
    )
      return
    const { space, mark } = asOf
    const last = this.#marks.get(space)
    this.#marks.set(space, mark)
    if (last?.seq !== mark.seq || last.epoch !== mark.epoch || (body?.length ?? 0) > LARGEST_BYTES) return
    this.#answers.set(question, { answer, loaded, space, mark, made: Date.now() })
  }
}

const byServer = new WeakMap<object, RecalledAnswers>()

/** Those of the server that is made of these: its surfaces have them in common. */
export function recalledAnswers(deps: Pick<AppDeps, 'directory' | 'tree'>): RecalledAnswers {
  const known = byServer.get(deps) ?? new RecalledAnswers(deps)
  byServer.set(deps, known)
  return known
}

function questionOf({ method, headers }: IncomingMessage, url: string, body: Buffer | undefined): string {
  let question = `${method} ${url}`
  for (const name of HEADERS) question += `\n${headers[name] ?? ''}`
  return body ? `${question}\n${body.toString('latin1')}` : question
}

function costOf({ answer: { body } }: Remembered, question: string): number {
  // A body may have been gathered in more room than it fills, and keeps all of that.
  const bytes = Buffer.isBuffer(body) ? body.buffer.byteLength : typeof body === 'string' ? body.length : 0
  return ANSWER_COST + question.length + bytes
}
