import { describe, expect, it } from 'vitest'
import { openHouse } from '../support/house.ts'
import { documentUrl, openStrangers } from '../support/strangers.ts'

describe('a client that is a URL', () => {
  it('logs in, refreshes and revokes, with one look at its document (R119, R120)', async () => {
    const strangers = openStrangers()
    const house = openHouse({ fetchPinned: strangers.fetchPinned })
    strangers.publish(documentUrl)
    const end = await house.signIn(documentUrl)
    const tokens = await (await house.redeem(documentUrl, end.searchParams.get('code') ?? '')).json()
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    const refreshed = await house.refresh(documentUrl, tokens.refresh_token)
    expect(refreshed.status).toBe(200)
    expect((await house.post('/revoke', { client_id: documentUrl, token: tokens.refresh_token })).status).toBe(200)
    expect(await house.mcpStatus(tokens.access_token)).toBe(401)
    expect(strangers.asked).toEqual([
      { url: documentUrl, headers: { accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': 'Drawbridge' } },
    ])
  })
})
