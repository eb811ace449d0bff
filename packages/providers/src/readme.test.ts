//#region provider
import type { Environment, OAuthProxyOptions } from '@drawbridge/core'
import { describeProvider } from '@drawbridge/core/testing'
import { OAuthProvider, type OAuthServer } from '@drawbridge/providers/oauth'

/** Forge: tokens live two hours. The subject is the account's UUID. Throws `ConfigurationError` with every problem of the options. */
export class ForgeProvider extends OAuthProvider {
  constructor(options: OAuthProxyOptions, environment?: Environment) {
    super(options, forge, environment)
  }
}

/** Forge as data. */
const forge: OAuthServer = {
  name: 'Forge',
  authorizationEndpoint: 'https://forge.example/oauth/authorize',
  tokenEndpoint: 'https://forge.example/oauth/token',
  userEndpoint: 'https://api.forge.example/v1/me',
  subjectMember: 'uuid',
  claimNames: ['display_name'],
  revocation: { endpoint: 'https://forge.example/oauth/revoke' },
  clientAuthentication: 'client_secret_post',
  defaultScopes: ['account:read'],
  errorNames: { code_used_up: 'invalid_grant' },
}

const form = { client_id: 'upstream-client', client_secret: 's3cret /+&%' }
const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' }
const token = { method: 'POST', url: 'https://forge.example/oauth/token', headers } as const
const callback = 'https://mcp.example.com/auth/callback'

describeProvider({
  name: 'ForgeProvider',
  create: (options, environment) => new ForgeProvider(options, environment),
  authorizationUrl: `https://forge.example/oauth/authorize?response_type=code&client_id=upstream-client&redirect_uri=${encodeURIComponent(callback)}&state={state}&scope=account%3Aread&code_challenge={challenge}&code_challenge_method=S256`,
  defaultScopes: ['account:read'],
  exchange: {
    request: {
      ...token,
      form: { ...form, grant_type: 'authorization_code', code: 'upstream-code', code_verifier: '{verifier}', redirect_uri: callback },
    },
    answer: {
      access_token: 'forge-at-7f3a',
      token_type: 'bearer',
      expires_in: 7200,
      refresh_token: 'forge-rt-91bc',
      scope: 'account:read',
    },
    tokens: { accessToken: 'forge-at-7f3a', scopes: ['account:read'], expiresIn: 7200 },
  },
  refresh: {
    request: { ...token, form: { ...form, grant_type: 'refresh_token', refresh_token: 'forge-rt-91bc' } },
    answer: { access_token: 'forge-at-52de', token_type: 'bearer', expires_in: 7200, scope: 'account:read' },
    tokens: { accessToken: 'forge-at-52de', scopes: ['account:read'], expiresIn: 7200 },
  },
  identity: {
    request: {
      method: 'GET',
      url: 'https://api.forge.example/v1/me',
      headers: { accept: 'application/json', authorization: 'Bearer forge-at-7f3a' },
    },
    answer: { uuid: '5c1f8a0e', display_name: 'Jane', mail: 'jane@example.com' },
    identity: { subject: '5c1f8a0e', claims: { display_name: 'Jane' } },
    idMember: 'uuid',
  },
  revocation: {
    ...token,
    url: 'https://forge.example/oauth/revoke',
    headers: { ...headers, accept: '*/*' },
    form: { ...form, token: 'forge-rt-91bc' },
  },
  errors: [
    { status: 400, answer: { error: 'code_used_up' }, means: 'refused' },
    { status: 401, answer: { error: 'invalid_client' }, means: 'unavailable' },
  ],
})
//#endregion
