/** Which addresses the server may fetch from (contract §7): those of the open internet, and what the operator adds. */
import ipaddr from 'ipaddr.js'

export type AddressRange = [ipaddr.IPv4 | ipaddr.IPv6, number]

/**
 * Public to look at, yet a cloud's own inside its machines: Azure's metadata and agents. Those of others are in ranges that no
 * registry gives out (169.254.169.254, 100.100.100.200, 192.0.0.192, fd00:ec2::254).
 */
const CLOUD: readonly AddressRange[] = [parseRange('168.63.129.16')]

/** What IANA hands out; whatever else looks like an address (`::127.0.0.1`, NAT64, 6to4 …) leads to another one. */
const GLOBAL_UNICAST = parseRange('2000::/3')

/** `10.1.2.0/24`, `fd00::/8` or a single address. Raises an Error where it is neither. */
export function parseRange(text: string): AddressRange {
  if (text.includes('/')) return ipaddr.parseCIDR(text)
  const address = ipaddr.parse(text)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}

/** `address`: as the resolver gives it, in no other notation. `more`: ranges allowed besides the public ones. */
export function mayFetchFrom(address: string, more: readonly AddressRange[] = []): boolean {
  const parsed = ipaddr.parse(address)
  if (more.some((range) => isIn(parsed, range))) return true
  if (parsed.range() !== 'unicast' || CLOUD.some((range) => isIn(parsed, range))) return false
  return parsed.kind() === 'ipv4' || isIn(parsed, GLOBAL_UNICAST)
}

/** An IPv4 address that came as an IPv6 one (`::ffff:10.0.0.1`) is in the ranges of IPv4. */
export function isWithin(address: string, ranges: readonly AddressRange[]): boolean {
  const parsed = ipaddr.process(address)
  return ranges.some((range) => isIn(parsed, range))
}

function isIn(address: ipaddr.IPv4 | ipaddr.IPv6, [base, bits]: AddressRange): boolean {
  return address.kind() === base.kind() && address.match([base, bits] as never)
}
