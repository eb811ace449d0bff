import { generateKeyPairSync } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createFernetKey } from '@drawbridge/storage'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LoggedIn, login, readTokens, refresh, toolStatus } from '../hosts/client.ts'
import { type Hosts, startHosts } from '../hosts/hosts.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { figure } from './figure.ts'

// Both keys are changed in three roll-outs each, one host after the other, while clients work. Nobody is to notice.

const hour = 3600
const [oldStorage, newStorage] = [createFernetKey(), createFernetKey()]
const oldSigning = 'first-signing-key-0123456789-abcdefghijklmnop'
const newSigning = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

let redis: RedisServer
let hosts: Hosts
beforeAll(async () => {
  redis = await startRedis('--appendonly', 'no')
  hosts = await startHosts({
    count: 3,
    store: { kind: 'redis', url: redis.url },
    mode: 'github-app',
    storageKey: oldStorage,
    signingKeys: [oldSigning],
  })
})
afterAll(async () => {
  await hosts?.close()
  await redis?.close()
})

/** What clients saw. `waits`: how often they were told to come back, which a busy machine does to them, and a rotation does not. */
interface Seen {
  readonly answers: number
  readonly waits: number
  readonly bad: readonly string[]
}

/** Clients that call and refresh until they are told to stop; each answer that was not the good one is noted. */
function work(sessions: LoggedIn[]): { stop(): Promise<Seen> } {
  const seen = { answers: 0, waits: 0, bad: [] as string[] }
  let going = true
  const note = (what: string, status: number): void => {
    seen.answers += 1
    if (status === 503) seen.waits += 1
    else if (status !== 200) seen.bad.push(`${what} ${status}`)
  }
  const loops = sessions.map(async ({ clientId, tokens }, index) => {
    let { access_token: accessToken, refresh_token: refreshToken } = tokens
    for (let round = 0; going; round += 1) {
      note('call', await toolStatus(hosts, accessToken))
      if (round % 4 === index % 4) {
        const answer = await refresh(hosts, clientId, refreshToken)
        note('refresh', answer.status)
        if (answer.status === 200) {
          const next = await readTokens(answer)
          accessToken = next.access_token
          refreshToken = next.refresh_token
        }
      }
      await sleep(20)
    }
    sessions[index] = { clientId, tokens: { ...tokens, access_token: accessToken, refresh_token: refreshToken } }
  })
  return {
    async stop() {
      going = false
      await Promise.all(loops)
      return seen
    },
  }
}

/** Rolls out keys under load; what the clients saw. */
async function rollOut(sessions: LoggedIn[], keys: Parameters<Hosts['rollOut']>[0]): Promise<Seen> {
  const working = work(sessions)
  await hosts.rollOut(keys)
  await sleep(500)
  return working.stop()
}

function judge(which: string, seen: readonly Seen[]): void {
  const [answers, waits] = [seen.reduce((sum, each) => sum + each.answers, 0), seen.reduce((sum, each) => sum + each.waits, 0)]
  const bad = seen.flatMap((each) => each.bad)
  figure(`requests refused while the ${which} key was changed on 3 hosts, of ${answers}`, bad.length)
  figure(`requests told to come again while the ${which} key was changed`, waits)
  expect(bad).toEqual([])
  expect(waits).toBeLessThan(answers / 20)
}

describe('the signing key', () => {
  it('is changed in three roll-outs under load, from a secret to a private key, and no request fails (REL-R19)', async () => {
    const sessions = await Promise.all(Array.from({ length: 8 }, () => login(hosts)))
    const kids = async (): Promise<number> => (await (await hosts.fetch('/.well-known/jwks.json')).json()).keys.length
    const seen = [await rollOut(sessions, { signingKeys: [oldSigning, newSigning] })]
    expect(await kids()).toBe(1)
    seen.push(await rollOut(sessions, { signingKeys: [newSigning, oldSigning] }))
    const signedByOld = sessions.map(({ tokens }) => tokens.access_token)
    for (const token of signedByOld) expect(await toolStatus(hosts, token)).toBe(200)
    // The old key goes when the last token it signed has ended, for which clients refresh as they always do.
    for (const [index, { clientId, tokens }] of sessions.entries())
      sessions[index] = { clientId, tokens: await readTokens(await refresh(hosts, clientId, tokens.refresh_token)) }
    await hosts.advance(hour + 60)
    for (const [index, { clientId, tokens }] of sessions.entries())
      sessions[index] = { clientId, tokens: await readTokens(await refresh(hosts, clientId, tokens.refresh_token)) }
    seen.push(await rollOut(sessions, { signingKeys: [newSigning] }))

    for (const token of signedByOld) expect(await toolStatus(hosts, token)).toBe(401)
    judge('signing', seen)
  })
})

describe('the storage key', () => {
  it('is changed in three roll-outs under load; the walk finds what nobody reads, and then the old key is not needed (T95, REL-R18)', async () => {
    const sessions = await Promise.all(Array.from({ length: 8 }, () => login(hosts)))
    const asleep = await Promise.all(Array.from({ length: 8 }, () => login(hosts)))
    const seen = [await rollOut(sessions, { storageKey: `${oldStorage} ${newStorage}` })]
    seen.push(await rollOut(sessions, { storageKey: `${newStorage} ${oldStorage}` }))
    const working = work(sessions)
    const first = await hosts.at(0).rotateStorageKey()
    const second = await hosts.at(1).rotateStorageKey()
    seen.push(await working.stop())
    expect([first.unreadable, second]).toEqual([0, { read: expect.any(Number), resealed: 0, unreadable: 0 }])
    // The grant and the client of each session that slept.
    expect(first.resealed).toBeGreaterThanOrEqual(2 * asleep.length)
    seen.push(await rollOut(sessions, { storageKey: newStorage }))

    for (const { clientId, tokens } of [...sessions, ...asleep]) {
      expect(await toolStatus(hosts, tokens.access_token)).toBe(200)
      expect((await refresh(hosts, clientId, tokens.refresh_token)).status).toBe(200)
    }
    const outdated = hosts.all.flatMap(({ events }) => events.filter(({ type }) => type === 'record.outdated'))
    expect(outdated).toEqual([])
    judge('storage', seen)
  })
})
