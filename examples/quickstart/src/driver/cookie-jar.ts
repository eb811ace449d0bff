/** How the page that makes a request stands to its target, as `Sec-Fetch-Site` has it. */
export type Site = 'none' | 'same-origin' | 'same-site' | 'cross-site'

/** A request that cookies may go with. */
interface CookieRequest {
  readonly url: string
  readonly method: string
  readonly site: Site
}

/** The cookies of one browser (RFC 6265): for a host, whatever its port, and never for its subdomains. */
export interface CookieJar {
  /** Keeps what the answer of `url` sets. */
  keep(url: string, answer: Response): void
  /** The `Cookie` header of a request, or undefined when there is nothing to send. */
  header(request: CookieRequest): string | undefined
  /** The names it holds for the host of `url`. */
  names(url: string): string[]
}

interface Cookie {
  readonly host: string
  readonly name: string
  readonly value: string
  readonly path: string
  readonly secure: boolean
  readonly sameSite: 'strict' | 'lax' | 'none'
  /** Milliseconds since 1970. */
  readonly endsAt: number
}

/** Opens an empty jar. */
export function openCookieJar(now: () => number = Date.now): CookieJar {
  let cookies: readonly Cookie[] = []
  const living = () => cookies.filter(({ endsAt }) => endsAt > now())
  return {
    keep(url, answer) {
      for (const line of answer.headers.getSetCookie()) {
        const cookie = parseCookie(new URL(url), line, now())
        if (!cookie) continue
        const others = living().filter(({ host, name, path }) => host !== cookie.host || name !== cookie.name || path !== cookie.path)
        cookies = [...others, cookie]
      }
    },
    header(request) {
      const sent = living().filter((cookie) => goesWith(cookie, request))
      return sent.length === 0 ? undefined : sent.map(({ name, value }) => `${name}=${value}`).join('; ')
    },
    names: (url) =>
      living()
        .filter(({ host }) => host === new URL(url).hostname)
        .map(({ name }) => name),
  }
}

function goesWith({ host, path, secure, sameSite }: Cookie, { url, method, site }: CookieRequest): boolean {
  const { hostname, pathname, protocol } = new URL(url)
  if (host !== hostname || (secure && protocol !== 'https:')) return false
  if (pathname !== path && !pathname.startsWith(path.endsWith('/') ? path : `${path}/`)) return false
  if (site !== 'cross-site' || sameSite === 'none') return true
  // Lax goes along when a person follows a link or a redirect, and not with another site's form.
  return sameSite === 'lax' && method === 'GET'
}

function parseCookie({ hostname, pathname, protocol }: URL, line: string, now: number): Cookie | undefined {
  const [pair = '', ...rest] = line.split(';')
  const [name, value] = halves(pair)
  const attributes = new Map(rest.map((part) => halves(part)).map(([key, text]) => [key.toLowerCase(), text]))
  const path = attributes.get('path')
  const cookie: Cookie = {
    host: hostname,
    name,
    value,
    path: path?.startsWith('/') ? path : pathname.slice(0, Math.max(1, pathname.lastIndexOf('/'))),
    secure: attributes.has('secure'),
    sameSite: sameSiteOf(attributes.get('samesite')),
    endsAt: endOf(attributes, now),
  }
  const hostOnly = cookie.secure && cookie.path === '/' && !attributes.has('domain')
  if (name === '' || (cookie.secure && protocol !== 'https:') || (name.startsWith('__Host-') && !hostOnly)) return undefined
  return cookie
}

function halves(text: string): [string, string] {
  const at = text.indexOf('=')
  return at < 0 ? [text.trim(), ''] : [text.slice(0, at).trim(), text.slice(at + 1).trim()]
}

function sameSiteOf(text = 'lax'): Cookie['sameSite'] {
  const lower = text.toLowerCase()
  return lower === 'strict' || lower === 'none' ? lower : 'lax'
}

function endOf(attributes: ReadonlyMap<string, string>, now: number): number {
  const maxAge = Number(attributes.get('max-age') ?? Number.NaN)
  if (!Number.isNaN(maxAge)) return now + maxAge * 1000
  const expires = Date.parse(attributes.get('expires') ?? '')
  return Number.isNaN(expires) ? Number.POSITIVE_INFINITY : expires
}
