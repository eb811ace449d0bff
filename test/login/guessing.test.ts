import { systemEnvironment } from '@drawbridge/core'
import { expect, it } from 'vitest'
import { type House, openHouse, redirectUri } from '../support/house.ts'
import { comeToCallback } from '../support/tab.ts'

/** 256 bits, as base64url. */
const bits256 = /^[A-Za-z0-9_-]{43}$/

/** The part of everything that one login hands out which nobody may guess: for the client, and for the browser. */
async function secretsOf(house: House): Promise<Record<string, string>> {
  const body = JSON.stringify({ redirect_uris: [redirectUri], token_endpoint_auth_method: 'client_secret_post' })
  const registered = await house.call('/register', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  const { client_secret: clientSecret }: { client_secret: string } = await registered.json()
  const { tab, clientId, state, callback } = await comeToCallback(house)
  const cookies = [...tab.cookies].map(([name, value]) => [name.replace(/-[0-9a-f]+$/, ''), value])
  const code = new URL((await tab.open(callback)).location).searchParams.get('code') ?? ''
  const { refresh_token: refreshToken }: { refresh_token: string } = await (await house.redeem(clientId, code)).json()
  return {
    clientSecret,
    state,
    ...Object.fromEntries(cookies),
    code: code.split('.').at(-1) ?? '',
    refreshToken: refreshToken.split('.').at(-1) ?? '',
  }
}

it('what must not be guessed has 256 bits, in each login others (R100)', async () => {
  const house = openHouse()
  const logins = [await secretsOf(house), await secretsOf(house)]
  for (const secrets of logins)
    expect(secrets).toEqual({
      clientSecret: expect.stringMatching(bits256),
      state: expect.stringMatching(bits256),
      'drawbridge-form': expect.stringMatching(bits256),
      'drawbridge-login': expect.stringMatching(bits256),
      code: expect.stringMatching(bits256),
      refreshToken: expect.stringMatching(bits256),
    })
  const given = logins.flatMap((secrets) => Object.values(secrets))
  expect(new Set(given).size).toBe(given.length)
})

it('they are drawn from the system, and nothing is drawn twice (R100)', () => {
  const { randomBytes } = systemEnvironment()
  const drawn = Array.from({ length: 1000 }, () => Buffer.from(randomBytes(32)).toString('hex'))
  expect([new Set(drawn).size, new Set(drawn.map((text) => text.length))]).toEqual([1000, new Set([64])])
})
