import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { atMost } from '../support/at-most.ts'
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts'
import { comeBack, login, persist, redeem, refresh, register, takeCodes } from './client.ts'
import { type Hosts, startHosts } from './hosts.ts'

// Processes start, and wait for each other; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let postgres: PostgresServer
let hosts: Hosts
beforeAll(async () => {
  postgres = await startPostgres()
  hosts = await startHosts({ count: 4, store: { kind: 'postgres', url: postgres.url }, mode: 'github-app' })
})
afterAll(async () => {
  await hosts?.close()
  await postgres?.close()
})

describe('four processes on one PostgreSQL', () => {
  it('redeem each of 40 codes that all get at once exactly once (R104, REL-R1)', async () => {
    const clientId = await persist(() => register(hosts))
    const losers = new Set<string>()
    const race = async (code: string): Promise<number> => {
      const answers = await Promise.all(hosts.all.map((host) => comeBack(() => redeem(host, clientId, code))))
      const bodies = await Promise.all(answers.map((answer) => answer.json()))
      for (const [index, { status }] of answers.entries()) if (status !== 200) losers.add(`${status} ${bodies[index].error}`)
      return answers.filter(({ status }) => status === 200).length
    }
    const winners = await atMost(6, await takeCodes(hosts, clientId, 40), race)
    expect(winners).toEqual(Array.from({ length: 40 }, () => 1))
    expect(losers).toEqual(new Set(['400 invalid_grant']))
  })

  it('answer one refresh token, 20 times, with one successor, and ask the upstream once where it is due (REL-R2)', async () => {
    const { clientId, tokens } = await login(hosts)
    let token = tokens.refresh_token
    for (let round = 0; round < 20; round += 1) {
      // The upstream's token lives for 8 hours and is due in the last 5 minutes: in every other round.
      if (round % 2 === 1) await hosts.advance(28_800 - 60)
      const before = hosts.github.calls('token')
      const answers = await Promise.all(hosts.all.map((host) => comeBack(() => refresh(host, clientId, token))))
      const bodies = await Promise.all(answers.map((answer) => answer.json()))
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
      expect(new Set(bodies.map((body) => body.refresh_token)).size).toBe(1)
      expect(hosts.github.calls('token') - before).toBe(round % 2)
      token = bodies[0].refresh_token
    }
  })
})
