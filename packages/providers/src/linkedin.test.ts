import { describeProvider, type ErrorExample, type RequestExample, upstreamCall } from '@drawbridge/core/testing'
import { expect, it } from 'vitest'
import { LinkedInProvider, linkedin } from './linkedin.ts'

const accessToken = 'AQUvlL_DYEzvT2wz1QJiEPeLioeA'

const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' }

const tokenRequest = { method: 'POST', url: 'https://www.linkedin.com/oauth/v2/accessToken', headers } satisfies RequestExample

const ourClient = { client_id: 'upstream-client', client_secret: 's3cret /+&%' }

const error = (status: number, name: string, text: string, means: ErrorExample['means']): ErrorExample => ({
  status,
  answer: { error: name, error_description: text },
  means,
})

// https://learn.microsoft.com/linkedin/shared/authentication/token-introspection
const introspected = {
  active: true,
  client_id: 'upstream-client',
  authorized_at: 1_493_055_596,
  created_at: 1_493_055_596,
  status: 'active',
  expires_at: 1_497_497_620,
  scope: 'openid,profile,email',
  auth_type: '3L',
}

describeProvider({
  name: 'LinkedInProvider',
  create: (options, environment) => new LinkedInProvider(options, environment),
  authorizationUrl:
    'https://www.linkedin.com/oauth/v2/authorization?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&scope=openid+profile+email',
  defaultScopes: ['openid', 'profile', 'email'],
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
    // https://learn.microsoft.com/linkedin/shared/authentication/authorization-code-flow, with the scopes of this login
    answer: { access_token: accessToken, expires_in: 5_184_000, scope: 'email,openid,profile' },
    tokens: { accessToken, scopes: ['email', 'openid', 'profile'], expiresIn: 5_184_000 },
  },
  identity: {
    request: {
      method: 'GET',
      url: 'https://api.linkedin.com/v2/userinfo',
      headers: { accept: 'application/json', authorization: `Bearer ${accessToken}` },
    },
    // https://learn.microsoft.com/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2#response-body-schema
    answer: {
      sub: '782bbtaQ',
      name: 'John Doe',
      given_name: 'John',
      family_name: 'Doe',
      picture: 'https://media.licdn-ei.com/dms/image/C5F03AQHqK8v7tB1HCQ/profile-displayphoto-shrink_100_100/0/',
      locale: 'en-US',
      email: 'doe@email.com',
      email_verified: true,
    },
    identity: {
      subject: '782bbtaQ',
      claims: {
        name: 'John Doe',
        picture: 'https://media.licdn-ei.com/dms/image/C5F03AQHqK8v7tB1HCQ/profile-displayphoto-shrink_100_100/0/',
        email: 'doe@email.com',
        email_verified: true,
      },
    },
    idMember: 'sub',
  },
  asks: [
    {
      request: {
        method: 'POST',
        url: 'https://www.linkedin.com/oauth/v2/introspectToken',
        headers,
        form: { ...ourClient, token: accessToken },
      },
      answer: introspected,
      foreign: { status: 200, answer: { ...introspected, client_id: 'another-app' } },
    },
  ],
  errors: [
    error(401, 'invalid_request', 'Unable to retrieve access token: authorization code not found', 'refused'),
    error(400, 'invalid_request', 'A required parameter "client_secret" is missing', 'unavailable'),
    error(401, 'invalid_client', 'Client authentication failed', 'unavailable'),
    error(
      400,
      'invalid_redirect_uri',
      'Unable to retrieve access token: appid/redirect uri/code verifier does not match authorization code. Or authorization code expired. Or external member binding exists',
      'unavailable',
    ),
  ],
  scopes: [
    {
      requested: ['w_member_social'],
      sent: 'w_member_social openid profile',
      answered: 'openid,profile,w_member_social',
      granted: ['w_member_social'],
    },
  ],
})

it('takes a token that is over for no token of the person', async () => {
  const call = upstreamCall({ ask: async () => ({ status: 200, json: { ...introspected, active: false, status: 'revoked' } }) })
  await expect(linkedin().identify(call)).rejects.toMatchObject({ name: 'UpstreamRefused', reason: 'token_not_accepted' })
})
