import { describeProvider, upstreamCall } from '@drawbridge/core/testing'
import { describe, expect, it } from 'vitest'
import { SalesforceProvider, salesforce } from './salesforce.ts'

// The answers are those of the documentation.
// @see https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_web_server_flow.htm
// @see https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_using_userinfo_endpoint.htm
// @see https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_flow_errors.htm

const callback = 'https://mcp.example.com/auth/callback'
const accessToken = '00Dx0000000BV7z!AR8AQAxo9UfVkh8AlV0Gomt9Czx9LjHnSSpwBMmbRcgKFmxOtvxjTrKW19ye6PE3Ds1eQz3z8jr3W7_VbWmEu4Q8TVGSTHxs'
const refreshToken = '5Aep8614iLM.Dq661ePDmPEgaAW9Oh_L3JKkDpB4xReb54_pZfVti1dPEk8aimw4Hr9ne7VXXVSIQ'
const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' }
const secret = { client_id: 'upstream-client', client_secret: 's3cret /+&%' }
const user = {
  sub: 'https://login.salesforce.com/id/00Dxx0000001gZWEAY/005xx000001SwiUAAS',
  user_id: '005xx000001SwiUAAS',
  organization_id: '00Dxx0000001gZWEAY',
  preferred_username: 'user@example.com',
  nickname: 'user',
  name: 'Pat Patterson',
  email: 'user@example.com',
  email_verified: true,
  given_name: 'Pat',
  family_name: 'Patterson',
  zoneinfo: 'America/Los_Angeles',
  photos: {
    picture: 'https://example.my.salesforce.com/profilephoto/005/F',
    thumbnail: 'https://example.my.salesforce.com/profilephoto/005/T',
  },
  urls: { rest: 'https://example.my.salesforce.com/services/data/v{version}/' },
  active: true,
  user_type: 'STANDARD',
  language: 'en_US',
  locale: 'en_US',
  utcOffset: -28_800_000,
  updated_at: '2013-12-02T18:46:42.000+0000',
}
const claims = {
  name: 'Pat Patterson',
  preferred_username: 'user@example.com',
  email: 'user@example.com',
  email_verified: true,
  organization_id: '00Dxx0000001gZWEAY',
  user_id: '005xx000001SwiUAAS',
  user_type: 'STANDARD',
  instance_url: 'https://example.my.salesforce.com',
}
const answer = {
  id: 'https://login.salesforce.com/id/00Dxx0000001gZWEAY/005xx000001SwiUAAS',
  issued_at: '1278448832702',
  instance_url: 'https://example.my.salesforce.com',
  signature: '0CmxinZir53Yex7nE0TD+zMpvIWYGb/bdJh6XfOH6EQ=',
  access_token: accessToken,
}
const at = (path: string): string => `https://login.salesforce.com/services/oauth2/${path}`
const scopes = ['id', 'profile', 'email', 'address', 'phone', 'api', 'refresh_token', 'openid']

describeProvider({
  name: 'SalesforceProvider',
  create: (options, environment) => new SalesforceProvider(options, environment),
  authorizationUrl: `${at('authorize')}?response_type=code&client_id=upstream-client&redirect_uri=${encodeURIComponent(callback)}&state={state}&scope=openid+profile+email+refresh_token&code_challenge={challenge}&code_challenge_method=S256`,
  defaultScopes: ['openid', 'profile', 'email'],
  exchange: {
    request: {
      method: 'POST',
      url: at('token'),
      headers,
      form: { ...secret, grant_type: 'authorization_code', code: 'upstream-code', code_verifier: '{verifier}', redirect_uri: callback },
    },
    answer: { ...answer, refresh_token: refreshToken, scope: 'id api refresh_token openid', token_type: 'Bearer' },
    tokens: { accessToken, scopes, expiresIn: 900 },
  },
  refresh: {
    request: { method: 'POST', url: at('token'), headers, form: { ...secret, grant_type: 'refresh_token', refresh_token: refreshToken } },
    // Of old, without a token_type.
    answer: { ...answer, access_token: '00Dx0000000BV7z!refreshed' },
    tokens: { accessToken: '00Dx0000000BV7z!refreshed', scopes, expiresIn: 900 },
  },
  identity: {
    request: { method: 'GET', url: at('userinfo'), headers: { accept: 'application/json', authorization: `Bearer ${accessToken}` } },
    answer: user,
    identity: { subject: '00Dxx0000001gZWEAY.005xx000001SwiUAAS', claims },
    idMember: ['organization_id', 'user_id'],
  },
  asks: [
    {
      // @see https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oidc_token_introspection_endpoint.htm
      request: {
        method: 'POST',
        url: at('introspect'),
        headers,
        form: { ...secret, token: accessToken, token_type_hint: 'access_token' },
      },
      answer: {
        active: true,
        scope: 'id api refresh_token openid',
        client_id: 'upstream-client',
        username: 'user@example.com',
        token_type: 'access_token',
      },
      foreign: { status: 200, answer: { active: true, client_id: '3MVG9PE4xB9wtoY.another', token_type: 'access_token' } },
    },
  ],
  revocation: { method: 'POST', url: at('revoke'), headers: { ...headers, accept: '*/*' }, form: { ...secret, token: refreshToken } },
  errors: [
    { status: 400, answer: { error: 'invalid_grant', error_description: 'expired access/refresh token' }, means: 'refused' },
    { status: 400, answer: { error: 'invalid_grant', error_description: 'authentication failure' }, means: 'refused' },
    { status: 400, answer: { error: 'inactive_user', error_description: 'user is inactive' }, means: 'refused' },
    { status: 400, answer: { error: 'inactive_org', error_description: 'organization is inactive' }, means: 'refused' },
    { status: 400, answer: { error: 'invalid_client_id', error_description: 'client identifier invalid' }, means: 'unavailable' },
    { status: 400, answer: { error: 'invalid_client', error_description: 'invalid client credentials' }, means: 'unavailable' },
    { status: 400, answer: { error: 'rate_limit_exceeded', error_description: 'number of logins exceeded' }, means: 'unavailable' },
    { status: 400, answer: { error: 'redirect_uri_mismatch', error_description: 'must match configuration' }, means: 'unavailable' },
  ],
  scopes: [
    { requested: ['api'], sent: 'api refresh_token', answered: 'id api refresh_token', granted: ['api'] },
    { requested: ['profile', 'api'], sent: 'profile api refresh_token', answered: 'id refresh_token', granted: ['profile'] },
  ],
})

