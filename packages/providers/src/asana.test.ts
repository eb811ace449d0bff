import { describeProvider, type ErrorExample, type ProviderDescription, type RequestExample, upstreamCall } from '@drawbridge/core/testing'
import { describe, expect, it, vi } from 'vitest'
import { AsanaProvider, asana } from './asana.ts'
import { OAuthProvider } from './oauth.ts'

const accessToken = 'f6ds7fdsa69ags7ag9sd5a'
const refreshToken = 'hjkl325hjkl4325hj4kl32fjds'

const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' }
const tokenRequest = { method: 'POST', url: 'https://app.asana.com/-/oauth_token', headers } satisfies RequestExample
const ourClient = { client_id: 'upstream-client', client_secret: 's3cret /+&%' }

// https://developers.asana.com/docs/oauth#token-exchange-endpoint
const others = {
  expires_in: 3600,
  token_type: 'bearer',
  data: { id: 4_673_218_951, gid: '4673218951', name: 'Greg Sanchez', email: 'gsanchez@example.com' },
}

// Only the exchange of a code brings a refresh token.
const refreshed = {
  request: { ...tokenRequest, form: { grant_type: 'refresh_token', ...ourClient, refresh_token: refreshToken } },
  answer: { access_token: 'a-token-of-the-refresh', ...others },
} as const

// https://developers.asana.com/reference/getuser
const user = {
  gid: '4673218951',
  resource_type: 'user',
  name: 'Greg Sanchez',
  email: 'gsanchez@example.com',
  photo: { image_21x21: 'https://example.com/21.png', image_128x128: 'https://example.com/128.png' },
  workspaces: [{ gid: '12345', resource_type: 'workspace', name: 'My Company Workspace' }],
}

// https://developers.asana.com/docs/oauth#token-introspection-endpoint
const introspected = {
  token_type: 'bearer',
  expires_in: 3600,
  exp: 2_069_346_816,
  scope: 'users:read',
  active: true,
  client_id: 'upstream-client',
}

// Asana's page has no errors of this endpoint: these are those of RFC 6749 §5.2.
const error = (status: number, name: string, means: ErrorExample['means']): ErrorExample => ({ status, answer: { error: name }, means })

const withScopes: ProviderDescription = {
  name: 'AsanaProvider',
  create: (options, environment) => new AsanaProvider(options, environment),
  authorizationUrl:
    'https://app.asana.com/-/oauth_authorize?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&scope=users%3Aread&code_challenge={challenge}&code_challenge_method=S256',
  defaultScopes: ['users:read'],
  exchange: {
    request: {
      ...tokenRequest,
      form: {
        grant_type: 'authorization_code',
        ...ourClient,
        code: 'upstream-code',
        code_verifier: '{verifier}',
        redirect_uri: 'https://mcp.example.com/auth/callback',
      },
    },
    answer: { access_token: accessToken, refresh_token: refreshToken, ...others },
    tokens: { accessToken, scopes: ['users:read'], expiresIn: 3600 },
  },
  refresh: {
    ...refreshed,
    tokens: { accessToken: 'a-token-of-the-refresh', scopes: ['users:read'], expiresIn: 3600 },
  },
  identity: {
    request: {
      method: 'GET',
      url: 'https://app.asana.com/api/1.0/users/me',
      headers: { accept: 'application/json', authorization: `Bearer ${accessToken}` },
    },
    answer: { data: user },
    identity: {
      subject: '4673218951',
      claims: { name: 'Greg Sanchez', email: 'gsanchez@example.com', workspaces: [{ gid: '12345', name: 'My Company Workspace' }] },
    },
    idMember: 'data.gid',
  },
  groups: 'workspaces',
  asks: [
    {
      request: { method: 'POST', url: 'https://app.asana.com/-/token_info', headers, form: { token: accessToken } },
      answer: introspected,
      foreign: { status: 200, answer: { ...introspected, client_id: '753482910' } },
    },
  ],
  revocation: {
    method: 'POST',
    url: 'https://app.asana.com/-/oauth_revoke',
    headers: { ...headers, accept: '*/*' },
    form: { ...ourClient, token: refreshToken },
  },
  errors: [
    error(400, 'invalid_grant', 'refused'),
    error(400, 'invalid_request', 'unavailable'),
    error(401, 'invalid_client', 'unavailable'),
  ],
  // A token is for the scopes that were asked for, and the answer does not repeat them.
  scopes: [
    { requested: ['tasks:read'], sent: 'tasks:read users:read', granted: ['tasks:read'] },
    { requested: ['users:read', 'tasks:read'], granted: ['users:read', 'tasks:read'] },
  ],
}

describeProvider(withScopes)

describeProvider({
  ...withScopes,
  name: 'OAuthProvider, for an app of Asana with full permissions',
  create: (options, environment) => new OAuthProvider(options, { ...asana(), defaultScopes: ['default'], scopes: {} }, environment),
  authorizationUrl: withScopes.authorizationUrl.replace('scope=users%3Aread', 'scope=default'),
  defaultScopes: ['default'],
  exchange: { ...withScopes.exchange, tokens: { accessToken, scopes: ['default'], expiresIn: 3600 } },
  refresh: {
    ...refreshed,
    tokens: { accessToken: 'a-token-of-the-refresh', scopes: ['default'], expiresIn: 3600 },
  },
  scopes: [],
})

describe('whose a token is', () => {
  const asking = (json: unknown, { status = 200, clientId = 'upstream-client' } = {}) => {
    const answers = { getJson: async () => ({ data: user }), ask: async () => ({ status, json }) }
    return asana().identify(upstreamCall({ login: { answer: {} }, client: { clientId }, ...answers }))
  }

  it('is asked at the login, and not again', async () => {
    const getJson = vi.fn(async () => ({ data: user }))
    await asana().identify(upstreamCall({ getJson }))
    expect(getJson.mock.calls).toEqual([['https://app.asana.com/api/1.0/users/me']])
  })

  it('is said by a number as by its digits', async () => {
    const said = { ...introspected, client_id: 753_482_910 }
    await expect(asking(said, { clientId: '753482910' })).resolves.toMatchObject({ subject: '4673218951' })
    await expect(asking(said, { clientId: '753482911' })).rejects.toMatchObject({ reason: 'token_of_another_app' })
  })

  it('is no app’s where Asana names none, as of a personal access token', async () => {
    const { client_id: _, ...personal } = introspected
    await expect(asking(personal)).rejects.toMatchObject({ name: 'UpstreamRefused', reason: 'token_of_another_app' })
  })

  it('does not matter once the token is over', async () => {
    await expect(asking({ active: false })).rejects.toMatchObject({ name: 'UpstreamRefused', reason: 'token_not_accepted' })
  })

  it('is not known when Asana does not say', async () => {
    await expect(asking({}, { status: 404 })).rejects.toMatchObject({ name: 'UpstreamUnavailable', reason: 'status_404' })
    await expect(asking([])).rejects.toMatchObject({ name: 'UpstreamUnavailable', reason: 'identity_malformed' })
  })
})

it('knows a person without workspaces', async () => {
  const { workspaces: _, ...alone } = user
  await expect(asana().identify(upstreamCall({ getJson: async () => ({ data: alone }) }))).resolves.toEqual({
    subject: '4673218951',
    claims: { name: 'Greg Sanchez', email: 'gsanchez@example.com' },
    said: alone,
  })
})
