import type { Identified } from '@drawbridge/core'
import { describeProvider, type ErrorExample, type ProviderDescription, type RequestExample, upstreamCall } from '@drawbridge/core/testing'
import { describe, expect, it } from 'vitest'
import { GoogleProvider, google } from './google.ts'

// The answers are those of Google's documentation, trimmed: the tokens, and the errors, of
// https://developers.google.com/identity/protocols/oauth2/web-server#exchange-authorization-code and #offline; the person of
// https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload; the members of the document of
// https://developers.google.com/identity/openid-connect/reference.

const issuer = 'https://accounts.google.com'
const longEmail = 'https://www.googleapis.com/auth/userinfo.email'
const nameScope = 'https://www.googleapis.com/auth/userinfo.profile'
const document = {
  issuer,
  authorization_endpoint: 'https://accounts.google.com/o/oauth2/v2/auth',
  token_endpoint: 'https://oauth2.googleapis.com/token',
  userinfo_endpoint: 'https://openidconnect.googleapis.com/v1/userinfo',
  revocation_endpoint: 'https://oauth2.googleapis.com/revoke',
  jwks_uri: 'https://www.googleapis.com/oauth2/v3/certs',
  response_types_supported: ['code', 'token', 'id_token'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['RS256'],
  scopes_supported: ['openid', 'email', 'profile'],
  token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
  code_challenge_methods_supported: ['plain', 'S256'],
}
const accessToken = '1/fFAGRNJru1FTz70BzhT3Zg'
const refreshToken = '1//xEoDL4iW3cxlI7yDbSRFYNG01kVKM2C-259HOF2aQbI'
const post = { method: 'POST', headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' } } as const
const tokenRequest = { ...post, url: document.token_endpoint } satisfies RequestExample
const client = { client_id: 'upstream-client', client_secret: 's3cret /+&%' }

const jsmith = {
  sub: '10769150350006150715113082367',
  email: 'jsmith@example.com',
  email_verified: true,
  hd: 'example.com',
}
const person = {
  subject: '10769150350006150715113082367',
  claims: { email: 'jsmith@example.com', email_verified: true, hd: 'example.com' },
}

/** All but `invalid_grant` are trouble between Google and us. */
const errors: readonly ErrorExample[] = [
  { status: 400, answer: { error: 'invalid_grant', error_description: 'Bad Request' }, means: 'refused' },
  { status: 400, answer: { error: 'redirect_uri_mismatch' }, means: 'unavailable' },
  { status: 400, answer: { error: 'admin_policy_enforced' }, means: 'unavailable' },
  { status: 401, answer: { error: 'invalid_client' }, means: 'unavailable' },
]

const everybody: ProviderDescription = {
  name: 'GoogleProvider',
  create: (options, environment) => new GoogleProvider(options, environment),
  authorizationUrl:
    'https://accounts.google.com/o/oauth2/v2/auth?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&scope=openid+profile+email&nonce={nonce}&code_challenge={challenge}&code_challenge_method=S256&access_type=offline&prompt=consent',
  defaultScopes: ['openid', 'profile', 'email'],
  issuer,
  openId: {
    discoveryUrl: 'https://accounts.google.com/.well-known/openid-configuration',
    document,
    idToken: jsmith,
  },
  exchange: {
    request: {
      ...tokenRequest,
      form: {
        ...client,
        grant_type: 'authorization_code',
        code: 'upstream-code',
        code_verifier: '{verifier}',
        redirect_uri: 'https://mcp.example.com/auth/callback',
      },
    },
    answer: {
      access_token: accessToken,
      expires_in: 3920,
      token_type: 'Bearer',
      scope: `openid ${longEmail} ${nameScope}`,
      refresh_token: refreshToken,
    },
    tokens: { accessToken, scopes: ['openid', 'email', longEmail, 'profile', nameScope], expiresIn: 3920 },
  },
  refresh: {
    request: { ...tokenRequest, form: { ...client, grant_type: 'refresh_token', refresh_token: refreshToken } },
    answer: {
      access_token: '1/fFAGRNJru1FTz70BzhT3Zh',
      expires_in: 3920,
      scope: `openid ${longEmail} ${nameScope}`,
      token_type: 'Bearer',
    },
    tokens: { accessToken: '1/fFAGRNJru1FTz70BzhT3Zh', scopes: ['openid', 'email', longEmail, 'profile', nameScope], expiresIn: 3920 },
  },
  identity: {
    request: {
      method: 'GET',
      url: document.userinfo_endpoint,
      headers: { accept: 'application/json', authorization: `Bearer ${accessToken}` },
    },
    answer: jsmith,
    identity: person,
    idMember: 'sub',
  },
  errors,
  scopes: [
    { requested: ['email'], sent: 'openid email', answered: `openid ${longEmail}`, granted: ['email'] },
    { requested: [longEmail], sent: `openid ${longEmail}`, answered: `openid ${longEmail}`, granted: [longEmail] },
    {
      requested: ['openid', 'https://www.googleapis.com/auth/drive.metadata.readonly'],
      answered: 'openid https://www.googleapis.com/auth/drive.metadata.readonly',
      granted: ['openid', 'https://www.googleapis.com/auth/drive.metadata.readonly'],
    },
    // A person may say no to some of what was asked for.
    { requested: ['openid', 'https://www.googleapis.com/auth/calendar.readonly'], answered: 'openid', granted: ['openid'] },
  ],
}

describeProvider(everybody)

describe('GoogleProvider, for the people of organisations', () => {
  const saying = (said: object): Promise<Identified> =>
    google({ hostedDomain: ['example.com', 'example.org'] }).identify(
      upstreamCall({
        endpoints: { authorizationEndpoint: '', tokenEndpoint: '', userinfoEndpoint: document.userinfo_endpoint },
        getJson: async () => said,
      }),
    )

  it('takes people of each of them', async () => {
    expect(await saying(jsmith)).toMatchObject(person)
    expect(await saying({ ...jsmith, hd: 'example.org' })).toMatchObject({ subject: jsmith.sub })
  })

  it.each([['example.net'], ['sub.example.com'], ['EXAMPLE.com.'], [undefined], [['example.com']]])(
    'says no to people of %s',
    async (hd) => {
      await expect(saying({ ...jsmith, hd })).rejects.toMatchObject({
        name: 'OAuthError',
        code: 'access_denied',
        reason: 'person_of_another_organisation',
      })
    },
  )

  it('lets Google offer the accounts of one organisation, or of any', () => {
    expect(google({ hostedDomain: 'example.com' }).authorizeParameters).toMatchObject({ hd: 'example.com' })
    expect(google({ hostedDomain: ['example.com', 'example.org'] }).authorizeParameters).toMatchObject({ hd: '*' })
    expect(google().authorizeParameters).toEqual({ access_type: 'offline', prompt: 'consent' })
  })

  it('lists domains that cannot be', () => {
    const problemsOf = (hostedDomain: string | readonly string[]) => google({ hostedDomain }).problems
    expect(problemsOf([])).toEqual(['hostedDomain is an empty list: nobody could sign in'])
    expect(problemsOf(['example.com', 'https://example.com', '@example.com'])).toEqual([
      'hostedDomain https://example.com is not like example.com',
      'hostedDomain @example.com is not like example.com',
    ])
    expect(google().problems).toEqual([])
  })
})
