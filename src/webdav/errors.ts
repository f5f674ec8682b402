/** How errors leave `/dav/`: JSON as everywhere, but XML where RFC 4918 or RFC 6578 name a condition (contract §1). */
import { type Answer, jsonAnswer } from '../http/answer.js'
import { failureHeaders, novemFailure, STATUSES } from '../http/errors.js'
import { SpaceError } from '../space/errors.js'
import { escapeText } from './xml/escape.js'
import { XML_TYPE } from './xml/multistatus.js'

/** Preconditions that clients look for in a body (RFC 4918 §16, RFC 3253 §3.6, RFC 6578 §3.2). */
export type Condition =
  | 'cannot-modify-protected-property'
  | 'lock-token-matches-request-uri'
  | 'lock-token-submitted'
  | 'no-conflicting-lock'
  | 'number-of-matches-within-limits'
  | 'propfind-finite-depth'
  | 'supported-report'
  | 'valid-sync-token'

/** What only WebDAV refuses: a status, and the condition that was not met where there is a name for it. */
export class DavError extends Error {
  override readonly name = 'DavError'

  constructor(
    readonly status: number,
    message: string,
    readonly condition?: Condition,
    /** What it is about: absolute paths, encoded. */
    readonly hrefs: readonly string[] = [],
  ) {
    super(message)
  }
}

/** The element that names a condition, for bodies and for the responses of a multistatus. */
export function conditionXml(condition: Condition, hrefs: readonly string[] = []): string {
  if (hrefs.length === 0) return `<D:${condition}/>`
  return `<D:${condition}>${hrefs.map((href) => `<D:href>${href}</D:href>`).join('')}</D:${condition}>`
}

/** `hrefOf`: how the client addresses a path of the space that the request is about. */
export function davFailure(error: unknown, hrefOf: (path: string) => string): Answer {
  if (error instanceof DavError) {
    const { status, message, condition, hrefs } = error
    return condition ? conditionAnswer(status, message, condition, hrefs) : jsonAnswer(status, { message })
  }
  if (!(error instanceof SpaceError)) return novemFailure(error)
  const { code, message, details } = error
  const status = STATUSES.webdav[code]
  if (code === 'LOCKED') {
    return conditionAnswer(status, message, 'lock-token-submitted', [hrefOf(String(details.path))])
  }
  const headers = code === 'UNAUTHENTICATED' ? CHALLENGE : failureHeaders(error)
  return jsonAnswer(status, { ...details, message }, headers)
}

/** One scheme: clients of drives know Basic, and some stop at the first they do not know. */
const CHALLENGE = ['WWW-Authenticate', 'Basic realm="novem", charset="UTF-8"']

function conditionAnswer(
  status: number,
  message: string,
  condition: Condition,
  hrefs: readonly string[],
): Answer {
  const body =
    `<?xml version="1.0" encoding="utf-8"?>\n<D:error xmlns:D="DAV:">${conditionXml(condition, hrefs)}` +
    `<message xmlns="urn:novem:dav">${escapeText(message)}</message></D:error>`
  return { status, headers: ['Content-Type', XML_TYPE], body }
}
