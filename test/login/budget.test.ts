import { createFernetKey, encrypted, fernet, memoryStore } from '@drawbridge/storage'
import { beforeEach, describe, expect, it } from 'vitest'
import { type DistantStore, distantStore } from '../support/distant-store.ts'
import { type House, openHouse, redirectUri, type TokenAnswer } from '../support/house.ts'
import { documentUrl, openStrangers } from '../support/strangers.ts'
import { comeToCallback, openTab } from '../support/tab.ts'
import { watchedStore } from '../support/watched-store.ts'

const hour = 3600
const due = 8 * hour - 240

/** A house whose store is a round trip away, warm: the deployment was opened, and everything was done once. */
async function openWarm(options: { mode?: 'github-app'; cacheFor?: number; accessToken?: number } = {}): Promise<[House, DistantStore]> {
  const { cacheFor = 0, accessToken = hour, ...mode } = options
  const world = openHouse(mode)
  const store = distantStore(memoryStore(world), world.environment)
  const house = openHouse({ beside: world, clientStorage: store, verification: { cacheFor }, lifetimes: { accessToken } })
  await house.login()
  await house.environment.drain()
  return [house, store]
}

// A busy machine can make a count too high, and nothing can make it too low: one right count of several is proof.
const patient = { retry: 4 }

