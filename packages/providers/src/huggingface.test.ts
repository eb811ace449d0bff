import { describeProvider, type RequestExample, upstreamCall } from '@drawbridge/core/testing'
import { expect, it } from 'vitest'
import { HuggingFaceProvider, huggingFace } from './huggingface.ts'

const issuer = 'https://huggingface.co'
// https://huggingface.co/.well-known/openid-configuration
const document = {
  issuer,
  authorization_endpoint: 'https://huggingface.co/oauth/authorize',
  token_endpoint: 'https://huggingface.co/oauth/token',
  userinfo_endpoint: 'https://huggingface.co/oauth/userinfo',
  jwks_uri: 'https://huggingface.co/oauth/jwks',
  scopes_supported: ['openid', 'profile', 'email', 'read-repos', 'write-repos', 'manage-repos', 'inference-api'],
  response_types_supported: ['code'],
  subject_types_supported: ['public'],
  grant_types_supported: ['authorization_code', 'refresh_token'],
  token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
  id_token_signing_alg_values_supported: ['RS256'],
  code_challenge_methods_supported: ['S256'],
}
const headers = {
  accept: 'application/json',
  // upstream-client:s3cret+%2F%2B%26%25
  authorization: 'Basic dXBzdHJlYW0tY2xpZW50OnMzY3JldCslMkYlMkIlMjYlMjU=',
  'content-type': 'application/x-www-form-urlencoded',
}
const tokenRequest = { method: 'POST', url: document.token_endpoint, headers } satisfies RequestExample
const userinfoRequest = {
  method: 'GET',
  url: document.userinfo_endpoint,
  headers: { accept: 'application/json', authorization: 'Bearer hf_oauth_of-the-login' },
} satisfies RequestExample

// The members of UserInfo in https://huggingface.co/docs/huggingface.js/hub/README, with values of their kind.
const user = {
  sub: '5f0c0e8d4b2e9a6c1d7f3b10',
  name: 'Jane Doe',
  preferred_username: 'jane',
  email_verified: true,
  email: 'jane@example.com',
  picture: 'https://huggingface.co/avatars/jane.svg',
  website: 'https://jane.example',
  isPro: false,
  canPay: true,
  orgs: [
    {
      sub: '5e67bd5b1009063689407478',
      name: 'Example',
      preferred_username: 'example',
      picture: 'https://huggingface.co/avatars/example.png',
      isEnterprise: true,
      roleInOrg: 'write',
      missingMFA: false,
      resourceGroups: [{ sub: '64f1f6b2c3d4e5f601234567', name: 'research', role: 'read' }],
    },
  ],
}
const claims = {
  name: 'Jane Doe',
  preferred_username: 'jane',
  email: 'jane@example.com',
  email_verified: true,
  picture: 'https://huggingface.co/avatars/jane.svg',
  orgs: [{ sub: '5e67bd5b1009063689407478', preferred_username: 'example', roleInOrg: 'write' }],
}
const others = { token_type: 'bearer', expires_in: 28_800, scope: 'openid profile' }

describeProvider({
  name: 'HuggingFaceProvider',
  create: (options, environment) => new HuggingFaceProvider(options, environment),
  authorizationUrl:
    'https://huggingface.co/oauth/authorize?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&scope=openid+profile&nonce={nonce}&code_challenge={challenge}&code_challenge_method=S256',
  defaultScopes: ['openid', 'profile'],
  issuer,
  openId: {
    discoveryUrl: 'https://huggingface.co/.well-known/openid-configuration',
    document,
    idToken: { sub: user.sub, name: 'Jane Doe', preferred_username: 'jane' },
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
    // The members of OAuthResult in https://huggingface.co/docs/huggingface.js/hub/README.
    answer: { access_token: 'hf_oauth_of-the-login', refresh_token: 'hf_refresh_of-the-login', ...others },
    tokens: { accessToken: 'hf_oauth_of-the-login', scopes: ['openid', 'profile'], expiresIn: 28_800 },
  },
  refresh: {
    request: { ...tokenRequest, form: { grant_type: 'refresh_token', refresh_token: 'hf_refresh_of-the-login' } },
    answer: { access_token: 'hf_oauth_of-the-refresh', refresh_token: 'hf_refresh_of-the-refresh', ...others },
    tokens: { accessToken: 'hf_oauth_of-the-refresh', scopes: ['openid', 'profile'], expiresIn: 28_800 },
  },
  identity: { request: userinfoRequest, answer: user, identity: { subject: user.sub, claims }, idMember: 'sub' },
  groups: 'orgs',
  errors: [
    { status: 400, answer: { error: 'invalid_grant' }, means: 'refused' },
    { status: 400, answer: { error: 'invalid_request' }, means: 'unavailable' },
    { status: 401, answer: { error: 'invalid_client' }, means: 'unavailable' },
  ],
  scopes: [
    {
      requested: ['openid', 'read-repos', 'inference-api'],
      answered: 'openid read-repos',
      granted: ['openid', 'read-repos'],
    },
    { requested: ['email'], sent: 'openid email', answered: 'openid email', granted: ['email'] },
  ],
})

it('shows no organisations that are none, and none when they are too many', async () => {
  const claimsOf = async (orgs: unknown): Promise<unknown> => {
    const endpoints = { authorizationEndpoint: '', tokenEndpoint: '', userinfoEndpoint: document.userinfo_endpoint }
    const answer = await huggingFace().identify(upstreamCall({ endpoints, getJson: async () => ({ ...user, orgs }) }))
    expect(answer.said).toMatchObject({ orgs })
    return answer.claims.orgs
  }
  expect(await claimsOf([])).toEqual([])
  expect(await claimsOf('example')).toBeUndefined()
  expect(await claimsOf(Array.from({ length: 20 }, () => user.orgs[0]))).toBeUndefined()
})
