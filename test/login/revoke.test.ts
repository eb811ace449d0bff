import { memoryStore } from '@drawbridge/storage'
import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { type House, openHouse, type TokenAnswer } from '../support/house.ts'
import { readJson, refusal } from '../support/read-json.ts'
import { takeCode } from '../support/take-code.ts'
import { detour } from '../support/upstream-detour.ts'

const day = 86_400
const nothing = { status: 200, body: undefined }
const invalidGrant = refusal(400, 'invalid_grant', 'The code or refresh token is invalid, has expired, or belongs to another client.')
const invalidClient = refusal(401, 'invalid_client', 'The client is unknown or did not authenticate as it registered.')

const grantOf = (token: string) => token.slice(6, 42)
const ended = (house: House) => house.events.filter(({ type }) => type === 'grant.ended')
const revoke = (house: House, clientId: string, token: string, fields: Record<string, string> = {}) =>
  house.post('/revoke', { client_id: clientId, token, ...fields })

/** Whether a grant is over for everybody: its access token, and its refresh token. */
async function isOver(house: House, clientId: string, tokens: TokenAnswer): Promise<boolean> {
  const status = await house.mcpStatus(tokens.access_token)
  const answer = await readJson(await house.refresh(clientId, tokens.refresh_token))
  if (status === 401) expect(answer).toEqual(invalidGrant)
  else expect([status, answer.status]).toEqual([200, 200])
  return status === 401
}

describe('revocation', () => {
  it.each([
    ['the refresh token', (tokens: TokenAnswer) => tokens.refresh_token, {}],
    ['the access token', (tokens: TokenAnswer) => tokens.access_token, {}],
    ['the refresh token with a wrong hint', (tokens: TokenAnswer) => tokens.refresh_token, { token_type_hint: 'access_token' }],
    ['the access token with a wrong hint', (tokens: TokenAnswer) => tokens.access_token, { token_type_hint: 'refresh_token' }],
    ['a token with a hint nobody knows', (tokens: TokenAnswer) => tokens.access_token, { token_type_hint: 'pizza' }],
  ])('of %s ends the grant, from the next request on (R140, R142, T108)', async (_, pick, fields) => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    const answer = await revoke(house, clientId, pick(tokens), fields)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    expect(await readJson(answer)).toEqual(nothing)
    expect(await isOver(house, clientId, tokens)).toBe(true)
    expect(ended(house)).toEqual([
      expect.objectContaining({ clientId, grantId: grantOf(tokens.refresh_token), reason: 'revoked_by_client' }),
    ])
  })

  it('holds on the next request to another host (T108)', async () => {
    const house = openHouse()
    const other = openHouse({ beside: house })
    const { clientId, tokens } = await house.login()
    expect(await other.mcpStatus(tokens.access_token)).toBe(200)
    await revoke(house, clientId, tokens.refresh_token)
    expect(await other.mcpStatus(tokens.access_token)).toBe(401)
  })

  it('of an older refresh token ends the grant too (R142)', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    const next: TokenAnswer = await (await house.refresh(clientId, tokens.refresh_token)).json()
    expect(await readJson(await revoke(house, clientId, tokens.refresh_token))).toEqual(nothing)
    expect(await isOver(house, clientId, next)).toBe(true)
  })

  it('twice, or fifty times at once, is answered like once (R140, REL-R36)', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    const answers = await Promise.all(Array.from({ length: 50 }, () => revoke(house, clientId, tokens.refresh_token)))
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 200))
    expect(await readJson(await revoke(house, clientId, tokens.refresh_token))).toEqual(nothing)
    expect(ended(house)).toHaveLength(1)
  })

  it('wins over fifty refreshes at the same time (R142)', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    await Promise.all([
      ...Array.from({ length: 25 }, () => house.refresh(clientId, tokens.refresh_token)),
      revoke(house, clientId, tokens.access_token),
      ...Array.from({ length: 25 }, () => house.refresh(clientId, tokens.refresh_token)),
    ])
    expect(await isOver(house, clientId, tokens)).toBe(true)
  })

  it.each([
    ['nothing of ours', () => 'abc'],
    ['a refresh token with a forged mac', (tokens: TokenAnswer) => tokens.refresh_token.replace(/\.[^.]*$/, `.${'A'.repeat(43)}`)],
    ['an access token with a forged signature', (tokens: TokenAnswer) => tokens.access_token.replace(/\.[^.]*$/, `.${'A'.repeat(43)}`)],
    ['a refresh token of a grant that never was', () => `db_rt_019b796d-d600-7000-8000-000000000000.0.${'A'.repeat(43)}`],
    ['a code, spent or not', (tokens: TokenAnswer) => `db_ac_${grantOf(tokens.refresh_token)}.${'A'.repeat(43)}`],
  ])('of %s is answered with 200 and changes nothing (R140)', async (_, pick) => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    expect(await readJson(await revoke(house, clientId, pick(tokens)))).toEqual(nothing)
    expect(await isOver(house, clientId, tokens)).toBe(false)
    expect(ended(house)).toEqual([])
  })

  it.each([
    ['the refresh token', (tokens: TokenAnswer) => tokens.refresh_token],
    ['the access token', (tokens: TokenAnswer) => tokens.access_token],
  ])('of %s of another client is answered with 200 and changes nothing (R141, T40, T43)', async (_, pick) => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    const other = await house.login()
    expect(await readJson(await revoke(house, other.clientId, pick(tokens)))).toEqual(nothing)
    expect(await isOver(house, clientId, tokens)).toBe(false)
    expect(await isOver(house, other.clientId, other.tokens)).toBe(false)
    await house.environment.drain()
    expect(house.github.calls('revocation')).toBe(0)
  })

  it.each([
    ['an unknown client', { client_id: '019b796d-d600-7000-8000-000000000000' }, undefined, invalidClient, null],
    ['a client secret nobody asked for', { client_secret: 'x' }, undefined, invalidClient, null],
    ['Basic from a public client', {}, 'Basic eDp5', invalidClient, 'Basic realm="Drawbridge"'],
    ['no client', { client_id: '' }, undefined, refusal(400, 'invalid_request', 'The parameter client_id is missing.'), null],
    ['no token', { token: '' }, undefined, refusal(400, 'invalid_request', 'The parameter token is missing.'), null],
  ])('is refused for %s, and the grant goes on (R140, T17, T40)', async (_, fields, authorization, expected, challenge) => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    const sent = { client_id: clientId, token: tokens.refresh_token, ...fields }
    const answer = await house.post('/revoke', sent, authorization === undefined ? {} : { authorization })
    expect(await readJson(answer)).toEqual(expected)
    expect(answer.headers.get('www-authenticate')).toBe(challenge)
    expect(await isOver(house, clientId, tokens)).toBe(false)
  })

  it.each(['token', 'token_type_hint', 'client_id', 'client_secret'])('is refused when %s is sent twice (R62)', async (name) => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    const twice = new URLSearchParams({ [name]: 'x', client_id: clientId, token: tokens.refresh_token })
    twice.append(name, twice.get(name) ?? '')
    expect(await readJson(await house.post('/revoke', twice))).toEqual(
      refusal(400, 'invalid_request', `The parameter ${name} was sent more than once.`),
    )
    expect(await isOver(house, clientId, tokens)).toBe(false)
  })

  it('takes a form by POST and nothing else (T83)', async () => {
    const house = openHouse()
    expect((await house.call('/revoke')).status).toBe(405)
    const json = await house.call('/revoke', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })
    expect(await readJson(json)).toEqual(refusal(400, 'invalid_request', 'The body is not application/x-www-form-urlencoded.'))
  })
})

