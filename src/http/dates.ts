/** Times as the surfaces write and read them. Inside they are milliseconds since 1970 (UTC) everywhere. */
import { SpaceError } from '../space/errors.js'
import { quote } from '../space/quote.js'

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const CLOCK = '(?<clock>\\d\\d:\\d\\d:\\d\\d)'

/** RFC 9110 §5.6.7: the form in use, and the two that recipients still must read. Ours may say UTC for GMT. */
const HTTP_DATES = [
  new RegExp(`^[a-z]{3}, (?<day>\\d\\d) (?<month>[a-z]{3}) (?<year>\\d{4}) ${CLOCK} (?:GMT|UTC)$`, 'i'),
  new RegExp(`^[a-z]{6,9}, (?<day>\\d\\d)-(?<month>[a-z]{3})-(?<year>\\d\\d) ${CLOCK} GMT$`, 'i'),
  new RegExp(`^[a-z]{3} (?<month>[a-z]{3}) (?<day>[ \\d]\\d) ${CLOCK} (?<year>\\d{4})$`, 'i'),
]
const ISO_DATE = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:\d\d)$/i

/** The times that every form here can write: the years 1 to 9999. */
const EARLIEST = Date.parse('0001-01-01T00:00:00Z')
const LATEST = Date.parse('9999-12-31T23:59:59.999Z')

/** As in directory rows: `Fri, 29 Nov 2024 09:39:33 UTC`. */
export function rowDate(time: number): string {
  return httpDate(time).replace('GMT', 'UTC')
}

/** As in `Last-Modified`: `Fri, 29 Nov 2024 09:39:33 GMT`. */
export function httpDate(time: number): string {
  return new Date(time).toUTCString()
}

/** As in journal rows: `2024-11-29T09:39:33Z`. */
export function isoDate(time: number): string {
  return `${new Date(time).toISOString().slice(0, -5)}Z`
}

/** An HTTP-date in any of its three forms, or the row form. Undefined where it is none, which most headers then ignore. */
export function parseHttpDate(value: string): number | undefined {
  for (const form of HTTP_DATES) {
    const parts = form.exec(value.trim())?.groups
    if (!parts) continue
    const month = MONTHS.findIndex((name) => name.toLowerCase() === parts.month?.toLowerCase()) + 1
    const year = fullYear(parts.year ?? '')
    const day = (parts.day ?? '').trim()
    return isoTime(`${year}-${pad(month)}-${day.padStart(2, '0')}`, parts.clock ?? '', 'Z')
  }
  return undefined
}

/** A time a client sets (`{"last_modified": …}`): ISO with a zone, HTTP-date or row form. BAD_REQUEST, naming `what`. */
export function parseTime(what: string, value: string): number {
  const iso = ISO_DATE.exec(value.trim())
  const time = iso ? isoTime(iso[1] ?? '', iso[2] ?? '', iso[3] ?? '') : parseHttpDate(value)
  if (time === undefined || !inRange(time)) {
    throw new SpaceError(
      'BAD_REQUEST',
      `${what} is not a time such as "2024-11-29T09:39:33Z" or "Fri, 29 Nov 2024 09:39:33 GMT": ${quote(value)}.`,
    )
  }
  return time
}

/** `X-OC-Mtime`: seconds since 1970, perhaps with a fraction. BAD_REQUEST, naming the header. */
export function parseMtime(header: string, value: string): number {
  const time = /^\s*-?\d{1,12}(?:\.\d{1,12})?\s*$/.test(value) ? Math.round(Number(value) * 1000) : Number.NaN
  if (!inRange(time)) {
    throw new SpaceError(
      'BAD_REQUEST',
      `The header ${header} is not a time in seconds since 1970: ${quote(value)}.`,
    )
  }
  return time
}

/**
 * Has something been modified since the time in `If-Modified-Since` or `If-Unmodified-Since`? In whole seconds, as that is all
 * such a date can say. Undefined where the header is no date: then it is to be ignored (RFC 9110 §13.1.3, §13.1.4).
 */
export function modifiedSince(header: string, modified: number): boolean | undefined {
  const time = parseHttpDate(header)
  return time === undefined ? undefined : Math.floor(modified / 1000) * 1000 > time
}

/** Undefined for a date that does not exist, such as February 30, which `Date` itself would roll over. */
function isoTime(date: string, clock: string, zone: string): number | undefined {
  const midnight = new Date(`${date}T00:00:00Z`)
  if (Number.isNaN(midnight.getTime()) || !midnight.toISOString().startsWith(date)) return undefined
  // A leap second is written :60 and counts as the second before.
  const time = Date.parse(`${date}T${clock.replace(/:60\b/, ':59')}${zone.toUpperCase()}`)
  return Number.isNaN(time) ? undefined : time
}

/** RFC 9110 §5.6.7: a two-digit year that seems more than 50 years ahead is the last one that ended so. */
function fullYear(year: string): string {
  if (year.length === 4) return year
  const now = new Date().getUTCFullYear()
  const candidate = now - (now % 100) + Number(year)
  return String(candidate > now + 50 ? candidate - 100 : candidate)
}

function inRange(time: number): boolean {
  return time >= EARLIEST && time <= LATEST
}

function pad(value: number): string {
  return String(value).padStart(2, '0')
}
