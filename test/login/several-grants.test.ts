import type { AuthorizeUser, SeveralProvidersOptions, Upstream } from '@drawbridge/core'
import { MultiProvider } from '@drawbridge/providers/several'
import { memoryStore } from '@drawbridge/storage'
import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { distantStore } from '../support/distant-store.ts'
import { openHouse, type TokenAnswer } from '../support/house.ts'
import { choose, comeWith, type Key, logInWith, openSeveralHouse, type SeveralHouse, upstreamOf } from '../support/several-house.ts'
import { comeToCallback, openTab } from '../support/tab.ts'

const noon = 1_767_268_800
const hour = 3600
const day = 24 * hour
/** When an upstream token of eight hours is worth refreshing. */
const due = 8 * hour - 240
const keys: readonly Key[] = ['github', 'forge']
const otherOf: Readonly<Record<Key, Key>> = { github: 'forge', forge: 'github' }
const longLived = { mode: 'github-app', lifetimes: { accessToken: 90 * day } } as const

/** How often each upstream was called since, at `token`, `user` and `revocation`. */
function counting(house: SeveralHouse): () => Record<Key, number[]> {
  const now = (): Record<Key, number[]> => {
    const of = (key: Key) => (['token', 'user', 'revocation'] as const).map((endpoint) => house.standIns[key].calls(endpoint))
    return { github: of('github'), forge: of('forge') }
  }
  const before = now()
  return () => {
    const after = now()
    const since = (key: Key) => after[key].map((count, index) => count - (before[key][index] ?? 0))
    return { github: since('github'), forge: since('forge') }
  }
}

describe('a grant is of one upstream, whose client we are there', () => {
  it.each(keys)('%s: its tokens are refreshed there and nowhere else', async (key) => {
    const house = openSeveralHouse(longLived)
    const { clientId, tokens } = await logInWith(house, key)
    house.environment.advance(due)
    const calls = counting(house)
    expect((await house.refresh(clientId, tokens.refresh_token)).status).toBe(200)
    expect(calls()).toEqual({ [key]: [1, 0, 0], [otherOf[key]]: [0, 0, 0] })
    expect(house.events).toContainEqual({ type: 'upstream.refreshed', grantId: expect.any(String), provider: key, at: noon + due })
  })

  it.each(keys)('%s: beside a call it is asked there whether it still knows the person', async (key) => {
    const house = openSeveralHouse({ lifetimes: longLived.lifetimes })
    const { tokens } = await logInWith(house, key)
    house.environment.advance(901)
    const calls = counting(house)
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    await house.environment.drain()
    expect(calls()).toEqual({ [key]: [0, 1, 0], [otherOf[key]]: [0, 0, 0] })
    // It named the same person as at the login: the grant goes on.
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    expect(house.events.filter(({ type }) => type === 'grant.ended')).toEqual([])
  })

  it.each(keys)('%s: when it ends, that upstream is told', async (key) => {
    const house = openSeveralHouse()
    const { clientId, tokens } = await logInWith(house, key)
    const calls = counting(house)
    await house.post('/revoke', { client_id: clientId, token: tokens.refresh_token })
    await house.environment.drain()
    expect(calls()).toEqual({ [key]: [0, 0, 1], [otherOf[key]]: [0, 0, 0] })
    expect(house.events.filter(({ type }) => type === 'upstream.failed')).toEqual([])
  })

  it('an upstream that does not take us for its client harms nobody of the other, and is told by its key', async () => {
    const house = openSeveralHouse({ ...longLived })
    const [one, other] = [await logInWith(house, 'github'), await logInWith(house, 'forge')]
    const wrong = openSeveralHouse({ ...longLived, beside: house, entries: { forge: { clientSecret: 'an-old-one' } } })
    wrong.environment.advance(due)
    expect((await wrong.refresh(other.clientId, other.tokens.refresh_token)).status).toBe(503)
    expect((await wrong.refresh(one.clientId, one.tokens.refresh_token)).status).toBe(200)
    expect(wrong.events.slice(0, 2)).toEqual([
      { type: 'upstream.client_refused', reason: 'invalid_client', provider: 'forge', at: noon + due },
      { type: 'upstream.failed', operation: 'refresh', reason: 'invalid_client', provider: 'forge', at: noon + due },
    ])
  })
})

