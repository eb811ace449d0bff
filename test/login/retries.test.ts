import { describe, expect, it } from 'vitest'
import { challenge, type House, type HouseOptions, openHouse, redirectUri } from '../support/house.ts'
import { readJson, refusal } from '../support/read-json.ts'
import { openTab, signInUpstream } from '../support/tab.ts'
import { takeCode } from '../support/take-code.ts'

const invalidGrant = refusal(400, 'invalid_grant', 'The code or refresh token is invalid, has expired, or belongs to another client.')
const on: HouseOptions = { extensions: { pushedRequests: 'allowed', deviceGrant: true } }
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

const thrice = async <Answer>(ask: () => Promise<Answer>): Promise<Answer[]> => [await ask(), await ask(), await ask()]
const statuses = (answers: readonly { readonly status: number }[]): number[] => answers.map(({ status }) => status)
const bodies = (answers: readonly Response[]): Promise<Record<string, string>[]> => Promise.all(answers.map((answer) => answer.json()))
const grantsOf = (house: House): Set<string> =>
  new Set(house.events.flatMap((event) => (event.type === 'grant.opened' ? [event.grantId] : [])))

describe('a request that a network or a client makes three times (REL-R36)', () => {
  it('registers three clients, each good by itself', async () => {
    const house = openHouse()
    const ids = await thrice(() => house.register())
    expect(new Set(ids).size).toBe(3)
    for (const id of ids) expect((await openTab(house).open(house.authorizeUrl(id))).status).toBe(200)
  })

  it('pushes three requests, each good by itself', async () => {
    const house = openHouse(on)
    const fields = { client_id: await house.register(), redirect_uri: redirectUri, response_type: 'code' }
    const answers = await thrice(() => house.post('/par', { ...fields, code_challenge: challenge, code_challenge_method: 'S256' }))
    expect(statuses(answers)).toEqual([201, 201, 201])
    expect(new Set((await bodies(answers)).map(({ request_uri: uri }) => uri)).size).toBe(3)
  })

  it('begins one login by a form, and gives one answer at the callback', async () => {
    const house = openHouse()
    const tab = openTab(house)
    const page = await tab.open(house.authorizeUrl(await house.register()))
    const decided = await thrice(() => tab.decide(page, 'approve'))
    expect([statuses(decided), new Set(decided.map(({ refresh }) => refresh)).size]).toEqual([[200, 200, 200], 1])
    const callback = await signInUpstream(house, decided[0]?.refresh ?? '')
    const answered = await thrice(() => tab.open(callback))
    expect([statuses(answered), new Set(answered.map(({ location }) => location)).size]).toEqual([[303, 303, 303], 1])
    expect([house.github.calls('token'), grantsOf(house).size]).toEqual([1, 1])
  })

  it('redeems a code once: the second time ends the grant, and one new login is good (I2)', async () => {
    const house = openHouse()
    const { clientId, code } = await takeCode(house)
    const [first, ...others] = await thrice(() => house.redeem(clientId, code))
    expect(first?.status).toBe(200)
    for (const other of others) expect(await readJson(other)).toEqual(invalidGrant)
    const end = await house.signIn(clientId)
    expect((await house.redeem(clientId, end.searchParams.get('code') ?? '')).status).toBe(200)
  })

  it('refreshes to one successor (I3)', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    const answers = await thrice(() => house.refresh(clientId, tokens.refresh_token))
    expect(statuses(answers)).toEqual([200, 200, 200])
    const [next, ...others] = await bodies(answers)
    for (const other of others) expect(other.refresh_token).toBe(next?.refresh_token)
    expect((await house.refresh(clientId, next?.refresh_token ?? '')).status).toBe(200)
  })

  it('revokes: three times 200, and the grant is over', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    const answers = await thrice(() => house.post('/revoke', { client_id: clientId, token: tokens.refresh_token }))
    expect(statuses(answers)).toEqual([200, 200, 200])
    expect(await house.mcpStatus(tokens.access_token)).toBe(401)
    await house.environment.drain()
    expect(house.github.calls('revocation')).toBe(1)
  })

  it('shows three codes for devices, and a device that asks three times at once hears that it is too soon', async () => {
    const house = openHouse(on)
    const clientId = await house.register({ redirect_uris: [], grant_types: [deviceGrant] })
    const devices = await bodies(await thrice(() => house.post('/device_authorization', { client_id: clientId })))
    expect(new Set(devices.map(({ user_code: code }) => code)).size).toBe(3)
    const fields = { grant_type: deviceGrant, client_id: clientId, device_code: devices[0]?.device_code ?? '' }
    const asked = await bodies(await thrice(() => house.post('/token', fields)))
    expect(asked.map(({ error }) => error)).toEqual(['authorization_pending', 'slow_down', 'slow_down'])
  })
})

describe('in the last seconds, and the first ones after them, the answer is a clean yes or a clean no (REL-R23)', () => {
  const seconds = [-2, -1, 0, 1, 2, 31]

  it.each(seconds)('of a code, %i s from its end', async (from) => {
    const house = openHouse()
    const { clientId, code } = await takeCode(house)
    house.environment.advance(60 + from)
    const answer = await house.redeem(clientId, code)
    expect([answer.status, (await answer.json()).error]).toEqual(from < 0 ? [200, undefined] : [400, 'invalid_grant'])
  })

  it.each(seconds)('of an access token, %i s from its end: half a minute is for clocks that differ', async (from) => {
    const house = openHouse()
    const { tokens } = await house.login()
    house.environment.advance(3600 + from)
    expect(await house.mcpStatus(tokens.access_token)).toBe(from < 30 ? 200 : 401)
  })

  it.each(seconds)('of a grant, %i s from its end: a refresh, and a call with the last access token', async (from) => {
    const house = openHouse({ lifetimes: { grantIdle: 7200, accessToken: 8000 } })
    const { clientId, tokens } = await house.login()
    await house.environment.drain()
    house.environment.advance(7200 + from)
    expect(await house.mcpStatus(tokens.access_token)).toBe(from < 0 ? 200 : 401)
    expect((await house.refresh(clientId, tokens.refresh_token)).status).toBe(from < 0 ? 200 : 400)
  })

  it.each(seconds)('of a login under way, %i s from its end', async (from) => {
    const house = openHouse()
    const tab = openTab(house)
    const page = await tab.open(house.authorizeUrl(await house.register()))
    const { refresh } = await tab.decide(page, 'approve')
    const callback = await signInUpstream(house, refresh)
    house.environment.advance(900 + from)
    // The stand-in’s own code has ended by then: the client is told, where there is a login to tell of.
    const { status } = await tab.open(callback)
    expect(status).toBe(from < 0 ? 303 : 400)
  })

  it('of a grant that ends while the upstream is asked for it: no session that outlives it, and no 500', async () => {
    const house = openHouse({ mode: 'github-app', lifetimes: { grantIdle: 8 * 3600 - 200 } })
    const { clientId, tokens } = await house.login()
    await house.environment.drain()
    house.environment.advance(8 * 3600 - 202)
    const { fetch } = house.environment
    Object.assign(house.environment, {
      async fetch(url: string | URL, init?: RequestInit) {
        const answer = await fetch(url, init)
        house.environment.advance(3)
        return answer
      },
    })
    const answer = await house.refresh(clientId, tokens.refresh_token)
    expect(await readJson(answer)).toEqual(invalidGrant)
    expect(await house.mcpStatus(tokens.access_token)).toBe(401)
  })
})
