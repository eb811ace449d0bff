import { describeProvider, type ErrorExample, type RequestExample, upstreamCall } from '@drawbridge/core/testing'
import { expect, it } from 'vitest'
import { LinearProvider, linear } from './linear.ts'

const accessToken = 'lin_oauth_of-the-login'
const refreshToken = 'lin_refresh_of-the-login'

const tokenRequest = {
  method: 'POST',
  url: 'https://api.linear.app/oauth/token',
  headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
} satisfies RequestExample

const ourClient = { client_id: 'upstream-client', client_secret: 's3cret /+&%' }

// https://linear.app/developers/oauth-2-0-authentication
const others = { token_type: 'Bearer', expires_in: 86_399, scope: 'read' }

const error = (name: string, text: string, means: ErrorExample['means']): ErrorExample => ({
  status: 400,
  answer: { error: name, error_description: text },
  means,
})

describeProvider({
  name: 'LinearProvider',
  create: (options, environment) => new LinearProvider(options, environment),
  authorizationUrl:
    'https://linear.app/oauth/authorize?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&scope=read&code_challenge={challenge}&code_challenge_method=S256',
  defaultScopes: ['read'],
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
    tokens: { accessToken, scopes: ['read'], expiresIn: 86_399 },
  },
  refresh: {
    request: { ...tokenRequest, form: { grant_type: 'refresh_token', ...ourClient, refresh_token: refreshToken } },
    answer: { access_token: 'lin_oauth_of-the-refresh', refresh_token: 'lin_refresh_of-the-refresh', ...others },
    tokens: { accessToken: 'lin_oauth_of-the-refresh', scopes: ['read'], expiresIn: 86_399 },
  },
  identity: {
    request: {
      method: 'POST',
      url: 'https://api.linear.app/graphql',
      headers: { accept: 'application/json', authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
      json: { query: '{ viewer { id name displayName email } organization { id name urlKey } }' },
    },
    // Of the shape that the schema gives the query: https://linear.app/developers/graphql
    answer: {
      data: {
        viewer: { id: '7d1f0e5c-3e4b-4f2a-9a43-0a8d1b6c2f10', name: 'Jane Doe', displayName: 'jane', email: 'jane@example.com' },
        organization: { id: 'c0a8f1d2-5b7e-4d39-8e61-9f2b4a6d7c85', name: 'Example', urlKey: 'example' },
      },
    },
    identity: {
      subject: '7d1f0e5c-3e4b-4f2a-9a43-0a8d1b6c2f10',
      claims: {
        name: 'Jane Doe',
        displayName: 'jane',
        email: 'jane@example.com',
        organization_id: 'c0a8f1d2-5b7e-4d39-8e61-9f2b4a6d7c85',
        organization: 'Example',
        organization_url_key: 'example',
      },
    },
    idMember: 'data.viewer.id',
  },
  revocation: {
    method: 'POST',
    url: 'https://api.linear.app/oauth/revoke',
    headers: { accept: '*/*', 'content-type': 'application/x-www-form-urlencoded' },
    form: { token: refreshToken, ...ourClient },
  },
  errors: [
    error('invalid_grant', 'Token has been expired or revoked.', 'refused'),
    error('invalid_client', 'Invalid client', 'unavailable'),
    error('Error', 'Client does not support the client_credentials grant type', 'unavailable'),
  ],
  scopes: [
    { requested: ['read', 'write'], sent: 'read,write', answered: 'read write', granted: ['read', 'write'] },
    { requested: ['issues:create'], sent: 'issues:create,read', answered: 'read issues:create', granted: ['issues:create'] },
    // Of apps from before December 2023.
    { requested: ['read', 'write'], sent: 'read,write', answered: ['read', 'write'], granted: ['read', 'write'] },
  ],
})

it('takes an answer about authentication with status 200 for a no', async () => {
  const answering = (type: string) => upstreamCall({ postJson: async () => ({ data: null, errors: [{ extensions: { type } }] }) })
  await expect(linear().identify(answering('authentication error'))).rejects.toMatchObject({ reason: 'token_not_accepted' })
  await expect(linear().identify(answering('ratelimited'))).rejects.toMatchObject({ reason: 'identity_without_subject' })
})
