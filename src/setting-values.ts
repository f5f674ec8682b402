/** How the text of each kind of setting is checked. All raise InvalidArgumentError, which says what the value must be. */
import { isIP } from 'node:net'
import { InvalidArgumentError } from 'commander'
import { isEmail } from './accounts/names.js'
import { type AddressRange, parseRange } from './http/remote/addresses.js'
import { parseRedisUrl } from './redis/address.js'

export function port(text: string): number {
  const number = Number(text)
  if (/^\d{1,5}$/.test(text) && number <= 65535) return number
  throw new InvalidArgumentError('It must be a number from 0 to 65535.')
}

export function workers(text: string): number {
  const number = Number(text)
  if (/^\d{1,3}$/.test(text) && number >= 1 && number <= 256) return number
  throw new InvalidArgumentError('It must be a number from 1 to 256.')
}

export function host(text: string): string {
  if (isIP(text) || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(text)) return text
  throw new InvalidArgumentError('It must be an IP address or a host name, without port or "http://".')
}

export function redisUrl(text: string): string {
  try {
    parseRedisUrl(text)
    return text
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
}

export function replicas(text: string): number {
  if (/^\d$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a number of replicas from 0 to 9.')
}

export function rows(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a number of rows from 1 to 999999999.')
}

export function seconds(text: string): number {
  if (/^\d{1,8}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a number of seconds from 0 to 99999999.')
}

export function httpUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url && /^https?:$/.test(url.protocol) && !url.search && !url.hash && !url.username) {
    return url.href.replace(/\/+$/, '')
  }
  throw new InvalidArgumentError('It must be a URL that begins with http:// or https://, without a query.')
}

export function smtpUrl(text: string): string {
  if (/^smtps?:\/\/[^/]/.test(text) && URL.canParse(text)) return text
  throw new InvalidArgumentError('It must be a URL such as smtp://user:password@mail.example.com:587.')
}

export function mailAddress(text: string): string {
  if (text !== '' && isEmail(text)) return text
  throw new InvalidArgumentError('It must be an e-mail address such as no-reply@example.com.')
}

export function bucket(text: string): string {
  const [name = '', ...folder] = text.split('/')
  const isFolder = folder.every((part) => /^[\w.-]{1,100}$/.test(part)) && folder.length <= 5
  if (/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) && isFolder) return text
  throw new InvalidArgumentError(
    'It must be the name of a bucket, 3 to 63 small letters, digits, dots and hyphens, or bucket/folder.',
  )
}

export function origins(text: string): readonly string[] {
  const list = text.split(',').map((origin) => origin.trim())
  for (const origin of list) {
    if (origin === '*') continue
    if (URL.canParse(origin) && new URL(origin).origin === origin.toLowerCase()) continue
    throw new InvalidArgumentError(`"${origin}" is not an origin such as https://example.com, nor *.`)
  }
  return list
}

export function ranges(text: string): readonly AddressRange[] {
  return text.split(',').map((range) => {
    try {
      return parseRange(range.trim())
    } catch {
      throw new InvalidArgumentError(`"${range}" is not an address, nor a range of them such as 10.1.0.0/16.`)
    }
  })
}

export function oneOf(...choices: readonly string[]): (text: string) => string {
  return (text) => {
    if (choices.includes(text)) return text
    throw new InvalidArgumentError(`It must be ${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}.`)
  }
}