describe('two upstreams that know people by the same ids', () => {
  it('know two people here', async () => {
    const house = openSeveralHouse()
    const [one, other] = [await logInWith(house, 'github'), await logInWith(house, 'forge')]
    expect([one, other].map(({ tokens }) => decodeJwt(tokens.access_token).sub)).toEqual(['github|583231', 'forge|583231'])
    expect([await house.auth.revoke({ subject: '583231' }), await house.auth.revoke({ subject: 'forge|583231' })]).toEqual([0, 1])
    expect(await Promise.all([one, other].map(({ tokens }) => house.mcpStatus(tokens.access_token)))).toEqual([200, 401])
    expect(await house.auth.revoke({ subject: 'github|583231' })).toBe(1)
  })

  it('are known to their upstream by what it said itself, when it is asked again', async () => {
    const reminded: unknown[] = []
    const identify: Upstream['identify'] = async ({ known }) => {
      reminded.push(known)
      return known ?? { subject: '7', claims: { login: 'octocat' } }
    }
    const house = openSeveralHouse({
      lifetimes: longLived.lifetimes,
      entries: { forge: { upstream: { ...upstreamOf('forge'), identify } } },
    })
    const { tokens } = await logInWith(house, 'forge')
    house.environment.advance(901)
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    await house.environment.drain()
    expect(reminded).toEqual([undefined, { subject: '7', claims: { login: 'octocat' } }])
    expect((await house.auth.verifyAccessToken(tokens.access_token)).extra.identity).toEqual({
      subject: 'forge|7',
      provider: 'forge',
      claims: { login: 'octocat' },
    })
  })

  it('and what a provider says of itself is not believed', async () => {
    const identify = async () => ({ subject: 'forge|583231', provider: 'forge', claims: {} })
    const several = openSeveralHouse({ entries: { github: { upstream: { ...upstreamOf('github'), identify } } } })
    const { tokens } = await logInWith(several, 'github')
    const { identity } = (await several.auth.verifyAccessToken(tokens.access_token)).extra
    expect(identity).toEqual({ subject: 'github|forge|583231', provider: 'github', claims: {} })
    const one = openHouse({ identify })
    const { access_token: accessToken } = (await one.login()).tokens
    expect((await one.auth.verifyAccessToken(accessToken)).extra.identity).toEqual({ subject: 'forge|583231', claims: {} })
  })
})

