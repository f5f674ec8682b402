/** The beginning of an HTTP/1.1 answer (RFC 9112 §4–6), as far as it is as plain as those that a server gives by itself. */

export interface Head {
  readonly status: number
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** So many bytes follow. */
  readonly length: number
  /** May the connection be used for the next request? */
  readonly isKept: boolean
}

const NO_CONTENT = 204

/** `text`: all before the empty line. Undefined: it is of another kind, for a library to make sense of. */
export function headOf(text: string): Head | undefined {
  const [first = '', ...lines] = text.split('\r\n')
  const [, digits] = /^HTTP\/1\.1 ([2-5]\d\d)(?: |$)/.exec(first) ?? []
  if (digits === undefined) return undefined
  const headers: Record<string, string> = Object.create(null)
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    if (colon < 1 || headers[name] !== undefined) return undefined
    headers[name] = line.slice(colon + 1).trim()
  }
  const status = Number(digits)
  const length = headers['content-length'] ?? (status === NO_CONTENT ? '0' : '')
  if (headers['transfer-encoding'] !== undefined || headers['content-encoding'] !== undefined)
    return undefined
  if (!/^\d{1,15}$/.test(length)) return undefined
  return { status, headers, length: Number(length), isKept: headers.connection?.toLowerCase() !== 'close' }
}
