/** The beginning of an answer to a request for a range (RFC 9110 §15.3.7, RFC 9112 §4–6), as far as it is as plain as a server's own. */

/** Of an answer whose bytes are just those that were asked for, and so many. */
export interface RangeHead {
  readonly length: number
  /** May the connection be used for the next request? */
  readonly isKept: boolean
}

/** `text`: all before the empty line. Undefined: it is anything else, for a library to make sense of. */
export function rangeHeadOf(text: string, start: number): RangeHead | undefined {
  const [status = '', ...lines] = text.split('\r\n')
  if (!status.startsWith('HTTP/1.1 206')) return undefined
  const fields = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    if (colon < 1 || fields.has(name)) return undefined
    fields.set(name, line.slice(colon + 1).trim())
  }
  const length = fields.get('content-length') ?? ''
  const isPlain = !fields.has('transfer-encoding') && !fields.has('content-encoding')
  if (!isPlain || !/^\d{1,15}$/.test(length)) return undefined
  if (!fields.get('content-range')?.startsWith(`bytes ${start}-`)) return undefined
  return { length: Number(length), isKept: fields.get('connection')?.toLowerCase() !== 'close' }
}
