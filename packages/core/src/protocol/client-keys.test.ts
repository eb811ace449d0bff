import { describe, expect, it } from 'vitest'
import { parseClientMetadata } from './client-metadata.ts'
import { OAuthError } from './errors.ts'

const key = { kty: 'EC', crv: 'P-256', x: 'eA', y: 'eQ', kid: 'one' }
const parse = (keys: object) =>
  parseClientMetadata(
    { redirect_uris: ['https://client.example.com/cb'], token_endpoint_auth_method: 'private_key_jwt', ...keys },
    { validScopes: [], redirectSchemes: [] },
  )

function refusalOf(keys: object): unknown {
  try {
    return parse(keys)
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error
    return { ...error.toResponseObject(), reason: error.reason }
  }
}

const refused = (description: string) => ({
  error: 'invalid_client_metadata',
  error_description: description,
  reason: 'client_keys_malformed',
})
const one = refused('A client that signs gives its keys as jwks or as jwks_uri.')
const set = refused('The field jwks is not a set of 1 to 10 public keys.')
const url = refused('The field jwks_uri is not an https URL.')

describe('a client that proves itself by its keys (RFC 7591 §2, R131)', () => {
  it('gives them, and what else is in them is dropped', () => {
    expect(parse({ jwks: { keys: [{ ...key, x5c: ['certificate'], note: 1 }] } })).toEqual({
      redirectUris: ['https://client.example.com/cb'],
      grantTypes: ['authorization_code', 'refresh_token'],
      authentication: 'private_key_jwt',
      jwks: [key],
    })
  })

  it('or says where they are', () => {
    expect(parse({ jwks_uri: 'https://client.example.com/keys?of=us' })).toMatchObject({
      authentication: 'private_key_jwt',
      jwksUri: 'https://client.example.com/keys?of=us',
    })
  })

  it.each<[string, object, object]>([
    ['neither', {}, one],
    ['both', { jwks: { keys: [key] }, jwks_uri: 'https://client.example.com/keys' }, one],
    ['no key', { jwks: { keys: [] } }, set],
    ['too many', { jwks: { keys: Array.from({ length: 11 }, () => key) } }, set],
    ['a private key', { jwks: { keys: [{ ...key, d: 'ZA' }] } }, set],
    ['a secret', { jwks: { keys: [{ kty: 'oct', k: 'aw' }] } }, set],
    ['keys that are none', { jwks: [key] }, set],
    ['keys as text', { jwks: JSON.stringify({ keys: [key] }) }, set],
    ['a place without TLS (T39)', { jwks_uri: 'http://169.254.169.254/' }, url],
    ['a place with a password', { jwks_uri: 'https://a:b@client.example.com/keys' }, url],
    ['a place with a fragment', { jwks_uri: 'https://client.example.com/keys#1' }, url],
    ['a place of no scheme', { jwks_uri: '//client.example.com/keys' }, url],
    ['a place that is no text', { jwks_uri: ['https://client.example.com/keys'] }, url],
    ['a place of 2 kB', { jwks_uri: `https://client.example.com/${'k'.repeat(2048)}` }, url],
  ])('is refused with %s', (_, keys, refusal) => {
    expect(refusalOf(keys)).toEqual(refusal)
  })
})
