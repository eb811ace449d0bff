import type { Environment, OAuthProxyOptions, OAuthUpstream } from '@drawbridge/core'
import { readServer } from './internal/read-server.ts'
import { describeUpstream, OAuthProvider } from './oauth.ts'

/** What is Sentry's own among the options of {@link SentryProvider}. */
export interface SentryOptions {
  /** A Sentry of your own: `https://sentry.example.com`. Default: sentry.io. */
  readonly serverUrl?: string
}

/** The options of {@link SentryProvider}. */
export interface SentryProviderOptions extends OAuthProxyOptions, SentryOptions {}

/**
 * Sentry: tokens live thirty days and are refreshed, with a refresh token that rotates. The subject is the account's numeric id. Throws `ConfigurationError` with
 * every problem of the options.
 */
export class SentryProvider extends OAuthProvider {
  constructor({ serverUrl, ...options }: SentryProviderOptions, environment?: Environment) {
    super(options, sentry(serverUrl === undefined ? {} : { serverUrl }), environment)
  }
}

/**
 * Sentry as data. Its ID tokens are signed with a secret that only one of its clients has, so userinfo says who the person is.
 * @see https://docs.sentry.io/api/auth/
 */
export function sentry({ serverUrl = 'https://sentry.io' }: SentryOptions = {}): OAuthUpstream {
  const { value: server, problems } = readServer('serverUrl', serverUrl, 'https://sentry.example.com')
  return describeUpstream({
    name: 'Sentry',
    authorizationEndpoint: `${server}/oauth/authorize/`,
    tokenEndpoint: `${server}/oauth/token/`,
    clientAuthentication: 'client_secret_post',
    defaultScopes: ['openid', 'profile', 'email'],
    // Userinfo answers nobody without it. @see https://github.com/getsentry/sentry/blob/master/src/sentry/api/endpoints/oauth_userinfo.py
    scopes: { always: ['openid'] },
    userEndpoint: `${server}/oauth/userinfo/`,
    claimNames: ['name', 'email', 'email_verified', 'avatar_url'],
    problems,
  })
}