describe('the store waits in sequence, warm and uncontended, of', patient, () => {
  let house: House
  let store: DistantStore

  beforeEach(async () => {
    ;[house, store] = await openWarm()
  })

  it('a registration: 1', async () => {
    expect(await store.waitsOf(() => house.register())).toMatchObject({ waits: 1 })
  })

  it('an authorization request: 1', async () => {
    const clientId = await house.register()
    expect(await store.waitsOf(() => openTab(house).open(house.authorizeUrl(clientId)))).toMatchObject({
      waits: 1,
      result: { status: 200 },
    })
  })

  it('an authorization request of a client that is a URL: 1, and 2 when its document is read', async () => {
    const strangers = openStrangers()
    const world = openHouse({ fetchPinned: strangers.fetchPinned })
    const distant = distantStore(memoryStore(world), world.environment)
    const near = openHouse({ beside: world, clientStorage: distant })
    await near.login()
    await near.environment.drain()
    strangers.publish(documentUrl)
    const asking = () => distant.waitsOf(() => openTab(near).open(near.authorizeUrl(documentUrl)))
    expect(await asking()).toMatchObject({ waits: 2, result: { status: 200 } })
    expect(await asking()).toMatchObject({ waits: 1, result: { status: 200 } })
  })

  it.each([
    ['approve', 1],
    ['deny', 0],
  ])('a decision to %s: %i', async (decision, waits) => {
    const tab = openTab(house)
    const page = await tab.open(house.authorizeUrl(await house.register()))
    expect(await store.waitsOf(() => tab.decide(page, decision))).toMatchObject({ waits, result: { status: 200 } })
  })

  it('a callback: 4', async () => {
    const { tab, callback } = await comeToCallback(house)
    expect(await store.waitsOf(() => tab.open(callback))).toMatchObject({ waits: 4, result: { status: 303 } })
  })

  it('a callback that comes again: 1', async () => {
    const { tab, callback } = await comeToCallback(house)
    await tab.open(callback)
    expect(await store.waitsOf(() => tab.open(callback))).toMatchObject({ waits: 1, result: { status: 303 } })
  })

  it('a yes that comes again: 2', async () => {
    const tab = openTab(house)
    const page = await tab.open(house.authorizeUrl(await house.register()))
    await tab.decide(page, 'approve')
    expect(await store.waitsOf(() => tab.decide(page, 'approve'))).toMatchObject({ waits: 2, result: { status: 200 } })
  })

  it('an authorization request, where consent is external: 2', async () => {
    const asks = openHouse({ beside: house, clientStorage: store, consent: { mode: 'external' } })
    await asks.auth.ready()
    const clientId = await house.register()
    expect(await store.waitsOf(() => openTab(asks).open(asks.authorizeUrl(clientId)))).toMatchObject({ waits: 2, result: { status: 303 } })
  })

  it('an authorization request, where consent is remembered: 4, and 1 without its cookie; and its callback: 5', async () => {
    const asks = openHouse({ beside: house, clientStorage: store, consent: { mode: 'remembered', rememberNative: true } })
    await asks.auth.ready()
    const first = await comeToCallback(asks)
    expect(await store.waitsOf(() => first.tab.open(first.callback))).toMatchObject({ waits: 5, result: { status: 303 } })
    const url = asks.authorizeUrl(first.clientId, { resource: `${asks.baseUrl}/mcp` })
    expect(await store.waitsOf(() => openTab(asks).open(url))).toMatchObject({ waits: 1, result: { status: 200 } })
    expect(await store.waitsOf(() => first.tab.open(url))).toMatchObject({ waits: 4, result: { status: 303 } })
  })

  it('a redemption: 2', async () => {
    const { tab, clientId, callback } = await comeToCallback(house)
    const code = new URL((await tab.open(callback)).location).searchParams.get('code') ?? ''
    expect(await store.waitsOf(() => house.redeem(clientId, code, { redirect_uri: redirectUri }))).toMatchObject({
      waits: 2,
      result: { status: 200 },
    })
  })

  it('a refresh: 2', async () => {
    const { clientId, tokens } = await house.login()
    expect(await store.waitsOf(() => house.refresh(clientId, tokens.refresh_token))).toMatchObject({ waits: 2, result: { status: 200 } })
  })

  it('a refused redemption or refresh: 1, and 2 when the grant is missing, for the sentinel', async () => {
    const { clientId, tokens } = await house.login()
    const forged = tokens.refresh_token.replace(/\.[^.]*$/, `.${'A'.repeat(43)}`)
    expect(await store.waitsOf(() => house.refresh(clientId, forged))).toMatchObject({ waits: 1, result: { status: 400 } })
    await house.auth.revoke({ subject: '583231' })
    expect(await store.waitsOf(() => house.refresh(clientId, tokens.refresh_token))).toMatchObject({ waits: 2, result: { status: 400 } })
  })

  it('a verification: 1, also while its first use is noted beside it', async () => {
    const { tokens } = await house.login()
    expect(await store.waitsOf(() => house.mcpStatus(tokens.access_token))).toEqual({ waits: 1, result: 200 })
    expect(await store.waitsOf(() => house.mcpStatus(tokens.access_token))).toEqual({ waits: 1, result: 200 })
  })

  it('a verification while the upstream is asked beside it: 1', async () => {
    const { tokens } = await house.login()
    house.environment.advance(901)
    expect(await store.waitsOf(() => house.mcpStatus(tokens.access_token))).toEqual({ waits: 1, result: 200 })
    await house.environment.drain()
    expect(house.github.calls('user')).toBe(3)
  })

  it('a token that is not ours: 0', async () => {
    expect(await store.waitsOf(() => house.mcpStatus('abc'))).toEqual({ waits: 0, result: 401 })
  })

  it.each([
    ['refresh token', (tokens: TokenAnswer) => tokens.refresh_token],
    ['access token', (tokens: TokenAnswer) => tokens.access_token],
  ])('a revocation by %s: 2', async (_, pick) => {
    const { clientId, tokens } = await house.login()
    const work = () => house.post('/revoke', { client_id: clientId, token: pick(tokens) })
    expect(await store.waitsOf(work)).toMatchObject({ waits: 2, result: { status: 200 } })
  })

  it('auth.upstream: 1', async () => {
    const { tokens } = await house.login()
    const who = await house.auth.verifyAccessToken(tokens.access_token)
    expect(await store.waitsOf(() => house.auth.upstream(who))).toMatchObject({ waits: 1 })
  })

  it('the documents: 0', async () => {
    expect(await store.waitsOf(() => house.call('/.well-known/oauth-authorization-server'))).toMatchObject({ waits: 0 })
    expect(await store.waitsOf(() => house.call('/.well-known/jwks.json'))).toMatchObject({ waits: 0 })
  })
})

describe('the store waits in sequence, where registration is sealed, of', patient, () => {
  it('a registration: 0, an authorization request: 0; redemptions and refreshes as ever, for the grant', async () => {
    const world = openHouse()
    const store = distantStore(memoryStore(world), world.environment)
    const clients = { registration: { sealedWith: 'first-sealing-secret-0123456789-abcdef' } }
    const house = openHouse({ beside: world, clientStorage: store, clients })
    await house.login()
    await house.environment.drain()
    const { waits, result: clientId } = await store.waitsOf(() => house.register())
    expect(waits).toBe(0)
    expect(await store.waitsOf(() => openTab(house).open(house.authorizeUrl(clientId)))).toMatchObject({
      waits: 0,
      result: { status: 200 },
    })
    const code = (await house.signIn(clientId)).searchParams.get('code') ?? ''
    const redemption = await store.waitsOf(() => house.redeem(clientId, code))
    expect(redemption).toMatchObject({ waits: 2, result: { status: 200 } })
    const { refresh_token: refreshToken }: TokenAnswer = await redemption.result.json()
    expect(await store.waitsOf(() => house.refresh(clientId, refreshToken))).toMatchObject({ waits: 2, result: { status: 200 } })
  })
})

