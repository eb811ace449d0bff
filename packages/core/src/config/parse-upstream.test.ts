import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { OAuthUpstream } from '../ports/upstream.ts'
import type { UpstreamDealingOptions } from './options.ts'
import { dealWith, refuseAdded, refuseDealing } from './parse-upstream.ts'
import { refuseUpstreamClient } from './refuse-options.ts'

const upstream: OAuthUpstream = {
  name: 'Test',
  authorizationEndpoint: 'https://upstream.example.com/authorize',
  tokenEndpoint: 'https://upstream.example.com/token',
  clientAuthentication: 'client_secret_post',
  defaultScopes: [],
  pkce: true,
  authorizeParameters: { prompt: 'consent', access_type: 'offline' },
  identify: async () => ({ subject: '1', claims: {} }),
}

describe('how the upstream is dealt with', () => {
  it('cannot be told in place of us what binds an answer to a request (T11)', () => {
    expect(
      refuseDealing({ authorizeParameters: { prompt: 'login', state: 'mine', redirect_uri: 'x' }, tokenParameters: { code: 'x' } }),
    ).toEqual([
      'authorizeParameters.state is ours to set',
      'authorizeParameters.redirect_uri is ours to set',
      'tokenParameters.code is ours to set',
    ])
  })

  it('cannot be told all of it at once in a request object, nor to answer elsewhere, nor to be asked for other scopes than we count on (T11, T67)', () => {
    const refused = (name: string) => [`authorizeParameters.${name} is ours to set`]
    for (const name of ['request', 'request_uri', 'response_mode', 'scope'])
      expect(refuseDealing({ authorizeParameters: { [name]: 'x' } })).toEqual(refused(name))
    expect(refuseDealing({ authorizeParameters: { scope: 'bot' } }, 'user_scope')).toEqual([])
    expect(refuseDealing({ authorizeParameters: { user_scope: 'read' } }, 'user_scope')).toEqual(refused('user_scope'))
  })

  it('is told that by no provider either', () => {
    expect(refuseAdded({ ...upstream, authorizeParameters: { state: 'x' }, tokenParameters: { code_verifier: 'x' } })).toEqual([
      "the upstream's authorizeParameters.state is ours to set",
      "the upstream's tokenParameters.code_verifier is ours to set",
    ])
    expect(refuseAdded(upstream)).toEqual([])
    expect(refuseUpstreamClient({ clientId: 'x', clientSecret: 'y' }, { ...upstream, authorizeParameters: { nonce: 'x' } })).toEqual([
      "the upstream's authorizeParameters.nonce is ours to set",
    ])
  })

  it('is told in texts', () => {
    const dealing = { authorizeParameters: { max_age: 7 }, tokenParameters: 'audience=x', claims: ['groups'] }
    expect(refuseDealing(dealing as unknown as UpstreamDealingOptions)).toEqual([
      'claims is not an object',
      'authorizeParameters.max_age is not a string',
      'tokenParameters is not an object',
    ])
  })

  it('is shown an assertion by a private key, and by nothing else', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    expect(refuseDealing({ clientAssertion: { key: privateKey } })).toEqual([])
    expect(refuseDealing({ clientAssertion: { key: publicKey } })).toEqual(['clientAssertion.key is a public key: give the private one'])
    expect(refuseDealing({ clientAssertion: { key: 'a-secret-of-more-than-32-bytes-0123456789' } })).toEqual([
      'clientAssertion.key is a secret: give the private key whose public half the upstream has',
    ])
    expect(refuseDealing({ clientAssertion: { key: 'short' } })).toEqual([
      'clientAssertion.key is a secret: give the private key whose public half the upstream has',
    ])
    expect(refuseDealing({ clientAssertion: { key: privateKey, certificate: 'none' } })).toEqual([
      'clientAssertion.key goes with a certificate that is not PEM',
    ])
  })

  it('sends the name of a key only where it was given one', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const parse = (key: object): unknown => dealWith(upstream, { clientAssertion: { key } }).clientAssertion
    expect(parse(privateKey)).toEqual({ key: expect.anything(), algorithm: 'ES256' })
    expect(parse({ ...privateKey.export({ format: 'jwk' }), kid: 'mine' })).toEqual({
      key: expect.anything(),
      algorithm: 'ES256',
      kid: 'mine',
    })
  })

  it('goes over what the provider says', () => {
    expect(dealWith(upstream, { authorizeParameters: { prompt: 'login' }, tokenParameters: { audience: 'x' } }).upstream).toMatchObject({
      authorizeParameters: { prompt: 'login', access_type: 'offline' },
      tokenParameters: { audience: 'x' },
    })
  })
})
