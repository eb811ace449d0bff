import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { failingStore } from '../support/failing-store.ts'
import { type House, openHouse, type TokenAnswer } from '../support/house.ts'
import { expectUnavailable, readJson, refusal, soon } from '../support/read-json.ts'
import { detour } from '../support/upstream-detour.ts'

const minute = 60
const hour = 3600
const day = 86_400

const invalidGrant = refusal(400, 'invalid_grant', 'The code or refresh token is invalid, has expired, or belongs to another client.')
const invalidTarget = refusal(400, 'invalid_target', 'The resource is not the one that was granted.')
const invalidScope = refusal(400, 'invalid_scope', 'The scope is wider than the one that was granted.')
const malformedScope = refusal(400, 'invalid_scope', 'The parameter scope has characters that no scope has.')
const invalidClient = refusal(401, 'invalid_client', 'The client is unknown or did not authenticate as it registered.')

const grantOf = (token: string) => token.slice(6, 42)
const generationOf = (token: string) => Number(token.split('.')[1])
const reasons = (house: House) => house.events.flatMap((event) => (event.type === 'request.refused' ? [event.reason] : []))
const ended = (house: House) => house.events.filter(({ type }) => type === 'grant.ended')

/** Refreshes, which has to work. */
async function rotate(house: House, clientId: string, refreshToken: string, fields?: Record<string, string>): Promise<TokenAnswer> {
  const answer = await house.refresh(clientId, refreshToken, fields)
  if (answer.status !== 200) throw new Error(`refresh: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

/** A body that goes on for a gigabyte, to whoever reads it. */
function gigabyte(): ReadableStream<Uint8Array> {
  let sent = 0
  return new ReadableStream({
    pull(controller) {
      sent += 65_536
      controller.enqueue(new Uint8Array(65_536).fill(120))
      if (sent >= 2 ** 30) controller.close()
    },
  })
}

/** Uses an access token, and waits until what goes on beside the request is done. */
async function use(house: House, accessToken: string): Promise<number> {
  const status = await house.mcpStatus(accessToken)
  await house.environment.drain()
  return status
}

describe('a refresh', () => {
  it('rotates: a new access token and a new refresh token of the same grant (R93, B45)', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    house.environment.advance(1800)
    const answer = await house.refresh(clientId, tokens.refresh_token)
    const body: TokenAnswer = await answer.clone().json()
    expect(await readJson(answer)).toEqual({
      status: 200,
      body: {
        access_token: expect.not.stringMatching(tokens.access_token),
        token_type: 'Bearer',
        expires_in: 3600,
        scope: 'user',
        refresh_token: expect.stringMatching(new RegExp(`^db_rt_${grantOf(tokens.refresh_token)}\\.1\\.[A-Za-z0-9_-]{43}$`)),
      },
    })
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(decodeJwt(body.access_token)).toMatchObject({ gen: 1, iat: 1_767_270_600, exp: 1_767_274_200, client_id: clientId })
  })

  it('does not end the access tokens before it', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    const next = await rotate(house, clientId, tokens.refresh_token)
    expect(await use(house, next.access_token)).toBe(200)
    expect(await use(house, tokens.access_token)).toBe(200)
  })

  it('accepts the resource that was granted, in capitals too (R25, R95)', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    const next = await rotate(house, clientId, tokens.refresh_token, { resource: 'HTTP://LOCALHOST:8000/mcp' })
    expect(decodeJwt(next.access_token).aud).toBe('http://localhost:8000/mcp')
  })

  it('fifty times at once is fifty answers with one successor (R94, REL-R2, G1, I3)', async () => {
    const house = openHouse()
    const other = openHouse({ beside: house })
    const { clientId, tokens } = await house.login()
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => rotate(n % 2 === 0 ? house : other, clientId, tokens.refresh_token)),
    )
    expect(new Set(answers.map((answer) => answer.refresh_token)).size).toBe(1)
    expect(answers.map((answer) => generationOf(answer.refresh_token))).toEqual(Array.from({ length: 50 }, () => 1))
    for (const { access_token: accessToken } of answers) expect(await house.mcpStatus(accessToken)).toBe(200)
  })
})

describe('the refresh token before the newest', () => {
  it.each([
    ['1 s', 1],
    ['59 s', 59],
    ['60 s', 60],
    ['61 s', 61],
    ['10 min', 10 * minute],
    ['24 h', day],
  ])('is answered with the same successor %s later, while the successor is unused (R94, REL-R3, I3)', async (_, later) => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    const lost = await rotate(house, clientId, tokens.refresh_token)
    house.environment.advance(later)
    const again = await rotate(house, clientId, tokens.refresh_token)
    expect(again.refresh_token).toBe(lost.refresh_token)
    expect(decodeJwt(again.access_token).gen).toBe(1)
    expect((await rotate(house, clientId, again.refresh_token)).refresh_token).toContain('.2.')
  })

  it.each([
    ['1 s', 1],
    ['59 s', 59],
    ['60 s', 60],
  ])('is answered with the same successor %s later, though the successor is in use (R94, REL-R3)', async (_, later) => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    const next = await rotate(house, clientId, tokens.refresh_token)
    expect(await use(house, next.access_token)).toBe(200)
    house.environment.advance(later)
    expect((await rotate(house, clientId, tokens.refresh_token)).refresh_token).toBe(next.refresh_token)
  })

  it.each([
    ['61 s later, once an access token of the successor was used', 61, true],
    ['10 min later, once an access token of the successor was used', 10 * minute, true],
    ['a day and a second later, though the successor is unused', day + 1, false],
  ])('ends the grant %s (R94, REL-R3, I3)', async (_, later, isUsed) => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    const next = await rotate(house, clientId, tokens.refresh_token)
    if (isUsed) expect(await use(house, next.access_token)).toBe(200)
    house.environment.advance(later)
    expect(await readJson(await house.refresh(clientId, tokens.refresh_token))).toEqual(invalidGrant)
    expect(await house.mcpStatus(next.access_token)).toBe(401)
    expect(await readJson(await house.refresh(clientId, next.refresh_token))).toEqual(invalidGrant)
    const grantId = grantOf(tokens.refresh_token)
    expect(house.events).toContainEqual(expect.objectContaining({ type: 'refresh.replayed', clientId, grantId }))
    expect(ended(house)).toEqual([expect.objectContaining({ clientId, grantId, reason: 'refresh_replayed' })])
    await house.environment.drain()
    expect(house.github.calls('revocation')).toBe(1)
  })

  it('does not confirm its successor by an access token of its own', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    const next = await rotate(house, clientId, tokens.refresh_token)
    expect(await use(house, tokens.access_token)).toBe(200)
    house.environment.advance(10 * minute)
    expect((await rotate(house, clientId, tokens.refresh_token)).refresh_token).toBe(next.refresh_token)
  })

  it('is two generations old once its successor was redeemed, and ends the grant at once (R94, I3)', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    const next = await rotate(house, clientId, tokens.refresh_token)
    await rotate(house, clientId, next.refresh_token)
    expect(await readJson(await house.refresh(clientId, tokens.refresh_token))).toEqual(invalidGrant)
    expect(ended(house)).toHaveLength(1)
  })
})

describe('a stolen refresh token', () => {
  it('ends the grant when the person uses the one it was copied from (REL-R4, I3)', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    const thief = await rotate(house, clientId, tokens.refresh_token)
    expect(await use(house, thief.access_token)).toBe(200)
    house.environment.advance(5 * minute)
    expect(await readJson(await house.refresh(clientId, tokens.refresh_token))).toEqual(invalidGrant)
    expect(await house.mcpStatus(thief.access_token)).toBe(401)
    expect(await readJson(await house.refresh(clientId, thief.refresh_token))).toEqual(invalidGrant)
  })

  it('ends the grant when the thief comes after the person (REL-R4, I3)', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    const person = await rotate(house, clientId, tokens.refresh_token)
    expect(await use(house, person.access_token)).toBe(200)
    house.environment.advance(5 * minute)
    expect(await readJson(await house.refresh(clientId, tokens.refresh_token))).toEqual(invalidGrant)
    expect(await house.mcpStatus(person.access_token)).toBe(401)
    expect(house.events).toContainEqual(expect.objectContaining({ type: 'refresh.replayed' }))
  })

  it('is found out at the next conflict when both alternate within the grace (REL-R4)', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    const person = await rotate(house, clientId, tokens.refresh_token)
    const thief = await rotate(house, clientId, tokens.refresh_token)
    expect(thief.refresh_token).toBe(person.refresh_token)
    const further = await rotate(house, clientId, person.refresh_token)
    expect(await use(house, further.access_token)).toBe(200)
    house.environment.advance(61)
    expect(await readJson(await house.refresh(clientId, thief.refresh_token))).toEqual(invalidGrant)
    expect(await house.mcpStatus(further.access_token)).toBe(401)
  })
})

describe('a refused refresh changes nothing', () => {
  const forged = (token: string) => token.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))

  it.each([
    ['a wider scope (R95, B48)', { scope: 'user repo' }, invalidScope, 'scope_wider_than_granted'],
    ['a scope of the same beginning (T68)', { scope: 'use' }, invalidScope, 'scope_wider_than_granted'],
    ['a scope with characters that no scope has (T67)', { scope: 'user"' }, malformedScope, 'scope_malformed'],
    ['another resource (R95, T59)', { resource: 'https://other.example/mcp' }, invalidTarget, 'refresh_token_for_another_resource'],
    ['a client secret (R88, T17)', { client_secret: 'x' }, invalidClient, 'client_authentication_by_another_method'],
    ['a client that is unknown (R102)', { client_id: '019b796d-d600-7000-8000-000000000000' }, invalidClient, 'client_unknown'],
  ])('%s', async (_, fields, expected, reason) => {
    const house = openHouse({ clients: { validScopes: ['repo', 'use'] } })
    const { clientId, tokens } = await house.login()
    expect(await readJson(await house.refresh(clientId, tokens.refresh_token, fields))).toEqual(expected)
    expect(reasons(house)).toEqual([reason])
    expect(generationOf((await rotate(house, clientId, tokens.refresh_token)).refresh_token)).toBe(1)
  })

  it('another client (R95, T15, T43)', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    const other = await house.login()
    expect(await readJson(await house.refresh(other.clientId, tokens.refresh_token))).toEqual(invalidGrant)
    expect(reasons(house)).toEqual(['refresh_token_of_another_client'])
    expect(generationOf((await rotate(house, clientId, tokens.refresh_token)).refresh_token)).toBe(1)
  })

  it.each([
    ['a forged mac', forged],
    ['the mac of another generation', (token: string) => token.replace('.0.', '.1.')],
    ['a generation far ahead', (token: string) => token.replace('.0.', '.999999999.')],
    ['a generation with a zero before it', (token: string) => token.replace('.0.', '.00.')],
    ['a blank behind it', (token: string) => `${token} `],
    ['nothing of ours', () => 'abc'],
    ['a code (T62)', (token: string) => token.replace('db_rt', 'db_ac').replace('.0.', '.')],
  ])('%s (R94, R95)', async (_, change) => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    expect(await readJson(await house.refresh(clientId, change(tokens.refresh_token)))).toEqual(invalidGrant)
    expect(generationOf((await rotate(house, clientId, tokens.refresh_token)).refresh_token)).toBe(1)
  })

  it('an access token, where a refresh token belongs (T62)', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    expect(await readJson(await house.refresh(clientId, tokens.access_token))).toEqual(invalidGrant)
    expect(generationOf((await rotate(house, clientId, tokens.refresh_token)).refresh_token)).toBe(1)
  })

  it('a request without the token (R80)', async () => {
    const house = openHouse()
    const { clientId } = await house.login()
    const answer = await house.refresh(clientId, '')
    expect(await readJson(answer)).toEqual(refusal(400, 'invalid_request', 'The parameter refresh_token is missing.'))
  })

  it('a replayed token with changed parameters: they are judged before its age, and the grant goes on (R95)', async () => {
    const house = openHouse({ clients: { validScopes: ['repo'] } })
    const { clientId, tokens } = await house.login()
    const next = await rotate(house, clientId, tokens.refresh_token)
    const newest = await rotate(house, clientId, next.refresh_token)
    const old = tokens.refresh_token
    expect(await readJson(await house.refresh(clientId, old, { scope: 'repo' }))).toEqual(invalidScope)
    expect(await readJson(await house.refresh(clientId, old, { resource: 'https://other.example/mcp' }))).toEqual(invalidTarget)
    expect(await readJson(await house.refresh(clientId, forged(old)))).toEqual(invalidGrant)
    expect(ended(house)).toEqual([])
    expect((await rotate(house, clientId, newest.refresh_token)).refresh_token).toContain('.3.')
  })
})

describe('scope', () => {
  const scopes = { requiredScopes: ['user'], clients: { validScopes: ['user', 'gist'] } }

  it('may be narrowed by a refresh, and the next one without it has all of it again (R95, B48)', async () => {
    const house = openHouse(scopes)
    const clientId = await house.register()
    const end = await house.signIn(clientId, { scope: 'user gist' })
    const tokens: TokenAnswer = await (await house.redeem(clientId, end.searchParams.get('code') ?? '')).json()
    const narrow = await rotate(house, clientId, tokens.refresh_token, { scope: 'gist' })
    expect([narrow.scope, decodeJwt(narrow.access_token).scope]).toEqual(['gist', 'gist'])
    const whole = await rotate(house, clientId, narrow.refresh_token)
    expect([whole.scope, decodeJwt(whole.access_token).scope]).toEqual(['user gist', 'user gist'])
  })

  it('that was narrowed is what the token is good for', async () => {
    const house = openHouse(scopes)
    const clientId = await house.register()
    const end = await house.signIn(clientId, { scope: 'user gist' })
    const tokens: TokenAnswer = await (await house.redeem(clientId, end.searchParams.get('code') ?? '')).json()
    const narrow = await rotate(house, clientId, tokens.refresh_token, { scope: 'gist' })
    expect(await house.mcpStatus(narrow.access_token)).toBe(403)
  })
})

describe('a grant', () => {
  it('ends when it was not refreshed for 90 days (R96, REL-R23)', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    await house.environment.drain()
    house.environment.advance(90 * day - 1)
    const next = await rotate(house, clientId, tokens.refresh_token)
    house.environment.advance(90 * day)
    expect(await readJson(await house.refresh(clientId, next.refresh_token))).toEqual(invalidGrant)
  })

  it('ends after 365 days, however often it is refreshed (R96)', async () => {
    const house = openHouse()
    let { clientId, tokens } = await house.login()
    for (const days of [80, 80, 80, 80, 44]) {
      house.environment.advance(days * day)
      tokens = await rotate(house, clientId, tokens.refresh_token)
      await house.environment.drain()
    }
    house.environment.advance(day - 1)
    tokens = await rotate(house, clientId, tokens.refresh_token)
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    house.environment.advance(1)
    expect(await readJson(await house.refresh(clientId, tokens.refresh_token))).toEqual(invalidGrant)
    expect(await house.mcpStatus(tokens.access_token)).toBe(401)
  })

  it('lives as long as the operator says', async () => {
    const house = openHouse({ lifetimes: { grantIdle: 2 * day, grant: 3 * day } })
    const { clientId, tokens } = await house.login()
    house.environment.advance(2 * day - 1)
    const next = await rotate(house, clientId, tokens.refresh_token)
    house.environment.advance(day + 1)
    expect(await readJson(await house.refresh(clientId, next.refresh_token))).toEqual(invalidGrant)
  })

  it('of a client without the grant type refresh_token has no refresh token and lives as long as its access token (R97)', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login({ grant_types: ['authorization_code'] })
    expect(Object.keys(tokens)).toEqual(['access_token', 'token_type', 'expires_in', 'scope'])
    house.environment.advance(3629)
    expect(await use(house, tokens.access_token)).toBe(200)
    const grantId = String(decodeJwt(tokens.access_token).gid)
    expect(await house.auth.revoke({ grantId })).toBe(1)
    const late = await house.login({ grant_types: ['authorization_code'] })
    house.environment.advance(3630)
    expect(await house.auth.revoke({ grantId: String(decodeJwt(late.tokens.access_token).gid) })).toBe(0)
    expect(clientId).not.toBe(late.clientId)
  })

  it('of a client that is not registered any more is not refreshed, and the client is told to register again (R102, G3)', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    await house.environment.drain()
    house.environment.advance(210 * day)
    await house.register()
    house.environment.advance(220 * day)
    expect(await readJson(await house.refresh(clientId, tokens.refresh_token))).toEqual(invalidClient)
  })
})

describe('upstream tokens that are due', () => {
  const due = 8 * hour - 4 * minute

  async function loginWithApp(): Promise<{ house: House; clientId: string; tokens: TokenAnswer }> {
    const house = openHouse({ mode: 'github-app' })
    return { house, ...(await house.login()) }
  }

  it('are refreshed by our refresh; those that are good for five more minutes are left alone (R77)', async () => {
    const { house, clientId, tokens } = await loginWithApp()
    house.environment.advance(8 * hour - 5 * minute)
    const next = await rotate(house, clientId, tokens.refresh_token)
    expect(house.github.calls('token')).toBe(1)
    house.environment.advance(1)
    await rotate(house, clientId, next.refresh_token)
    expect(house.github.calls('token')).toBe(2)
    expect(house.events).toContainEqual(expect.objectContaining({ type: 'upstream.refreshed', grantId: grantOf(tokens.refresh_token) }))
  })

  it('do not change how long our access token lives (R92)', async () => {
    const { house, clientId, tokens } = await loginWithApp()
    house.environment.advance(due)
    expect((await rotate(house, clientId, tokens.refresh_token)).expires_in).toBe(3600)
  })

  it.each([
    ['one host', false],
    ['two hosts', true],
  ])(
    'are refreshed by one call when fifty clients come at once to %s, though the upstream forgives nothing (REL-R2, REL-R21, G1)',
    async (_, two) => {
      const { house, clientId, tokens } = await loginWithApp()
      const other = two ? openHouse({ beside: house }) : house
      house.environment.advance(due)
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, n) => rotate(n % 2 === 0 ? house : other, clientId, tokens.refresh_token)),
      )
      expect(new Set(answers.map((answer) => answer.refresh_token)).size).toBe(1)
      expect(house.github.calls('token')).toBe(2)
      await house.environment.drain()
      expect(house.github.calls('revocation')).toBe(0)
      house.environment.advance(due)
      await rotate(house, clientId, answers[0]?.refresh_token ?? '')
      expect(house.github.calls('token')).toBe(3)
    },
  )

  it('are refreshed once when the gate and our refresh find them due at the same time', async () => {
    const house = openHouse({ mode: 'github-app', lifetimes: { accessToken: 10 * hour } })
    const { clientId, tokens } = await house.login()
    house.environment.advance(due)
    const [before, refreshed, after] = await Promise.all([
      house.mcpStatus(tokens.access_token),
      house.refresh(clientId, tokens.refresh_token),
      house.mcpStatus(tokens.access_token),
    ])
    expect([before, refreshed.status, after]).toEqual([200, 200, 200])
    await house.environment.drain()
    expect(house.github.calls('token')).toBe(2)
  })

  it('keep their refresh token when the upstream gives no new one (B46)', async () => {
    const { house, clientId, tokens } = await loginWithApp()
    const sent: (string | null)[] = []
    detour(house, async (request) => {
      sent.push(new URLSearchParams(await request.text()).get('refresh_token'))
      return Response.json({ access_token: `ghu_without_${sent.length}`, expires_in: 28_800, token_type: 'bearer', scope: '' })
    })
    house.environment.advance(due)
    const next = await rotate(house, clientId, tokens.refresh_token)
    house.environment.advance(due)
    await rotate(house, clientId, next.refresh_token)
    expect(sent).toEqual([expect.stringMatching(/^ghr_/), sent[0]])
    const handle = await house.auth.upstream({ extra: { grantId: grantOf(tokens.refresh_token) } })
    expect(handle.accessToken).toBe('ghu_without_2')
  })

  it('are not refreshed for a request that is refused', async () => {
    const { house, clientId, tokens } = await loginWithApp()
    const other = await house.register()
    house.environment.advance(due)
    await house.refresh(other, tokens.refresh_token)
    await house.refresh(clientId, tokens.refresh_token, { scope: 'user"' })
    await house.refresh(clientId, tokens.refresh_token, { resource: 'https://other.example' })
    expect(house.github.calls('token')).toBe(1)
  })

  it('end with the upstream grant: its no is ours, and the grant is over (T108, R77)', async () => {
    const { house, clientId, tokens } = await loginWithApp()
    house.environment.advance(due)
    house.github.revokeAll()
    const answers = await Promise.all([house.refresh(clientId, tokens.refresh_token), house.refresh(clientId, tokens.refresh_token)])
    for (const answer of answers) expect(await readJson(answer)).toEqual(invalidGrant)
    expect(house.events).toContainEqual(expect.objectContaining({ type: 'upstream.failed', operation: 'refresh', reason: 'invalid_grant' }))
    expect(ended(house)).toEqual([expect.objectContaining({ clientId, reason: 'upstream_refused' })])
    expect(house.github.calls('token')).toBe(2)
    expect(await readJson(await house.refresh(clientId, tokens.refresh_token))).toEqual(invalidGrant)
    expect(house.github.calls('token')).toBe(2)
  })

  it('end with it also when the store was away at that moment, and the upstream is not asked about the dead token again (REL-R21, T108)', async () => {
    const world = openHouse({ mode: 'github-app' })
    const store = failingStore(world.store)
    const house = openHouse({ beside: world, clientStorage: store })
    const { clientId, tokens } = await house.login()
    house.environment.advance(due)
    house.github.revokeAll()
    detour(house, async (request, go) => {
      const answer = await go()
      if (request.url.endsWith('/access_token')) store.failAlways()
      return answer
    })
    await expectUnavailable(await house.refresh(clientId, tokens.refresh_token))
    await house.environment.drain()
    store.heal()
    house.environment.advance(15)
    expect(await readJson(await house.refresh(clientId, tokens.refresh_token))).toEqual(invalidGrant)
    expect(house.github.calls('token')).toBe(2)
    expect(ended(house)).toEqual([expect.objectContaining({ clientId, reason: 'upstream_refused' })])
  })

  it.each([
    ['as text', '3600', true],
    ['of half a second more', 3600.5, true],
    ['of a million years', 1e12, false],
    ['of none at all', undefined, false],
  ])('are taken with a lifetime %s (REL-R8)', async (_, expiresIn, isDue) => {
    const { house, clientId, tokens } = await loginWithApp()
    house.environment.advance(due)
    const body = { access_token: 'ghu_new', token_type: 'bearer', scope: '', expires_in: expiresIn }
    const back = detour(house, async () => Response.json(body))
    const next = await rotate(house, clientId, tokens.refresh_token)
    back()
    expect((await house.auth.upstream({ extra: { grantId: grantOf(tokens.refresh_token) } })).accessToken).toBe('ghu_new')
    house.environment.advance(3301)
    await rotate(house, clientId, next.refresh_token)
    expect(house.github.calls('token')).toBe(isDue ? 2 : 1)
  })

  it.each([
    ['500', 'status-500', 'status_500'],
    ['a page', 'html', 'not_json'],
    ['JSON that breaks off', 'garbage', 'not_json'],
  ] as const)(
    'are left alone while the upstream answers %s: 503, our token is not rotated, and then it works (REL-R8, G2, I6)',
    async (_, how, reason) => {
      const { house, clientId, tokens } = await loginWithApp()
      house.environment.advance(due)
      house.github.misbehave({ token: how })
      await expectUnavailable(await house.refresh(clientId, tokens.refresh_token))
      expect(house.events).toContainEqual(expect.objectContaining({ type: 'upstream.failed', operation: 'refresh', reason }))
      expect(ended(house)).toEqual([])
      house.github.misbehave({})
      expect(generationOf((await rotate(house, clientId, tokens.refresh_token)).refresh_token)).toBe(1)
    },
  )

  it('are left alone when the upstream does not answer within ten seconds (REL-R8, I9)', async () => {
    const { house, clientId, tokens } = await loginWithApp()
    house.environment.advance(due)
    house.github.misbehave({ token: 'hang' })
    const answers = Promise.all([house.refresh(clientId, tokens.refresh_token), house.refresh(clientId, tokens.refresh_token)])
    while (house.github.calls('token') < 2) await new Promise((resolve) => setImmediate(resolve))
    house.environment.advance(10)
    for (const answer of await answers) await expectUnavailable(answer)
    house.github.misbehave({})
    expect(generationOf((await rotate(house, clientId, tokens.refresh_token)).refresh_token)).toBe(1)
  })

  it.each([
    [
      'refuses the connection',
      () => Promise.reject(Object.assign(new TypeError('fetch failed'), { cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }) })),
      soon,
    ],
    ['asks for less, for 17 s', async () => new Response(null, { status: 429, headers: { 'retry-after': '17' } }), '17'],
    ['asks for less, for an hour', async () => new Response(null, { status: 503, headers: { 'retry-after': '3600' } }), '300'],
    ['redirects', async () => new Response(null, { status: 302, headers: { location: 'http://127.0.0.1:9999/x' } }), soon],
    ['answers without an access token', async () => Response.json({ token_type: 'bearer' }), soon],
    ['answers with a lifetime below zero', async () => Response.json({ access_token: 'x', token_type: 'bearer', expires_in: -1 }), soon],
    ['answers with a list', async () => Response.json([]), soon],
    ['answers with a form', async () => new Response('access_token=gho_x&token_type=bearer'), soon],
    [
      'answers with a lifetime that is no number',
      async () => Response.json({ access_token: 'x', token_type: 'bearer', expires_in: 'soon' }),
      soon,
    ],
    ['answers 200 with an error of its own', async () => Response.json({ error: 'server_error' }), soon],
    ['answers with a gigabyte', async () => new Response(gigabyte()), soon],
    ['answers nothing', async () => new Response(null, { status: 200 }), soon],
  ])('are left alone while the upstream %s (REL-R8, I6)', async (_, answer, retryAfter) => {
    const { house, clientId, tokens } = await loginWithApp()
    house.environment.advance(due)
    const back = detour(house, answer)
    await expectUnavailable(await house.refresh(clientId, tokens.refresh_token), retryAfter)
    expect(ended(house)).toEqual([])
    back()
    expect(generationOf((await rotate(house, clientId, tokens.refresh_token)).refresh_token)).toBe(1)
  })

  it.each([
    ['incorrect_client_credentials', 'invalid_client'],
    ['invalid_client', 'invalid_client'],
    ['unauthorized_client', 'unauthorized_client'],
    ['unsupported_grant_type', 'unsupported_grant_type'],
    ['server_error', 'server_error'],
  ])('are left alone when the upstream says %s, which is our fault and never a logout (G2, I6)', async (error, reason) => {
    const { house, clientId, tokens } = await loginWithApp()
    house.environment.advance(due)
    const back = detour(house, async () => Response.json({ error, error_description: 'canary-of-the-upstream' }))
    const answer = await house.refresh(clientId, tokens.refresh_token)
    await expectUnavailable(answer)
    expect(house.events).toContainEqual(expect.objectContaining({ type: 'upstream.failed', operation: 'refresh', reason }))
    expect(JSON.stringify(house.events)).not.toContain('canary')
    expect(ended(house)).toEqual([])
    back()
    // Of our name and secret it is not asked for every client.
    house.environment.advance(5)
    expect(generationOf((await rotate(house, clientId, tokens.refresh_token)).refresh_token)).toBe(1)
  })

  it('that came while the grant was revoked are ended upstream and not kept (T108)', async () => {
    const { house, clientId, tokens } = await loginWithApp()
    house.environment.advance(due)
    const back = detour(house, async (request, go) => {
      const answer = await go()
      if (request.url.endsWith('/access_token')) await house.auth.revoke({ grantId: grantOf(tokens.refresh_token) })
      return answer
    })
    expect(await readJson(await house.refresh(clientId, tokens.refresh_token))).toEqual(invalidGrant)
    await house.environment.drain()
    back()
    const revoked = house.github.received.filter(({ endpoint }) => endpoint === 'revocation').map(({ body }) => body)
    expect(new Set(revoked).size).toBe(2)
    expect(await house.auth.revoke({ subject: '583231' })).toBe(0)
  })
})
