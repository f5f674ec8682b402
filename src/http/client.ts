/** Who is at the other end, and how they called us, where proxies the operator trusts stand between. */
import type { IncomingMessage } from 'node:http'
import ipaddr from 'ipaddr.js'
import type { AddressRange } from './remote/addresses.js'
import { isWithin } from './remote/addresses.js'

const NOBODY: readonly AddressRange[] = []

/**
 * The client's address: the connection's, or, where that is a trusted proxy's, the last of `X-Forwarded-For` that is not.
 * What stands further left the client may have written itself.
 */
export function clientAddress(req: IncomingMessage, trusted: readonly AddressRange[] = NOBODY): string {
  const peer = req.socket.remoteAddress ?? ''
  if (!isTrusted(peer, trusted)) return peer
  const forwarded = String(req.headers['x-forwarded-for'] ?? '').split(',')
  let client = peer
  for (const entry of forwarded.reverse()) {
    const address = entry.trim()
    if (!ipaddr.isValid(address)) return client
    client = address
    if (!isTrusted(address, trusted)) return client
  }
  return client
}

/**
 * How the client called a trusted proxy: the scheme by `X-Forwarded-Proto`, the host as the proxy passed it on. Undefined where
 * no such proxy stands between.
 */
export function proxiedOrigin(
  req: IncomingMessage,
  trusted: readonly AddressRange[] = NOBODY,
): string | undefined {
  const { host, 'x-forwarded-proto': proto } = req.headers
  if (host === undefined || !isTrusted(req.socket.remoteAddress ?? '', trusted)) return undefined
  // Each proxy adds its own; the last is that of the one we know.
  const isSecure =
    String(proto ?? '')
      .split(',')
      .at(-1)
      ?.trim()
      .toLowerCase() === 'https'
  return `${isSecure ? 'https' : 'http'}://${host}`
}

function isTrusted(address: string, trusted: readonly AddressRange[]): boolean {
  return trusted.length > 0 && ipaddr.isValid(address) && isWithin(address, trusted)
}
