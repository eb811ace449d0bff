import { createFernetKey } from '@drawbridge/storage'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { atMost } from '../support/at-most.ts'
import { freePort } from '../support/free-port.ts'
import { dumpRedis } from '../support/redis-dump.ts'
import { type RedisServer, redisCommand, startRedis } from '../support/redis-server.ts'
import { openTab, signInUpstream } from '../support/tab.ts'
import {
  authorizePath,
  callTool,
  comeBack,
  type LoggedIn,
  login,
  readTokens,
  redeem,
  refresh,
  register,
  takeCode,
  toolStatus,
} from './client.ts'
import { type Hosts, type HostsOptions, startHosts } from './hosts.ts'

// Processes start, and wait for each other; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let redis: RedisServer
let running: Hosts[] = []
beforeEach(async () => {
  redis = await startRedis()
})
afterEach(async () => {
  await Promise.all(running.map((hosts) => hosts.close()))
  running = []
  await redis?.close()
})

async function start(options: Partial<HostsOptions> = {}): Promise<Hosts> {
  const hosts = await startHosts({ count: 2, store: { kind: 'redis', url: redis.url }, ...options })
  running.push(hosts)
  return hosts
}

/** The keys of a kind of record, and what they hold. */
async function recordsOf(kind: string): Promise<Map<string, string>> {
  const keys = await dumpRedis(redis.port)
  return new Map(keys.filter(({ key }) => key.split(':')[1] === kind).map(({ key, values: [value = ''] }) => [key, value]))
}

const write = (key: string, value: string) => redisCommand(redis.port, 'SET', key, value, 'KEEPTTL')

// A busy machine may keep the store waiting for once; nothing makes a swapped record good by waiting.
const patient = { retry: 2 }

describe('whoever can write to Redis, without the storage key,', patient, () => {
  it('makes nobody another person: records that were swapped are refused as unreadable, and are good again where they belong (T91)', async () => {
    const hosts = await start()
    const sessions = [await login(hosts), await login(hosts)]
    const [[one, first] = ['', ''], [two, second] = ['', '']] = await recordsOf('grant')
    await write(one, second)
    await write(two, first)
    for (const { clientId, tokens } of sessions) {
      expect(await toolStatus(hosts, tokens.access_token)).toBe(503)
      expect((await refresh(hosts, clientId, tokens.refresh_token)).status).toBe(503)
    }
    await write(one, first)
    await write(two, second)
    for (const { tokens } of sessions) expect(await toolStatus(hosts, tokens.access_token)).toBe(200)
  })

  it('gives no code a grant that is spent, nor one that is not (T91)', async () => {
    const hosts = await start()
    const clientId = await register(hosts)
    const way = { authorize: hosts, consent: hosts, callback: hosts }
    const spent = await takeCode(hosts, clientId, way)
    const [[spentKey] = ['']] = await recordsOf('grant')
    const fresh = await takeCode(hosts, clientId, way)
    const freshValue = [...(await recordsOf('grant'))].find(([key]) => key !== spentKey)?.[1] ?? ''
    await readTokens(await redeem(hosts, clientId, spent))
    await write(spentKey, freshValue)
    expect((await redeem(hosts, clientId, spent)).status).toBe(503)
    expect((await redeem(hosts, clientId, fresh)).status).toBe(200)
  })

  it('prolongs nothing: a record whose end was taken from it is not used after that end (T94)', async () => {
    const hosts = await start()
    const clientId = await register(hosts)
    const code = await takeCode(hosts, clientId, { authorize: hosts, consent: hosts, callback: hosts })
    for (const [key] of await recordsOf('grant')) expect(await redisCommand(redis.port, 'PERSIST', key)).toBe(':1\r\n')
    await hosts.advance(3600)
    const refused = await redeem(hosts, clientId, code)
    expect([refused.ok, (await refused.json()).error]).toEqual([false, expect.stringMatching(/^(invalid_grant|temporarily_unavailable)$/)])
    expect((await recordsOf('grant')).size).toBe(1)
  })
})

