import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { decodeProtectedHeader } from 'jose'
import { describe, expect, it } from 'vitest'
import { type House, openHouse, signingKey, verifier } from '../support/house.ts'
import { comeToCallback } from '../support/tab.ts'

/** One of everything that this server hands out, by its kind. */
async function oneOfEach(house: House): Promise<Readonly<Record<string, string>>> {
  const { tab, clientId, state, callback } = await comeToCallback(house)
  const page = await tab.open(house.authorizeUrl(clientId))
  const answer = await house.call('/register', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"redirect_uris":["http://127.0.0.1/x"],"token_endpoint_auth_method":"client_secret_post"}',
  })
  const { client_secret: clientSecret } = await answer.json()
  const { tokens } = await house.login()
  const code = (await house.signIn(await house.register())).searchParams.get('code') ?? ''
  const [form = '', login = ''] = tab.cookies.values()
  const { accessToken } = await house.auth.upstream(await house.auth.verifyAccessToken(tokens.access_token))
  const upstreamCode = new URL(callback).searchParams.get('code') ?? ''
  const kinds = { state, upstreamCode, form, login, clientId, clientSecret, code, 'consent form': page.sealed }
  return { ...kinds, 'access token': tokens.access_token, 'refresh token': tokens.refresh_token, 'upstream access token': accessToken }
}

/** Where a thing of one kind is due: which, and what comes of any other. Each is asked as the client whose thing it would be. */
const places: readonly { readonly due: string; readonly ask: (house: House, clientId: string, thing: string) => Promise<number> }[] = [
  { due: 'access token', ask: (house, _, thing) => house.mcpStatus(thing.replace(/[^\x21-\x7e]/g, '')) },
  {
    due: 'code',
    ask: async ({ post }, clientId, code) =>
      (await post('/token', { grant_type: 'authorization_code', client_id: clientId, code, code_verifier: verifier })).status,
  },
  { due: 'refresh token', ask: async (house, clientId, thing) => (await house.refresh(clientId, thing)).status },
  { due: 'clientId', ask: async ({ call, authorizeUrl }, _, thing) => (await call(authorizeUrl(thing))).status },
  {
    due: 'clientSecret',
    ask: async ({ post }, clientId, thing) => (await post('/revoke', { client_id: clientId, client_secret: thing, token: 'x' })).status,
  },
  {
    due: 'state',
    ask: async ({ call, baseUrl }, _, thing) => {
      const { tab } = await comeToCallback(house)
      const cookie = [...tab.cookies].map((pair) => pair.join('=')).join('; ')
      return (await call(`${baseUrl}/auth/callback?${new URLSearchParams({ code: 'x', state: thing })}`, { headers: { cookie } })).status
    },
  },
  {
    due: 'consent form',
    ask: async ({ post }, _, thing) => {
      const { tab } = await comeToCallback(house)
      const cookie = [...tab.cookies].map((pair) => pair.join('=')).join('; ')
      return (await post('/consent', { request: thing, decision: 'approve' }, { cookie })).status
    },
  },
]

const house = openHouse({ limits: { rateLimit: false } })

describe('a thing of one kind, where another is due', () => {
  it.each(places)('is refused in the place of the $due, and nothing comes of it (T62, T104)', async ({ due, ask }) => {
    const things = await oneOfEach(house)
    const clientId = await house.register()
    const grants = house.events.filter(({ type }) => type === 'token.issued').length
    for (const [kind, thing] of Object.entries(things)) {
      if (kind === due) continue
      expect([kind, await ask(house, clientId, thing)]).toEqual([kind, expect.toBeOneOf([400, 401, 403])])
    }
    expect(house.events.filter(({ type }) => type === 'token.issued').length).toBe(grants)
  })
})

describe('an access token', () => {
  const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const sign = (text: string, key: string, hash: string): string => createHmac(hash, key).update(text).digest('base64url')
  const header = fc.record(
    {
      alg: fc.constantFrom(
        'none',
        'None',
        'NONE',
        '',
        'HS256',
        'hs256',
        'HS384',
        'HS512',
        'RS256',
        'ES256',
        'PS256',
        'EdDSA',
        'dir',
        'A256KW',
      ),
      typ: fc.constantFrom('at+jwt', 'JWT', 'AT+JWT', 'application/at+jwt', ''),
      kid: fc.oneof(fc.constantFrom('../../dev/null', '*', "' OR 1=1", 'x'.repeat(10_000), '__proto__'), fc.string({ maxLength: 70 })),
      jwk: fc.constant({ kty: 'oct', k: Buffer.from('a-key-of-the-attacker').toString('base64url') }),
      jku: fc.constant('http://127.0.0.1:9999/jwks.json'),
      x5u: fc.constant('http://127.0.0.1:9999/cert.pem'),
      x5c: fc.constant(['AAAA']),
      crit: fc.constantFrom(['b64'], ['exp'], []),
      b64: fc.boolean(),
      enc: fc.constant('A256GCM'),
    },
    { requiredKeys: ['alg'] },
  )
  const signature = fc.constantFrom('ours', 'theirs', 'none', 'of another text', 'public')

  it('whose header says anything else than ours is refused, whatever has signed it, and nothing is fetched for it (T64, T65)', async () => {
    const { tokens } = await house.login()
    const [, payload = '', good = ''] = tokens.access_token.split('.')
    const ours = decodeProtectedHeader(tokens.access_token)
    await house.environment.drain()
    const asked = house.github.received.length
    await fc.assert(
      fc.asyncProperty(header, fc.boolean(), signature, async (said, withOurKid, by) => {
        const written = { ...said, ...(withOurKid && { kid: ours.kid }) }
        fc.pre(!(written.alg === 'HS256' && written.kid === ours.kid))
        const text = `${base64url(written)}.${payload}`
        const hash = said.alg === 'HS384' ? 'sha384' : said.alg === 'HS512' ? 'sha512' : 'sha256'
        const signatures: Record<string, string> = {
          ours: sign(text, signingKey, hash),
          theirs: sign(text, 'a-key-of-the-attacker', hash),
          none: '',
          'of another text': good,
          public: sign(text, JSON.stringify(house.auth.oauthMetadata), hash),
        }
        expect(await house.mcpStatus(`${text}.${signatures[by]}`)).toBe(401)
      }),
      { seed: 64, numRuns: 300 },
    )
    await house.environment.drain()
    expect(house.github.received.length).toBe(asked)
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
  })

  it('with one character changed is refused, wherever it is (T64)', async () => {
    const { tokens } = await house.login()
    const token = tokens.access_token
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 1), fc.constantFrom(...'AZaz09-_.'), async (at, character) => {
        const changed = `${token.slice(0, at)}${character}${token.slice(at + 1)}`
        fc.pre(changed !== token && at !== token.length - 1)
        expect(await house.mcpStatus(changed)).toBe(401)
      }),
      { seed: 65, numRuns: 200 },
    )
    // Of the last character four of six bits count; whatever they are not, it is not another token.
    expect(await house.mcpStatus(`${token.slice(0, -1)}${token.endsWith('A') ? 'Q' : 'A'}`)).toBe(401)
  })
})
