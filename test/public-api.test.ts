import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { OAuthProxy } from '@drawbridge/core'
import { GitHubProvider } from '@drawbridge/providers/github'
import type { OAuthTokenVerifier as OAuthTokenVerifierV1 } from '@modelcontextprotocol/sdk/server/auth/provider.js'
import type { OAuthTokenVerifier as OAuthTokenVerifierV2 } from '@modelcontextprotocol/server'
import { describe, expect, it } from 'vitest'
import { openHouse } from './support/house.ts'

/** What an entry of a package exports, as its declarations in `dist` have it: values, and types with `type ` before them. */
async function exportsOf(entry: string): Promise<string[]> {
  const path = createRequire(import.meta.url)
    .resolve(entry)
    .replace(/\.js$/, '.d.ts')
  const text = readFileSync(path, 'utf8')
  const listed = [...text.matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap(([, names = '']) => names.split(','))
  const declared = [...text.matchAll(/export (?:declare )?(?:function|const|class|interface|type) (\w+)/g)].map(([, name = '']) => name)
  const all = [...listed.map((name) => name.replace(/^\s*type\b/, '').trim()).filter(Boolean), ...declared]
  const values = new Set(Object.keys(await import(entry)))
  return all.map((name) => (values.has(name) ? name : `type ${name}`)).sort()
}

/** The entries that a package publishes. */
function entriesOf(name: string): string[] {
  const manifest: { exports: Record<string, unknown> } = createRequire(import.meta.url)(`../packages/${name}/package.json`)
  const entries = Object.entries(manifest.exports).filter(([, target]) => target !== null)
  return entries.flatMap(([entry]) => (entry === './*' ? sourcesOf(name) : [entry.replace(/^\./, `@drawbridge/${name}`)]))
}

/** The entries of a package whose every source is one. */
function sourcesOf(name: string): string[] {
  const files = readdirSync(new URL(`../packages/${name}/src/`, import.meta.url), { withFileTypes: true })
  const sources = files.filter((file) => file.isFile() && /^[a-z0-9-]+\.ts$/.test(file.name))
  return sources.map((file) => `@drawbridge/${name}/${file.name.slice(0, -3)}`)
}

const surface: Record<string, string[]> = {
  '@drawbridge/core': [
    'AddressRefused',
    'ConfigurationError',
    'IntrospectionVerifier',
    'JwtVerifier',
    'MultiAuth',
    'NoUpstream',
    'OAuthError',
    'OAuthProxy',
    'RemoteAuthProvider',
    'StaticTokenVerifier',
    'StoreUnavailable',
    'StoreUnreadable',
    'UpstreamRefused',
    'UpstreamUnavailable',
    'systemEnvironment',
    'type AudiencePolicy',
    'type AuthInfo',
    'type AuthInfoExtra',
    'type AuthenticateOptions',
    'type AuthorizationServerMetadata',
    'type AuthorizeUser',
    'type AuthorizedUpstream',
    'type ClaimNames',
    'type ClientAssertionKey',
    'type ClientAssertionOptions',
    'type ClientOptions',
    'type ConsentMode',
    'type ConsentOptions',
    'type CreatedInitialAccessToken',
    'type Directory',
    'type DirectoryPage',
    'type DiscoveredEndpoints',
    'type DpopOptions',
    'type Emit',
    'type Entry',
    'type Environment',
    'type ErrorCode',
    'type Event',
    'type Examination',
    'type ExtensionOptions',
    'type FetchPinned',
    'type Finding',
    'type GivenKeys',
    'type Handler',
    'type Identified',
    'type Identity',
    'type IdentityAssertionOptions',
    'type IdentityClaims',
    'type IdentityOfAssertion',
    'type IncludedScopes',
    'type InitialAccessTokenOptions',
    'type IntrospectionVerifierOptions',
    'type JwtAlgorithm',
    'type JwtVerifierOptions',
    'type KnownEndpoints',
    'type Lifetimes',
    'type LimitOptions',
    'type LoginFacts',
    'type McpAuth',
    'type MetadataDocumentOptions',
    'type MultiAuthOptions',
    'type OAuthProxyOptions',
    'type OAuthUpstream',
    'type ObservabilityOptions',
    'type OpenId',
    'type OpenIdUpstream',
    'type Operation',
    'type Peer',
    'type PinnedRequest',
    'type ProviderOptions',
    'type RateLimit',
    'type RateLimitKind',
    'type Reach',
    'type RecordedEvent',
    'type RefreshTokenPolicy',
    'type RegistrationOptions',
    'type RemoteAuthOptions',
    'type RemoteServerOptions',
    'type Resealed',
    'type Resource',
    'type ResourceServer',
    'type RevokeTarget',
    'type Route',
    'type ScopeChallenge',
    'type ScopeChallengeHandler',
    'type ScopeOptions',
    'type Seconds',
    'type SeveralProvidersOptions',
    'type SeveralUpstreams',
    'type SigningKeyInput',
    'type StaticClient',
    'type StaticToken',
    'type Store',
    'type Telemetry',
    'type TelemetryOf',
    'type TokenVerifier',
    'type ToolScopes',
    'type TrustedIssuerOptions',
    'type UnixSeconds',
    'type Upstream',
    'type UpstreamAccess',
    'type UpstreamCall',
    'type UpstreamClientAuthentication',
    'type UpstreamClientCredentials',
    'type UpstreamEndpoints',
    'type UpstreamHandle',
    'type UpstreamOptions',
    'type UpstreamQuirks',
    'type UpstreamRevocation',
    'type UpstreamScopes',
    'type UpstreamTokens',
    'type UpstreamTraits',
    'type VerificationOptions',
    'type VerifiedToken',
    'type VerifierCall',
    'type VerifyOptions',
  ],
  '@drawbridge/core/audit': ['auditLog', 'type AuditLine', 'type AuditLog', 'type AuditLogOptions', 'type LineStream', 'type WriteLine'],
  '@drawbridge/core/hono': ['authRoutes', 'mcpApp', 'requireAuth', 'type McpAppOptions', 'type McpFetch', 'wellKnownRoutes', 'withPrefix'],
  '@drawbridge/core/node': [
    'nodeHandler',
    'requireAuth',
    'serve',
    'type NodeHandler',
    'type NodeRequest',
    'type ServeBindings',
    'type ServeLimits',
    'type ServeOptions',
    'type Served',
  ],
  '@drawbridge/core/opentelemetry': ['openTelemetry', 'type OpenTelemetryOptions'],
  '@drawbridge/core/sdk-v1': ['sdkV1Verifier'],
  '@drawbridge/core/testing': [
    'describeProvider',
    'describeRemoteProvider',
    'fixedEnvironment',
    'pinnedFetch',
    'type AskExample',
    'type DocumentExample',
    'type ErrorExample',
    'type FixedEnvironment',
    'type IdentityExample',
    'type IntrospectionExample',
    'type IssuerKeysExample',
    'type OpenIdExample',
    'type ProviderDescription',
    'type RemoteProviderDescription',
    'type RequestExample',
    'type ScopeExample',
    'type TokenExample',
    'type TokenOfIssuer',
    'upstreamCall',
  ],
  '@drawbridge/providers/oauth': [
    'OAuthProvider',
    'describeUpstream',
    'pickClaims',
    'requireObject',
    'requireSubject',
    'type OAuthServer',
    'usualClaims',
  ],
  '@drawbridge/providers/define': ['defineProvider', 'type DefinedProvider'],
  '@drawbridge/providers/several': ['MultiProvider'],
  '@drawbridge/providers/oidc': ['OidcProvider', 'claimsOf', 'describeOidc', 'type OidcServer'],
  '@drawbridge/storage': [
    'FernetError',
    'createFernetKey',
    'encrypted',
    'fernet',
    'keyvStore',
    'memoryStore',
    'redisStore',
    'sqliteStore',
    'type Cipher',
    'type MemoryStoreOptions',
    'type Opened',
    'type RedisSetting',
    'type RedisStore',
    'type RedisStoreOptions',
    'type SqliteStore',
    'type StoreOptions',
  ],
  '@drawbridge/storage/postgres': [
    'postgresStore',
    'type PostgresClient',
    'type PostgresOptions',
    'type PostgresPool',
    'type PostgresSetting',
    'type PostgresStatement',
    'type PostgresStore',
    'type PostgresStoreOptions',
    'type PostgresTarget',
  ],
  '@drawbridge/storage/contract': [
    'directoryContract',
    'outageContract',
    'storeContract',
    'type Clause',
    'type DirectoryHarness',
    'type OutageHarness',
    'type StoreHarness',
  ],
}

describe('a package', () => {
  it('publishes these entries and no others', () => {
    const pinned = (entry: string): boolean => !entry.startsWith('@drawbridge/providers/') || entry in surface
    expect(['core', 'providers', 'storage'].flatMap(entriesOf).filter(pinned).sort()).toEqual(Object.keys(surface).sort())
  })

  it.each(entriesOf('providers').filter((entry) => !(entry in surface)))(
    'has in %s providers, the same as data, and their options',
    async (entry) => {
      const names = await exportsOf(entry)
      expect(names.filter((name) => !/^([A-Z]\w*Provider|[a-z]\w*|type [A-Z]\w*Options)$/.test(name))).toEqual([])
      expect(names.some((name) => /^[A-Z]\w*Provider$/.test(name))).toBe(true)
    },
  )

  it.each(Object.entries(surface))('exports from %s these names and no others', async (entry, names) => {
    expect(await exportsOf(entry)).toEqual(names)
  })
})

describe('auth', () => {
  it('has these members and no others', () => {
    const { auth } = openHouse()
    expect(Object.getOwnPropertyNames(OAuthProxy.prototype).sort()).toEqual([
      'authenticate',
      'basePath',
      'close',
      'constructor',
      'createInitialAccessToken',
      'fetch',
      'getRoutes',
      'getWellKnownRoutes',
      'ready',
      'requireScopes',
      'resources',
      'revoke',
      'rotateStorageKey',
      'upstream',
      'verifyAccessToken',
    ])
    expect(Object.getOwnPropertyNames(auth)).toEqual(['oauthMetadata'])
    expect(Object.getOwnPropertyNames(GitHubProvider.prototype)).toEqual(['constructor'])
  })

  it('is the verifier of MCP’s SDKs, v1 and v2: assignable, and to the letter of what they read (G19)', async () => {
    const house = openHouse()
    const v1: OAuthTokenVerifierV1 = house.auth
    const v2: OAuthTokenVerifierV2 = house.auth
    const { clientId, tokens } = await house.login()
    for (const verifier of [v1, v2]) {
      const { token, clientId: client, scopes, expiresAt, resource } = await verifier.verifyAccessToken(tokens.access_token)
      expect([token, client, scopes, expiresAt]).toEqual([tokens.access_token, clientId, ['user'], 1_767_272_400])
      expect(resource).toBeInstanceOf(URL)
      expect(resource?.href).toBe('http://localhost:8000/mcp')
    }
  })

  it('throws, for a token that is not good, what SDK v2 knows for an OAuth error', async () => {
    const { auth } = openHouse()
    const error: unknown = await auth.verifyAccessToken('abc').catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'invalid_token', message: 'The access token is invalid or has expired.', status: 401 })
    expect(Reflect.get(Object(error), Symbol.for('mcp.sdk.errorBrands'))).toEqual(new Set(['mcp.OAuthError']))
  })
})
