import { type Environment, type Identified, type OAuthProxyOptions, type OpenIdUpstream, UpstreamUnavailable } from '@drawbridge/core'
import { readId, readServer } from './internal/read-server.ts'
import { usualClaims } from './oauth.ts'
import { describeOidc, OidcProvider } from './oidc.ts'

/** What is authentik's own among the options of {@link AuthentikProvider}. */
export interface AuthentikOptions {
  /** The server: `https://authentik.example.com`. */
  readonly serverUrl: string
  /** The application, by its slug: `mcp`. */
  readonly application: string
  /** The *Issuer mode* of the OAuth2 provider there. Default: `per_provider`, as there. */
  readonly issuerMode?: 'per_provider' | 'global'
}

/** The options of {@link AuthentikProvider}. */
export interface AuthentikProviderOptions extends OAuthProxyOptions, AuthentikOptions {}

/**
 * An application of authentik. Tokens are refreshed, and refresh tokens rotate. The subject is the id of the user, as the *Subject mode* has it. Throws
 * `ConfigurationError` with every problem of the options.
 */
export class AuthentikProvider extends OidcProvider {
  constructor({ serverUrl, application, issuerMode, ...options }: AuthentikProviderOptions, environment?: Environment) {
    super(options, authentik({ serverUrl, application, ...(issuerMode !== undefined && { issuerMode }) }), environment)
  }
}

/**
 * An application of authentik as data. Each has an issuer of its own, which ends with a slash.
 * @see https://docs.goauthentik.io/add-secure-apps/providers/oauth2/
 */
export function authentik({ serverUrl, application, issuerMode = 'per_provider' }: AuthentikOptions): OpenIdUpstream {
  const server = readServer('serverUrl', serverUrl, 'https://authentik.example.com')
  const slug = readId('application', application, 'mcp')
  const place = `${server.value}/application/o/${slug.value}/`
  const upstream = describeOidc({
    name: 'authentik',
    issuer: issuerMode === 'global' ? `${server.value}/` : place,
    discoveryUrl: `${place}.well-known/openid-configuration`,
    clientAuthentication: 'client_secret_post',
    claimNames: [...usualClaims, 'groups', 'entitlements'],
    scopes: { always: ['offline_access'] },
    problems: [...server.problems, ...slug.problems, ...refuseMode(issuerMode)],
  })
  return { ...upstream, identify: async (call) => requireStable(await upstream.identify(call)) }
}

function refuseMode(issuerMode: string): string[] {
  return ['per_provider', 'global'].includes(issuerMode) ? [] : [`issuerMode ${JSON.stringify(issuerMode)} is not per_provider or global`]
}

// The Subject mode can be an address or a login name, which another person has one day.
function requireStable(identified: Identified): Identified {
  const { email, preferred_username } = identified.said ?? {}
  if (identified.subject === email || identified.subject === preferred_username) throw new UpstreamUnavailable('subject_not_stable')
  return identified
}
