import { expect, it } from 'vitest'
import { parseSettings } from './config.ts'
import { createQuickstart } from './server.ts'

const env = {
  STORAGE_URL: 'memory:',
  JWT_SIGNING_KEY: 'A_signing_key_of_more_than_32_bytes',
  STORAGE_ENCRYPTION_KEY: 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=',
}

/** How 125 registrations from one address are answered. */
async function register(rateLimits: string): Promise<Record<number, number>> {
  const github = { clientId: 'Iv1.1', clientSecret: 'hush' }
  const { app, close } = createQuickstart(parseSettings({ ...env, RATE_LIMITS: rateLimits }), { github })
  const body = JSON.stringify({ redirect_uris: ['http://127.0.0.1:5555/callback'] })
  const request = () =>
    new Request('http://localhost:8000/register', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  const counted: Record<number, number> = {}
  for (let index = 0; index < 125; index += 1) {
    const { status } = await app.fetch(request(), { incoming: { socket: { remoteAddress: '192.0.2.1' } } })
    counted[status] = (counted[status] ?? 0) + 1
  }
  await close()
  return counted
}

it('limits registrations from one address with RATE_LIMITS=on', async () => {
  expect(await register('on')).toEqual({ 201: 120, 429: 5 })
})

it('limits nothing with RATE_LIMITS=off', async () => {
  expect(await register('off')).toEqual({ 201: 125 })
})
