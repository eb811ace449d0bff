import type { OpenId, Upstream } from '../ports/upstream.ts'
import { defaultLifetimes, fixedLifetimes } from '../protocol/lifetimes.ts'
import { refuseRedirectUri } from '../protocol/redirect-uri.ts'
import type { Seconds } from '../protocol/time.ts'
import type { OAuthProxyOptions, ProviderOptions } from './options.ts'
import { refuseAdded, refuseDealing } from './parse-upstream.ts'

/** How long an upstream's last answer stands while it cannot be reached: an outage that people remember. */
export const day: Seconds = 86_400

/** What is wrong with our registration at the upstream, and with its endpoints. */
export function refuseUpstreamClient(
  { clientId, clientSecret, clientAssertion, ...dealing }: Omit<ProviderOptions, 'upstream'>,
  upstream: Upstream,
): string[] {
  const problems: string[] = [
    ...(upstream.problems ?? []),
    ...refuseAdded(upstream),
    ...refuseDealing({ ...dealing, ...(clientAssertion && { clientAssertion }) }, upstream.scopes?.parameter),
  ]
  if (!clientId) problems.push(`clientId is missing: ${upstream.name} shows it where the app is registered`)
  const isProven = clientSecret || clientAssertion || upstream.clientAuthentication === 'none'
  if (!isProven) problems.push(`clientSecret is missing: ${upstream.name} asks for one`)
  const { revocation } = upstream
  const endpoints = [...knownUrls(upstream), ...(typeof revocation === 'object' && 'endpoint' in revocation ? [revocation.endpoint] : [])]
  for (const endpoint of endpoints) {
    if (!/^(https:\/\/|http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?(\/|$))/.test(endpoint)) {
      problems.push(`the upstream endpoint ${endpoint} is not https (http is accepted on loopback only)`)
    }
  }
  return problems
}

function knownUrls(upstream: Upstream): string[] {
  if (upstream.openId) return issuerUrls(upstream.openId)
  const { authorizationEndpoint, tokenEndpoint, refreshEndpoint } = upstream
  return [authorizationEndpoint, tokenEndpoint, ...(refreshEndpoint === undefined ? [] : [refreshEndpoint])]
}

function issuerUrls({ issuer, discoveryUrl }: OpenId): string[] {
  return discoveryUrl === undefined ? [issuer] : [issuer, discoveryUrl]
}

/** What is wrong with the store, for as many hosts as there are. */
export function refuseStore({ baseUrl, clientStorage, dangerouslyStorePlain, hosts = 'one' }: OAuthProxyOptions): string[] {
  if (!clientStorage)
    return [
      'clientStorage is missing: memoryStore(), or encrypted(sqliteStore("drawbridge.db"), fernet(process.env.STORAGE_ENCRYPTION_KEY)), from @drawbridge/storage',
    ]
  const problems: string[] = []
  if (hosts !== 'one' && hosts !== 'many') problems.push("hosts is neither 'one' nor 'many'")
  if (hosts === 'many' && clientStorage.reach !== 'shared') {
    problems.push(`hosts: 'many' needs a store that every host shares; this one reaches only the ${clientStorage.reach}`)
  }
  if (clientStorage.reach !== 'process' && !clientStorage.sealed && dangerouslyStorePlain !== true) {
    problems.push(
      'clientStorage can be read by others and is not sealed: clientStorage: encrypted(yourStore, fernet(process.env.STORAGE_ENCRYPTION_KEY)), or dangerouslyStorePlain: true',
    )
  }
  if (clientStorage.exposed !== undefined && String(baseUrl).startsWith('https:')) problems.push(`clientStorage: ${clientStorage.exposed}`)
  return problems
}

/** Options that are no list where one is due: a text would pass for a list of its characters. */
export function refuseLists({ requiredScopes, clients }: OAuthProxyOptions): string[] {
  const lists = {
    requiredScopes,
    'clients.validScopes': clients?.validScopes,
    'clients.redirectSchemes': clients?.redirectSchemes,
    'clients.redirectUris': clients?.redirectUris,
  }
  return Object.entries(lists).flatMap(([name, list]) => (list === undefined || Array.isArray(list) ? [] : [`${name} is not a list`]))
}

