import ipaddr from 'ipaddr.js'

/**
 * The IANA registries of special-purpose addresses, for IPv4 and IPv6 (RFC 6890), and what is reserved beside them. All of an
 * entry is refused, also where the registry calls a part of it reachable: no client has its document there.
 */
const special4: readonly string[] = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]

/** Within 2000::/3, outside of which nothing is global unicast (RFC 4291 §2.4). Teredo and 6to4 carry IPv4 and are among them. */
const special6: readonly string[] = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20']

/** Whether `address` is globally routable unicast: no special-purpose range (RFC 6890), nor one behind an IPv4 address within IPv6. */
export function isPublicAddress(address: string): boolean {
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) return isPublic4(ipaddr.IPv4.parse(address))
  const parsed = parse6(address)
  if (!parsed) return false
  const within = (range: string): boolean => parsed.match(ipaddr.IPv6.parseCIDR(range))
  const embedded = embedded4(parsed)
  // Mapped (RFC 4291 §2.5.5.2), and the prefix that resolvers of networks without IPv4 translate by (RFC 6052 §2.1).
  if (within('::ffff:0:0/96') || within('64:ff9b::/96')) return isPublic4(embedded)
  // ISATAP, in any network (RFC 5214 §6.1).
  if ((parsed.parts[4] ?? 0) % 0x100 === 0 && parsed.parts[5] === 0x5efe && !isPublic4(embedded)) return false
  return within('2000::/3') && !special6.some(within)
}

/** Whether `address` is this machine (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3). */
export function isLoopbackAddress(address: string): boolean {
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) return ipaddr.IPv4.parse(address).range() === 'loopback'
  return parse6(address)?.range() === 'loopback'
}

// As the URL parser writes it: of `::8.8.8.8`, which is only compatible with IPv4, the library would make a mapped one.
function parse6(address: string): ipaddr.IPv6 | undefined {
  const url = `http://[${address}]/`
  return URL.canParse(url) ? ipaddr.IPv6.parse(new URL(url).hostname.slice(1, -1)) : undefined
}

function isPublic4(address: ipaddr.IPv4): boolean {
  return address.range() === 'unicast' && !special4.some((range) => address.match(ipaddr.IPv4.parseCIDR(range)))
}

function embedded4(address: ipaddr.IPv6): ipaddr.IPv4 {
  return new ipaddr.IPv4(address.toByteArray().slice(12))
}
