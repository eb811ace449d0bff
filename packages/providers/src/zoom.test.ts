import { describeProvider, type ErrorExample, type RequestExample } from '@drawbridge/core/testing'
import { ZoomProvider } from './zoom.ts'

const accessToken = 'eyJ-of-the-login'
const refreshToken = 'eyJ-to-refresh'

// upstream-client:s3cret+%2F%2B%26%25
const ourselves = { accept: 'application/json', authorization: 'Basic dXBzdHJlYW0tY2xpZW50OnMzY3JldCslMkYlMkIlMjYlMjU=' }
const form = { 'content-type': 'application/x-www-form-urlencoded' }

const tokenRequest = {
  method: 'POST',
  url: 'https://zoom.us/oauth/token',
  headers: { ...ourselves, ...form },
} satisfies RequestExample

// https://developers.zoom.us/docs/integrations/oauth/
const others = { token_type: 'bearer', expires_in: 3600, scope: 'user:read:user', api_url: 'https://api.zoom.us' }

const error = (name: string, reason: string, means: ErrorExample['means']): ErrorExample => ({
  status: 400,
  answer: { reason, error: name },
  means,
})

describeProvider({
  name: 'ZoomProvider',
  create: (options, environment) => new ZoomProvider(options, environment),
  authorizationUrl:
    'https://zoom.us/oauth/authorize?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&scope=user%3Aread%3Auser&code_challenge={challenge}&code_challenge_method=S256',
  defaultScopes: ['user:read:user'],
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
    answer: { access_token: accessToken, refresh_token: refreshToken, ...others },
    tokens: { accessToken, scopes: ['user:read:user'], expiresIn: 3600 },
  },
  refresh: {
    request: { ...tokenRequest, form: { grant_type: 'refresh_token', refresh_token: refreshToken } },
    answer: { access_token: 'eyJ-of-the-refresh', refresh_token: 'eyJ-to-refresh-next', ...others },
    tokens: { accessToken: 'eyJ-of-the-refresh', scopes: ['user:read:user'], expiresIn: 3600 },
  },
  identity: {
    request: {
      method: 'GET',
      url: 'https://api.zoom.us/v2/users/me',
      headers: { accept: 'application/json', authorization: `Bearer ${accessToken}` },
    },
    // https://developers.zoom.us/docs/api/users/#tag/users/GET/users/{userId}
    answer: {
      id: 'zJKyaiAyTNC-MWjiWC18KQ',
      created_at: '2018-10-31T04:32:37Z',
      dept: 'Developers',
      email: 'jchill@example.com',
      first_name: 'Jill',
      last_name: 'Chill',
      pmi: 3_542_471_135,
      role_name: 'Admin',
      timezone: 'Asia/Shanghai',
      type: 1,
      account_id: 'q6gBJVO5TzexKYTb_I2rpg',
      account_number: 10_009_239,
      group_ids: ['RSMaSp8sTEGK0_oamiA2_w'],
      language: 'en-US',
      status: 'active',
      verified: 1,
    },
    identity: {
      subject: 'zJKyaiAyTNC-MWjiWC18KQ',
      claims: {
        dept: 'Developers',
        email: 'jchill@example.com',
        first_name: 'Jill',
        last_name: 'Chill',
        role_name: 'Admin',
        account_id: 'q6gBJVO5TzexKYTb_I2rpg',
        group_ids: ['RSMaSp8sTEGK0_oamiA2_w'],
        verified: 1,
      },
    },
    idMember: 'id',
  },
  groups: 'group_ids',
  revocation: { method: 'POST', url: 'https://zoom.us/oauth/revoke', headers: { ...ourselves, ...form }, form: { token: accessToken } },
  errors: [
    error('invalid_grant', 'Invalid Token!', 'refused'),
    error('invalid_client', 'Invalid client_id or client_secret', 'unavailable'),
    error('unsupported_grant_type', 'unsupported grant type', 'unavailable'),
  ],
  scopes: [
    {
      requested: ['meeting:read:list_meetings'],
      sent: 'meeting:read:list_meetings user:read:user',
      answered: 'user:read:user meeting:read:list_meetings',
      granted: ['meeting:read:list_meetings'],
    },
  ],
})
