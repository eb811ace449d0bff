import { describeProvider, type RequestExample } from '@drawbridge/core/testing'
import { describe, expect, it } from 'vitest'
import { CognitoProvider, cognito } from './cognito.ts'

// The document is one as a user pool serves it; the answers are those of the documentation.
// @see https://docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html#post-token-positive-exchanging-authorization-code-for-tokens
// @see https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-id-token.html
// @see https://docs.aws.amazon.com/cognito/latest/developerguide/revocation-endpoint.html

const issuer = 'https://cognito-idp.us-east-1.amazonaws.com/us-east-1_example'
const domain = 'https://mydomain.auth.us-east-1.amazoncognito.com'
const callback = 'https://mcp.example.com/auth/callback'
const janedoe = {
  sub: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
  email_verified: true,
  token_use: 'id',
  auth_time: 1_500_009_400,
  'cognito:username': 'janedoe',
  'cognito:groups': ['test-group-a', 'test-group-b'],
  given_name: 'Jane',
  email: 'janedoe@example.com',
  jti: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
  origin_jti: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
}
const headers = {
  accept: 'application/json',
  // upstream-client:s3cret+%2F%2B%26%25
  authorization: 'Basic dXBzdHJlYW0tY2xpZW50OnMzY3JldCslMkYlMkIlMjYlMjU=',
  'content-type': 'application/x-www-form-urlencoded',
}
const tokenRequest = { method: 'POST', url: `${domain}/oauth2/token`, headers } satisfies RequestExample
const scopes = ['openid', 'profile', 'email']

describeProvider({
  name: 'CognitoProvider',
  create: (options, environment) => new CognitoProvider({ ...options, userPoolId: 'us-east-1_example' }, environment),
  authorizationUrl: `${domain}/oauth2/authorize?response_type=code&client_id=upstream-client&redirect_uri=${encodeURIComponent(callback)}&state={state}&scope=openid+profile+email&nonce={nonce}&code_challenge={challenge}&code_challenge_method=S256`,
  defaultScopes: scopes,
  issuer,
  openId: {
    discoveryUrl: `${issuer}/.well-known/openid-configuration`,
    document: {
      authorization_endpoint: `${domain}/oauth2/authorize`,
      end_session_endpoint: `${domain}/logout`,
      id_token_signing_alg_values_supported: ['RS256'],
      issuer,
      jwks_uri: `${issuer}/.well-known/jwks.json`,
      response_types_supported: ['code', 'token'],
      revocation_endpoint: `${domain}/oauth2/revoke`,
      scopes_supported: ['openid', 'email', 'phone', 'profile'],
      subject_types_supported: ['public'],
      token_endpoint: `${domain}/oauth2/token`,
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      userinfo_endpoint: `${domain}/oauth2/userInfo`,
    },
    idToken: janedoe,
  },
  exchange: {
    request: {
      ...tokenRequest,
      form: { grant_type: 'authorization_code', code: 'upstream-code', code_verifier: '{verifier}', redirect_uri: callback },
    },
    answer: { access_token: 'eyJz9sdfsdfsdfsd', refresh_token: 'dn43ud8uj32nk2je', token_type: 'Bearer', expires_in: 3600 },
    tokens: { accessToken: 'eyJz9sdfsdfsdfsd', scopes, expiresIn: 3600 },
  },
  refresh: {
    request: { ...tokenRequest, form: { grant_type: 'refresh_token', refresh_token: 'dn43ud8uj32nk2je' } },
    answer: { access_token: 'eyJz9sdfsdfsdfsd-refreshed', token_type: 'Bearer', expires_in: 3600 },
    tokens: { accessToken: 'eyJz9sdfsdfsdfsd-refreshed', scopes, expiresIn: 3600 },
  },
  identity: {
    answer: janedoe,
    identity: {
      subject: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      claims: {
        email: 'janedoe@example.com',
        email_verified: true,
        'cognito:username': 'janedoe',
        'cognito:groups': ['test-group-a', 'test-group-b'],
      },
    },
    idMember: 'sub',
  },
  groups: 'cognito:groups',
  revocation: {
    ...tokenRequest,
    url: `${domain}/oauth2/revoke`,
    headers: { ...headers, accept: '*/*' },
    form: { token: 'dn43ud8uj32nk2je' },
  },
  errors: [
    { status: 400, answer: { error: 'invalid_grant' }, means: 'refused' },
    { status: 400, answer: { error: 'invalid_request' }, means: 'unavailable' },
    { status: 400, answer: { error: 'unauthorized_client' }, means: 'unavailable' },
    { status: 400, answer: { error: 'unsupported_grant_type' }, means: 'unavailable' },
    { status: 400, answer: { error: 'invalid_client' }, means: 'unavailable' },
  ],
  scopes: [
    {
      requested: ['aws.cognito.signin.user.admin', 'solar-system-data/asteroids.add'],
      sent: 'openid aws.cognito.signin.user.admin solar-system-data/asteroids.add',
      granted: ['aws.cognito.signin.user.admin', 'solar-system-data/asteroids.add'],
    },
  ],
})

describe('a user pool', () => {
  it.each([
    ['eu-central-1_Abc123xyz', 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Abc123xyz'],
    ['us-gov-west-1_Abc123xyz', 'https://cognito-idp.us-gov-west-1.amazonaws.com/us-gov-west-1_Abc123xyz'],
    ['cn-north-1_Abc123xyz', 'https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_Abc123xyz'],
  ])('is where its id says: %s', (userPoolId, expected) => {
    const { openId, problems } = cognito({ userPoolId })
    expect([openId, problems]).toEqual([{ issuer: expected }, []])
  })

  it.each(['', 'example', 'us-east-1', 'us-east-1_', 'arn:aws:cognito-idp:us-east-1:1:userpool/us-east-1_x', 'us-east-1_a.evil.example'])(
    'refuses what is not the id of one: %j',
    (userPoolId) => {
      expect(cognito({ userPoolId }).problems).toEqual([
        `userPoolId "${userPoolId}" is not the id of a user pool, such as eu-central-1_Abc123xyz`,
      ])
    },
  )
})
