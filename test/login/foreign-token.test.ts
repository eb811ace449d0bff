import fc from 'fast-check'
import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { openHouse, verifier } from '../support/house.ts'
import { comeToCallback } from '../support/tab.ts'

/** A live token of the upstream, which the upstream would answer for: it was given to somebody else's login. */
async function withForeignToken() {
  const house = openHouse()
  const { tokens } = await house.login()
  const { accessToken } = await house.auth.upstream(await house.auth.verifyAccessToken(tokens.access_token))
  return { house, foreign: accessToken }
}

describe('a token that the upstream gave to others (T69)', () => {
  it('is accepted nowhere, and nobody asks the upstream about it', async () => {
    const { house, foreign } = await withForeignToken()
    const clientId = await house.register()
    await house.environment.drain()
    const asked = house.github.received.length
    const events = house.events.filter(({ type }) => type === 'grant.opened').length
    const { callback, tab } = await comeToCallback(house)
    const forged = new URL(callback)
    forged.searchParams.delete('code')
    for (const name of ['access_token', 'id_token', 'token']) forged.searchParams.set(name, foreign)
    const answers = [
      await house.post('/token', { grant_type: 'authorization_code', client_id: clientId, code: foreign, code_verifier: verifier }),
      await house.post('/token', { grant_type: 'refresh_token', client_id: clientId, refresh_token: foreign }),
      await house.post('/token', { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', client_id: clientId, assertion: foreign }),
      await house.post('/token', {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        client_id: clientId,
        subject_token: foreign,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      }),
      await house.post('/token', { grant_type: 'client_credentials', client_id: clientId, client_secret: foreign }),
      await house.call('/register', {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${foreign}` },
        body: '{"redirect_uris":[]}',
      }),
    ]
    expect(answers.map(({ ok }) => ok)).toEqual(answers.map(() => false))
    expect(await house.mcpStatus(foreign)).toBe(401)
    expect(new URL((await tab.open(forged.href)).location).searchParams.get('error')).toBe('server_error')
    await house.environment.drain()
    expect(JSON.stringify(house.github.received.slice(asked))).not.toContain(foreign)
    expect(house.events.filter(({ type }) => type === 'grant.opened').length).toBe(events)
  })

  it('revokes nothing, though it is a live one', async () => {
    const { house, foreign } = await withForeignToken()
    const clientId = await house.register()
    const asked = house.github.received.length
    expect((await house.post('/revoke', { client_id: clientId, token: foreign })).status).toBe(200)
    await house.environment.drain()
    expect(house.github.received.length).toBe(asked)
  })
})

const claims = fc.dictionary(
  fc.constantFrom(
    'iss',
    'sub',
    'aud',
    'exp',
    'iat',
    'jti',
    'client_id',
    'clientId',
    'scope',
    'scopes',
    'gid',
    'grantId',
    'subject',
    'token',
    '__proto__',
    'constructor',
    'login',
  ),
  fc.jsonValue({ maxDepth: 2 }),
)

describe('what the upstream says of a person (T70)', () => {
  it('never changes a claim of ours, nor adds one, whatever it says', async () => {
    let said: Readonly<Record<string, unknown>> = {}
    const house = openHouse({ limits: { rateLimit: false }, identify: async () => ({ subject: 'the-person', claims: said }) })
    const clientId = await house.register()
    const loginOf = async (upstreamSays: Readonly<Record<string, unknown>>) => {
      said = upstreamSays
      const code = (await house.signIn(clientId)).searchParams.get('code') ?? ''
      const { access_token: accessToken }: { access_token: string } = await (await house.redeem(clientId, code)).json()
      const { jti, gid, ...payload } = decodeJwt(accessToken)
      const { token, extra, ...info } = await house.auth.verifyAccessToken(accessToken)
      return { payload, info, subject: extra.subject, names: Object.keys(extra), isOurs: extra.grantId === gid && token === accessToken }
    }
    const plain = await loginOf({})
    expect(plain).toMatchObject({ isOurs: true, subject: 'the-person', payload: { sub: 'the-person', client_id: clientId } })
    await fc.assert(
      fc.asyncProperty(claims, async (upstreamSays) => {
        expect(await loginOf(upstreamSays)).toEqual(plain)
        expect(Reflect.get({}, 'admin')).toBeUndefined()
      }),
      { seed: 7, numRuns: 60 },
    )
  })
})
