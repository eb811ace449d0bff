import { describeProvider, type ErrorExample, type ProviderDescription, type RequestExample } from '@drawbridge/core/testing'
import { describe, expect, it } from 'vitest'
import { OktaProvider, okta } from './okta.ts'

// The answers are those of Okta's documentation, trimmed. The document, the person and the errors:
// https://developer.okta.com/docs/reference/api/oidc/; the tokens: https://developer.okta.com/docs/guides/refresh-tokens/main/.

const documentOf = (issuer: string, base: string) => ({
  issuer,
  authorization_endpoint: `${base}/v1/authorize`,
  token_endpoint: `${base}/v1/token`,
  userinfo_endpoint: `${base}/v1/userinfo`,
  registration_endpoint: 'https://my-org.okta.com/oauth2/v1/clients',
  jwks_uri: `${base}/v1/keys`,
  response_types_supported: ['code', 'id_token', 'code id_token'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['RS256'],
  scopes_supported: ['openid', 'email', 'profile', 'address', 'phone', 'offline_access', 'groups'],
  token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'none'],
  code_challenge_methods_supported: ['S256'],
  introspection_endpoint: `${base}/v1/introspect`,
  revocation_endpoint: `${base}/v1/revoke`,
})
const org = documentOf('https://my-org.okta.com', 'https://my-org.okta.com/oauth2')
const headers = {
  accept: 'application/json',
  // upstream-client:s3cret+%2F%2B%26%25
  authorization: 'Basic dXBzdHJlYW0tY2xpZW50OnMzY3JldCslMkYlMkIlMjYlMjU=',
  'content-type': 'application/x-www-form-urlencoded',
}
const accessToken = 'eyJraWQ.....rm8EA4osYg'
const refreshToken = 'i6mapTIAVSp2oJkgUnCACKKfZxt_H5MBLiqcybBBd04'
const johnDoe = {
  sub: '00uid4BxXw6I6TV4m0g3',
  name: 'John Doe',
  nickname: 'Jimmy',
  given_name: 'John',
  middle_name: 'James',
  family_name: 'Doe',
  zoneinfo: 'America/Los_Angeles',
  locale: 'en-US',
  updated_at: 1_311_280_970,
  email: 'john.doe@example.com',
  email_verified: true,
}
const person = {
  subject: '00uid4BxXw6I6TV4m0g3',
  claims: { name: 'John Doe', email: 'john.doe@example.com', email_verified: true },
}
const errors: readonly ErrorExample[] = [
  { status: 400, answer: { error: 'invalid_grant', error_description: 'The refresh token is invalid or expired.' }, means: 'refused' },
  { status: 400, answer: { error: 'invalid_request' }, means: 'unavailable' },
  { status: 400, answer: { error: 'invalid_scope' }, means: 'unavailable' },
  { status: 401, answer: { error: 'invalid_client', error_description: 'No client credentials found.' }, means: 'unavailable' },
]

const describeServer = (document: ReturnType<typeof documentOf>): Omit<ProviderDescription, 'name' | 'create'> => {
  const tokenRequest = { method: 'POST', url: document.token_endpoint, headers } satisfies RequestExample
  return {
    authorizationUrl: `${document.authorization_endpoint}?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&scope=openid+profile+email+offline_access&nonce={nonce}&code_challenge={challenge}&code_challenge_method=S256`,
    defaultScopes: ['openid', 'profile', 'email'],
    issuer: document.issuer,
    openId: {
      discoveryUrl: `${document.issuer}/.well-known/openid-configuration`,
      document,
      // Thin: with an access token beside it, it has no more of a person than this.
      idToken: { sub: '00uid4BxXw6I6TV4m0g3', ver: 1, amr: ['pwd'], email: 'john.doe@example.com' },
    },
    exchange: {
      request: {
        ...tokenRequest,
        form: {
          grant_type: 'authorization_code',
          code: 'upstream-code',
          code_verifier: '{verifier}',
          redirect_uri: 'https://mcp.example.com/auth/callback',
        },
      },
      answer: {
        token_type: 'Bearer',
        expires_in: 3600,
        access_token: accessToken,
        scope: 'offline_access openid profile email',
        refresh_token: refreshToken,
      },
      tokens: { accessToken, scopes: ['openid', 'offline_access', 'profile', 'email'], expiresIn: 3600 },
    },
    refresh: {
      request: { ...tokenRequest, form: { grant_type: 'refresh_token', refresh_token: refreshToken } },
      answer: {
        token_type: 'Bearer',
        expires_in: 3600,
        access_token: 'eyJraWQi.....T2aA5ottg',
        scope: 'offline_access openid profile email',
        refresh_token: 'cBMrwDsXRwPqVmCQx7I5IX0jQ9-Lc_zHOgYeab1xZm4',
      },
      tokens: { accessToken: 'eyJraWQi.....T2aA5ottg', scopes: ['openid', 'offline_access', 'profile', 'email'], expiresIn: 3600 },
    },
    identity: {
      request: {
        method: 'GET',
        url: document.userinfo_endpoint,
        headers: { accept: 'application/json', authorization: `Bearer ${accessToken}` },
      },
      answer: johnDoe,
      identity: person,
      idMember: 'sub',
    },
    revocation: {
      ...tokenRequest,
      url: document.revocation_endpoint,
      headers: { ...headers, accept: '*/*' },
      form: { token: refreshToken },
    },
    errors,
    scopes: [
      {
        requested: ['openid', 'flights'],
        sent: 'openid flights offline_access',
        answered: 'flights offline_access openid',
        granted: ['openid', 'flights'],
      },
    ],
  }
}

describeProvider({
  ...describeServer(org),
  name: 'OktaProvider, of an org',
  create: (options, environment) => new OktaProvider({ ...options, domain: 'https://my-org.okta.com' }, environment),
})

const custom = describeServer(documentOf('https://my-org.okta.com/oauth2/default', 'https://my-org.okta.com/oauth2/default'))

describeProvider({
  ...custom,
  name: 'OktaProvider, of a custom authorization server, with groups',
  create: (options, environment) =>
    new OktaProvider({ ...options, domain: 'my-org.okta.com', authorizationServer: 'default', groups: true }, environment),
  authorizationUrl: custom.authorizationUrl.replace('+offline_access', '+offline_access+groups'),
  identity: {
    ...custom.identity,
    answer: { ...johnDoe, groups: ['MyGroup1', 'MyGroup2', 'MyGroup3'] },
    identity: { ...person, claims: { ...person.claims, groups: ['MyGroup1', 'MyGroup2', 'MyGroup3'] } },
  },
  groups: 'groups',
  scopes: [
    {
      requested: ['openid', 'flights'],
      sent: 'openid flights offline_access groups',
      answered: 'flights groups offline_access openid',
      granted: ['openid', 'flights'],
    },
  ],
})

describe('okta', () => {
  it('says what is wrong with its options, all at once', () => {
    expect(okta({ domain: '', authorizationServer: 'default/v1' }).problems).toEqual([
      'domain "" is not like https://my-org.okta.com',
      'authorizationServer "default/v1" is not like default',
    ])
    expect(okta({ domain: 'my-org.okta.com' }).problems).toEqual([])
  })
})
