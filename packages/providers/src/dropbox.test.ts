import { describeProvider, type ErrorExample, type RequestExample } from '@drawbridge/core/testing'
import { DropboxProvider } from './dropbox.ts'

const accessToken =
  'sl.u.AbX9y6Fe3AuH5o66-gmJpR032jwAwQPIVVzWXZNkdzcYT02akC2de219dZi6gxYPVnYPrpvISRSf9lxKWJzYLjtMPH-d9fo_0gXex7X37VIvpty4-G8f4-WX45AcEPfRnJJDwzv-'
const refreshToken = 'nBiM85CZALsAAAAAAAAAAQXHBoNpNutK4ngsXHsqW4iGz9tisb3JyjGqikMJIYbd'

const tokenRequest = {
  method: 'POST',
  url: 'https://api.dropboxapi.com/oauth2/token',
  headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
} satisfies RequestExample

const ourClient = { client_id: 'upstream-client', client_secret: 's3cret /+&%' }

// https://www.dropbox.com/developers/documentation/http/documentation#oauth2-token
const others = {
  expires_in: 14_400,
  token_type: 'bearer',
  scope: 'account_info.read files.content.read files.content.write files.metadata.read',
  account_id: 'dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc',
  uid: '12345',
}

const scopes = ['account_info.read', 'files.content.read', 'files.content.write', 'files.metadata.read']

const inTheNameOfThePerson = { accept: 'application/json', authorization: `Bearer ${accessToken}` }

const error = (name: string, text: string, means: ErrorExample['means']): ErrorExample => ({
  status: 400,
  answer: { error: name, error_description: text },
  means,
})

describeProvider({
  name: 'DropboxProvider',
  create: (options, environment) => new DropboxProvider(options, environment),
  authorizationUrl:
    'https://www.dropbox.com/oauth2/authorize?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&scope=account_info.read&code_challenge={challenge}&code_challenge_method=S256&token_access_type=offline',
  defaultScopes: ['account_info.read'],
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
    tokens: { accessToken, scopes, expiresIn: 14_400 },
  },
  refresh: {
    request: { ...tokenRequest, form: { grant_type: 'refresh_token', ...ourClient, refresh_token: refreshToken } },
    answer: { access_token: 'sl.u.Bd4r7TqYc1', ...others },
    tokens: { accessToken: 'sl.u.Bd4r7TqYc1', scopes, expiresIn: 14_400 },
  },
  identity: {
    request: { method: 'POST', url: 'https://api.dropboxapi.com/2/users/get_current_account', headers: inTheNameOfThePerson },
    // https://www.dropbox.com/developers/documentation/http/documentation#users-get_current_account
    answer: {
      account_id: 'dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc',
      name: { given_name: 'Franz', surname: 'Ferdinand', familiar_name: 'Franz', display_name: 'Franz Ferdinand (Personal)' },
      email: 'franz@dropbox.com',
      email_verified: true,
      disabled: false,
      locale: 'en',
      referral_link: 'https://db.tt/ZITNuhtI',
      is_paired: true,
      account_type: { '.tag': 'business' },
      country: 'US',
      team: { id: 'dbtid:AAFdgehTzw7WlXhZJsbGCLePe8RvQGYDr-I', name: 'Acme, Inc.' },
      team_member_id: 'dbmid:AAHhy7WsR0x-u4ZCqiDl5Fz5zvuL3kmspwU',
    },
    identity: {
      subject: 'dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc',
      claims: {
        name: 'Franz Ferdinand (Personal)',
        email: 'franz@dropbox.com',
        email_verified: true,
        team_id: 'dbtid:AAFdgehTzw7WlXhZJsbGCLePe8RvQGYDr-I',
        team_member_id: 'dbmid:AAHhy7WsR0x-u4ZCqiDl5Fz5zvuL3kmspwU',
      },
    },
    idMember: 'account_id',
  },
  revocation: { method: 'POST', url: 'https://api.dropboxapi.com/2/auth/token/revoke', headers: inTheNameOfThePerson },
  errors: [
    error('invalid_grant', 'refresh token is invalid or revoked', 'refused'),
    error('invalid_client', 'Invalid client_id or client_secret', 'unavailable'),
    error('unsupported_grant_type', 'grant_type is not supported', 'unavailable'),
  ],
  scopes: [
    {
      requested: ['files.metadata.read'],
      sent: 'files.metadata.read account_info.read',
      answered: 'account_info.read files.metadata.read',
      granted: ['files.metadata.read'],
    },
  ],
})
