import { expect, it } from 'vitest'
import { openHouse } from './house.ts'

it('signs in, redeems, calls and refreshes', async () => {
  const house = openHouse()
  const { clientId, tokens } = await house.login()
  expect(await house.mcpStatus(tokens.access_token)).toBe(200)
  const answer = await house.refresh(clientId, tokens.refresh_token)
  expect(answer.status).toBe(200)
})