describe('the storage key', patient, () => {
  it('is changed in three roll-outs that nobody notices; what was sealed by the old one is kept, and told as trouble, when it goes too early (T95, REL-R18)', async () => {
    const port = await freePort()
    const [old, next] = [createFernetKey(), createFernetKey()]
    const rollOut = async (storageKey: string): Promise<Hosts> => {
      await Promise.all(running.splice(0).map((hosts) => hosts.close()))
      return start({ port, storageKey })
    }
    let hosts = await rollOut(old)
    const used: LoggedIn = await login(hosts)
    const forgotten: LoggedIn = await login(hosts)
    for (const keys of [`${old} ${next}`, `${next} ${old}`]) {
      hosts = await rollOut(keys)
      expect(await toolStatus(hosts, used.tokens.access_token)).toBe(200)
      const sealed = await recordsOf('client')
      expect((await refresh(hosts, used.clientId, used.tokens.refresh_token)).status).toBe(200)
      expect(sealed.size).toBe(2)
    }
    const before = await recordsOf('grant')

    hosts = await rollOut(next)
    expect(await toolStatus(hosts, used.tokens.access_token)).toBe(200)
    expect((await refresh(hosts, used.clientId, used.tokens.refresh_token)).status).toBe(200)
    // Nobody came with this one while both keys were there.
    expect(await toolStatus(hosts, forgotten.tokens.access_token)).toBe(503)
    expect((await refresh(hosts, forgotten.clientId, forgotten.tokens.refresh_token)).status).toBe(503)
    expect(hosts.all.flatMap(({ events }) => events)).toContainEqual(
      expect.objectContaining({ type: 'store.unavailable', reason: 'StoreUnreadable' }),
    )
    expect([...(await recordsOf('grant')).keys()].sort()).toEqual([...before.keys()].sort())

    hosts = await rollOut(`${next} ${old}`)
    expect(await toolStatus(hosts, forgotten.tokens.access_token)).toBe(200)
  })
})

describe('a thousand calls of fifty sessions, some of which are given up,', () => {
  it('each see the person who calls, at whichever process (T71)', async () => {
    const hosts = await start()
    const names = ['octocat', 'alice', 'bob']
    const subjects: Readonly<Record<string, string>> = { octocat: '583231', alice: '1000001', bob: '1000002' }
    const sessions = await atMost(4, Array.from({ length: 50 }), async (_, index) => {
      const person = names[index % names.length] ?? ''
      return { person, token: await tokenOf(hosts, person) }
    })
    const seen = await atMost(24, Array.from({ length: 1000 }), async (_, index) => {
      const session = sessions[(index * 7) % sessions.length]
      // A busy machine may keep the store waiting; whoever is told so comes back.
      const answer = await comeBack(() => callTool(hosts, session?.token ?? ''))
      // Given up before it is read: the connection goes, and what follows must not find its rest.
      if (index % 11 === 0) return void (await answer.body?.cancel())
      const [, subject] = /\\"subject\\":\\"(\d+)\\"/.exec(await answer.text()) ?? []
      return subject === subjects[session?.person ?? ''] ? undefined : `${session?.person} was ${subject}`
    })
    expect(seen.filter((wrong) => wrong !== undefined)).toEqual([])
  })
})

async function tokenOf(hosts: Hosts, person: string): Promise<string> {
  const tab = openTab({ baseUrl: hosts.baseUrl, call: (url, init) => hosts.fetch(url, init) })
  const clientId = await register(hosts)
  const { refresh: upstream } = await tab.decide(await tab.open(authorizePath(clientId)), 'approve')
  const { location } = await tab.open(await signInUpstream(hosts, upstream, { login: person }))
  return (await readTokens(await redeem(hosts, clientId, new URL(location).searchParams.get('code') ?? ''))).access_token
}

it('a consent form that was sent twice, to two processes, makes two harmless logins or one (T8)', async () => {
  const hosts = await start()
  const [a, b] = [hosts.at(0), hosts.at(1)]
  const clientId = await register(hosts)
  const tab = openTab({ baseUrl: hosts.baseUrl, call: (url, init) => hosts.fetch(url, init) })
  const question = await tab.open(authorizePath(clientId))
  const other = openTab({ baseUrl: hosts.baseUrl, call: (url, init) => b.fetch(url, init) })
  for (const [name, value] of tab.cookies) other.cookies.set(name, value)
  const answers = await Promise.all([tab.decide(question, 'approve'), other.decide(question, 'approve')])
  expect(answers.map(({ status }) => status)).toEqual([200, 200])
  for (const [name, value] of other.cookies) tab.cookies.set(name, value)
  const end = new URL((await tab.open(await signInUpstream(hosts, answers[1].refresh))).location)
  expect((await redeem(a, clientId, end.searchParams.get('code') ?? '')).status).toBe(200)
})