describe('the upstream is told of a revocation', () => {
  it.each(['oauth-app', 'github-app'] as const)('with its own token, never with ours (T56, T108, %s)', async (mode) => {
    const house = openHouse({ mode })
    const { clientId, tokens } = await house.login()
    const { accessToken } = await house.auth.upstream({ extra: { grantId: grantOf(tokens.refresh_token) } })
    await revoke(house, clientId, tokens.refresh_token)
    await house.environment.drain()
    expect(house.github.received.filter(({ endpoint }) => endpoint === 'revocation')).toEqual([
      {
        endpoint: 'revocation',
        method: 'DELETE',
        path: '/api/v3/applications/upstream-id/token',
        authorization: `Basic ${Buffer.from('upstream-id:upstream-secret').toString('base64')}`,
        body: JSON.stringify({ access_token: accessToken }),
      },
    ])
  })

  it.each([
    ['fails', async () => new Response(null, { status: 500 })],
    ['cannot be reached', () => Promise.reject(new TypeError('fetch failed'))],
    ['says no', async () => Response.json({ message: 'Not Found' }, { status: 404 })],
  ])('and it does not matter when it %s (T108)', async (_, answer) => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    detour(house, answer)
    expect(await readJson(await revoke(house, clientId, tokens.refresh_token))).toEqual(nothing)
    await house.environment.drain()
    expect(await isOver(house, clientId, tokens)).toBe(true)
  })

  it('beside the request, which does not wait for it (I9)', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    let asked = 0
    detour(house, () => {
      asked += 1
      return new Promise(() => {})
    })
    expect(await readJson(await revoke(house, clientId, tokens.refresh_token))).toEqual(nothing)
    expect(await isOver(house, clientId, tokens)).toBe(true)
    while (asked === 0) await new Promise((resolve) => setImmediate(resolve))
  })

  it('and the operator hears of it when it failed', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    detour(house, () => Promise.reject(new TypeError('fetch failed')))
    await revoke(house, clientId, tokens.refresh_token)
    await house.environment.drain()
    expect(house.events).toContainEqual({
      type: 'upstream.failed',
      operation: 'revoke',
      reason: 'not_revoked',
      at: 1_767_268_800,
    })
  })
})