describe('scopes, with several providers, are ours', () => {
  const ours = { requiredScopes: ['read'], clients: { validScopes: ['write'] } } as const

  it('by default there are none, and each upstream is asked for its own', async () => {
    const house = openSeveralHouse()
    const tab = openTab(house)
    const page = await tab.open(house.authorizeUrl(await house.register(), { scope: 'user repo' }))
    const { refresh } = await choose(tab, page, 'github')
    expect(new URL(refresh).searchParams.get('scope')).toBe('user')
    expect(house.auth.oauthMetadata.scopes_supported).toEqual(['offline_access'])
    const { tokens } = await logInWith(house, 'forge', { scope: 'user repo' })
    expect(tokens.scope).toBe('')
  })

  it('an upstream is asked for those of its entry, and what it answers takes nothing from the client', async () => {
    const house = openSeveralHouse({ ...ours, entries: { forge: { scopes: ['gist', 'read:org'] } } })
    const tab = openTab(house)
    const page = await tab.open(house.authorizeUrl(await house.register(), { scope: 'write' }))
    expect(new URL((await choose(tab, page, 'forge')).refresh).searchParams.get('scope')).toBe('gist read:org')
    const { tokens } = await logInWith(house, 'forge', { scope: 'read write' })
    expect(tokens.scope).toBe('read write')
    const handle = await house.auth.upstream(await house.auth.verifyAccessToken(tokens.access_token))
    expect(handle.scopes).toEqual(['gist', 'read:org'])
  })

  it('an upstream that names none gave what it was asked for', async () => {
    const house = openSeveralHouse({ ...ours, ...longLived, entries: { forge: { scopes: ['gist'] } } })
    const { clientId, tokens } = await logInWith(house, 'forge')
    house.environment.advance(due)
    const { access_token: accessToken }: TokenAnswer = await (await house.refresh(clientId, tokens.refresh_token)).json()
    expect((await house.auth.upstream(await house.auth.verifyAccessToken(accessToken))).scopes).toEqual(['gist'])
  })

  it('an upstream’s own hierarchy is none of ours', async () => {
    const house = openSeveralHouse({ requiredScopes: ['user'], clients: { validScopes: ['read:user'] } })
    const { tokens } = await logInWith(house, 'github', { scope: 'user' })
    const request = new Request('http://localhost:8000/mcp', { headers: { authorization: `Bearer ${tokens.access_token}` } })
    const who = await house.auth.authenticate(request, { scopes: ['read:user'] })
    expect(who instanceof Response && who.status).toBe(403)
  })

  it.each<[string, AuthorizeUser | undefined, AuthorizeUser | undefined, string]>([
    ['nobody is asked', undefined, undefined, 'read write'],
    ['both say yes', () => true, () => true, 'read write'],
    ['the one for all says no', () => false, () => true, 'access_denied'],
    ['its own says no', () => true, () => false, 'access_denied'],
    ['its own answers nothing', undefined, (() => {}) as unknown as AuthorizeUser, 'access_denied'],
    ['the one for all answers nothing', (() => {}) as unknown as AuthorizeUser, () => true, 'access_denied'],
    ['the one for all narrows', () => ['read'], () => true, 'read'],
    ['its own narrows', () => true, async () => ['write'], 'write'],
    ['both narrow', () => ['read', 'write'], () => ['write'], 'write'],
    ['both narrow to something else', () => ['read'], () => ['write'], ''],
    ['by a scope that includes the other', () => ['all'], () => ['write'], 'write'],
  ])('authorizeUser, for all and of the provider: %s', async (_, forAll, own, expected) => {
    const house = openSeveralHouse({
      ...ours,
      scopes: { includes: { all: ['read', 'write'] } },
      ...(forAll && { upstream: { authorizeUser: forAll } }),
      entries: { forge: own ? { authorizeUser: own } : {} },
    })
    const { tab, clientId, callback } = await comeWith(house, 'forge', { scope: 'read write' })
    const answer = new URL((await tab.open(callback)).location).searchParams
    const redeemed: Partial<TokenAnswer> = answer.has('code') ? await (await house.redeem(clientId, answer.get('code') ?? '')).json() : {}
    expect(answer.get('error') ?? redeemed.scope).toBe(expected)
    // A rule about the people of one provider is none about those of the other.
    expect(
      (await logInWith(openSeveralHouse({ ...ours, entries: { forge: own ? { authorizeUser: own } : {} } }), 'github')).tokens.scope,
    ).toBe('read')
  })

  it('authorizeUser sees who it is, and of which provider', async () => {
    const seen: unknown[] = []
    const look: AuthorizeUser = ({ subject, provider }) => seen.push([subject, provider]) > 0
    await logInWith(openSeveralHouse({ upstream: { authorizeUser: look }, entries: { forge: { authorizeUser: look } } }), 'forge')
    expect(seen).toEqual([
      ['forge|583231', 'forge'],
      ['forge|583231', 'forge'],
    ])
  })
})

