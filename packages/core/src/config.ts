import { createHash } from 'node:crypto'
import type { AuthorizeUser } from './callback/open-grant.ts'
import type { OAuthProxyOptions } from './options.ts'
import type { Store } from './ports/store.ts'
import type { Upstream, UpstreamClientCredentials } from './ports/upstream.ts'
import { ConfigurationError } from './protocol/errors.ts'
import { defaultLifetimes, type Lifetimes } from './protocol/lifetimes.ts'
import { parseMcpPaths, parsePublicUrl, type Resource } from './protocol/public-url.ts'
import { isScope } from './protocol/scope.ts'
import type { Seconds } from './protocol/time.ts'
import { parseSigningKey, type SigningKey } from './tokens/keys.ts'

/** The options, parsed once. */
export interface Config {
  readonly baseUrl: string
  /** The path of `baseUrl`, without a slash at its end; empty at the root. */
  readonly basePath: string
  readonly issuer: string
  readonly issuerPath: string
  readonly secure: boolean
  /** The first one is the default. */
  readonly resources: readonly [Resource, ...Resource[]]
  readonly upstreamClient: UpstreamClientCredentials
  readonly signingKeys: readonly [SigningKey, ...SigningKey[]]
  readonly store: Store
  readonly namespace: string
  readonly requiredScopes: readonly string[]
  readonly validScopes: readonly string[]
  readonly redirectSchemes: readonly string[]
  readonly serverName: string
  readonly lifetimes: Lifetimes
  readonly staleFor: Seconds
  readonly authorizeUser: AuthorizeUser
  readonly cacheFor: Seconds
}

/** Schemes under which known MCP clients receive their redirects. */
const knownSchemes: readonly string[] = ['cursor', 'vscode', 'vscode-insiders', 'claude', 'windsurf', 'zed', 'warp', 'goose', 'raycast']

const day: Seconds = 86_400

/** Parses the options. Throws one `ConfigurationError` that lists every problem. */
export function parseConfig(options: OAuthProxyOptions, upstream: Upstream): Config {
  const problems: string[] = []
  const base = parsePublicUrl('baseUrl', options.baseUrl, problems)
  const issuer = options.issuerUrl === undefined ? base : parsePublicUrl('issuerUrl', options.issuerUrl, problems)
  const [resource, ...resources] = parseMcpPaths(options.mcpPath ?? '/mcp', base, problems)
  const [signingKey, ...signingKeys] = parseKeys(options.jwtSigningKey, problems)
  const lifetimes = { ...defaultLifetimes, ...options.lifetimes }
  problems.push(
    ...refuseUpstreamClient(options, upstream),
    ...refuseStore(options),
    ...refuseScopes(options),
    ...refuseLengths({
      ...lifetimes,
      'upstream.staleFor': options.upstream?.staleFor ?? day,
      'verification.cacheFor +1': (options.verification?.cacheFor ?? 0) + 1,
    }),
  )
  if (options.namespace !== undefined && !/^[A-Za-z0-9_-]{1,64}$/.test(options.namespace)) {
    problems.push('namespace has other characters than A-Z a-z 0-9 _ -, or more than 64')
  }
  if (problems.length > 0 || !resource || !signingKey) throw new ConfigurationError(problems)
  const requiredScopes = options.requiredScopes ?? upstream.defaultScopes
  return Object.freeze({
    baseUrl: base.url,
    basePath: base.path,
    issuer: issuer.url,
    issuerPath: issuer.path,
    secure: base.url.startsWith('https:'),
    resources: [resource, ...resources] as const,
    upstreamClient: { clientId: options.clientId, ...(options.clientSecret !== undefined && { clientSecret: options.clientSecret }) },
    signingKeys: [signingKey, ...signingKeys] as const,
    store: options.clientStorage,
    namespace: options.namespace ?? `drawbridge-${createHash('sha256').update(issuer.url).digest('hex').slice(0, 10)}`,
    requiredScopes,
    validScopes: [...new Set([...requiredScopes, ...(options.clients?.validScopes ?? [])])],
    redirectSchemes: options.clients?.redirectSchemes ?? knownSchemes,
    serverName: options.consent?.serverName ?? new URL(base.url).host,
    lifetimes,
    staleFor: options.upstream?.staleFor ?? day,
    authorizeUser: options.upstream?.authorizeUser ?? (() => true),
    cacheFor: options.verification?.cacheFor ?? 0,
  })
}

