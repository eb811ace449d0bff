/** A URL of ours as it was configured: the text, to the letter, and its path. */
export interface PublicUrl {
  readonly url: string
  /** Without a slash at its end; empty at the root. */
  readonly path: string
}

/** An MCP endpoint that tokens can be for. */
export interface Resource {
  readonly mcpPath: string
  /** `baseUrl` and `mcpPath`, the canonical URI of RFC 8707 and the `aud` of its tokens. */
  readonly uri: string
  /** Its path from the origin. */
  readonly path: string
  /** Where its protected resource metadata is (RFC 9728 §3.1). */
  readonly metadataPath: string
  readonly metadataUrl: string
}

// Clients put our URLs into headers, routers and command lines, so that they have nothing in them that means anything there (threat T85).
const plainHost = /^([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])$/
const plainPath = /^(\/[A-Za-z0-9._~-]+)*$/

/** Parses `baseUrl` or `issuerUrl`; one slash at the end is removed. What a URL parser would rewrite is a problem, since clients compare the text (RFC 8414 §3.3). */
export function parsePublicUrl(name: string, text: unknown, problems: string[]): PublicUrl {
  const nothing = { url: 'https://invalid.invalid', path: '' }
  if (typeof text !== 'string' || text === '') {
    problems.push(`${name} is missing: the public URL of this server, for instance https://mcp.example.com`)
    return nothing
  }
  const url = text.replace(/\/$/, '')
  if (!URL.canParse(url)) {
    problems.push(`${name} ${JSON.stringify(text)} is not an absolute URL`)
    return nothing
  }
  const parsed = new URL(url)
  const { protocol, hostname, pathname, search, hash, username, password } = parsed
  const path = pathname === '/' ? '' : pathname
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopbackHost(hostname)))
    problems.push(`${name} ${url} is not https (http is accepted on loopback only)`)
  else if (search || hash || username || password || /[?#]/.test(url)) problems.push(`${name} ${url} has a query, a fragment or a user`)
  else if (parsed.href !== url && parsed.href !== `${url}/`)
    problems.push(`${name} ${url} is not in its normal form: ${parsed.href.replace(/\/$/, '')}`)
  else if (url.endsWith('/') || !plainHost.test(hostname) || !plainPath.test(path))
    problems.push(`${name} ${url} has a host or a path with other characters than letters, digits and - . _ ~, or with an empty part`)
  return { url, path }
}

/** Whether the `hostname` of a URL is this machine itself, by the three names that RFC 8252 §7.3 and §8.3 know. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
}

/** Whether `text` is a URL that a secret can be sent to, or keys taken from: https, or http on loopback, without a user or a fragment (ours). */
export function isSecureUrl(text: unknown): boolean {
  if (typeof text !== 'string' || !URL.canParse(text) || /[#@\\\s]/.test(text)) return false
  const { protocol, hostname } = new URL(text)
  return protocol === 'https:' || (protocol === 'http:' && isLoopbackHost(hostname))
}

/** Parses `mcpPath` (ours). A path that repeats the prefix is a problem that prints the doubled URL and the right pair. */
export function parseMcpPaths(input: string | readonly string[], base: PublicUrl, problems: string[]): Resource[] {
  const paths = [input].flat()
  if (paths.length === 0) problems.push('mcpPath lists no path')
  if (new Set(paths).size < paths.length) problems.push('mcpPath lists a path twice')
  for (const path of paths) {
    if (base.path !== '' && `${path}/`.startsWith(`${base.path}/`)) {
      const right = path.slice(base.path.length) || '/'
      problems.push(
        `mcpPath '${path}' repeats the path of baseUrl and would serve MCP at ${base.url}${path}; set baseUrl '${base.url}' and mcpPath '${right}'`,
      )
    } else if (!/^\/([A-Za-z0-9._~-]+(\/[A-Za-z0-9._~-]+)*)?$/.test(path) || /\/\.{1,2}(\/|$)/.test(path)) {
      problems.push(`mcpPath '${path}' is not a path such as /mcp: it begins with a slash, does not end with one, and has no query`)
    }
  }
  return paths.map((mcpPath) => resourceAt(base, mcpPath))
}

function resourceAt(base: PublicUrl, mcpPath: string): Resource {
  const below = mcpPath === '/' ? '' : mcpPath
  const path = `${base.path}${below}`
  const metadataPath = `/.well-known/oauth-protected-resource${path}`
  return {
    mcpPath,
    uri: `${base.url}${below}`,
    path,
    metadataPath,
    metadataUrl: `${base.url.slice(0, base.url.length - base.path.length)}${metadataPath}`,
  }
}
