/** The answer that says something of many resources (RFC 4918 §13). */
import type { Answer } from '../../http/answer.js'

export const XML_TYPE = 'application/xml; charset=utf-8'

export const OPEN = '<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus xmlns:D="DAV:">'
export const CLOSE = '</D:multistatus>'

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  423: 'Locked',
  424: 'Failed Dependency',
  507: 'Insufficient Storage',
}

const OK = statusOf(200)

function statusXml(status: number): string {
  return status === 200 ? OK : statusOf(status)
}

function statusOf(status: number): string {
  return `<D:status>HTTP/1.1 ${status} ${REASONS[status] ?? 'Error'}</D:status>`
}

/** Properties that share a status. `error`: a condition, as XML. */
export function propstat(status: number, properties: string, error = ''): string {
  const reason = error === '' ? '' : `<D:error>${error}</D:error>`
  return `<D:propstat><D:prop>${properties}</D:prop>${statusXml(status)}${reason}</D:propstat>`
}

/** What `propstat`s say of a resource. `href`: absolute path, encoded. */
export function response(href: string, propstats: string): string {
  return `<D:response><D:href>${href}</D:href>${propstats}</D:response>`
}

/** A resource of which there is only a status to tell. */
export function statusResponse(href: string, status: number, error = ''): string {
  const reason = error === '' ? '' : `<D:error>${error}</D:error>`
  return `<D:response><D:href>${href}</D:href>${statusXml(status)}${reason}</D:response>`
}

/** `body` from `OPEN` to `CLOSE`. */
export function multistatus(body: string | AsyncGenerator<string | Buffer, void>): Answer {
  return { status: 207, headers: ['Content-Type', XML_TYPE], body }
}