/** A list as it is; undefined for what is none, which is a problem already, so that nothing is made of it. */
export function listOf(value: readonly string[] | undefined): readonly string[] | undefined {
  return Array.isArray(value) ? value : undefined
}

/** Patterns of redirect URIs that could match nothing, or more than whoever wrote them meant. */
export function refuseRedirectPatterns(patterns: readonly unknown[] = []): string[] {
  return patterns.flatMap((pattern) => {
    const why = typeof pattern === 'string' ? refuseRedirectPattern(pattern) : 'is not a text'
    return why === undefined ? [] : [`the pattern ${JSON.stringify(pattern)} in clients.redirectUris ${why}`]
  })
}

/** The scheme that a pattern begins with. */
export function schemeOf(pattern: unknown): string {
  return String(pattern).replace(/:.*$/s, '')
}

function refuseRedirectPattern(pattern: string): string | undefined {
  const [, host, path] = /^https?:\/\/([^/?#:]*)(?::[^/?#]*)?(.*)$/.exec(pattern) ?? []
  if (path === '') return 'has no path: a pattern is the whole URI, and a single / is a path'
  if (host?.includes('*') && !/\*(\.[^.*]+){2,}$/.test(host))
    return 'has a * in its host that does not stand before a domain, as in https://*.example.com/'
  const example = pattern.replaceAll(':*', ':1').replaceAll('*', 'x')
  return refuseRedirectUri(example, { redirectSchemes: [schemeOf(pattern)] })
}

// A limit that throws limits nothing, so one that cannot be called has to be seen here (threat T101).
function refuseHooks({ limits: { rateLimit } = {}, upstream: { authorizeUser } = {}, observability }: OAuthProxyOptions): string[] {
  const hooks = {
    'limits.rateLimit': rateLimit === false ? undefined : rateLimit,
    'upstream.authorizeUser': authorizeUser,
    'observability.telemetry': observability?.telemetry,
  }
  return Object.entries(hooks).flatMap(([name, hook]) =>
    hook === undefined || typeof hook === 'function' ? [] : [`${name} is not a function`],
  )
}

/** Lengths, counts and names out of their range, and hooks that cannot be called. */
export function refuseNumbersAndHooks(options: OAuthProxyOptions): string[] {
  const { lifetimes, upstream, verification, limits, namespace } = options
  const lengths = { ...defaultLifetimes, ...lifetimes, 'upstream.staleFor': upstream?.staleFor ?? day }
  const counts = { 'verification.cacheFor': verification?.cacheFor ?? 0, 'limits.trustedProxies': limits?.trustedProxies ?? 0 }
  const problems = [
    ...Object.entries(lengths).flatMap(([name, length]) => (Number.isInteger(length) && length > 0 ? [] : [name])),
    ...Object.entries(counts).flatMap(([name, count]) => (Number.isInteger(count) && count >= 0 ? [] : [name])),
  ].map((name) => `${name} is not a whole number${name === 'limits.trustedProxies' ? '' : ' of seconds'} that can be used`)
  problems.push(...refuseHooks(options), ...refuseObservability(options))
  // The grant it waits in ends then as well.
  if (Number.isInteger(lengths.code) && lengths.code > fixedLifetimes.grantPending)
    problems.push(`code is longer than the ${fixedLifetimes.grantPending} seconds that RFC 6749 allows`)
  if (namespace === undefined || /^[A-Za-z0-9_-]{1,64}$/.test(namespace)) return problems
  return [...problems, 'namespace has other characters than A-Z a-z 0-9 _ -, or more than 64']
}

/** Headers that carry what lets somebody in: an id taken from one would put it into every log. */
const secretHeaders: readonly string[] = ['authorization', 'proxy-authorization', 'cookie', 'dpop']

/** A header for request ids that is none, or that carries secrets (threat T98). */
export function refuseObservability({ observability: { requestIdHeader } = {} }: Pick<OAuthProxyOptions, 'observability'>): string[] {
  if (requestIdHeader === undefined) return []
  if (typeof requestIdHeader !== 'string' || !/^[A-Za-z0-9-]{1,64}$/.test(requestIdHeader))
    return ['observability.requestIdHeader is not the name of a header']
  return secretHeaders.includes(requestIdHeader.toLowerCase()) ? [`observability.requestIdHeader: ${requestIdHeader} carries secrets`] : []
}
