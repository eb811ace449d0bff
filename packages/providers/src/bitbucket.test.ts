import { describeProvider, type ProviderDescription, type RequestExample } from '@drawbridge/core/testing'
import { BitbucketProvider } from './bitbucket.ts'

const accessToken = 'a-token-of-the-login'
const refreshToken = 'a-refresh-token-of-the-login'
const tokenRequest = {
  method: 'POST',
  url: 'https://bitbucket.org/site/oauth2/access_token',
  headers: {
    accept: 'application/json',
    // upstream-client:s3cret+%2F%2B%26%25
    authorization: 'Basic dXBzdHJlYW0tY2xpZW50OnMzY3JldCslMkYlMkIlMjYlMjU=',
    'content-type': 'application/x-www-form-urlencoded',
  },
} satisfies RequestExample

// The answers, as they are since May 2026:
// https://community.developer.atlassian.com/t/oauth-2-0-and-api-authentication-changes-for-bitbucket-cloud/99003
const others = { token_type: 'bearer', expires_in: 7200, state: 'authorization_code', scope: 'account' }

const since2026: ProviderDescription = {
  name: 'BitbucketProvider',
  create: (options, environment) => new BitbucketProvider(options, environment),
  authorizationUrl:
    'https://bitbucket.org/site/oauth2/authorize?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&scope=account',
  defaultScopes: ['account'],
  exchange: {
    request: {
      ...tokenRequest,
      form: { grant_type: 'authorization_code', code: 'upstream-code', redirect_uri: 'https://mcp.example.com/auth/callback' },
    },
    answer: { access_token: accessToken, refresh_token: refreshToken, ...others },
    tokens: { accessToken, scopes: ['account'], expiresIn: 7200 },
  },
  refresh: {
    request: { ...tokenRequest, form: { grant_type: 'refresh_token', refresh_token: refreshToken } },
    answer: { access_token: 'a-token-of-the-refresh', refresh_token: 'a-refresh-token-of-the-refresh', ...others },
    tokens: { accessToken: 'a-token-of-the-refresh', scopes: ['account'], expiresIn: 7200 },
  },
  identity: {
    request: {
      method: 'GET',
      url: 'https://api.bitbucket.org/2.0/user',
      headers: { accept: 'application/json', authorization: `Bearer ${accessToken}` },
    },
    // The members of https://developer.atlassian.com/cloud/bitbucket/rest/api-group-users/#api-user-get, with values of their kind.
    answer: {
      type: 'user',
      uuid: '{a54f16da-24e9-4d7f-a3a7-b1ba2cd98aa3}',
      display_name: 'Jane Doe',
      nickname: 'jane',
      account_id: '557058:c0b72ad0-1cb5-4018-9cdc-0cde8492c443',
      account_status: 'active',
      created_on: '2015-01-01T00:00:00.000000+00:00',
      links: { avatar: { href: 'https://bitbucket.org/account/jane/avatar/' } },
    },
    identity: {
      subject: '{a54f16da-24e9-4d7f-a3a7-b1ba2cd98aa3}',
      claims: { display_name: 'Jane Doe', nickname: 'jane', account_id: '557058:c0b72ad0-1cb5-4018-9cdc-0cde8492c443' },
    },
    idMember: 'uuid',
  },
  errors: [
    { status: 400, answer: { error: 'invalid_grant' }, means: 'refused' },
    {
      status: 400,
      answer: { error: 'unauthorized_client', error_description: 'Requests must be authenticated using OAuth client credentials' },
      means: 'unavailable',
    },
    { status: 400, answer: { error: 'invalid_request' }, means: 'unavailable' },
  ],
  // It names every scope of the consumer.
  scopes: [
    { requested: ['account'], answered: 'account repository', granted: ['account'] },
    { requested: ['account', 'repository:write'], answered: 'account', granted: ['account'] },
  ],
}

describeProvider(since2026)

const { scope: _, ...withoutScope } = others

// https://community.developer.atlassian.com/t/oauth2-token-lifetime-expiration-clarification/22136
describeProvider({
  ...since2026,
  name: 'BitbucketProvider, as it answered before',
  exchange: {
    ...since2026.exchange,
    answer: { access_token: accessToken, refresh_token: refreshToken, ...withoutScope, scopes: 'account repository' },
    tokens: { accessToken, scopes: ['account', 'repository'], expiresIn: 7200 },
  },
  refresh: {
    request: { ...tokenRequest, form: { grant_type: 'refresh_token', refresh_token: refreshToken } },
    answer: { access_token: 'a-token-of-the-refresh', refresh_token: refreshToken, ...withoutScope, scopes: 'account repository' },
    tokens: { accessToken: 'a-token-of-the-refresh', scopes: ['account', 'repository'], expiresIn: 7200 },
  },
  scopes: [],
})