describe('from one upstream to several', () => {
  /** A login while there was one upstream, at a host that shares the store with one that has two. */
  async function before() {
    const several = openSeveralHouse({ ...longLived, callbackPath: '/auth/callback' })
    const one = openHouse({ ...longLived, beside: several })
    return { several, one, ...(await one.login()) }
  }

  it('grants go on, with the subjects they have, and their tokens go to the first that is listed', async () => {
    const { several, clientId, tokens } = await before()
    const authInfo = await several.auth.verifyAccessToken(tokens.access_token)
    expect([authInfo.extra.subject, authInfo.extra.identity.provider]).toEqual(['583231', undefined])
    expect((await several.auth.upstream(authInfo)).provider).toBeUndefined()
    several.environment.advance(due)
    const calls = counting(several)
    const answer = await several.refresh(clientId, tokens.refresh_token)
    const next: TokenAnswer = await answer.json()
    expect([answer.status, decodeJwt(next.access_token).sub, calls()]).toEqual([200, '583231', { github: [1, 0, 0], forge: [0, 0, 0] }])
    expect(await several.auth.revoke({ subject: '583231' })).toBe(1)
    await several.environment.drain()
    expect(calls()).toEqual({ github: [1, 0, 1], forge: [0, 0, 0] })
  })

  it('the first is still asked who the person is, and names them as ever', async () => {
    const several = openSeveralHouse({ lifetimes: longLived.lifetimes, callbackPath: '/auth/callback' })
    const { tokens } = await openHouse({ lifetimes: longLived.lifetimes, beside: several }).login()
    several.environment.advance(901)
    const calls = counting(several)
    expect(await several.mcpStatus(tokens.access_token)).toBe(200)
    await several.environment.drain()
    expect([calls().github, await several.mcpStatus(tokens.access_token)]).toEqual([[0, 1, 0], 200])
  })

  it('a login that was begun before is taken by the first, and by no other (T11)', async () => {
    const { several, one } = await before()
    const { tab, callback } = await comeToCallback(one)
    const elsewhere = openTab(several)
    for (const [name, value] of tab.cookies) elsewhere.cookies.set(name, value)
    const at = (path: string) => elsewhere.open(callback.replace('/auth/callback?', `/auth/callback${path}?`))
    const calls = counting(several)
    expect([(await at('')).status, (await at('/forge')).status, calls()]).toEqual([404, 400, { github: [0, 0, 0], forge: [0, 0, 0] }])
    await at('/github')
    expect(calls()).toEqual({ github: [1, 0, 0], forge: [0, 0, 0] })
  })

  it('whichever is listed first is sent their tokens, as the guide warns', async () => {
    const several = openSeveralHouse({ ...longLived, callbackPath: '/auth/callback' })
    const { clientId, tokens } = await openHouse({ ...longLived, beside: several }).login()
    const turned = openSeveralHouse({ ...longLived, beside: several, first: 'forge' })
    turned.environment.advance(due)
    const calls = counting(turned)
    await turned.refresh(clientId, tokens.refresh_token)
    // It does not know the token, so the grant ends, and it is told that too.
    expect(calls()).toEqual({ github: [0, 0, 0], forge: [1, 0, 1] })
  })
})

