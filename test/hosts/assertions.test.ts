import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { clientAssertionType, createSigner, sign } from '../support/assertions.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { askToRegister, persist, post } from './client.ts'
import { type Hosts, startHosts } from './hosts.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const signer = createSigner()
let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis('--appendonly', 'no')
})
afterAll(() => redis?.close())

/** Shows each of many assertions to all hosts at once: how many of them took it, for each, and what the others said. */
async function race(hosts: Hosts, count: number): Promise<{ winners: number[]; losers: Set<string> }> {
  const registration = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [signer.jwk] } }
  const { client_id: clientId }: { client_id: string } = await persist(async () => (await askToRegister(hosts, registration)).json())
  const losers = new Set<string>()
  const winners: number[] = []
  for (let shown = 0; shown < count; shown += 1) {
    const exp = Math.floor(Date.now() / 1000) + 60
    const claims = { iss: clientId, sub: clientId, aud: hosts.baseUrl, exp, jti: `${clientId}-${shown}` }
    // A revocation of a token that nobody has asks for nothing but the client.
    const fields = { token: 'x', client_assertion_type: clientAssertionType, client_assertion: await sign(signer, claims) }
    const answers = await Promise.all(hosts.all.map((host) => post(host, '/revoke', fields)))
    const texts = await Promise.all(answers.map((answer) => answer.text()))
    winners.push(answers.filter(({ status }) => status === 200).length)
    answers.forEach(({ status }, index) => {
      if (status !== 200) losers.add(`${status} ${JSON.parse(texts[index] ?? '').error}`)
    })
  }
  return { winners, losers }
}

describe('four processes that are shown the same assertion of a client at once', () => {
  it('take each of 100 exactly once, and the others say 401 (T75)', async () => {
    const hosts = await startHosts({ count: 4, store: { kind: 'redis', url: redis.url } })
    const { winners, losers } = await race(hosts, 100)
    await hosts.close()
    expect(winners).toEqual(Array.from({ length: 100 }, () => 1))
    expect(losers).toEqual(new Set(['401 invalid_client']))
  })

  it('take some more than once on a store that looks and then writes: it is a race that can be lost', async () => {
    const hosts = await startHosts({ count: 4, store: { kind: 'looks-then-writes', url: redis.url } })
    const { winners } = await race(hosts, 60)
    await hosts.close()
    expect(winners.filter((count) => count > 1).length).toBeGreaterThan(5)
  })
})
