import { describeProvider, type ErrorExample, type ProviderDescription, type RequestExample, upstreamCall } from '@drawbridge/core/testing'
import { describe, expect, it } from 'vitest'
import { OidcProvider } from './oidc.ts'
import { SlackProvider, signInWithSlack, slack } from './slack.ts'

const accessToken = 'xoxp-1234'

const tokenRequest = {
  method: 'POST',
  url: 'https://slack.com/api/oauth.v2.access',
  headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
} satisfies RequestExample

const ourClient = { client_id: 'upstream-client', client_secret: 's3cret /+&%' }

const codeForm = {
  grant_type: 'authorization_code',
  ...ourClient,
  code: 'upstream-code',
  redirect_uri: 'https://mcp.example.com/auth/callback',
}

// https://docs.slack.dev/reference/methods/oauth.v2.access, without the bot, which has no scopes here
const answer = {
  ok: true,
  app_id: 'A0KRD7HC3',
  team: { name: 'Slack Softball Team', id: 'T9TK3CUKW' },
  enterprise: { name: 'slack-sports', id: 'E12345678' },
  is_enterprise_install: false,
  authed_user: { id: 'U1234', scope: 'users:read,chat:write', access_token: accessToken, token_type: 'user' },
}

/** Slack's errors, all with status 200. */
const error = (name: string, means: ErrorExample['means']): ErrorExample => ({ status: 200, answer: { ok: false, error: name }, means })

const inTheNameOf = (token: string) => ({ accept: 'application/json', authorization: `Bearer ${token}` })

const forGood: ProviderDescription = {
  name: 'SlackProvider, with tokens that never expire',
  create: (options, environment) => new SlackProvider(options, environment),
  authorizationUrl:
    'https://slack.com/oauth/v2/authorize?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&user_scope=users%3Aread',
  defaultScopes: ['users:read'],
  scopeParameter: 'user_scope',
  exchange: {
    request: { ...tokenRequest, form: codeForm },
    answer,
    tokens: { accessToken, scopes: ['users:read', 'chat:write'] },
  },
  identity: {
    request: { method: 'POST', url: 'https://slack.com/api/auth.test', headers: inTheNameOf(accessToken) },
    // https://docs.slack.dev/reference/methods/auth.test
    answer: {
      ok: true,
      url: 'https://subarachnoid.slack.com/',
      team: 'Subarachnoid Workspace',
      user: 'grace',
      team_id: 'T12345678',
      user_id: 'W12345678',
    },
    identity: {
      subject: 'T12345678:W12345678',
      claims: {
        url: 'https://subarachnoid.slack.com/',
        team: 'Subarachnoid Workspace',
        user: 'grace',
        team_id: 'T12345678',
        user_id: 'W12345678',
      },
    },
    idMember: ['team_id', 'user_id'],
  },
  errors: [
    error('invalid_code', 'refused'),
    error('invalid_refresh_token', 'refused'),
    error('account_inactive', 'refused'),
    error('bad_client_secret', 'unavailable'),
    error('bad_redirect_uri', 'unavailable'),
    error('internal_error', 'unavailable'),
  ],
}

describeProvider(forGood)

const rotating = 'xoxe.xoxp-1-of-the-login'

describeProvider({
  ...forGood,
  name: 'SlackProvider, with tokens that rotate, and PKCE',
  create: (options, environment) => new SlackProvider({ ...options, pkce: true }, environment),
  authorizationUrl: `${forGood.authorizationUrl}&code_challenge={challenge}&code_challenge_method=S256`,
  exchange: {
    request: { ...tokenRequest, form: { ...codeForm, code_verifier: '{verifier}' } },
    // The members are those of https://docs.slack.dev/authentication/using-token-rotation
    answer: {
      ...answer,
      authed_user: { ...answer.authed_user, access_token: rotating, refresh_token: 'xoxe-1-of-the-login', expires_in: 43_200 },
    },
    tokens: { accessToken: rotating, scopes: ['users:read', 'chat:write'], expiresIn: 43_200 },
  },
  refresh: {
    request: { ...tokenRequest, form: { grant_type: 'refresh_token', ...ourClient, refresh_token: 'xoxe-1-of-the-login' } },
    answer: {
      ok: true,
      access_token: 'xoxe.xoxp-2-of-the-refresh',
      refresh_token: 'xoxe-1-of-the-refresh',
      expires_in: 43_200,
      token_type: 'user',
      scope: 'users:read,chat:write',
      team: answer.team,
    },
    tokens: { accessToken: 'xoxe.xoxp-2-of-the-refresh', scopes: ['users:read', 'chat:write'], expiresIn: 43_200 },
  },
  identity: { ...forGood.identity, request: { method: 'POST', url: 'https://slack.com/api/auth.test', headers: inTheNameOf(rotating) } },
})

