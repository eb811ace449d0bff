import { describeProvider, type RequestExample, upstreamCall } from '@drawbridge/core/testing'
import { expect, it, vi } from 'vitest'
import { DiscordProvider, discord } from './discord.ts'

const accessToken = '6qrZcUqja7812RVdnEKjpzOL4CvHBFG'
const refreshToken = 'D43f5y0ahjqew82jZ4NViEr2YafMKhue'

const post = { method: 'POST', headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' } } as const
const tokenRequest = { ...post, url: 'https://discord.com/api/oauth2/token' } satisfies RequestExample
const client = { client_id: 'upstream-client', client_secret: 's3cret /+&%' }
const asPerson = { accept: 'application/json', authorization: `Bearer ${accessToken}` }

// https://docs.discord.com/developers/topics/oauth2#authorization-code-grant-access-token-response
const others = { token_type: 'Bearer', expires_in: 604_800, scope: 'identify' }

// https://docs.discord.com/developers/resources/user#user-object-example-user, of somebody who has a display name.
const user = {
  id: '80351110224678912',
  username: 'nelly',
  global_name: 'Nelly',
  discriminator: '0',
  avatar: '8342729096ea3675442027381ff50dfe',
  verified: true,
  email: 'nelly@discord.com',
  flags: 64,
  banner: '06c16474723fe537c283b8efa61a30c8',
  accent_color: 16_711_680,
  premium_type: 1,
  public_flags: 64,
}

// https://docs.discord.com/developers/topics/oauth2#get-current-authorization-information
const authorization = (id: string) => ({
  application: { id, name: 'AIRHORN SOLUTIONS', icon: 'f03590d3eb764081d154a66340ea7d6d', description: '', bot_public: true },
  scopes: ['identify'],
  expires: '2021-01-23T02:33:17.017000+00:00',
  user: { id: '80351110224678912', username: 'nelly' },
})

describeProvider({
  name: 'DiscordProvider',
  create: (options, environment) => new DiscordProvider(options, environment),
  authorizationUrl:
    'https://discord.com/oauth2/authorize?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&scope=identify&code_challenge={challenge}&code_challenge_method=S256',
  defaultScopes: ['identify'],
  issuer: 'https://discord.com',
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
    answer: { access_token: accessToken, refresh_token: refreshToken, ...others },
    tokens: { accessToken, scopes: ['identify'], expiresIn: 604_800 },
  },
  refresh: {
    request: { ...tokenRequest, form: { ...client, grant_type: 'refresh_token', refresh_token: refreshToken } },
    answer: { access_token: 'a-token-of-the-refresh', refresh_token: 'a-refresh-token-of-the-refresh', ...others },
    tokens: { accessToken: 'a-token-of-the-refresh', scopes: ['identify'], expiresIn: 604_800 },
  },
  identity: {
    request: { method: 'GET', url: 'https://discord.com/api/users/@me', headers: asPerson },
    answer: user,
    identity: {
      subject: '80351110224678912',
      claims: {
        username: 'nelly',
        global_name: 'Nelly',
        avatar: '8342729096ea3675442027381ff50dfe',
        verified: true,
        email: 'nelly@discord.com',
      },
    },
    idMember: 'id',
  },
  asks: [
    {
      request: { method: 'GET', url: 'https://discord.com/api/oauth2/@me', headers: asPerson },
      answer: authorization('upstream-client'),
      foreign: { status: 200, answer: authorization('159799960412356608') },
    },
  ],
  errors: [
    { status: 400, answer: { error: 'invalid_grant', error_description: 'Invalid "code" in request.' }, means: 'refused' },
    { status: 400, answer: { error: 'invalid_request', error_description: 'Invalid "code_verifier" in request.' }, means: 'unavailable' },
    { status: 401, answer: { error: 'invalid_client' }, means: 'unavailable' },
  ],
  scopes: [
    { requested: ['identify', 'email', 'guilds'], answered: 'guilds email identify', granted: ['identify', 'email', 'guilds'] },
    { requested: ['identify', 'email'], answered: 'identify', granted: ['identify'] },
  ],
})

it('asks whose a token is at the login, and not again', async () => {
  const getJson = vi.fn(async () => user)
  await discord().identify(upstreamCall({ getJson }))
  expect(getJson.mock.calls).toEqual([['https://discord.com/api/users/@me']])
})

it('takes an answer without an application for none', async () => {
  const getJson = async (url: string) => (url.endsWith('/users/@me') ? user : { scopes: ['identify'] })
  const asking = discord().identify(upstreamCall({ login: { answer: {} }, getJson }))
  await expect(asking).rejects.toMatchObject({ name: 'UpstreamUnavailable', reason: 'identity_malformed' })
})
