import { parseMcpPaths, parsePublicUrl, type Resource } from '../protocol/public-url.ts'
import type { OAuthProxyOptions } from './options.ts'

/** Where we are, and who. */
export interface Addresses {
  readonly baseUrl: string
  /** The path of `baseUrl`, without a slash at its end; empty at the root. */
  readonly basePath: string
  /** The origin of `baseUrl`. */
  readonly origin: string
  readonly issuer: string
  readonly issuerPath: string
  readonly secure: boolean
  readonly resources: readonly Resource[]
}

/** Parses what is told of our addresses. */
export function parseAddresses({ baseUrl, issuerUrl, mcpPath = '/mcp' }: OAuthProxyOptions, problems: string[]): Addresses {
  const base = parsePublicUrl('baseUrl', baseUrl, problems)
  const issuer = issuerUrl === undefined ? base : parsePublicUrl('issuerUrl', issuerUrl, problems)
  return {
    baseUrl: base.url,
    basePath: base.path,
    origin: base.url.slice(0, base.url.length - base.path.length),
    issuer: issuer.url,
    issuerPath: issuer.path,
    secure: base.url.startsWith('https:'),
    resources: parseMcpPaths(mcpPath, base, problems),
  }
}
