import { describeProvider, type ProviderDescription, type RequestExample } from '@drawbridge/core/testing'
import { expect, it } from 'vitest'
import { SentryProvider, sentry } from './sentry.ts'

const client = { client_id: 'upstream-client', client_secret: 's3cret /+&%' }
const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' }

const describeSentry = (server: string, create: ProviderDescription['create']): ProviderDescription => {
  const tokenRequest = { method: 'POST', url: `${server}/oauth/token/`, headers } satisfies RequestExample
  // https://docs.sentry.io/api/auth/
  const others = {
    expires_in: 2_591_999,
    expires_at: '2024-11-27T23:20:21.054320Z',
    token_type: 'bearer',
    scope: 'openid profile email',
    user: { id: '123', name: 'Jane Doe', email: 'jane@example.com' },
  }
  return {
    name: `SentryProvider, for ${server}`,
    create,
    authorizationUrl: `${server}/oauth/authorize/?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&scope=openid+profile+email&code_challenge={challenge}&code_challenge_method=S256`,
    defaultScopes: ['openid', 'profile', 'email'],
    exchange: {
      request: {
        ...tokenRequest,
        form: {
          ...client,
          grant_type: 'authorization_code',
          code: 'upstream-code',
          code_verifier: '{verifier}',
          redirect_uri: 'https://mcp.example.com/auth/callback',
        },
      },
      answer: { access_token: 'a-token-of-the-login', refresh_token: 'a-refresh-token-of-the-login', ...others },
      tokens: { accessToken: 'a-token-of-the-login', scopes: ['openid', 'profile', 'email'], expiresIn: 2_591_999 },
    },
    refresh: {
      request: { ...tokenRequest, form: { ...client, grant_type: 'refresh_token', refresh_token: 'a-refresh-token-of-the-login' } },
      answer: { access_token: 'a-token-of-the-refresh', refresh_token: 'a-refresh-token-of-the-refresh', ...others },
      tokens: { accessToken: 'a-token-of-the-refresh', scopes: ['openid', 'profile', 'email'], expiresIn: 2_591_999 },
    },
    identity: {
      request: {
        method: 'GET',
        url: `${server}/oauth/userinfo/`,
        headers: { accept: 'application/json', authorization: 'Bearer a-token-of-the-login' },
      },
      // The members of https://github.com/getsentry/sentry/blob/master/src/sentry/api/endpoints/oauth_userinfo.py
      answer: {
        sub: 123,
        name: 'Jane Doe',
        avatar_type: 'upload',
        avatar_url: 'https://sentry.io/avatar/1d2f/',
        date_joined: '2020-01-01T00:00:00Z',
        email: 'jane@example.com',
        email_verified: true,
      },
      identity: {
        subject: '123',
        claims: { name: 'Jane Doe', avatar_url: 'https://sentry.io/avatar/1d2f/', email: 'jane@example.com', email_verified: true },
      },
      idMember: 'sub',
    },
    errors: [
      { status: 400, answer: { error: 'invalid_grant' }, means: 'refused' },
      { status: 400, answer: { error: 'invalid_request' }, means: 'unavailable' },
      { status: 401, answer: { error: 'invalid_client' }, means: 'unavailable' },
    ],
    scopes: [
      {
        requested: ['org:read', 'event:read'],
        sent: 'org:read event:read openid',
        answered: 'event:read openid org:read',
        granted: ['org:read', 'event:read'],
      },
      { requested: ['openid', 'org:read'], answered: 'openid', granted: ['openid'] },
    ],
  }
}

describeProvider(describeSentry('https://sentry.io', (options, environment) => new SentryProvider(options, environment)))
describeProvider(
  describeSentry(
    'https://sentry.example.com',
    (options, environment) => new SentryProvider({ ...options, serverUrl: 'sentry.example.com' }, environment),
  ),
)

it('lists a server that cannot be', () => {
  expect(sentry({ serverUrl: 'http://sentry.example.com' }).problems).toEqual([
    'serverUrl "http://sentry.example.com" is not like https://sentry.example.com',
  ])
  expect(sentry().problems).toEqual([])
})
