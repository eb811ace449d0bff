import { readFileSync } from 'node:fs'
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
  return Object.keys(manifest.exports).map((entry) => entry.replace(/^\./, `@drawbridge/${name}`))
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
    'type ClaimNames',
    'type ClientOptions',
    'type ConsentMode',
    'type ConsentOptions',
    'type CreatedInitialAccessToken',
    'type Directory',
    'type DirectoryPage',
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
    'type Identity',
    'type IdentityAssertionOptions',
    'type IdentityClaims',
    'type IdentityOfAssertion',
    'type IncludedScopes',
    'type InitialAccessTokenOptions',
    'type IntrospectionVerifierOptions',
    'type JwtAlgorithm',
    'type JwtVerifierOptions',
    'type Lifetimes',
    'type LimitOptions',
    'type McpAuth',
    'type MetadataDocumentOptions',
    'type MultiAuthOptions',
    'type OAuthProxyOptions',
    'type ObservabilityOptions',
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
    'type UpstreamCall',
    'type UpstreamClientAuthentication',
    'type UpstreamClientCredentials',
    'type UpstreamHandle',
    'type UpstreamOptions',
    'type UpstreamQuirks',
    'type UpstreamRevocation',
    'type UpstreamTokens',
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
    'type DocumentExample',
    'type ErrorExample',
    'type FixedEnvironment',
    'type IdentityExample',
    'type IntrospectionExample',
    'type IssuerKeysExample',
    'type ProviderDescription',
    'type RemoteProviderDescription',
    'type RequestExample',
    'type ScopeExample',
    'type TokenExample',
    'type TokenOfIssuer',
  ],
  '@drawbridge/providers/oauth': ['OAuthProvider', 'describeUpstream', 'pickClaims', 'requireObject', 'requireSubject', 'type OAuthServer'],
  '@drawbridge/providers/github': ['GitHubProvider', 'github', 'type GitHubProviderOptions'],
  '@drawbridge/providers/several': ['MultiProvider'],
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
    expect(['core', 'providers', 'storage'].flatMap(entriesOf).sort()).toEqual(Object.keys(surface).sort())
  })

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
