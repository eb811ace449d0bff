import { expandIPv6 } from 'hono/utils/ipaddr'

/** Who is at the other end of the connection, as the adapter knows it. */
export interface Peer {
  /** The socket's address; absent on hosts that do not tell. */
  readonly address?: string
}

/** A peer, and the id of what it asks: what an endpoint is told. */
export interface Caller extends Peer {
  readonly requestId?: string
}

/**
 * The address that limits count by: the socket's, or behind `trustedProxies` proxies the one that the outermost of them saw.
 * An IPv6 address counts as its /64, which is what one customer gets, and in one spelling (threat T77).
 */
export function clientAddress(request: Request, { address }: Peer, trustedProxies: number): string | undefined {
  const forwarded = (request.headers.get('x-forwarded-for') ?? '').split(',').map((hop) => hop.trim())
  const seen = trustedProxies > 0 ? normaliseAddress(forwarded.at(-trustedProxies) ?? '') : undefined
  return seen ?? (address === undefined ? undefined : normaliseAddress(address))
}

// Some proxies write the port as well, and then IPv6 in brackets.
function normaliseAddress(written: string): string | undefined {
  const text = written.replace(/^\[([^\]]*)\](?::\d+)?$/, '$1').replace(/^(\d{1,3}(?:\.\d{1,3}){3}):\d+$/, '$1')
  const mapped = /^(?:::ffff:)?(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(text)?.[1]
  if (mapped !== undefined) return hostOf(mapped) === mapped ? mapped : undefined
  // Without a zone, and as the URL parser writes it, so that every spelling comes out the same.
  const plain = text.replace(/%.*$/, '')
  const canonical = /^[0-9a-f:.]+$/i.test(plain) ? hostOf(`[${plain}]`) : undefined
  return canonical && `${expandIPv6(canonical.slice(1, -1)).split(':').slice(0, 4).join(':')}::/64`
}

function hostOf(host: string): string | undefined {
  const url = `http://${host}/`
  return URL.canParse(url) ? new URL(url).hostname : undefined
}
