import { describeProvider, type ErrorExample, type RequestExample } from '@drawbridge/core/testing'
import { SpotifyProvider } from './spotify.ts'

const tokenRequest = {
  method: 'POST',
  url: 'https://accounts.spotify.com/api/token',
  headers: {
    accept: 'application/json',
    // upstream-client:s3cret+%2F%2B%26%25
    authorization: 'Basic dXBzdHJlYW0tY2xpZW50OnMzY3JldCslMkYlMkIlMjYlMjU=',
    'content-type': 'application/x-www-form-urlencoded',
  },
} satisfies RequestExample

// https://developer.spotify.com/documentation/web-api/tutorials/refreshing-tokens
const tokens = {
  access_token: 'NgCXRK...MzYjw',
  token_type: 'Bearer',
  scope: 'user-read-private user-read-email',
  expires_in: 3600,
  refresh_token: 'NgAagA...Um_SHo',
}

const error = (name: string, text: string, means: ErrorExample['means']): ErrorExample => ({
  status: 400,
  answer: { error: name, error_description: text },
  means,
})

describeProvider({
  name: 'SpotifyProvider',
  create: (options, environment) => new SpotifyProvider(options, environment),
  authorizationUrl:
    'https://accounts.spotify.com/authorize?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}',
  defaultScopes: [],
  exchange: {
    request: {
      ...tokenRequest,
      form: { grant_type: 'authorization_code', code: 'upstream-code', redirect_uri: 'https://mcp.example.com/auth/callback' },
    },
    answer: { ...tokens, scope: '' },
    tokens: { accessToken: 'NgCXRK...MzYjw', scopes: [], expiresIn: 3600 },
  },
  refresh: {
    request: { ...tokenRequest, form: { grant_type: 'refresh_token', refresh_token: 'NgAagA...Um_SHo' } },
    answer: { ...tokens, access_token: 'BQBLuPRYBQ...BP8stIv5xr-Iwaf4l8eg', scope: '' },
    tokens: { accessToken: 'BQBLuPRYBQ...BP8stIv5xr-Iwaf4l8eg', scopes: [], expiresIn: 3600 },
  },
  identity: {
    request: {
      method: 'GET',
      url: 'https://api.spotify.com/v1/me',
      headers: { accept: 'application/json', authorization: 'Bearer NgCXRK...MzYjw' },
    },
    // https://developer.spotify.com/documentation/web-api/reference/get-current-users-profile
    answer: {
      account_id: 'aB3dE5fG7h',
      country: 'SE',
      display_name: 'JM Wizzler',
      email: 'email@example.com',
      external_urls: { spotify: 'https://open.spotify.com/user/wizzler' },
      followers: { href: null, total: 3829 },
      href: 'https://api.spotify.com/v1/users/wizzler',
      id: 'wizzler',
      product: 'premium',
      type: 'user',
      uri: 'spotify:user:wizzler',
    },
    identity: {
      subject: 'aB3dE5fG7h',
      claims: { country: 'SE', display_name: 'JM Wizzler', email: 'email@example.com', id: 'wizzler', product: 'premium' },
    },
    idMember: 'account_id',
  },
  errors: [
    error('invalid_grant', 'Invalid authorization code', 'refused'),
    error('invalid_grant', 'Refresh token revoked', 'refused'),
    error('invalid_client', 'Invalid client secret', 'unavailable'),
    error('unsupported_grant_type', 'grant_type parameter is missing', 'unavailable'),
  ],
  scopes: [
    {
      requested: ['user-read-private', 'user-read-email'],
      answered: 'user-read-private user-read-email',
      granted: ['user-read-private', 'user-read-email'],
    },
    { requested: ['user-read-email', 'playlist-read-private'], answered: 'user-read-email', granted: ['user-read-email'] },
  ],
})