function parseKeys(input: OAuthProxyOptions['jwtSigningKey'], problems: string[]): SigningKey[] {
  const inputs = Array.isArray(input) ? input : [input]
  if (inputs.length === 0 || inputs.some((key) => key === undefined || key === '')) {
    problems.push('jwtSigningKey is missing: "npm run keygen" prints one')
    return []
  }
  const keys = inputs.flatMap((key, index) => {
    try {
      return [parseSigningKey(key)]
    } catch (cause) {
      problems.push(
        `${inputs.length > 1 ? `jwtSigningKey[${index}]` : 'jwtSigningKey'} ${cause instanceof TypeError ? cause.message : 'cannot be read'}`,
      )
      return []
    }
  })
  if (new Set(keys.map((key) => key.kid)).size < keys.length) problems.push('jwtSigningKey lists two keys with the same "kid"')
  return keys
}

function refuseUpstreamClient({ clientId, clientSecret }: OAuthProxyOptions, upstream: Upstream): string[] {
  const problems: string[] = [...(upstream.problems ?? [])]
  if (!clientId) problems.push(`clientId is missing: ${upstream.name} shows it where the app is registered`)
  if (!clientSecret && upstream.clientAuthentication !== 'none') problems.push(`clientSecret is missing: ${upstream.name} asks for one`)
  const { authorizationEndpoint, tokenEndpoint, revocation } = upstream
  const endpoints = [authorizationEndpoint, tokenEndpoint, ...(revocation && 'endpoint' in revocation ? [revocation.endpoint] : [])]
  for (const endpoint of endpoints) {
    if (!/^(https:\/\/|http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?\/)/.test(endpoint)) {
      problems.push(`the upstream endpoint ${endpoint} is not https (http is accepted on loopback only)`)
    }
  }
  return problems
}

function refuseStore({ clientStorage, dangerouslyStorePlain, hosts = 'one' }: OAuthProxyOptions): string[] {
  if (!clientStorage)
    return [
      'clientStorage is missing: memoryStore(), or encrypted(sqliteStore("drawbridge.db"), fernet(process.env.STORAGE_ENCRYPTION_KEY)), from @drawbridge/storage',
    ]
  const problems: string[] = []
  if (hosts !== 'one' && hosts !== 'many') problems.push("hosts is neither 'one' nor 'many'")
  if (hosts === 'many' && clientStorage.reach !== 'shared') {
    problems.push(`hosts: 'many' needs a store that every host shares; this one reaches only the ${clientStorage.reach}`)
  }
  if (clientStorage.reach !== 'process' && !clientStorage.sealed && !dangerouslyStorePlain) {
    problems.push(
      'clientStorage can be read by others and is not sealed: clientStorage: encrypted(yourStore, fernet(process.env.STORAGE_ENCRYPTION_KEY)), or dangerouslyStorePlain: true',
    )
  }
  return problems
}

function refuseScopes({ requiredScopes = [], clients }: OAuthProxyOptions): string[] {
  const bad = [...requiredScopes, ...(clients?.validScopes ?? [])].filter((scope) => !isScope(scope))
  return bad.map((scope) => `the scope ${JSON.stringify(scope)} has characters that RFC 6749 does not allow`)
}

function refuseLengths(lengths: Readonly<Record<string, Seconds>>): string[] {
  return Object.entries(lengths).flatMap(([name, length]) =>
    Number.isInteger(length) && length > 0 ? [] : [`${name.replace(' +1', '')} is not a whole number of seconds that can be used`],
  )
}
