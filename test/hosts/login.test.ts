import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startRedis } from '../support/redis-server.ts'
import { callTool, post, readTokens, redeem, refresh, register, revoke, takeCode, toolStatus } from './client.ts'
import { type Hosts, startHosts } from './hosts.ts'
import type { HostStore } from './messages.ts'

// Processes start, and wait for each other; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

/** A store, and how to be rid of it. */
interface Shared {
  readonly store: HostStore
  remove(): Promise<void>
}

async function oneRedis(): Promise<Shared> {
  const redis = await startRedis()
  return { store: { kind: 'redis', url: redis.url }, remove: () => redis.close() }
}

async function oneFile(): Promise<Shared> {
  const folder = mkdtempSync(join(tmpdir(), 'drawbridge-hosts-'))
  return { store: { kind: 'sqlite', path: join(folder, 'store.db') }, remove: async () => rmSync(folder, { recursive: true }) }
}

describe.each([
  ['one Redis', oneRedis],
  ['one SQLite file', oneFile],
])('two processes on %s', (_, open) => {
  let shared: Shared
  let hosts: Hosts
  beforeAll(async () => {
    shared = await open()
    hosts = await startHosts({ count: 2, store: shared.store })
  })
  afterAll(async () => {
    await hosts?.close()
    await shared?.remove()
  })

  it('serve one login: registered at A, authorized at B, called back at A, redeemed at B, refreshed at A, verified at B, revoked at A, refused at B (T108)', async () => {
    const [a, b] = [hosts.at(0), hosts.at(1)]
    const clientId = await register(a)
    const code = await takeCode(hosts, clientId, { authorize: b, consent: b, callback: a })
    const first = await readTokens(await redeem(b, clientId, code))
    const second = await readTokens(await refresh(a, clientId, first.refresh_token))
    const call = await callTool(b, second.access_token)
    expect(call.status).toBe(200)
    expect(await call.text()).toContain(`{\\"subject\\":\\"583231\\",\\"pid\\":${b.pid}}`)
    expect((await revoke(a, clientId, second.refresh_token)).status).toBe(200)
    const refused = await callTool(b, second.access_token)
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, expect.stringContaining('error="invalid_token"')])
    expect((await refresh(b, clientId, second.refresh_token)).status).toBe(400)
  })

  it('take turns at every single step, the consent form and the token endpoint included', async () => {
    const [a, b] = [hosts.at(0), hosts.at(1)]
    const clientId = await register(b)
    const code = await takeCode(hosts, clientId, { authorize: a, consent: b, callback: a })
    const { access_token: accessToken } = await readTokens(await redeem(b, clientId, code))
    expect([await toolStatus(a, accessToken), await toolStatus(b, accessToken)]).toEqual([200, 200])
  })

  it('end the grant of a code that is redeemed again at the other, minutes later (T16, I2)', async () => {
    const [a, b] = [hosts.at(0), hosts.at(1)]
    const clientId = await register(a)
    const code = await takeCode(hosts, clientId, { authorize: a, consent: a, callback: a })
    const tokens = await readTokens(await redeem(a, clientId, code))
    expect(await toolStatus(b, tokens.access_token)).toBe(200)
    await hosts.advance(300)
    const again = await redeem(b, clientId, code)
    expect([again.status, await again.json()]).toEqual([400, expect.objectContaining({ error: 'invalid_grant' })])
    expect([await toolStatus(a, tokens.access_token), await toolStatus(b, tokens.access_token)]).toEqual([401, 401])
    expect(b.events).toContainEqual(expect.objectContaining({ type: 'code.replayed', clientId }))
  })

  it('refuse at both a refresh token of long ago that was used up at one (REL-R4)', async () => {
    const [a, b] = [hosts.at(0), hosts.at(1)]
    const clientId = await register(a)
    const code = await takeCode(hosts, clientId, { authorize: a, consent: a, callback: a })
    let tokens = await readTokens(await redeem(a, clientId, code))
    const old = tokens.refresh_token
    for (const place of [b, a]) tokens = await readTokens(await refresh(place, clientId, tokens.refresh_token))
    expect(await (await refresh(b, clientId, old)).json()).toMatchObject({ error: 'invalid_grant' })
    expect(await toolStatus(a, tokens.access_token)).toBe(401)
  })

  it('keep spent codes and rotated tokens dead when all of them are restarted, and living sessions alive (REL-R15)', async () => {
    const way = { authorize: hosts, consent: hosts, callback: hosts }
    const clientId = await register(hosts)
    const [spent, rotated, kept] = [
      await takeCode(hosts, clientId, way),
      await takeCode(hosts, clientId, way),
      await takeCode(hosts, clientId, way),
    ]
    await readTokens(await redeem(hosts, clientId, spent))
    const generations = [await readTokens(await redeem(hosts, clientId, rotated))]
    for (let index = 0; index < 2; index += 1)
      generations.push(await readTokens(await refresh(hosts, clientId, generations.at(-1)?.refresh_token ?? '')))
    const session = await readTokens(await redeem(hosts, clientId, kept))

    await hosts.restart()

    expect(await (await redeem(hosts, clientId, spent)).json()).toMatchObject({ error: 'invalid_grant' })
    expect(await (await refresh(hosts, clientId, generations[0]?.refresh_token ?? '')).json()).toMatchObject({ error: 'invalid_grant' })
    expect(await (await refresh(hosts, clientId, generations[2]?.refresh_token ?? '')).json()).toMatchObject({ error: 'invalid_grant' })
    expect(await toolStatus(hosts, session.access_token)).toBe(200)
    expect((await refresh(hosts, clientId, session.refresh_token)).status).toBe(200)
  })

  it('are ready, and say so', async () => {
    for (const host of hosts.all) {
      const answer = await host.fetch('/ready')
      expect([answer.status, await answer.json()]).toEqual([200, { status: 'ready' }])
    }
  })

  it('end the same grant from either of them, once (T108)', async () => {
    const clientId = await register(hosts)
    const code = await takeCode(hosts, clientId, { authorize: hosts, consent: hosts, callback: hosts })
    const tokens = await readTokens(await redeem(hosts, clientId, code))
    const before = hosts.github.calls('revocation')
    const answers = await Promise.all(hosts.all.map((host) => post(host, '/revoke', { client_id: clientId, token: tokens.access_token })))
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    await expect.poll(() => hosts.github.calls('revocation') - before).toBe(1)
  })
})