describeProvider({
  name: 'OidcProvider, for Sign in with Slack',
  create: (options, environment) => new OidcProvider(options, signInWithSlack(), environment),
  authorizationUrl:
    'https://slack.com/openid/connect/authorize?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&scope=openid+profile+email&nonce={nonce}',
  defaultScopes: ['openid', 'profile', 'email'],
  issuer: 'https://slack.com',
  openId: {
    discoveryUrl: 'https://slack.com/.well-known/openid-configuration',
    // As Slack answers there, trimmed.
    document: {
      issuer: 'https://slack.com',
      authorization_endpoint: 'https://slack.com/openid/connect/authorize',
      token_endpoint: 'https://slack.com/api/openid.connect.token',
      userinfo_endpoint: 'https://slack.com/api/openid.connect.userInfo',
      jwks_uri: 'https://slack.com/openid/connect/keys',
      scopes_supported: ['openid', 'profile', 'email'],
      response_types_supported: ['code'],
      response_modes_supported: ['query'],
      grant_types_supported: ['authorization_code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
    },
    idToken: { sub: 'U0R7JM' },
  },
  exchange: {
    request: {
      ...tokenRequest,
      url: 'https://slack.com/api/openid.connect.token',
      headers: {
        ...tokenRequest.headers,
        // upstream-client:s3cret+%2F%2B%26%25
        authorization: 'Basic dXBzdHJlYW0tY2xpZW50OnMzY3JldCslMkYlMkIlMjYlMjU=',
      },
      form: { grant_type: 'authorization_code', code: 'upstream-code', redirect_uri: 'https://mcp.example.com/auth/callback' },
    },
    // https://docs.slack.dev/reference/methods/openid.connect.token
    answer: { ok: true, access_token: accessToken, token_type: 'Bearer' },
    tokens: { accessToken, scopes: ['openid', 'profile', 'email'] },
  },
  identity: {
    request: { method: 'GET', url: 'https://slack.com/api/openid.connect.userInfo', headers: inTheNameOf(accessToken) },
    // https://docs.slack.dev/reference/methods/openid.connect.userInfo
    answer: {
      ok: true,
      sub: 'U0R7JM',
      'https://slack.com/user_id': 'U0R7JM',
      'https://slack.com/team_id': 'T0R7GR',
      email: 'krane@slack-corp.com',
      email_verified: true,
      date_email_verified: 1_622_128_723,
      name: 'krane',
      picture: 'https://secure.gravatar.com/....png',
      given_name: 'Bront',
      family_name: 'Labradoodle',
      locale: 'en-US',
      'https://slack.com/team_name': 'kraneflannel',
      'https://slack.com/team_domain': 'kraneflannel',
    },
    identity: {
      subject: 'T0R7GR:U0R7JM',
      claims: {
        'https://slack.com/user_id': 'U0R7JM',
        'https://slack.com/team_id': 'T0R7GR',
        'https://slack.com/team_name': 'kraneflannel',
        email: 'krane@slack-corp.com',
        email_verified: true,
        name: 'krane',
        picture: 'https://secure.gravatar.com/....png',
      },
    },
    idMember: ['https://slack.com/team_id', 'https://slack.com/user_id'],
  },
  errors: [error('invalid_code', 'refused'), error('bad_client_secret', 'unavailable'), error('internal_error', 'unavailable')],
})

describe('a token of Slack', () => {
  const read = (answer: object) => slack().quirks?.readAnswer?.({ ...answer })
  const bot = { access_token: 'xoxb-17653672481', token_type: 'bot', scope: 'commands', refresh_token: 'xoxe-1-bot', expires_in: 43_200 }

  it('is the person’s, and not that of the bot beside it', () => {
    expect(read({ ...answer, ...bot })).toEqual({
      id: 'U1234',
      access_token: accessToken,
      token_type: 'bearer',
      scope: 'users:read chat:write',
    })
  })

  it('is none where there is a bot and no person’s token', () => {
    expect(read({ ok: true, ...bot })).toEqual({ token_type: 'bearer' })
    expect(read({ ok: true, ...bot, authed_user: { id: 'U1234' } })).toEqual({ id: 'U1234', token_type: 'bearer' })
  })
})

it.each([
  ['token_revoked', { name: 'UpstreamRefused', reason: 'token_not_accepted' }],
  ['account_inactive', { name: 'UpstreamRefused', reason: 'token_not_accepted' }],
  ['ratelimited', { name: 'UpstreamUnavailable', reason: 'status_400' }],
])('judges %s when it asks whose token it is', async (name, end) => {
  // Core has turned the 200 of an error into a 400.
  const call = upstreamCall({ ask: async () => ({ status: 400, json: { ok: false, error: name } }) })
  await expect(slack().identify(call)).rejects.toMatchObject(end)
  const endpoints = { ...call.endpoints, userinfoEndpoint: 'https://slack.com/api/openid.connect.userInfo' }
  await expect(signInWithSlack().identify({ ...call, endpoints })).rejects.toMatchObject(end)
})