describe('salesforce', () => {
  it.each(['https://test.salesforce.com', 'https://example.my.salesforce.com/', 'https://example.my.site.com/partners'])(
    'is where people sign in: %s',
    (serverUrl) => {
      const { authorizationEndpoint, tokenEndpoint, assumedLifetime } = salesforce({ serverUrl, tokenLifetime: 7200 })
      const server = serverUrl.replace(/\/$/, '')
      expect([authorizationEndpoint, tokenEndpoint, assumedLifetime]).toEqual([
        `${server}/services/oauth2/authorize`,
        `${server}/services/oauth2/token`,
        7200,
      ])
    },
  )

  // @see https://github.com/forcedotcom/SalesforceMobileSDK-Android/issues/2430
  it.each([401, 403])('takes status %i about the person for a no', async (status) => {
    const call = upstreamCall({ ask: async () => ({ status, json: {} }) })
    await expect(salesforce().identify(call)).rejects.toMatchObject({ name: 'UpstreamRefused', reason: 'token_not_accepted' })
  })

  it.each<[string, number, object, boolean]>([
    ['says that the token is nobody’s', 200, { active: false }, false],
    ['may not be asked', 403, { error: 'invalid_client' }, true],
    ['does not name the app', 200, { active: true }, true],
  ])('whose introspection %s', async (_, status, json, isTaken) => {
    const ask = async (url: string) => (url.endsWith('/introspect') ? { status, json } : { status: 200, json: user })
    const asked = salesforce().identify(upstreamCall({ login: { answer: {} }, ask }))
    if (isTaken) expect((await asked).subject).toBe('00Dxx0000001gZWEAY.005xx000001SwiUAAS')
    else await expect(asked).rejects.toMatchObject({ name: 'UpstreamRefused', reason: 'token_of_another_app' })
  })

  it('takes any other status for trouble', async () => {
    const call = upstreamCall({ ask: async () => ({ status: 404, json: {} }) })
    await expect(salesforce().identify(call)).rejects.toMatchObject({ name: 'UpstreamUnavailable', reason: 'status_404' })
  })

  it('remembers from the login where the org is', async () => {
    const known = { subject: '00Dxx0000001gZWEAY.005xx000001SwiUAAS', claims }
    const again = await salesforce().identify(upstreamCall({ known, ask: async () => ({ status: 200, json: user }) }))
    expect(again.claims).toEqual(claims)
  })

  it('refuses a lifetime that no org can set', () => {
    expect(salesforce({ tokenLifetime: 60 }).problems).toEqual(['tokenLifetime 60 is not between 900 and 86400 seconds'])
    expect(salesforce({ tokenLifetime: 86_400 }).problems).toEqual([])
  })

  it.each(['login.salesforce.com', 'http://example.my.salesforce.com', 'https://example.my.salesforce.com?x'])(
    'refuses %s for a server',
    (serverUrl) => {
      expect(salesforce({ serverUrl }).problems).toEqual([`serverUrl ${serverUrl} is not like https://example.my.salesforce.com`])
    },
  )
})
