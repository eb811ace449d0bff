import { describeProvider, type ErrorExample, type RequestExample, upstreamCall } from '@drawbridge/core/testing'
import { expect, it } from 'vitest'
import { TwitchProvider, twitch } from './twitch.ts'

const accessToken = 'rfx2uswqe8l4g1mkagrvg5tv0ks3'
const refreshToken = '5b93chm6hdve3mycz05zfzatkfdenfspp1h1ar2xxdalen01'

const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' }

const tokenRequest = { method: 'POST', url: 'https://id.twitch.tv/oauth2/token', headers } satisfies RequestExample

const ourClient = { client_id: 'upstream-client', client_secret: 's3cret /+&%' }

// The members are those of https://dev.twitch.tv/docs/authentication/refresh-tokens/
const error = (status: number, name: string, message: string, means: ErrorExample['means']): ErrorExample => ({
  status,
  answer: { error: name, status, message },
  means,
})

// https://dev.twitch.tv/docs/authentication/validate-tokens/
const validated = {
  client_id: 'upstream-client',
  login: 'twitchdev',
  scopes: ['user:read:email'],
  user_id: '141981764',
  expires_in: 5_520_838,
}

// https://dev.twitch.tv/docs/api/reference/#get-users
const user = {
  id: '141981764',
  login: 'twitchdev',
  display_name: 'TwitchDev',
  type: '',
  broadcaster_type: 'partner',
  description: 'Supporting third-party developers building Twitch integrations from chatbots to game integrations.',
  profile_image_url: 'https://static-cdn.jtvnw.net/jtv_user_pictures/8a6381c7-d0c0-4576-b179-38bd5ce1d6af-profile_image-300x300.png',
  view_count: 5_980_557,
  email: 'not-real@email.com',
  created_at: '2016-12-14T20:32:28Z',
}

describeProvider({
  name: 'TwitchProvider',
  create: (options, environment) => new TwitchProvider(options, environment),
  authorizationUrl:
    'https://id.twitch.tv/oauth2/authorize?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&scope=user%3Aread%3Aemail',
  defaultScopes: ['user:read:email'],
  exchange: {
    request: {
      ...tokenRequest,
      form: {
        grant_type: 'authorization_code',
        ...ourClient,
        code: 'upstream-code',
        redirect_uri: 'https://mcp.example.com/auth/callback',
      },
    },
    // https://dev.twitch.tv/docs/authentication/getting-tokens-oauth/#authorization-code-grant-flow
    answer: {
      access_token: accessToken,
      expires_in: 14_124,
      refresh_token: refreshToken,
      scope: ['user:read:email'],
      token_type: 'bearer',
    },
    tokens: { accessToken, scopes: ['user:read:email'], expiresIn: 14_124 },
  },
  refresh: {
    request: { ...tokenRequest, form: { grant_type: 'refresh_token', ...ourClient, refresh_token: refreshToken } },
    answer: {
      access_token: '1ssjqsqfy6bads1ws7m03gras79zfr',
      expires_in: 14_346,
      refresh_token: 'eyJfMzUtNDU0OC4MWYwLTQ5MDY5ODY4NGNlMSJ9%asdfasdf=',
      scope: ['user:read:email'],
      token_type: 'bearer',
    },
    tokens: { accessToken: '1ssjqsqfy6bads1ws7m03gras79zfr', scopes: ['user:read:email'], expiresIn: 14_346 },
  },
  identity: {
    request: {
      method: 'GET',
      url: 'https://api.twitch.tv/helix/users',
      headers: { accept: 'application/json', authorization: `Bearer ${accessToken}`, 'client-id': 'upstream-client' },
    },
    answer: { data: [user] },
    identity: {
      subject: '141981764',
      claims: {
        login: 'twitchdev',
        display_name: 'TwitchDev',
        broadcaster_type: 'partner',
        profile_image_url: 'https://static-cdn.jtvnw.net/jtv_user_pictures/8a6381c7-d0c0-4576-b179-38bd5ce1d6af-profile_image-300x300.png',
        email: 'not-real@email.com',
      },
    },
    idMember: 'data.0.id',
  },
  asks: [
    {
      request: {
        method: 'GET',
        url: 'https://id.twitch.tv/oauth2/validate',
        headers: { accept: 'application/json', authorization: `OAuth ${accessToken}` },
      },
      answer: validated,
      foreign: { status: 200, answer: { ...validated, client_id: 'another-app' } },
    },
  ],
  revocation: {
    method: 'POST',
    url: 'https://id.twitch.tv/oauth2/revoke',
    headers,
    form: { client_id: 'upstream-client', token: accessToken },
  },
  errors: [
    error(400, 'Bad Request', 'Invalid refresh token', 'refused'),
    error(400, 'Bad Request', 'Invalid authorization code', 'refused'),
    error(400, 'Bad Request', 'invalid client', 'unavailable'),
    error(403, 'Forbidden', 'invalid client secret', 'unavailable'),
    error(400, 'Bad Request', 'missing client id', 'unavailable'),
  ],
  scopes: [
    {
      requested: ['channel:moderate', 'chat:edit', 'chat:read'],
      answered: ['channel:moderate', 'chat:edit', 'chat:read'],
      granted: ['channel:moderate', 'chat:edit', 'chat:read'],
    },
  ],
})

it('takes a token that is not known for no token of the person', async () => {
  const call = upstreamCall({ ask: async () => ({ status: 401, json: { status: 401, message: 'invalid access token' } }) })
  await expect(twitch().identify(call)).rejects.toMatchObject({ name: 'UpstreamRefused', reason: 'token_not_accepted' })
})
