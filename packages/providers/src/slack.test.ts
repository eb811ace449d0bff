import { describeProvider, type ErrorExample, type ProviderDescription, type RequestExample, upstreamCall } from '@drawbridge/core/testing'
import { describe, expect, it } from 'vitest'
import { SlackProvider, slack } from './slack.ts'

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
  revocation: { method: 'POST', url: 'https://slack.com/api/auth.revoke', headers: inTheNameOf(accessToken) },
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
  revocation: { method: 'POST', url: 'https://slack.com/api/auth.revoke', headers: inTheNameOf(rotating) },
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
})