describe('the operator revokes', () => {
  it('every grant of a person, and nobody else’s', async () => {
    const house = openHouse()
    const first = await house.login()
    const second = await house.login()
    const clientId = await house.register()
    const browser = house.browser()
    const consent = await browser.open(house.authorizeUrl(clientId))
    const signInPage = await browser.press(consent, 'Allow')
    const end = await browser.press(signInPage, 'Sign in', { login: 'alice' })
    const alice: TokenAnswer = await (await house.redeem(clientId, new URL(end.url).searchParams.get('code') ?? '')).json()

    expect(await house.auth.revoke({ subject: '583231' })).toBe(2)
    expect(await isOver(house, first.clientId, first.tokens)).toBe(true)
    expect(await isOver(house, second.clientId, second.tokens)).toBe(true)
    expect(await isOver(house, clientId, alice)).toBe(false)
    expect(ended(house).map((event) => event)).toEqual([
      expect.objectContaining({ reason: 'revoked_by_operator' }),
      expect.objectContaining({ reason: 'revoked_by_operator' }),
    ])
    await house.environment.drain()
    expect(house.github.calls('revocation')).toBe(2)
    expect(await house.auth.revoke({ subject: '583231' })).toBe(0)
  })

  it('every grant of a client, and no other’s', async () => {
    const house = openHouse()
    const first = await house.login()
    const again = await house.signIn(first.clientId)
    const second: TokenAnswer = await (await house.redeem(first.clientId, again.searchParams.get('code') ?? '')).json()
    const other = await house.login()
    expect(await house.auth.revoke({ clientId: first.clientId })).toBe(2)
    expect(await isOver(house, first.clientId, first.tokens)).toBe(true)
    expect(await isOver(house, first.clientId, second)).toBe(true)
    expect(await isOver(house, other.clientId, other.tokens)).toBe(false)
  })

  it('one grant', async () => {
    const house = openHouse()
    const first = await house.login()
    const other = await house.login()
    expect(await house.auth.revoke({ grantId: grantOf(first.tokens.refresh_token) })).toBe(1)
    expect(await isOver(house, first.clientId, first.tokens)).toBe(true)
    expect(await isOver(house, other.clientId, other.tokens)).toBe(false)
    expect(await house.auth.revoke({ grantId: grantOf(first.tokens.refresh_token) })).toBe(0)
  })

  it('a grant whose code was not redeemed yet', async () => {
    const house = openHouse()
    const { clientId, code } = await takeCode(house)
    expect(await house.auth.revoke({ subject: '583231' })).toBe(1)
    expect(await readJson(await house.redeem(clientId, code))).toEqual(invalidGrant)
  })

  it('nothing, when there is nothing', async () => {
    const house = openHouse()
    await house.login()
    expect(await house.auth.revoke({ subject: 'nobody' })).toBe(0)
    expect(await house.auth.revoke({ clientId: 'nobody' })).toBe(0)
    expect(await house.auth.revoke({ grantId: 'nobody' })).toBe(0)
  })

  it('and the lists that name the dead do not count them', async () => {
    const house = openHouse()
    const { tokens } = await house.login({ grant_types: ['authorization_code'] })
    house.environment.advance(day)
    expect(await house.mcpStatus(tokens.access_token)).toBe(401)
    expect(await house.auth.revoke({ subject: '583231' })).toBe(0)
  })

  it('hundreds of grants at once', async () => {
    const house = openHouse()
    const clientId = await house.register()
    for (let n = 0; n < 205; n += 1) await house.redeem(clientId, (await house.signIn(clientId)).searchParams.get('code') ?? '')
    expect(await house.auth.revoke({ subject: '583231' })).toBe(205)
    expect(await house.auth.revoke({ clientId })).toBe(0)
  })

  it('by grant only, over a store that has no lists', async () => {
    const world = openHouse()
    const { directory: _, ...store } = memoryStore({ environment: world.environment })
    const house = openHouse({ beside: world, clientStorage: store })
    const { tokens } = await house.login()
    await expect(house.auth.revoke({ subject: '583231' })).rejects.toThrow(
      'This store has no directory: revoke by { grantId }, or use a store that has one.',
    )
    expect(await house.auth.revoke({ grantId: String(decodeJwt(tokens.access_token).gid) })).toBe(1)
  })
})
