import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { callTool, comeBack, type LoggedIn, login, readTokens, refresh } from '../hosts/client.ts'
import { type Hosts, type HostsOptions, startHosts } from '../hosts/hosts.ts'
import { goodRounds, type RefreshRound, raceCodes, raceRefreshes } from '../hosts/races.ts'
import { atMost } from '../support/at-most.ts'
import { type LeanFetch, openLeanFetch } from '../support/lean-fetch.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { figure } from './figure.ts'

let redis: RedisServer
let lean: LeanFetch
let hosts: Hosts | undefined
beforeAll(async () => {
  // Nothing here outlives this Redis, so it need not wait for the disk.
  redis = await startRedis('--appendonly', 'no')
})
afterAll(() => redis?.close())
afterEach(async () => {
  await hosts?.close()
  hosts = undefined
  lean?.close()
})

/** Which upstream token a tool gets, as its hash; what the tool says when it gets none. A tool that the busy store kept waiting is called again. */
async function upstreamTokenIn(place: Hosts, accessToken: string, attempts = 5): Promise<string> {
  const text = await (await comeBack(() => callTool(place, accessToken, {}, 'upstream'))).text()
  if (text.includes('the store did not answer in time') && attempts > 1) return upstreamTokenIn(place, accessToken, attempts - 1)
  return /\b[0-9a-f]{64}\b/.exec(text)?.[0] ?? text
}

/** A session whose upstream token has expired, while ours has not; and the hash of that upstream token. */
async function withExpiredUpstream(house: Hosts): Promise<LoggedIn & { readonly expired: string }> {
  const { clientId, tokens } = await login(house)
  // The upstream's token lives for 8 hours, ours for one; a refresh of ours leaves the upstream's alone until its last 5 minutes.
  await house.advance(28_800 - 400)
  const fresh = await readTokens(await comeBack(() => refresh(house, clientId, tokens.refresh_token)))
  const expired = await upstreamTokenIn(house, fresh.access_token)
  await house.advance(500)
  return { clientId, tokens: fresh, expired }
}

const isForked = ({ statuses, successors }: RefreshRound): boolean => successors !== 1 || statuses.some((status) => status !== 200)

async function start(options: Partial<HostsOptions> = {}): Promise<Hosts> {
  // As many as a thousand calls at once need, on 4 hosts.
  lean = openLeanFetch(250)
  hosts = await startHosts({ count: 4, store: { kind: 'redis', url: redis.url }, silent: true, send: lean.fetch, ...options })
  return hosts
}

describe('four processes that get the same code at once', () => {
  // Nobody is asked, which makes a code of two requests instead of three; the race is at the token endpoint.
  const options = { consent: { mode: 'external' } } as const

  it('redeem each of 10,000 exactly once (REL-R1)', async () => {
    const { winners, losers } = await raceCodes(await start({ options }), 10_000)
    figure('Codes that were given to 4 processes at once', winners.length)
    figure('Codes that were redeemed by more than one of them', winners.filter((count) => count > 1).length)
    figure('Codes that were redeemed by none', winners.filter((count) => count === 0).length)
    expect(winners.filter((count) => count !== 1)).toEqual([])
    expect(winners.length).toBe(10_000)
    expect(losers).toEqual(new Set(['400 invalid_grant']))
  })

  it('redeem codes more than once on a store that looks and then writes: the counting finds it', async () => {
    const { winners } = await raceCodes(await start({ options, store: { kind: 'looks-then-writes', url: redis.url } }), 100)
    const double = winners.filter((count) => count > 1).length
    figure('Of 100 codes on a store that looks and then writes, redeemed by more than one process', double)
    expect(double).toBeGreaterThan(5)
  })
})

describe('four processes that have one grant to look after', () => {
  it('answer one refresh token, 100 times, with one successor, and ask the upstream once where it is due (REL-R2)', async () => {
    const house = await start({ mode: 'github-app' })
    const { rounds } = await raceRefreshes(house, await login(house), 100)
    figure('Rounds of one refresh token at 4 processes at once', rounds.length)
    figure('Rounds with a refusal, or more than one successor', rounds.filter(isForked).length)
    expect(rounds).toEqual(goodRounds(100))
  })

  it('ask the upstream once in 1,000 calls at once that need its token, which has expired; all get the new one (REL-R21)', async () => {
    const house = await start({ mode: 'github-app' })
    const { tokens, expired } = await withExpiredUpstream(house)
    const before = house.github.calls('token')
    const given = await atMost(1000, Array.from({ length: 1000 }), () => upstreamTokenIn(house, tokens.access_token))
    const calls = house.github.calls('token') - before
    figure('Upstream refreshes in 1,000 simultaneous tool calls with an expired upstream token, on 4 processes', calls)
    expect(new Set(given)).toEqual(new Set([expect.stringMatching(/^[0-9a-f]{64}$/)]))
    expect(given).not.toContain(expired)
    expect(calls).toBe(1)
  })

  it('ask the upstream once in 1,000 refreshes at once that find its token expired; all get one successor (REL-R21)', async () => {
    const house = await start({ mode: 'github-app' })
    const { clientId, tokens } = await withExpiredUpstream(house)
    const before = house.github.calls('token')
    const answers = await atMost(1000, Array.from({ length: 1000 }), async () =>
      readTokens(await comeBack(() => refresh(house, clientId, tokens.refresh_token))),
    )
    const calls = house.github.calls('token') - before
    figure('Upstream refreshes in 1,000 simultaneous refreshes of ours with an expired upstream token, on 4 processes', calls)
    expect(new Set(answers.map((answer) => answer.refresh_token)).size).toBe(1)
    expect(calls).toBe(1)
  })
})
