import { describe, expect, it } from 'vitest'
import { DocumentUnusable } from './guarded-fetch.ts'
import { parseDocument } from './parse-document.ts'

const url = 'https://client.example.com/client.json'
const redirectUri = 'https://client.example.com/cb'
const policy = { validScopes: ['read', 'write'], redirectSchemes: ['cursor'], allowLoopback: false }
const least = { client_id: url, client_name: 'A client', redirect_uris: [redirectUri] }
const rsa = { kty: 'RSA', n: '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4', e: 'AQAB', kid: 'one' }

const parse = (json: unknown, loopback = false) => parseDocument(url, json, { ...policy, allowLoopback: loopback })

function reasonOf(json: unknown): string {
  try {
    parse(json)
  } catch (cause) {
    return cause instanceof DocumentUnusable && !cause.passing ? cause.reason : `not refused as a document: ${String(cause)}`
  }
  return 'accepted'
}

const public_ = { authentication: 'none', grantTypes: ['authorization_code', 'refresh_token'], redirectUris: [redirectUri] }

describe('a document describes a client', () => {
  it('with an id, a name and a redirect URI, and nothing else (R122)', () => {
    expect(parse(least)).toEqual({ ...public_, clientName: 'A client' })
  })

  it('with everything that vendors write, of which we take what we know (R119)', () => {
    const json = {
      ...least,
      client_name: '  Visual\u202e Studio\u200b Code ',
      client_uri: 'https://client.example.com/product',
      logo_uri: 'https://client.example.com/logo.svg',
      tos_uri: 'http://client.example.com/tos',
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
      response_types: ['code'],
      redirect_uris: ['http://127.0.0.1/', 'http://localhost/callback', 'https://vscode.dev/redirect', 'cursor://anysphere.cursor/cb'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      scope: 'write admin',
      software_id: 'x',
      contacts: null,
      jwks_uri: null,
      __proto__: { polluted: true },
    }
    expect(parse(json)).toEqual({
      authentication: 'none',
      grantTypes: ['authorization_code', 'refresh_token'],
      redirectUris: ['http://127.0.0.1/', 'http://localhost/callback', 'https://vscode.dev/redirect', 'cursor://anysphere.cursor/cb'],
      clientName: 'Visual Studio Code',
      applicationType: 'native',
      scope: ['write'],
    })
  })

  it('with redirect URIs of which only some can be used here: the others are left out', () => {
    const uris = [
      'unknown-scheme://cb',
      redirectUri,
      'http://client.example.com/cb',
      'javascript:alert(1)',
      'https://client.example.com/cb#f',
    ]
    expect(parse({ ...least, redirect_uris: uris }).redirectUris).toEqual([redirectUri])
  })

  it('that gets what it asks for, or the code alone', () => {
    expect(parse({ ...least, grant_types: ['authorization_code'] }).grantTypes).toEqual(['authorization_code'])
    expect(parse({ ...least, application_type: 'toaster' })).toEqual({ ...public_, clientName: 'A client' })
  })
})

describe('a client is held to what its document promises', () => {
  const promises = { require_pushed_authorization_requests: true, dpop_bound_access_tokens: true }

  it('where this server knows of it', () => {
    const knowing = { ...policy, pushedRequests: 'allowed', dpop: {} } as const
    expect(parseDocument(url, { ...least, ...promises }, knowing)).toMatchObject({ bindsTokens: true, pushesRequests: true })
    expect(parseDocument(url, least, knowing)).toEqual({ ...public_, clientName: 'A client' })
    expect(parse({ ...least, ...promises })).toEqual({ ...public_, clientName: 'A client' })
  })
})

describe('a client proves itself as its document says (R131)', () => {
  const signing = { token_endpoint_auth_method: 'private_key_jwt' }
  const at = { jwks_uri: 'https://client.example.com/jwks.json' }

  it.each<[string, object, object]>([
    ['not at all, if it does not say', {}, { authentication: 'none' }],
    ['by the only method that it lists', { token_endpoint_auth_methods_supported: ['none'] }, { authentication: 'none' }],
    ['by its keys, which are elsewhere', { ...signing, ...at }, { authentication: 'private_key_jwt', jwksUri: at.jwks_uri }],
    ['by its keys, which are in it', { ...signing, jwks: { keys: [rsa] } }, { authentication: 'private_key_jwt', jwks: [rsa] }],
    [
      'by its keys or not at all, as ChatGPT does',
      { ...signing, ...at, token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'] },
      { authentication: 'private_key_jwt', authenticationChoices: ['private_key_jwt', 'none'], jwksUri: at.jwks_uri },
    ],
    [
      'by those it lists and we know',
      { ...at, token_endpoint_auth_methods_supported: ['tls_client_auth', 'none', 'private_key_jwt', 'client_secret_post'] },
      { authentication: 'none', authenticationChoices: ['none', 'private_key_jwt'], jwksUri: at.jwks_uri },
    ],
    [
      'not at all, where its keys are missing and it lists that too',
      { ...signing, token_endpoint_auth_methods_supported: ['none'] },
      { authentication: 'none' },
    ],
  ])('%s', (_, members, expected) => {
    expect(parse({ ...least, ...members })).toEqual({ ...public_, clientName: 'A client', ...expected })
  })

  it('by keys on this machine, where that is allowed', () => {
    const json = { ...least, ...signing, jwks_uri: 'http://localhost:8001/jwks.json' }
    expect(parse(json, true)).toMatchObject({ jwksUri: 'http://localhost:8001/jwks.json' })
    expect(reasonOf(json)).toBe('keys_refused')
  })
})

describe('a document is refused (T35)', () => {
  it.each<[string, unknown, string]>([
    ['without an id (R122)', { ...least, client_id: undefined }, 'malformed'],
    ['without a name (R122)', { ...least, client_name: undefined }, 'malformed'],
    ['with a name of nothing visible', { ...least, client_name: ' \u200b\n' }, 'without_name'],
    ['without redirect URIs (R122)', { ...least, redirect_uris: undefined }, 'malformed'],
    ['with an empty list of them (R122)', { ...least, redirect_uris: [] }, 'without_redirect_uri'],
    [
      'with none that can be used',
      { ...least, redirect_uris: ['javascript:alert(1)', 'http://client.example.com/'] },
      'without_redirect_uri',
    ],
    ['with a list of something else', { ...least, redirect_uris: [1] }, 'malformed'],
    ['with one as a text', { ...least, redirect_uris: redirectUri }, 'malformed'],
    ['as a list', [least], 'malformed'],
    ['as null', null, 'malformed'],
    ['as a text', JSON.stringify(least), 'malformed'],
  ])('%s', (_, json, reason) => {
    expect(reasonOf(json)).toBe(reason)
  })

  it.each([
    `${url}/`,
    `${url}?`,
    `${url}#`,
    url.slice(0, -1),
    url.toUpperCase(),
    url.replace('client.', 'Client.'),
    url.replace('/c', ':443/c'),
    ` ${url}`,
  ])('whose id is %s, one character off (R121)', (other) => {
    expect(reasonOf({ ...least, client_id: other })).toBe('names_another_client')
  })

  it.each([
    ['client_secret', { client_secret: 's3cret' }, 'has_a_secret'],
    ['an empty client_secret', { client_secret: '' }, 'has_a_secret'],
    ['client_secret_expires_at', { client_secret_expires_at: 0 }, 'has_a_secret'],
    ['client_secret_basic', { token_endpoint_auth_method: 'client_secret_basic' }, 'authentication_by_secret'],
    ['client_secret_post', { token_endpoint_auth_method: 'client_secret_post' }, 'authentication_by_secret'],
    ['client_secret_jwt', { token_endpoint_auth_method: 'client_secret_jwt' }, 'authentication_by_secret'],
    [
      'a secret, though it lists others too',
      { token_endpoint_auth_method: 'client_secret_post', token_endpoint_auth_methods_supported: ['none'] },
      'authentication_by_secret',
    ],
    ['a method that we do not know', { token_endpoint_auth_method: 'tls_client_auth' }, 'authentication_unsupported'],
    [
      'a list of methods without one of ours',
      { token_endpoint_auth_methods_supported: ['client_secret_post'] },
      'authentication_unsupported',
    ],
    ['private_key_jwt without keys', { token_endpoint_auth_method: 'private_key_jwt' }, 'authentication_unsupported'],
    ['a private key', { jwks: { keys: [{ ...rsa, d: 'AQ' }] } }, 'keys_refused'],
    ['a secret key', { jwks: { keys: [{ kty: 'oct', k: 'AQ' }] } }, 'keys_refused'],
    ['keys of another shape', { jwks: [rsa] }, 'keys_refused'],
    ['keys here and elsewhere', { jwks: { keys: [rsa] }, jwks_uri: 'https://client.example.com/jwks.json' }, 'keys_refused'],
    ['keys over http', { jwks_uri: 'http://client.example.com/jwks.json' }, 'keys_refused'],
    ['keys behind a user', { jwks_uri: 'https://u@client.example.com/jwks.json' }, 'keys_refused'],
    ['other grant types alone', { grant_types: ['implicit'] }, 'grant_types_unsupported'],
    ['another response type', { response_types: ['token'] }, 'grant_types_unsupported'],
  ])('with %s (R125)', (_, members, reason) => {
    expect(reasonOf({ ...least, ...members })).toBe(reason)
  })

  it.each(['client_uri', 'logo_uri', 'tos_uri', 'policy_uri'])('with a %s that runs or carries something (R134, T45)', (name) => {
    for (const uri of [
      'javascript:alert(1)',
      'JavaScript:alert(1)',
      ' java\nscript:alert(1)',
      'data:text/html,x',
      'file:///etc/passwd',
      'ftp://h/',
    ]) {
      expect(reasonOf({ ...least, [name]: uri })).toBe('client_uri_refused')
    }
    for (const uri of ['https://h/', 'http://h/', '', 'no address', null, 7]) expect(reasonOf({ ...least, [name]: uri })).toBe('accepted')
  })
})
