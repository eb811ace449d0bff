import { createHash } from 'node:crypto'
import type { AuthorizeUser } from '../callback/open-grant.ts'
import type { DocumentHosts } from '../clients/find-client.ts'
import type { RateLimit } from '../http/rate-limit.ts'
import { harmlessTelemetry } from '../ports/harmless-telemetry.ts'
import type { Store } from '../ports/store.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { Upstream } from '../ports/upstream.ts'
import { ConfigurationError } from '../protocol/errors.ts'
import { defaultLifetimes, type Lifetimes } from '../protocol/lifetimes.ts'
import type { Resource } from '../protocol/public-url.ts'
import type { RedirectPolicy } from '../protocol/redirect-uri.ts'
import type { Seconds } from '../protocol/time.ts'
import { watchedStore } from '../records/watched-store.ts'
import type { SigningKey } from '../tokens/keys.ts'
import type { OAuthProxyOptions, SeveralUpstreams, SharedOptions, UpstreamClientOption } from './options.ts'
import { type Addresses, parseAddresses } from './parse-addresses.ts'
import { type ClientsConfig, parseClients } from './parse-clients.ts'
import { type ConsentPolicy, parseConsent } from './parse-consent.ts'
import { type Extensions, parseExtensions } from './parse-extensions.ts'
import { parseKeys } from './parse-keys.ts'
import { parseMetadataDocuments } from './parse-metadata-documents.ts'
import { isSeveral, type Providers, parseProviders } from './parse-providers.ts'
import { parseResourceServers, type ResourceServers } from './parse-resource-servers.ts'
import { parseScopes, type ScopePolicy } from './parse-scopes.ts'
import { day, listOf, refuseLists, refuseNumbersAndHooks, refuseRedirectPatterns, refuseStore, schemeOf } from './refuse-options.ts'
import { requireKnownMembers } from './require-known-members.ts'

/** The options, parsed once. */
export interface Config extends Policy, Addresses, ClientsConfig, ConsentPolicy, Extensions, ResourceServers {
  /** The first one is the default. */
  readonly resources: readonly [Resource, ...Resource[]]
  /** What a login without a `resource` is for. Where there are several of our own it has to name one; those elsewhere are always named (threat T61). */
  readonly defaultResource: string | undefined
  /** Where people sign in. */
  readonly providers: Providers
  readonly signingKeys: readonly [SigningKey, ...SigningKey[]]
  readonly store: Store
  readonly namespace: string
  readonly serverName: string
  readonly lifetimes: Lifetimes
  readonly staleFor: Seconds
  readonly authorizeUser: AuthorizeUser
  readonly cacheFor: Seconds
  readonly rateLimit: RateLimit | undefined
  readonly trustedProxies: number
  /** Undefined while no proxy of the operator's names requests. */
  readonly requestIdHeader: string | undefined
  readonly telemetry: Telemetry | undefined
}

/** What clients may ask for. */
interface Policy extends RedirectPolicy, ScopePolicy {
  /** Whose clients may be URLs; undefined for nobody's. */
  readonly documentHosts: DocumentHosts | undefined
}

/** Schemes under which known MCP clients receive their redirects. */
const knownSchemes: readonly string[] = ['cursor', 'vscode', 'vscode-insiders', 'claude', 'windsurf', 'zed', 'warp', 'goose', 'raycast']

/** Parses the options. Throws one `ConfigurationError` that lists every problem. */
export function parseConfig(
  options: SharedOptions & Partial<Pick<OAuthProxyOptions, UpstreamClientOption>>,
  upstream: Upstream | SeveralUpstreams,
): Config {
  // Of several, each has its own; of one, it is refused when it is missing.
  const all: OAuthProxyOptions = { clientId: '', ...options }
  requireKnownMembers(all)
  return parseKnown(all, upstream)
}

function parseKnown(options: OAuthProxyOptions, upstream: Upstream | SeveralUpstreams): Config {
  const problems: string[] = []
  const addresses = parseAddresses(options, problems)
  const [resource, ...resources] = addresses.resources
  const [signingKey, ...signingKeys] = parseKeys(options.jwtSigningKey, problems)
  const policy = parsePolicy(options, upstream, problems)
  const providers = parseProviders(options, upstream, policy.expandScopes, problems)
  const extensions = parseExtensions(options.extensions, problems)
  const consent = parseConsent(options, problems)
  problems.push(
    ...refuseStore(options),
    ...refuseLists(options),
    ...refuseRedirectPatterns(policy.redirectUris),
    ...refuseNumbersAndHooks(options),
  )
  const clients = parseClients(options, { ...policy, ...extensions }, signingKey ? [signingKey, ...signingKeys] : [], problems)
  const resourceServers = parseResourceServers(options.verification?.resourceServers, addresses.resources, problems)
  if (problems.length > 0 || !resource || !signingKey || !providers) throw new ConfigurationError(problems)
  return Object.freeze({
    ...policy,
    ...clients,
    ...resourceServers,
    ...consent,
    ...extensions,
    ...addresses,
    resources: [resource, ...resources] as const,
    defaultResource: resources.length === 0 ? resource.uri : undefined,
    providers,
    signingKeys: [signingKey, ...signingKeys] as const,
    ...watched(options, addresses.issuer),
    namespace: options.namespace ?? `drawbridge-${createHash('sha256').update(addresses.issuer).digest('hex').slice(0, 10)}`,
    serverName: options.consent?.serverName ?? new URL(addresses.baseUrl).host,
    lifetimes: { ...defaultLifetimes, ...options.lifetimes },
    staleFor: options.upstream?.staleFor ?? day,
    authorizeUser: options.upstream?.authorizeUser ?? (() => true),
    cacheFor: options.verification?.cacheFor ?? 0,
    ...limitsOf(options),
  })
}

/** What is watched, and by what. */
function watched(
  { clientStorage, observability: { requestIdHeader, telemetry: telemetryOf } = {} }: OAuthProxyOptions,
  issuer: string,
): Pick<Config, 'store' | 'telemetry' | 'requestIdHeader'> {
  const telemetry = telemetryOf && harmlessTelemetry(telemetryOf({ issuer }))
  return { requestIdHeader, telemetry, store: telemetry ? watchedStore(clientStorage, telemetry) : clientStorage }
}

function limitsOf({ limits: { rateLimit, trustedProxies = 0 } = {} }: OAuthProxyOptions): Pick<Config, 'rateLimit' | 'trustedProxies'> {
  return { rateLimit: rateLimit === false ? () => 0 : rateLimit, trustedProxies }
}

function parsePolicy(options: OAuthProxyOptions, upstream: Upstream | SeveralUpstreams, problems: string[]): Policy {
  const { clients = {} } = options
  const redirectUris = listOf(clients.redirectUris)
  return {
    ...parseScopes(options, isSeveral(upstream) ? { defaultScopes: [] } : upstream, problems),
    documentHosts: parseMetadataDocuments(clients.metadataDocuments, problems),
    // A pattern names its scheme as well (threat T28).
    redirectSchemes: [...(listOf(clients.redirectSchemes) ?? knownSchemes), ...(redirectUris?.map(schemeOf) ?? [])],
    ...(redirectUris && { redirectUris }),
  }
}
