import { randomBytes } from 'node:crypto'
import { ConfigurationError, type StaticToken, StaticTokenVerifier } from '@drawbridge/core'
import { describe, expect, it } from 'vitest'
import { readJson } from '../support/read-json.ts'
import { now, openRemote, refusals, resource } from './issuer.ts'

const token = 'k7Qw2Xz9Lr4Tn8Vb1Yc6Hd3Jf5Mg0Ps_'
const other = randomBytes(32).toString('base64url')

const verifierOf = (...tokens: StaticToken[]) => new StaticTokenVerifier({ tokens })

describe('a static token', () => {
  it('passes, for the client that has it, under a subject that no person has (R99)', async () => {
    const house = openRemote({
      verifier: verifierOf({ token: other, clientId: 'ci' }, { token, clientId: 'nightly job', scopes: ['read'] }),
    })
    expect(await house.auth.verifyAccessToken(token)).toEqual({
      token,
      clientId: 'nightly job',
      scopes: ['read'],
      expiresAt: now + 60,
      resource: new URL(resource),
      resourceMetadataUrl: 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp',
      extra: { subject: 'urn:drawbridge:client:nightly%20job', identity: { subject: 'urn:drawbridge:client:nightly%20job', claims: {} } },
    })
    expect((await house.auth.verifyAccessToken(other)).scopes).toEqual([])
  })

  it('acts for whom the operator says', async () => {
    const house = openRemote({ verifier: verifierOf({ token, clientId: 'ci', subject: 'person-1' }) })
    expect(await readJson(await house.knock(token))).toEqual({ status: 200, body: { passed: 'person-1' } })
  })

  it('is refused, one character from the good one', async () => {
    const house = openRemote({ verifier: verifierOf({ token, clientId: 'ci' }) })
    for (const wrong of [token.slice(0, -1), `${token}a`, token.toLowerCase(), `${token.slice(0, -1)}-`])
      expect((await house.knock(wrong)).status).toBe(401)
    expect(new Set(refusals(house))).toEqual(new Set(['token_not_ours']))
  })

  it('ends when it was said to', async () => {
    const house = openRemote({ verifier: verifierOf({ token, clientId: 'ci', expiresAt: now + 10 }) })
    house.environment.advance(9)
    expect((await house.knock(token)).status).toBe(200)
    house.environment.advance(1)
    expect((await house.knock(token)).status).toBe(401)
    expect(refusals(house)).toEqual(['token_expired'])
  })

  it('needs the scopes that the call needs, compared whole (T68)', async () => {
    const house = openRemote({ verifier: verifierOf({ token, clientId: 'ci', scopes: ['admin_readonly'] }), requiredScopes: ['admin'] })
    expect((await house.knock(token)).status).toBe(403)
    expect(house.events).toEqual([
      expect.objectContaining({ type: 'token.refused', reason: 'scope_missing', clientId: 'ci', scopes: ['admin'] }),
    ])
  })

  it('is nowhere to be found in the verifier', () => {
    expect(JSON.stringify(verifierOf({ token, clientId: 'ci' }))).toBe('{}')
  })
})

describe('a StaticTokenVerifier, when it is made (T66)', () => {
  it.each<[string, StaticToken[], RegExp]>([
    ['no token at all', [], /there is no token in the table/],
    ['a token of 31 bytes', [{ token: token.slice(1), clientId: 'ci' }], /token 1 is shorter than 32 bytes \(it has 31\)/],
    ['a token that repeats', [{ token: 'abcdefghijklmnopabcdefghijklmnop', clientId: 'ci' }], /token 1 can be guessed/],
    ['a token that says it is an example', [{ token: 'your-secret-0123456789-abcdefghijkl', clientId: 'ci' }], /token 1 can be guessed/],
    [
      'a token that cannot be sent',
      [{ token: `${token} with blanks`, clientId: 'ci' }],
      /token 1 has characters that no bearer token can have/,
    ],
    ['a token twice', [token, token].map((each) => ({ token: each, clientId: 'ci' })), /a token is listed twice/],
    ['no client', [{ token, clientId: '' }], /token 1 has no clientId/],
    ['an empty subject', [{ token, clientId: 'ci', subject: '' }], /token 1 has a subject that is empty/],
    ['a scope that is none', [{ token, clientId: 'ci', scopes: ['a b'] }], /token 1 has scopes that are none/],
    ['an end that is no moment', [{ token, clientId: 'ci', expiresAt: 0.5 }], /token 1 has an expiresAt/],
  ])('refuses %s, and never says which', (_, tokens, problem) => {
    const error = (() => {
      try {
        return verifierOf(...tokens)
      } catch (cause) {
        return cause
      }
    })()
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(String(error)).toMatch(problem)
    for (const { token: secret } of tokens) expect(String(error)).not.toContain(secret)
  })
})
