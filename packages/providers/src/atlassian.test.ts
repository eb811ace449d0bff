import { describeProvider, type ErrorExample, type RequestExample } from '@drawbridge/core/testing'
import { AtlassianProvider } from './atlassian.ts'

const accessToken = 'eyJ-of-the-login'
const refreshToken = 'eyJ-to-refresh'

const tokenRequest = {
  method: 'POST',
  url: 'https://auth.atlassian.com/oauth/token',
  headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
} satisfies RequestExample

const ourClient = { client_id: 'upstream-client', client_secret: 's3cret /+&%' }

// https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/
const others = { expires_in: 3600, scope: 'read:me offline_access' }

const error = (status: number, name: string, text: string, means: ErrorExample['means']): ErrorExample => ({
  status,
  answer: { error: name, error_description: text },
  means,
})

describeProvider({
  name: 'AtlassianProvider',
  create: (options, environment) => new AtlassianProvider(options, environment),
  authorizationUrl:
    'https://auth.atlassian.com/authorize?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&scope=read%3Ame+offline_access&code_challenge={challenge}&code_challenge_method=S256&audience=api.atlassian.com&prompt=consent',
  defaultScopes: ['read:me'],
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
    tokens: { accessToken, scopes: ['read:me', 'offline_access'], expiresIn: 3600 },
  },
  refresh: {
    request: { ...tokenRequest, form: { grant_type: 'refresh_token', ...ourClient, refresh_token: refreshToken } },
    answer: { access_token: 'eyJ-of-the-refresh', refresh_token: 'eyJ-to-refresh-next', ...others },
    tokens: { accessToken: 'eyJ-of-the-refresh', scopes: ['read:me', 'offline_access'], expiresIn: 3600 },
  },
  identity: {
    request: {
      method: 'GET',
      url: 'https://api.atlassian.com/me',
      headers: { accept: 'application/json', authorization: `Bearer ${accessToken}` },
    },
    // https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/#how-do-i-retrieve-the-public-profile-of-the-authenticated-user-
    answer: {
      account_type: 'atlassian',
      account_id: '112233aa-bb11-cc22-33dd-445566abcabc',
      email: 'mia@example.com',
      name: 'Mia Krystof',
      picture: 'https://avatar-management--avatars.us-west-2.prod.public.atl-paas.net/112233aa-bb11-cc22-33dd-445566abcabc',
      account_status: 'active',
      nickname: 'mkrystof',
      zoneinfo: 'Australia/Sydney',
      locale: 'en-US',
      extended_profile: { job_title: 'Designer', organization: 'mia@example.com', department: 'Design team', location: 'Sydney' },
    },
    identity: {
      subject: '112233aa-bb11-cc22-33dd-445566abcabc',
      claims: {
        account_type: 'atlassian',
        account_status: 'active',
        email: 'mia@example.com',
        name: 'Mia Krystof',
        nickname: 'mkrystof',
        picture: 'https://avatar-management--avatars.us-west-2.prod.public.atl-paas.net/112233aa-bb11-cc22-33dd-445566abcabc',
      },
    },
    idMember: 'account_id',
  },
  errors: [
    error(403, 'invalid_grant', 'Unknown or invalid refresh token.', 'refused'),
    error(403, 'unauthorized_client', 'refresh_token is invalid', 'refused'),
    error(401, 'access_denied', 'Unauthorized', 'unavailable'),
    error(400, 'invalid_request', 'Missing required parameter: code', 'unavailable'),
  ],
  scopes: [
    {
      requested: ['read:jira-work', 'read:me'],
      sent: 'read:jira-work read:me offline_access',
      answered: 'read:jira-work read:me offline_access',
      granted: ['read:jira-work', 'read:me'],
    },
    {
      requested: ['read:jira-work'],
      sent: 'read:jira-work read:me offline_access',
      answered: 'read:jira-work read:me offline_access',
      granted: ['read:jira-work'],
    },
  ],
})