describe('a provider that is not listed', () => {
  /** A login with Forge, and a host that does not list it: one of several, or one with GitHub alone. */
  async function without(kind: 'others' | 'one') {
    const house = openSeveralHouse(longLived)
    const { clientId, tokens } = await logInWith(house, 'forge')
    const here =
      kind === 'one'
        ? openHouse({ ...longLived, beside: house })
        : openSeveralHouse({ ...longLived, beside: house, entries: { forge: false } })
    return { house, here, clientId, tokens }
  }

  it.each(['others', 'one'] as const)(
    'its people are refused, where there are %s; no upstream sees their tokens, and nothing is ended',
    async (kind) => {
      const { house, here, clientId, tokens } = await without(kind)
      const authInfo = await house.auth.verifyAccessToken(tokens.access_token)
      house.environment.advance(due)
      const calls = counting(house)
      expect(await here.mcpStatus(tokens.access_token)).toBe(401)
      expect(here.events.at(-1)).toEqual({ type: 'token.refused', reason: 'provider_unknown', at: noon + due })
      const refreshed = await here.refresh(clientId, tokens.refresh_token)
      expect([refreshed.status, await refreshed.json()]).toMatchObject([400, { error: 'invalid_grant' }])
      expect(here.events.at(-1)).toMatchObject({ type: 'request.refused', endpoint: 'token', reason: 'provider_unknown' })
      await expect(here.auth.upstream(authInfo)).rejects.toMatchObject({ code: 'invalid_token', reason: 'provider_unknown' })
      await here.environment.drain()
      expect(calls()).toEqual({ github: [0, 0, 0], forge: [0, 0, 0] })
      // The provider comes back, and they go on where they were.
      expect([await house.mcpStatus(tokens.access_token), (await house.refresh(clientId, tokens.refresh_token)).status]).toEqual([200, 200])
    },
  )

  it.each(['others', 'one'] as const)(
    'within an hour another host may know it, where there are %s: that is trouble, and no refusal (I6)',
    async (kind) => {
      const { house, here, clientId, tokens } = await without(kind)
      house.environment.advance(hour - 1)
      const upstreamOf = () => here.auth.verifyAccessToken(tokens.access_token).then((info) => here.auth.upstream(info))
      expect([await here.mcpStatus(tokens.access_token), (await here.refresh(clientId, tokens.refresh_token)).status]).toEqual([503, 503])
      await expect(upstreamOf()).rejects.toMatchObject({ name: 'UpstreamUnavailable', reason: 'provider_unknown' })
      expect(here.events.slice(0, 2)).toMatchObject([
        { type: 'upstream.failed', operation: 'gate', reason: 'provider_unknown' },
        { type: 'upstream.failed', operation: 'token', reason: 'provider_unknown' },
      ])
      house.environment.advance(1)
      expect([await here.mcpStatus(tokens.access_token), (await here.refresh(clientId, tokens.refresh_token)).status]).toEqual([401, 400])
    },
  )

  it('its codes are redeemed wherever they come, since that asks no upstream', async () => {
    const house = openSeveralHouse()
    const { tab, clientId, callback } = await comeWith(house, 'forge')
    const code = new URL((await tab.open(callback)).location).searchParams.get('code') ?? ''
    expect((await openHouse({ beside: house }).redeem(clientId, code)).status).toBe(200)
  })

  it('whom the operator ends is ended, and the event says that nobody was told', async () => {
    const { house, here } = await without('others')
    const calls = counting(house)
    expect(await here.auth.revoke({ subject: 'forge|583231' })).toBe(1)
    await here.environment.drain()
    expect(calls()).toEqual({ github: [0, 0, 0], forge: [0, 0, 0] })
    expect(here.events.at(-1)).toEqual({
      type: 'upstream.failed',
      operation: 'revoke',
      reason: 'provider_unknown',
      provider: 'forge',
      at: noon,
    })
  })

  it.each(['others', 'one'] as const)('a login with it that is under way is not taken, where there are %s (T11)', async (kind) => {
    const house = openSeveralHouse()
    const { tab, callback } = await comeWith(house, 'forge')
    const [here, path] =
      kind === 'one' ? [openHouse({ beside: house }), ''] : [openSeveralHouse({ beside: house, entries: { forge: false } }), '/github']
    const elsewhere = openTab(here)
    for (const [name, value] of tab.cookies) elsewhere.cookies.set(name, value)
    const calls = counting(house)
    expect((await elsewhere.open(callback.replace('/forge?', `${path}?`))).status).toBe(400)
    expect([(await elsewhere.open(callback)).status, calls()]).toEqual([404, { github: [0, 0, 0], forge: [0, 0, 0] }])
    expect((await tab.open(callback)).status).toBe(303)
  })
})

it('the store is waited for as often as with one upstream', { retry: 4 }, async () => {
  const world = openSeveralHouse({ mode: 'github-app' })
  const store = distantStore(memoryStore(world), world.environment)
  const house = openSeveralHouse({ beside: world, clientStorage: store, mode: 'github-app' })
  await logInWith(house, 'forge')
  const tab = openTab(house)
  const clientId = await house.register()
  const asked = await store.waitsOf(() => tab.open(house.authorizeUrl(clientId)))
  const chosen = await store.waitsOf(() => choose(tab, asked.result, 'forge'))
  const { tab: other, clientId: another, callback } = await comeWith(house, 'forge')
  const called = await store.waitsOf(() => other.open(callback))
  const code = new URL(called.result.location).searchParams.get('code') ?? ''
  const redeemed = await store.waitsOf(() => house.redeem(another, code))
  const tokens: TokenAnswer = await redeemed.result.json()
  const verified = await store.waitsOf(() => house.mcpStatus(tokens.access_token))
  house.environment.advance(due)
  const refreshed = await store.waitsOf(() => house.refresh(another, tokens.refresh_token))
  expect([verified.result, refreshed.result.status]).toEqual([200, 200])
  expect([asked, chosen, called, redeemed, verified, refreshed].map(({ waits }) => waits)).toEqual([1, 1, 4, 2, 1, 4])
})

