import { describeProvider, type RequestExample, upstreamCall } from '@drawbridge/core/testing'
import { describe, expect, it } from 'vitest'
import { OciProvider, oci } from './oci.ts'

// The answers are those of the documentation; its document has paths where real ones have URLs.
// @see https://docs.oracle.com/en/cloud/paas/iam-domains-rest-api/op-well-known-openid-configuration-get.html
// @see https://docs.oracle.com/en-us/iaas/Content/Identity/api-getstarted/usingopenidconnect.htm
// @see https://docs.oracle.com/en-us/iaas/Content/Identity/api-getstarted/RefreshGT.htm

const domainUrl = 'https://idcs-0123456789abcdef0123456789abcdef.identity.oraclecloud.com'
const issuer = 'https://identity.oraclecloud.com/'
const callback = 'https://mcp.example.com/auth/callback'
const idToken = {
  sub: 'user@example.com',
  user_id: 'c7dfb14d6530414e97dd2064fe23c695',
  user_displayname: 'alice alice',
  user_tenantname: 'idcs-0123456789abcdef0123456789abcdef',
  sub_type: 'user',
  tok_type: 'IT',
}
const alice = {
  birthdate: '',
  email: 'user@example.com',
  email_verified: false,
  family_name: 'user',
  gender: '',
  given_name: 'user',
  appRoles: [],
  name: 'alice alice',
  preferred_username: 'user@example.com',
  sub: 'user@example.com',
  updated_at: 1_495_136_783,
  website: '',
}
const claims = {
  name: 'alice alice',
  preferred_username: 'user@example.com',
  email: 'user@example.com',
  email_verified: false,
  user_displayname: 'alice alice',
  user_tenantname: 'idcs-0123456789abcdef0123456789abcdef',
}
const headers = {
  accept: 'application/json',
  // upstream-client:s3cret+%2F%2B%26%25
  authorization: 'Basic dXBzdHJlYW0tY2xpZW50OnMzY3JldCslMkYlMkIlMjYlMjU=',
  'content-type': 'application/x-www-form-urlencoded',
}
const tokenRequest = { method: 'POST', url: `${domainUrl}/oauth2/v1/token`, headers } satisfies RequestExample
const scopes = ['openid', 'profile', 'email']
const document = {
  issuer,
  authorization_endpoint: `${domainUrl}/oauth2/v1/authorize`,
  token_endpoint: `${domainUrl}/oauth2/v1/token`,
  userinfo_endpoint: `${domainUrl}/oauth2/v1/userinfo`,
  revocation_endpoint: `${domainUrl}/oauth2/v1/revoke`,
  introspection_endpoint: `${domainUrl}/oauth2/v1/introspect`,
  end_session_endpoint: `${domainUrl}/oauth2/v1/userlogout`,
  jwks_uri: `${domainUrl}/admin/v1/SigningCert/jwk`,
  scopes_supported: [
    'openid',
    'profile',
    'offline_access',
    'email',
    'address',
    'phone',
    'groups',
    'get_groups',
    'approles',
    'get_approles',
  ],
  token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_jwt'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['RS256'],
  claims_supported: ['aud', 'exp', 'iat', 'iss', 'jti', 'sub'],
}

