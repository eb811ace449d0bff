import type { Environment, OAuthProxyOptions, OpenIdUpstream } from '@drawbridge/core'
import { readServer } from './internal/read-server.ts'
import { usualClaims } from './oauth.ts'
import { describeOidc, OidcProvider } from './oidc.ts'

/** What is Clerk's own among the options of {@link ClerkProvider}. */
export interface ClerkOptions {
  /** The Frontend API URL of the instance: `https://verb-noun-00.clerk.accounts.dev`, or `https://clerk.example.com`. */
  readonly domain: string
}

/** The options of {@link ClerkProvider}. */
export interface ClerkProviderOptions extends OAuthProxyOptions, ClerkOptions {}

/** Clerk: tokens live a day and are refreshed. The subject is the id of the user. Throws `ConfigurationError` with every problem of the options. */
export class ClerkProvider extends OidcProvider {
  constructor({ domain, ...options }: ClerkProviderOptions, environment?: Environment) {
    super(options, clerk({ domain }), environment)
  }
}

/**
 * Clerk as data.
 * @see https://clerk.com/docs/guides/configure/auth-strategies/oauth/how-clerk-implements-oauth
 */
export function clerk({ domain }: ClerkOptions): OpenIdUpstream {
  const { value: issuer, problems } = readServer('domain', domain, 'https://verb-noun-00.clerk.accounts.dev')
  return describeOidc({
    name: 'Clerk',
    issuer,
    // With the scope `user:org:read` the last one.
    claimNames: [...usualClaims, 'username', 'org_id'],
    // "Grant access through a refresh token". @see https://clerk.com/docs/guides/configure/auth-strategies/oauth/how-clerk-implements-oauth#scopes
    scopes: { always: ['offline_access'] },
    problems,
  })
}