describe('the store waits in sequence, with upstream tokens that are due, of', patient, () => {
  it('a refresh: 4, and 1 upstream call', async () => {
    const [house, store] = await openWarm({ mode: 'github-app' })
    const { clientId, tokens } = await house.login()
    house.environment.advance(due)
    const before = house.github.received.length
    expect(await store.waitsOf(() => house.refresh(clientId, tokens.refresh_token))).toMatchObject({ waits: 4, result: { status: 200 } })
    expect(house.github.received).toHaveLength(before + 1)
  })

  it('auth.upstream: 4, and 1 upstream call', async () => {
    const [house, store] = await openWarm({ mode: 'github-app', accessToken: 10 * hour })
    const { tokens } = await house.login()
    house.environment.advance(8 * hour - 300)
    const who = await house.auth.verifyAccessToken(tokens.access_token)
    await house.environment.drain()
    house.environment.advance(60)
    const before = house.github.received.length
    expect(await store.waitsOf(() => house.auth.upstream(who))).toMatchObject({ waits: 4 })
    expect(house.github.received).toHaveLength(before + 1)
  })

  it('a verification: 1; the refresh goes on beside it', async () => {
    const [house, store] = await openWarm({ mode: 'github-app', accessToken: 10 * hour })
    const { tokens } = await house.login()
    house.environment.advance(due)
    expect(await store.waitsOf(() => house.mcpStatus(tokens.access_token))).toEqual({ waits: 1, result: 200 })
    await house.environment.drain()
    expect(house.github.calls('token')).toBe(3)
  })
})

describe('the store waits in sequence, with cacheFor, of', patient, () => {
  it('a verification: 1, then 0 for as long', async () => {
    const [house, store] = await openWarm({ cacheFor: 10 })
    const { tokens } = await house.login()
    const verify = () => store.waitsOf(() => house.mcpStatus(tokens.access_token))
    expect(await verify()).toEqual({ waits: 1, result: 200 })
    await house.environment.drain()
    house.environment.advance(9)
    expect(await verify()).toEqual({ waits: 0, result: 200 })
    house.environment.advance(1)
    expect(await verify()).toEqual({ waits: 1, result: 200 })
  })
})

describe('cold, one more:', patient, () => {
  it('the first request opens the deployment, which takes two when it is the first one ever', async () => {
    const world = openHouse()
    const store = distantStore(memoryStore(world), world.environment)
    const first = openHouse({ beside: world, clientStorage: store })
    expect(await store.waitsOf(() => first.register())).toMatchObject({ waits: 3 })
    const second = openHouse({ beside: world, clientStorage: store })
    expect(await store.waitsOf(() => second.register())).toMatchObject({ waits: 2 })
  })
})

describe('a person who is logged in', () => {
  it.each([
    ['an upstream whose tokens never end', 'oauth-app'],
    ['an upstream whose tokens end', 'github-app'],
  ] as const)('costs at most 2 KB in a sealed store, and 1.4 times the upstream tokens: %s (P8)', async (_, mode) => {
    const world = openHouse({ mode })
    const watched = watchedStore(memoryStore(world))
    const store = encrypted(watched, fernet(createFernetKey(), world), world)
    const house = openHouse({ beside: world, clientStorage: store })
    const { clientId, tokens } = await house.login()
    await house.refresh(clientId, tokens.refresh_token)
    await house.mcpStatus(tokens.access_token)
    await house.environment.drain()

    const grantId = tokens.refresh_token.slice(6, 42)
    const [key = ''] = watched.keysOf('grant')
    const entry = await watched.get(key)
    const sealed = entry?.value ?? ''
    const members = watched.written.filter(({ value }) => value === grantId)
    expect(members).toHaveLength(2)
    const size = [key, sealed, entry?.version, ...members.flatMap((member) => [member.key, member.value])].join('').length
    const upstreamTokens = mode === 'oauth-app' ? 40 : 40 + 80
    expect(sealed.length).toBeGreaterThan(1000)
    expect(size).toBeLessThanOrEqual(2048 + 1.4 * upstreamTokens)
  })
})