describeProvider({
  name: 'OciProvider',
  create: (options, environment) => new OciProvider({ ...options, domainUrl }, environment),
  authorizationUrl: `${domainUrl}/oauth2/v1/authorize?response_type=code&client_id=upstream-client&redirect_uri=${encodeURIComponent(callback)}&state={state}&scope=openid+profile+email+offline_access&nonce={nonce}&code_challenge={challenge}&code_challenge_method=S256`,
  defaultScopes: scopes,
  issuer,
  openId: { discoveryUrl: `${domainUrl}/.well-known/openid-configuration`, document, idToken },
  exchange: {
    request: {
      ...tokenRequest,
      form: { grant_type: 'authorization_code', code: 'upstream-code', code_verifier: '{verifier}', redirect_uri: callback },
    },
    answer: { access_token: 'eyJ4NXQjUzI1.xhtnbw', token_type: 'Bearer', expires_in: 3600, refresh_token: 'AQIDBAUwxxoC.tZLvA' },
    tokens: { accessToken: 'eyJ4NXQjUzI1.xhtnbw', scopes, expiresIn: 3600 },
  },
  refresh: {
    request: { ...tokenRequest, form: { grant_type: 'refresh_token', refresh_token: 'AQIDBAUwxxoC.tZLvA' } },
    answer: { access_token: 'eyJ4NXQjUzI1.sJ5mCw', token_type: 'Bearer', expires_in: 3600, refresh_token: 'AQIDBAUwxxoC.next' },
    tokens: { accessToken: 'eyJ4NXQjUzI1.sJ5mCw', scopes, expiresIn: 3600 },
  },
  identity: {
    request: {
      method: 'GET',
      url: document.userinfo_endpoint,
      headers: { accept: 'application/json', authorization: 'Bearer eyJ4NXQjUzI1.xhtnbw' },
    },
    answer: alice,
    identity: { subject: 'c7dfb14d6530414e97dd2064fe23c695', claims },
    idMember: [],
  },
  revocation: {
    ...tokenRequest,
    url: document.revocation_endpoint,
    headers: { ...headers, accept: '*/*' },
    form: { token: 'AQIDBAUwxxoC.tZLvA' },
  },
  errors: [
    { status: 400, answer: { error: 'invalid_grant' }, means: 'refused' },
    { status: 400, answer: { error: 'invalid_scope' }, means: 'unavailable' },
    { status: 401, answer: { error: 'invalid_client' }, means: 'unavailable' },
  ],
  scopes: [{ requested: ['get_groups'], sent: 'openid get_groups offline_access', granted: ['get_groups'] }],
})

describe('an identity domain', () => {
  const endpoints = {
    authorizationEndpoint: document.authorization_endpoint,
    tokenEndpoint: document.token_endpoint,
    userinfoEndpoint: document.userinfo_endpoint,
  }
  const identityOf = (told: Record<string, unknown>) =>
    oci({ domainUrl }).identify(
      upstreamCall({ endpoints, login: { idToken: { ...idToken, ...told }, answer: {} }, getJson: async () => alice }),
    )

  it('knows people by their GUID, whatever they sign in as', async () => {
    expect((await identityOf({ user_id: 'another' })).subject).toBe('another')
    await expect(identityOf({ user_id: undefined })).rejects.toMatchObject({ reason: 'identity_without_subject' })
  })

  it('knows them by it later too, when there is no ID token', async () => {
    const known = { subject: idToken.user_id, claims }
    const again = await oci({ domainUrl }).identify(upstreamCall({ endpoints, known, getJson: async () => alice }))
    expect([again.subject, again.claims]).toEqual([idToken.user_id, claims])
    const somebodyElse = { ...alice, preferred_username: 'bob@example.com', sub: 'bob@example.com' }
    const asking = oci({ domainUrl }).identify(upstreamCall({ endpoints, known, getJson: async () => somebodyElse }))
    expect((await asking).claims.preferred_username).toBe('bob@example.com')
  })

  it('has its document at its own URL, under the issuer of all or one of its own', () => {
    const discoveryUrl = `${domainUrl}/.well-known/openid-configuration`
    expect(oci({ domainUrl: `${domainUrl}:443/` }).openId).toEqual({ issuer, discoveryUrl })
    expect(oci({ domainUrl, issuer: 'https://login.example.com' }).openId).toEqual({ issuer: 'https://login.example.com', discoveryUrl })
  })

  it('says what is wrong with its URL', () => {
    expect(oci({ domainUrl: 'idcs-1.identity.oraclecloud.com' }).problems).toEqual([
      'domainUrl "idcs-1.identity.oraclecloud.com" is not the https URL of an identity domain',
    ])
  })
})
