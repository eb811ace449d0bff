import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { createFernetKey, encrypted, fernet, redisStore } from '@drawbridge/storage'
import { expect, it, vi } from 'vitest'
import { connected } from '../support/connected.ts'
import { type House, openHouse, type TokenAnswer } from '../support/house.ts'
import { redisCommand, startRedis } from '../support/redis-server.ts'

vi.setConfig({ testTimeout: 30_000 })

it('a Redis that is restored as it was an hour ago: who rotated since goes on, who came since logs in again, who was ended lives again (REL-R37)', async () => {
  const redis = await startRedis('--appendonly', 'no')
  const store = redisStore(redis.url)
  await connected(store)
  const house = openHouse({ at: Math.floor(Date.now() / 1000), clientStorage: encrypted(store, fernet(createFernetKey())) })
  const [rotating, ended] = [await house.login(), await house.login()]
  const folder = (await redisCommand(redis.port, 'CONFIG', 'GET', 'dir')).split('\r\n')[4] ?? ''
  await redisCommand(redis.port, 'SAVE')
  copyFileSync(join(folder, 'dump.rdb'), join(folder, 'backup.rdb'))

  house.environment.advance(3540)
  let latest = rotating.tokens
  for (let times = 0; times < 3; times += 1) latest = await tokensOf(await house.refresh(rotating.clientId, latest.refresh_token))
  const since = await house.login()
  await house.auth.revoke({ clientId: ended.clientId })
  expect(await house.mcpStatus(ended.tokens.access_token)).toBe(401)
  await house.environment.drain()

  await redis.kill()
  copyFileSync(join(folder, 'backup.rdb'), join(folder, 'dump.rdb'))
  await redis.start()
  await connected(store)

  expect(await house.mcpStatus(latest.access_token)).toBe(200)
  expect((await house.refresh(rotating.clientId, latest.refresh_token)).status).toBe(200)
  expect(await toldAbout(house, since.clientId, since.tokens.refresh_token)).toBe('401 invalid_client')
  expect(await house.mcpStatus(since.tokens.access_token)).toBe(401)
  expect((await house.login()).tokens.access_token).toBeTruthy()
  expect(await house.mcpStatus(ended.tokens.access_token)).toBe(200)
  expect(house.events.map(({ type }) => type)).not.toContain('store.lost')
  await store.close()
  await redis.close()
})

async function tokensOf(answer: Response): Promise<TokenAnswer> {
  expect(answer.status).toBe(200)
  return answer.json()
}

async function toldAbout(house: House, clientId: string, refreshToken: string): Promise<string> {
  const answer = await house.refresh(clientId, refreshToken)
  return `${answer.status} ${(await answer.json()).error}`
}