describe('MultiProvider, when it is made', () => {
  const whole = {
    baseUrl: 'https://mcp.example.com',
    jwtSigningKey: 'first-signing-key-0123456789-abcdefghijklmnop',
    clientStorage: memoryStore(),
  }

  function problemsOf(options: Record<string, unknown>): readonly string[] {
    try {
      new MultiProvider({ ...whole, ...options } as unknown as SeveralProvidersOptions)
      return []
    } catch (cause) {
      return (cause as { problems: readonly string[] }).problems
    }
  }

  it('says everything that is wrong at once, each with the key of its provider', () => {
    const upstream = upstreamOf('github')
    expect(
      problemsOf({
        clientId: 'an-id',
        clientSecret: 'a-secret',
        jwtSigningKey: undefined,
        providers: {
          github: { upstream, clientID: 'an-id', scopes: 'user' },
          'Git Hub': {
            upstream: { ...upstream, name: 'Hub', tokenEndpoint: 'http://example.com/token' },
            clientId: 'a',
            clientSecret: 'b',
            scopes: ['a b'],
          },
          7: {
            upstream: { ...upstream, name: 'Seven', problems: ['serverUrl is wrong'] },
            clientId: 'a',
            clientSecret: 'b',
            authorizeUser: true,
          },
          empty: {},
          none: undefined,
        },
      }),
    ).toEqual([
      'jwtSigningKey is missing: "npm run keygen" prints one',
      'clientId is of one provider: providers: { github: { clientId } }',
      'clientSecret is of one provider: providers: { github: { clientSecret } }',
      'providers.7: a key has 1 to 32 of a-z, 0-9 and -, and not digits alone',
      'providers.7: serverUrl is wrong',
      'providers.7: authorizeUser is not a function',
      'providers.github: clientID is no option: there are upstream, clientId, clientSecret, scopes, authorizeUser, clientAssertion, claims, authorizeParameters, tokenParameters',
      'providers.github: clientId is missing: GitHub shows it where the app is registered',
      'providers.github: clientSecret is missing: GitHub asks for one',
      'providers.github: scopes is not a list of scopes',
      'providers.Git Hub: a key has 1 to 32 of a-z, 0-9 and -, and not digits alone',
      'providers.Git Hub: the upstream endpoint http://example.com/token is not https (http is accepted on loopback only)',
      'providers.Git Hub: scopes is not a list of scopes',
      'providers.empty: there is no upstream: { upstream: github(), clientId, clientSecret }',
      'providers.none: there is no upstream: { upstream: github(), clientId, clientSecret }',
    ])
  })

  it('also of how an upstream is dealt with, which is said of each', () => {
    const dealing = { clientAssertion: { key: 'none' }, claims: 'groups', authorizeParameters: { state: 'mine' }, tokenParameters: null }
    const github = { upstream: upstreamOf('github'), clientId: 'a', clientSecret: 'b' }
    expect(
      problemsOf({ providers: { github: { ...github, ...dealing } }, upstream: { authorizeParameters: { prompt: 'login' } } }),
    ).toEqual([
      'upstream.authorizeParameters is of one provider: providers: { github: { authorizeParameters } }',
      'providers.github: claims is not an object',
      'providers.github: authorizeParameters.state is ours to set',
      'providers.github: tokenParameters is not an object',
      'providers.github: clientAssertion.key is a secret: give the private key whose public half the upstream has',
    ])
  })

  it.each([undefined, {}, [], 'github', null])('refuses %j for providers', (providers) => {
    expect(problemsOf({ providers })).toEqual([
      'providers is missing: { github: { upstream: github(), clientId, clientSecret } }, in the order in which people see them',
    ])
  })

  it('refuses two that people cannot tell apart', () => {
    const entry = { upstream: upstreamOf('github'), clientId: 'a', clientSecret: 'b' }
    expect(problemsOf({ providers: { one: entry, two: entry } })).toEqual([
      "providers: several are called GitHub, which people cannot tell apart: { ...github(), name: 'Another name' }",
    ])
  })

  it.each(['github', 'a', '-', 'my-idp-2', 'x'.repeat(32)])('takes %s for a key', (key) => {
    expect(problemsOf({ providers: { [key]: { upstream: upstreamOf('github'), clientId: 'a', clientSecret: 'b' } } })).toEqual([])
  })

  it.each(['', 'GitHub', 'x'.repeat(33), 'a/b', 'a|b', '__proto__x', 'a b', '1', '12345678901', 'ä'])('and not %j', (key) => {
    expect(problemsOf({ providers: { [key]: { upstream: upstreamOf('github'), clientId: 'a', clientSecret: 'b' } } })).toEqual([
      `providers.${key}: a key has 1 to 32 of a-z, 0-9 and -, and not digits alone`,
    ])
  })
})
