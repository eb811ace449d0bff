import { describe, expect, it } from 'vitest'
import { type House, openHouse, type TokenAnswer } from '../support/house.ts'
import { expectUnavailable, soon } from '../support/read-json.ts'
import { comeToCallback } from '../support/tab.ts'
import { detour } from '../support/upstream-detour.ts'

const hour = 3600
const due = 8 * hour - 240

const refusals: readonly [string, string, () => Response][] = [
  ['incorrect_client_credentials, as GitHub has it', 'invalid_client', () => Response.json({ error: 'incorrect_client_credentials' })],
  ['invalid_client', 'invalid_client', () => Response.json({ error: 'invalid_client' }, { status: 401 })],
  ['unauthorized_client', 'unauthorized_client', () => Response.json({ error: 'unauthorized_client' }, { status: 400 })],
  ['a 401 and nothing else', 'status_401', () => new Response(null, { status: 401, headers: { 'www-authenticate': 'Basic' } })],
]

/** The upstream does not take us for its client, until the answer is called. */
function expireSecret(house: House, answer: () => Response): { mend: () => void; asked: () => number } {
  let asked = 0
  const mend = detour(house, (request, go) => {
    if (!request.url.endsWith('/access_token')) return go()
    asked += 1
    return Promise.resolve(answer())
  })
  return { mend, asked: () => asked }
}

const alarms = (house: House) => house.events.filter(({ type }) => type === 'upstream.client_refused')
const ended = (house: House) => house.events.filter(({ type }) => type === 'grant.ended')

describe('our own secret at the upstream has expired: a 503 and an alarm, and nobody is logged out (REL-R8, REL-R40, I6, G2)', () => {
  it.each(refusals)('%s at the callback: a page, and the login goes on when it is mended', async (_, reason, answer) => {
    const house = openHouse()
    const { tab, clientId, callback } = await comeToCallback(house)
    const { mend, asked } = expireSecret(house, answer)
    const page = await tab.open(callback)
    expect([page.status, page.location, page.headers.get('retry-after')]).toEqual([503, '', expect.stringMatching(soon)])
    expect(page.text).toContain('Try again')
    expect(house.events.filter(({ type }) => type.startsWith('upstream.'))).toEqual([
      { type: 'upstream.client_refused', reason, at: house.environment.now() },
      { type: 'upstream.failed', operation: 'callback', reason, at: house.environment.now() },
    ])
    mend()
    house.environment.advance(5)
    const { status, location } = await tab.open(callback)
    expect([status, asked(), house.github.calls('token')]).toEqual([303, 1, 1])
    expect((await house.redeem(clientId, new URL(location).searchParams.get('code') ?? '')).status).toBe(200)
  })

  it.each(refusals)(
    '%s at a refresh: our token is not rotated, the grant is kept, and it goes on when it is mended',
    async (_, reason, answer) => {
      const house = openHouse({ mode: 'github-app' })
      const { clientId, tokens } = await house.login()
      house.environment.advance(due)
      const { mend } = expireSecret(house, answer)
      for (let turn = 0; turn < 3; turn += 1) await expectUnavailable(await house.refresh(clientId, tokens.refresh_token))
      expect(alarms(house)).toEqual([{ type: 'upstream.client_refused', reason, at: house.environment.now() }])
      expect(ended(house)).toEqual([])
      mend()
      house.environment.advance(5)
      const next: TokenAnswer = await (await house.refresh(clientId, tokens.refresh_token)).json()
      expect(next.refresh_token).toMatch(/\.1\./)
    },
  )

  it.each(refusals)('%s at the gate: calls go on for a day, then 503, and never 401', async (_, __, answer) => {
    const house = openHouse({ mode: 'github-app', lifetimes: { accessToken: 100 * hour } })
    const { tokens } = await house.login()
    house.environment.advance(due)
    const { mend } = expireSecret(house, answer)
    const call = async (): Promise<number> => {
      const status = await house.mcpStatus(tokens.access_token)
      await house.environment.drain()
      return status
    }
    expect(await call()).toBe(200)
    house.environment.advance(24 * hour)
    expect(await call()).toBe(200)
    house.environment.advance(1)
    expect([await call(), await call()]).toEqual([503, 503])
    expect(ended(house)).toEqual([])
    mend()
    house.environment.advance(31)
    await call()
    expect(await call()).toBe(200)
  })

  it('asks the upstream once in five seconds, whoever comes, and tells the operator once (REL-R40)', async () => {
    const house = openHouse({ mode: 'github-app' })
    const logins = await Promise.all(Array.from({ length: 20 }, () => house.login()))
    house.environment.advance(due)
    const { mend, asked } = expireSecret(house, () => Response.json({ error: 'incorrect_client_credentials' }))
    for (let second = 0; second < 10; second += 1) {
      const answers = await Promise.all(logins.map(({ clientId, tokens }) => house.refresh(clientId, tokens.refresh_token)))
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]))
      house.environment.advance(1)
    }
    await house.environment.drain()
    expect(asked()).toBeLessThanOrEqual(2 + logins.length)
    expect([alarms(house).length, ended(house)]).toEqual([1, []])
    const before = asked()
    for (const { clientId, tokens } of logins) await house.refresh(clientId, tokens.refresh_token)
    expect(asked() - before).toBeLessThanOrEqual(1)
    mend()
    house.environment.advance(5)
    const first = await house.refresh(logins[0]?.clientId ?? '', logins[0]?.tokens.refresh_token ?? '')
    expect(first.status).toBe(200)
    const others = await Promise.all(logins.slice(1).map(({ clientId, tokens }) => house.refresh(clientId, tokens.refresh_token)))
    expect(new Set(others.map(({ status }) => status))).toEqual(new Set([200]))
    expect(JSON.stringify(house.events)).not.toMatch(/gh[oru]_|upstream-secret/)
  })
})
