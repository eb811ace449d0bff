import { ConfigurationError } from '../protocol/errors.ts'
import type { MetadataDocumentOptions, OAuthProxyOptions, RegistrationOptions } from './options.ts'

/** The options that are groups. */
type GroupName = 'lifetimes' | 'clients' | 'scopes' | 'consent' | 'upstream' | 'verification' | 'limits' | 'observability' | 'extensions'

type Members<Group> = Readonly<Record<keyof Required<NonNullable<Group>>, true>>

// The compiler compares these with the options: none can be missing here, and none be too many.
const groups: { readonly [Name in GroupName]: Members<OAuthProxyOptions[Name]> } = {
  lifetimes: { accessToken: true, code: true, grantIdle: true, grant: true, lostStore: true },
  clients: { registration: true, validScopes: true, static: true, redirectSchemes: true, redirectUris: true, metadataDocuments: true },
  scopes: { includes: true, registeredIsLimit: true, refreshTokens: true },
  consent: { serverName: true, mode: true, rememberNative: true },
  upstream: {
    staleFor: true,
    authorizeUser: true,
    claims: true,
    clientAssertion: true,
    authorizeParameters: true,
    tokenParameters: true,
  },
  verification: { cacheFor: true, resourceServers: true },
  limits: { rateLimit: true, trustedProxies: true },
  observability: { requestIdHeader: true, telemetry: true },
  extensions: { pushedRequests: true, identityAssertions: true, deviceGrant: true, dpop: true },
}
const registration: Members<RegistrationOptions> = { initialAccessToken: true, managed: true, sealedWith: true }
const metadataDocuments: Members<MetadataDocumentOptions> = { trustedHosts: true, dangerouslyAllowLoopback: true }

/**
 * Groups that are none, and members that no option has: a wish that is misspelt would be ignored, and `registraton: 'closed'`
 * would be open (threat T101). Throws a `ConfigurationError` of these alone, because nothing can be read out of a group that is none.
 */
export function requireKnownMembers(options: OAuthProxyOptions): void {
  const inGroups = Object.entries(groups).flatMap(([name, members]) => refuseIn(name, Reflect.get(options, name), members))
  const problems = inGroups.length > 0 ? inGroups : refuseInClients(options.clients)
  if (problems.length > 0) throw new ConfigurationError(problems)
}

function refuseInClients(clients: OAuthProxyOptions['clients'] = {}): string[] {
  return [
    ...unknownIn('clients.registration', clients.registration, registration),
    ...unknownIn('clients.metadataDocuments', clients.metadataDocuments, metadataDocuments),
  ]
}

/** What is wrong with a group of options: that it is none, or has members that no option has. */
export function refuseIn(name: string, group: unknown, members: Readonly<Record<string, true>>): string[] {
  return group === undefined || isGroup(group) ? unknownIn(name, group, members) : [`${name} is not an object`]
}

function unknownIn(name: string, group: unknown, members: Readonly<Record<string, true>>): string[] {
  const unknown = isGroup(group) ? Object.keys(group).filter((member) => !Object.hasOwn(members, member)) : []
  return unknown.map((member) => `${name}.${member} is no option: there are ${Object.keys(members).join(', ')}`)
}

function isGroup(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
