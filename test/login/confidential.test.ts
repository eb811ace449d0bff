import { memoryStore } from '@drawbridge/storage'
import { describe, expect, it } from 'vitest'
import { challenge, type House, openHouse, redirectUri, verifier } from '../support/house.ts'

interface Confidential {
  readonly clientId: string
  readonly secret: string
}

async function register(house: House, method: string): Promise<Confidential> {
  const body = JSON.stringify({ redirect_uris: [redirectUri], token_endpoint_auth_method: method })
  const answer = await house.call('/register', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  const { client_id: clientId, client_secret: secret }: { client_id: string; client_secret: string } = await answer.json()
  return { clientId, secret }
}

const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`

async function takeCode(house: House, clientId: string): Promise<string> {
  return (await house.signIn(clientId)).searchParams.get('code') ?? ''
}

function redeem(house: House, fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> {
  return house.post('/token', { grant_type: 'authorization_code', code_verifier: verifier, ...fields }, headers)
}

describe('a confidential client', () => {
  it('proves itself by the header, logs in, refreshes and revokes (R85)', async () => {
    const house = openHouse()
    const { clientId, secret } = await register(house, 'client_secret_basic')
    const headers = { authorization: basic(clientId, secret) }
    const tokens: { refresh_token: string; access_token: string } = await (
      await redeem(house, { code: await takeCode(house, clientId) }, headers)
    ).json()
    const refreshed = await house.post('/token', { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }, headers)
    expect(refreshed.status).toBe(200)
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    expect((await house.post('/revoke', { token: tokens.refresh_token }, headers)).status).toBe(200)
    expect(await house.mcpStatus(tokens.access_token)).toBe(401)
  })

  describe.each(['client_secret_basic', 'client_secret_post'])('that registered %s', (method) => {
    const proofOf = ({ clientId, secret }: Confidential) =>
      method === 'client_secret_basic'
        ? ([{}, { authorization: basic(clientId, secret) }] as const)
        : ([{ client_id: clientId, client_secret: secret }, {}] as const)

    async function login(house: House): Promise<{ client: Confidential; access: string; refresh: string }> {
      const client = await register(house, method)
      const [fields, headers] = proofOf(client)
      const answer = await redeem(house, { code: await takeCode(house, client.clientId), ...fields }, headers)
      const { access_token: access, refresh_token: refresh }: { access_token: string; refresh_token: string } = await answer.json()
      return { client, access, refresh }
    }

    it.each([
      ['refresh', 'refresh_token'],
      ['refresh', 'access_token'],
      ['access', 'access_token'],
      ['access', 'refresh_token'],
    ] as const)('ends its grant by its %s token, with the hint %s (R140, R142, T108)', async (kind, hint) => {
      const house = openHouse()
      const tokens = await login(house)
      const [fields, headers] = proofOf(tokens.client)
      expect((await house.post('/revoke', { token: tokens[kind], token_type_hint: hint, ...fields }, headers)).status).toBe(200)
      expect(await house.mcpStatus(tokens.access)).toBe(401)
    })

    it('ends nobody else’s, and nobody ends its own without its secret (R140, R141, T40)', async () => {
      const house = openHouse()
      const [mine, other] = [await login(house), await login(house)]
      const [fields, headers] = proofOf(other.client)
      for (const token of [mine.access, mine.refresh]) {
        expect((await house.post('/revoke', { token, ...fields }, headers)).status).toBe(200)
        expect((await house.post('/revoke', { token, client_id: mine.client.clientId })).status).toBe(401)
      }
      expect(await house.mcpStatus(mine.access)).toBe(200)
    })
  })

  it('proves itself in the body (R85)', async () => {
    const house = openHouse()
    const { clientId, secret } = await register(house, 'client_secret_post')
    const answer = await redeem(house, { code: await takeCode(house, clientId), client_id: clientId, client_secret: secret })
    expect(answer.status).toBe(200)
  })

  it('may form-encode its id and secret, or not (R87, G12)', async () => {
    const secret = 'a/secret=of:some-length~'
    const house = openHouse({ clients: { static: [{ clientId: 'static/one', clientSecret: secret, redirectUris: [redirectUri] }] } })
    const headers = [basic('static/one', secret), basic(encodeURIComponent('static/one'), encodeURIComponent(secret))]
    for (const authorization of headers) {
      expect((await redeem(house, { code: await takeCode(house, 'static/one') }, { authorization })).status).toBe(200)
    }
    const { clientId, secret: ours } = await register(house, 'client_secret_basic')
    expect([encodeURIComponent(clientId), encodeURIComponent(ours)]).toEqual([clientId, ours])
  })

  const refusal = { error: 'invalid_client', error_description: 'The client is unknown or did not authenticate as it registered.' }

  it.each([
    ['no secret', () => ({}), 'client_authentication_by_another_method'],
    ['a secret in the body', ({ secret }: Confidential) => ({ client_secret: secret }), 'client_authentication_by_another_method'],
  ])('that registered for the header is refused with %s, and its code is still good (T17, R88)', async (_, fields, reason) => {
    const house = openHouse()
    const client = await register(house, 'client_secret_basic')
    const code = await takeCode(house, client.clientId)
    const answer = await redeem(house, { code, client_id: client.clientId, ...fields(client) })
    expect([answer.status, await answer.json()]).toEqual([401, refusal])
    expect(house.events.at(-1)).toMatchObject({ type: 'request.refused', reason })
    expect((await redeem(house, { code }, { authorization: basic(client.clientId, client.secret) })).status).toBe(200)
  })

  it.each([
    ['a wrong secret', (id: string) => basic(id, 'x'.repeat(43)), 'client_secret_wrong'],
    ['an empty secret', (id: string) => basic(id, ''), 'client_secret_wrong'],
    ['an unknown client', () => basic('nobody', 'x'.repeat(43)), 'client_unknown'],
    ['no colon', (id: string) => `Basic ${Buffer.from(id).toString('base64')}`, 'client_authentication_malformed'],
    ['what is not base64', () => 'Basic ***', 'client_authentication_malformed'],
    ['base64 in another spelling', (id: string) => `${basic(id, 'abc').replace(/=+$/, '')}`, 'client_authentication_malformed'],
    ['bad percent-encoding', () => basic('%zz', '%'), 'client_authentication_malformed'],
    ['two headers', (id: string) => `${basic(id, 'x')}, ${basic(id, 'x')}`, 'client_authentication_malformed'],
  ])('is answered alike for %s, and told how to authenticate (T18, R86)', async (_, header, reason) => {
    const house = openHouse()
    const { clientId } = await register(house, 'client_secret_basic')
    const answer = await redeem(house, { code: 'db_ac_x' }, { authorization: header(clientId) })
    expect([answer.status, await answer.json()]).toEqual([401, refusal])
    expect(answer.headers.get('www-authenticate')).toMatch(/^Basic /)
    expect(house.events.at(-1)).toMatchObject({ reason })
  })

  it('is refused with another scheme than Basic', async () => {
    const house = openHouse()
    const { clientId, secret } = await register(house, 'client_secret_basic')
    const answer = await redeem(house, { code: 'db_ac_x' }, { authorization: basic(clientId, secret).replace('Basic', 'Bearer') })
    expect([answer.status, await answer.json(), answer.headers.get('www-authenticate')]).toEqual([401, refusal, null])
  })

  it('may not authenticate in two ways (T18)', async () => {
    const house = openHouse()
    const { clientId, secret } = await register(house, 'client_secret_basic')
    const answer = await redeem(house, { code: 'db_ac_x', client_secret: secret }, { authorization: basic(clientId, secret) })
    expect([answer.status, await answer.json()]).toEqual([
      400,
      { error: 'invalid_request', error_description: 'The client authenticates in two ways.' },
    ])
  })

  it('is not another client in the body than in the header', async () => {
    const house = openHouse()
    const [one, other] = [await register(house, 'client_secret_basic'), await register(house, 'client_secret_basic')]
    const answer = await redeem(house, { code: 'db_ac_x', client_id: other.clientId }, { authorization: basic(one.clientId, one.secret) })
    expect(answer.status).toBe(401)
  })

  it('is kept without its secret (R103)', async () => {
    const written: string[] = []
    const store = memoryStore()
    const house = openHouse({
      clientStorage: {
        ...store,
        set(key, value, ttl, seen) {
          written.push(key, value)
          return store.set(key, value, ttl, seen)
        },
      },
    })
    const { clientId, secret } = await register(house, 'client_secret_post')
    expect(written.join()).toContain(clientId)
    expect(written.join()).not.toContain(secret)
  })
})

describe('a client that the operator lists', () => {
  it('needs no registration, and logs in (R111)', async () => {
    const house = openHouse({ clients: { static: [{ clientId: 'static-one', redirectUris: [redirectUri], clientName: 'By hand' }] } })
    const page = await house.browser().open(house.authorizeUrl('static-one'))
    expect(page.title).toBe('By hand asks for access')
    const answer = await redeem(house, { code: await takeCode(house, 'static-one'), client_id: 'static-one' })
    expect(answer.status).toBe(200)
  })

  it('is held to its redirect URIs', async () => {
    const house = openHouse({ clients: { static: [{ clientId: 'static-one', redirectUris: [redirectUri] }] } })
    const answer = await house.call(
      house.authorizeUrl('static-one', { redirect_uri: 'https://elsewhere.example/cb', code_challenge: challenge }),
    )
    expect([answer.status, answer.headers.get('location')]).toEqual([400, null])
  })

  it('that cannot work stops the start, with everything that is wrong', () => {
    const bad = [
      { clientId: 'has blanks', redirectUris: [redirectUri] },
      { clientId: 'a:colon', redirectUris: [redirectUri] },
      { clientId: 'plus', clientSecret: 'a+secret+with+plus', redirectUris: [redirectUri] },
      { clientId: 'weak', clientSecret: 'short', redirectUris: [redirectUri] },
      { clientId: 'open', redirectUris: ['http://elsewhere.example/cb'] },
      { clientId: 'twice', redirectUris: [redirectUri] },
      { clientId: 'twice', redirectUris: [redirectUri] },
    ]
    expect(() => openHouse({ clients: { static: bad } })).toThrow(
      [
        'Drawbridge cannot start:',
        '  - the static client "has blanks" has a clientId with a blank, : + % or other characters than ASCII',
        '  - the static client "a:colon" has a clientId with a blank, : + % or other characters than ASCII',
        '  - the static client "plus" has a clientSecret with a blank, + % or other characters than ASCII',
        '  - the static client "weak" has a clientSecret of less than 16 characters',
        '  - the static client "open" is refused: A redirect URI is http outside loopback.',
        '  - clients.static lists a clientId twice',
      ].join('\n'),
    )
  })

  it.each([
    ['a secret that is not set', { clientSecret: undefined }, 'has a clientSecret that is not set'],
    ['a secret that is null', { clientSecret: null }, 'has a clientSecret that is not set'],
    ['keys that are not set', { jwksUri: undefined }, 'has a jwksUri that is not set'],
    ['a secret that is no text', { clientSecret: 12345678901234567890n }, 'has a clientSecret with a blank, + % or other characters'],
    [
      'a secret that it does not send',
      { authentication: 'none' },
      'has an authentication that is neither client_secret_basic nor client_secret_post',
    ],
    ['scopes in one text', { scopes: 'read write' }, 'has scopes that are not a list of scopes'],
    ['a scope that is two', { scopes: ['read write'] }, 'has scopes that are not a list of scopes'],
    ['a scope that is none', { scopes: [1] }, 'has scopes that are not a list of scopes'],
    ['no scopes', { scopes: null }, 'has scopes that are not a list of scopes'],
    ['no id', { clientId: undefined }, 'has a clientId with a blank, : + % or other characters than ASCII'],
  ])('cannot be listed with %s (T101)', (_, members, problem) => {
    const client: object = { clientId: 'desk', clientSecret: 'a-secret-of-some-length', redirectUris: [redirectUri], ...members }
    const list: object = { static: [client] }
    expect(() => openHouse({ clients: list })).toThrow(problem)
  })
})
