import { describeProvider, type RequestExample } from '@drawbridge/core/testing'
import { FigmaProvider } from './figma.ts'

const accessToken = 'figu_of-the-login'
const refreshToken = 'figur_of-the-login'
const post = {
  method: 'POST',
  headers: {
    accept: 'application/json',
    // upstream-client:s3cret+%2F%2B%26%25
    authorization: 'Basic dXBzdHJlYW0tY2xpZW50OnMzY3JldCslMkYlMkIlMjYlMjU=',
    'content-type': 'application/x-www-form-urlencoded',
  },
} as const
const tokenRequest = { ...post, url: 'https://api.figma.com/v1/oauth/token' } satisfies RequestExample
const refreshRequest = { ...post, url: 'https://api.figma.com/v1/oauth/refresh' } satisfies RequestExample

// The answers of https://developers.figma.com/docs/rest-api/oauth-apps/, and the user of
// https://developers.figma.com/docs/rest-api/users-types/, whose values are placeholders. Its tokens live 90 days, longer than a grant that
// nobody uses meanwhile, as in these tests; so these live one.
describeProvider({
  name: 'FigmaProvider',
  create: (options, environment) => new FigmaProvider(options, environment),
  authorizationUrl:
    'https://www.figma.com/oauth?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&scope=current_user%3Aread&code_challenge={challenge}&code_challenge_method=S256',
  defaultScopes: ['current_user:read'],
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
      user_id_string: '902340923409234093',
      access_token: accessToken,
      token_type: 'bearer',
      expires_in: 86_400,
      refresh_token: refreshToken,
    },
    tokens: { accessToken, scopes: ['current_user:read'], expiresIn: 86_400 },
  },
  refresh: {
    request: { ...refreshRequest, form: { grant_type: 'refresh_token', refresh_token: refreshToken } },
    answer: { access_token: 'figu_of-the-refresh', token_type: 'bearer', expires_in: 86_400 },
    tokens: { accessToken: 'figu_of-the-refresh', scopes: ['current_user:read'], expiresIn: 86_400 },
  },
  identity: {
    request: {
      method: 'GET',
      url: 'https://api.figma.com/v1/me',
      headers: { accept: 'application/json', authorization: `Bearer ${accessToken}` },
    },
    answer: { id: '902340923409234093', handle: 'Jane Doe', img_url: 'https://www.figma.com/avatar/jane', email: 'jane@example.com' },
    identity: {
      subject: '902340923409234093',
      claims: { handle: 'Jane Doe', img_url: 'https://www.figma.com/avatar/jane', email: 'jane@example.com' },
    },
    idMember: 'id',
  },
  // Its errors have no names: {"error":true,"status":400,"message":"..."}, which is trouble. These are those of RFC 6749, should it come to them.
  errors: [
    { status: 400, answer: { error: 'invalid_grant' }, means: 'refused' },
    { status: 400, answer: { error: 'invalid_request' }, means: 'unavailable' },
    { status: 401, answer: { error: 'invalid_client' }, means: 'unavailable' },
  ],
  scopes: [
    {
      requested: ['file_content:read', 'file_comments:write'],
      sent: 'file_content:read file_comments:write current_user:read',
      granted: ['file_content:read', 'file_comments:write'],
    },
  ],
})
