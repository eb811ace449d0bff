import type { Environment, Identified, OAuthProxyOptions, OpenIdUpstream } from '@drawbridge/core'
import { personOfAnotherOrganisation } from './internal/refuse-person.ts'
import { usualClaims } from './oauth.ts'
import { describeOidc, OidcProvider } from './oidc.ts'

/** What is Google's own among the options of {@link GoogleProvider}. */
export interface GoogleOptions {
  /** The Google Workspace or Cloud organisations whose people may sign in, by their domains: `example.com`. Default: everybody with a Google account. */
  readonly hostedDomain?: string | readonly string[]
}

/** The options of {@link GoogleProvider}. */
export interface GoogleProviderOptions extends OAuthProxyOptions, GoogleOptions {}

/**
 * Google: tokens live an hour and are refreshed, with a refresh token that stays the same. The subject is the `sub` of the account. Throws
 * `ConfigurationError` with every problem of the options.
 */
export class GoogleProvider extends OidcProvider {
  constructor({ hostedDomain, ...options }: GoogleProviderOptions, environment?: Environment) {
    super(options, google(hostedDomain === undefined ? {} : { hostedDomain }), environment)
  }
}

/**
 * Google as data.
 * @see https://developers.google.com/identity/openid-connect/openid-connect
 * @see https://developers.google.com/identity/protocols/oauth2/web-server
 */
export function google({ hostedDomain }: GoogleOptions = {}): OpenIdUpstream {
  const domains = hostedDomain === undefined ? undefined : [hostedDomain].flat()
  const upstream = describeOidc({
    name: 'Google',
    issuer: 'https://accounts.google.com',
    clientAuthentication: 'client_secret_post',
    claimNames: [...usualClaims, 'hd'],
    // It takes away what the person granted the app, and with it the tokens of all their other logins.
    // @see https://developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke
    revocation: 'never',
    authorizeParameters: { ...askingForRefreshTokens, ...(domains && { hd: domains.length === 1 ? domains.join() : '*' }) },
    scopes: { fromUpstream: (scope) => (scope.startsWith(longName) ? scope.slice(longName.length) : scope) },
    includedScopes: longNames,
    problems: problemsOf(domains),
  })
  return { ...upstream, identify: async (call) => requireDomain(await upstream.identify(call), domains) }
}

// A refresh token comes with the first yes of a person only, and with each one where it is asked for again.
// @see https://developers.google.com/identity/protocols/oauth2/web-server#offline
const askingForRefreshTokens = { access_type: 'offline', prompt: 'consent' }

// Google answers whoever asked for `email` and `profile` with its own names for them.
// @see https://developers.google.com/identity/protocols/oauth2/scopes#oauth2
const longName = 'https://www.googleapis.com/auth/userinfo.'
const longNames = Object.fromEntries(['email', 'profile'].map((scope) => [scope, [`${longName}${scope}`]]))

function problemsOf(domains: readonly string[] = ['example.com']): string[] {
  if (domains.length === 0) return ['hostedDomain is an empty list: nobody could sign in']
  return domains
    .filter((domain) => !/^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(domain))
    .map((domain) => `hostedDomain ${domain} is not like example.com`)
}

// The browser can leave the parameter out of the request, so it is the claim that counts. Accounts outside an organisation have none.
// @see https://developers.google.com/identity/openid-connect/openid-connect#hd-param
function requireDomain(identified: Identified, domains: readonly string[] | undefined): Identified {
  if (domains && !domains.some((domain) => domain === identified.said?.hd)) throw personOfAnotherOrganisation()
  return identified
}
