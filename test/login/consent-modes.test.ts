import { describe, expect, it } from 'vitest'
import { countedStore } from '../support/counted-store.ts'
import { type House, type HouseOptions, openHouse, redirectUri } from '../support/house.ts'
import { type Answer, comeToCallback, openTab, signInUpstream, type Tab } from '../support/tab.ts'

const noon = 1_767_268_800
const day = 86_400
const webUri = 'https://client.example.com/cb'
const consentCookie = 'drawbridge-consent-0121783acd'
const loginCookie = 'drawbridge-login-0121783acd'
const upstreamPage = 'http://127.0.0.1:9999/login/oauth/authorize'

const remembered = { consent: { mode: 'remembered' } } as const
const external = { consent: { mode: 'external' } } as const

/** A client that receives on https, as one that no other program can pose as. */
const registerWeb = (house: House, metadata: Record<string, unknown> = {}): Promise<string> =>
  house.register({ redirect_uris: [webUri], ...metadata })

const webUrl = (house: House, clientId: string, parameters: Record<string, string | undefined> = {}): string =>
  house.authorizeUrl(clientId, { redirect_uri: webUri, resource: `${house.baseUrl}/mcp`, ...parameters })

/** Where an authorization request ends: at the question, or on to the upstream without one. */
function wayOf(answer: Answer): 'asked' | 'went on' | string {
  if (answer.status === 200 && answer.text.includes(' asks for access to ')) return 'asked'
  return answer.status === 303 && answer.location.startsWith(`${upstreamPage}?`) ? 'went on' : `${answer.status} ${answer.location}`
}

interface Known {
  readonly house: House
  readonly tab: Tab
  readonly clientId: string
  /** The client's tokens of that login. */
  readonly tokens: { readonly access_token: string; readonly refresh_token: string }
  /** Opens the authorization URL again. */
  again(parameters?: Record<string, string | undefined>, headers?: Record<string, string | undefined>): Promise<Answer>
}

/** A person who logged in once, with a question, in this browser. */
async function logInOnce(options: HouseOptions = {}, parameters: Record<string, string | undefined> = {}): Promise<Known> {
  const house = openHouse({ ...remembered, ...options })
  const tab = openTab(house)
  const clientId = await registerWeb(house)
  const page = await tab.open(webUrl(house, clientId, parameters))
  expect(wayOf(page)).toBe('asked')
  const { refresh } = await tab.decide(page, 'approve')
  const { location } = await tab.open(await signInUpstream(house, refresh))
  const tokens = await redeem(house, clientId, location)
  return { house, tab, clientId, tokens, again: (more, headers) => tab.open(webUrl(house, clientId, { ...parameters, ...more }), headers) }
}

async function redeem(house: House, clientId: string, location: string): Promise<Known['tokens']> {
  const answer = await house.redeem(clientId, new URL(location).searchParams.get('code') ?? '')
  expect(answer.status).toBe(200)
  return answer.json()
}

describe('remembered: a second login goes on without a question', () => {
  it('of the same client, by the same person, in the same browser (R66)', async () => {
    const { house, tab, clientId, again } = await logInOnce()
    const answer = await again({ state: 'second' })
    expect([wayOf(answer), answer.text, answer.headers.get('cache-control')]).toEqual(['went on', '', 'no-store'])
    const { location } = await tab.open(await signInUpstream(house, answer.location))
    const { searchParams } = new URL(location)
    expect([location.startsWith(`${webUri}?code=db_ac_`), searchParams.get('state')]).toEqual([true, 'second'])
    await redeem(house, clientId, location)
    expect(house.events.slice(4, 6)).toEqual([
      { type: 'consent.skipped', clientId, because: 'remembered', at: noon },
      { type: 'grant.opened', clientId, grantId: /db_ac_([0-9a-f-]{36})/.exec(location)?.[1], subject: '583231', at: noon },
    ])
  })

  it('bound to its browser as after a yes: the login cookie goes with it, and another browser is refused (I1, T1)', async () => {
    const { house, tab, again } = await logInOnce()
    tab.cookies.delete(loginCookie)
    const answer = await again()
    expect(answer.headers.getSetCookie().map((line) => line.replace(/=[A-Za-z0-9_-]{43};/, '=SECRET;'))).toEqual([
      'drawbridge-form-0121783acd=SECRET; Max-Age=900; Path=/; HttpOnly; SameSite=Lax',
      `${loginCookie}=SECRET; Max-Age=900; Path=/; HttpOnly; SameSite=Lax`,
    ])
    const callback = await signInUpstream(house, answer.location)
    const calls = house.github.calls('token')
    expect((await openTab(house).open(callback)).status).toBe(403)
    expect(house.github.calls('token')).toBe(calls)
    expect((await tab.open(callback)).status).toBe(303)
  })

  it('for fewer scopes than were said yes to', async () => {
    const { again } = await logInOnce({ clients: { validScopes: ['repo'] } }, { scope: 'user repo' })
    expect(wayOf(await again({ scope: 'repo' }))).toBe('went on')
  })

  it('on any host, and from a page of ours', async () => {
    const { house, tab, clientId } = await logInOnce()
    const elsewhere = openTab(openHouse({ beside: house, ...remembered }))
    for (const [name, value] of tab.cookies) elsewhere.cookies.set(name, value)
    expect(wayOf(await elsewhere.open(webUrl(house, clientId), { 'sec-fetch-site': 'same-origin' }))).toBe('went on')
  })

  it('but never because our own page of trouble sent a browser on that another site had sent (T6)', async () => {
    const { house, tab, clientId } = await logInOnce()
    const store = countedStore()
    const away = openHouse({ beside: house, clientStorage: store, ...remembered })
    store.fail(true)
    const elsewhere = openTab(away)
    for (const [name, value] of tab.cookies) elsewhere.cookies.set(name, value)
    const pages = await Promise.all(
      ['none', 'cross-site', 'same-site'].map((site) => elsewhere.open(webUrl(away, clientId), { 'sec-fetch-site': site })),
    )
    expect(pages.map(({ status, text }) => [status, text.includes('href=""')])).toEqual([
      [503, true],
      [503, false],
      [503, false],
    ])
  })

  it('several times at once', async () => {
    const { house, tab, again } = await logInOnce()
    const ways = await Promise.all(Array.from({ length: 5 }, () => again()))
    expect(new Set(ways.map(({ location }) => new URL(location).searchParams.get('state'))).size).toBe(5)
    const ends = await Promise.all(ways.map(async ({ location }) => (await tab.open(await signInUpstream(house, location))).status))
    expect(new Set(ends)).toEqual(new Set([303]))
    expect(wayOf(await again())).toBe('went on')
  })

  it('thirty times at once: however they meet in what is remembered, none of them fails (T8)', async () => {
    const { house, tab, again } = await logInOnce()
    const ways = await Promise.all(Array.from({ length: 30 }, () => again()))
    const callbacks = await Promise.all(ways.map(({ location }) => signInUpstream(house, location)))
    const ends = await Promise.all(callbacks.map(async (callback) => (await tab.open(callback)).status))
    expect(new Set(ends)).toEqual(new Set([303]))
    expect(wayOf(await again())).toBe('went on')
  })

  it('until 90 days after the person was asked, whatever went on since', async () => {
    const { house, tab, clientId, again } = await logInOnce()
    house.environment.advance(89 * day)
    await house.redeem(clientId, '')
    const answer = await again()
    expect(wayOf(answer)).toBe('went on')
    await redeem(house, clientId, (await tab.open(await signInUpstream(house, answer.location))).location)
    house.environment.advance(day - 1)
    expect(wayOf(await again())).toBe('went on')
    house.environment.advance(1)
    expect(wayOf(await again())).toBe('asked')
  })
})

describe('remembered: people are asked', () => {
  it('the first time, and by default every time (B27)', async () => {
    const { house, clientId, again } = await logInOnce(remembered)
    expect(wayOf(await again())).toBe('went on')
    const asks = openHouse({ beside: house })
    expect(wayOf(await openTab(asks).open(webUrl(house, clientId)))).toBe('asked')
  })

  it('where another client asks, even of the same name (T2, R66, R68)', async () => {
    const { house, tab } = await logInOnce()
    expect(wayOf(await tab.open(webUrl(house, await registerWeb(house))))).toBe('asked')
  })

  it('where the answer goes elsewhere (T2, R74)', async () => {
    const house = openHouse(remembered)
    const tab = openTab(house)
    const clientId = await registerWeb(house, { redirect_uris: [webUri, `${webUri}/2`] })
    const { refresh } = await tab.decide(await tab.open(webUrl(house, clientId)), 'approve')
    await redeem(house, clientId, (await tab.open(await signInUpstream(house, refresh))).location)
    expect(wayOf(await tab.open(webUrl(house, clientId, { redirect_uri: `${webUri}/2` })))).toBe('asked')
    expect(wayOf(await tab.open(webUrl(house, clientId)))).toBe('went on')
  })

  it('for one scope more, and for another resource (T2)', async () => {
    const { again } = await logInOnce(
      { clients: { validScopes: ['repo'] }, mcpPath: ['/mcp', '/other'] },
      { resource: 'http://localhost:8000/mcp' },
    )
    expect(wayOf(await again({ scope: 'user repo' }))).toBe('asked')
    expect(wayOf(await again({ resource: 'http://localhost:8000/other' }))).toBe('asked')
    expect(wayOf(await again())).toBe('went on')
  })

  it.each([
    ['by another site', { 'sec-fetch-site': 'cross-site' }],
    ['by a sibling', { 'sec-fetch-site': 'same-site' }],
    ['by a browser that does not say', { 'sec-fetch-site': undefined }],
    ['by nobody: it is loaded ahead of time', { 'sec-purpose': 'prefetch;prerender' }],
  ])('where the browser was sent %s (T6, B28)', async (_, headers) => {
    const { again } = await logInOnce()
    expect(wayOf(await again({}, headers))).toBe('asked')
    expect(wayOf(await again())).toBe('went on')
  })

  it('where the client names no resource, and so may have been sent here by another server (T6)', async () => {
    const { again } = await logInOnce()
    expect(wayOf(await again({ resource: undefined }))).toBe('asked')
    expect(wayOf(await again())).toBe('went on')
  })

  it.each(['consent', 'login', 'select_account', 'consent login'])('where the client wants them asked: prompt=%s (G11)', async (prompt) => {
    const { again } = await logInOnce()
    expect(wayOf(await again({ prompt }))).toBe('asked')
  })

  it('in another browser, without the cookie, and with one bit of it flipped (R68)', async () => {
    const { house, tab, clientId, again } = await logInOnce()
    expect(wayOf(await openTab(house).open(webUrl(house, clientId)))).toBe('asked')
    const secret = tab.cookies.get(consentCookie) ?? ''
    for (const value of [`${secret.startsWith('A') ? 'B' : 'A'}${secret.slice(1)}`, '', 'x']) {
      tab.cookies.set(consentCookie, value)
      expect(wayOf(await again())).toBe('asked')
    }
    tab.cookies.set(consentCookie, secret)
    expect(wayOf(await again())).toBe('went on')
  })

  it.each([redirectUri, 'http://localhost/cb', 'http://[::1]:1/cb', 'cursor://anysphere.cursor-mcp/cb', 'com.example.app:/cb'])(
    'where any program on the computer could receive: %s (R74)',
    async (uri) => {
      const house = openHouse(remembered)
      const tab = openTab(house)
      const clientId = await house.register({ redirect_uris: [uri] })
      const url = house.authorizeUrl(clientId, { redirect_uri: uri })
      const { refresh } = await tab.decide(await tab.open(url), 'approve')
      const end = await tab.open(await signInUpstream(house, refresh))
      await redeem(house, clientId, end.location)
      expect([end.headers.get('set-cookie'), wayOf(await tab.open(url))]).toEqual([null, 'asked'])
    },
  )

  it('but not there with rememberNative, for the same port', async () => {
    const house = openHouse({ consent: { mode: 'remembered', rememberNative: true } })
    const { tab, clientId, callback } = await comeToCallback(house)
    await redeem(house, clientId, (await tab.open(callback)).location)
    const resource = `${house.baseUrl}/mcp`
    expect(wayOf(await tab.open(house.authorizeUrl(clientId, { resource })))).toBe('went on')
    expect(wayOf(await tab.open(house.authorizeUrl(clientId, { resource, redirect_uri: 'http://127.0.0.1:6666/callback' })))).toBe('asked')
  })

  it('where the login never came to its grant: after a yes alone, and after a no', async () => {
    const house = openHouse(remembered)
    const tab = openTab(house)
    const clientId = await registerWeb(house)
    const page = await tab.open(webUrl(house, clientId))
    const { refresh } = await tab.decide(page, 'approve')
    expect(wayOf(await tab.open(webUrl(house, clientId)))).toBe('asked')
    await tab.open(await signInUpstream(house, refresh, { decision: 'cancel' }))
    expect([tab.cookies.has(consentCookie), wayOf(await tab.open(webUrl(house, clientId)))]).toEqual([false, 'asked'])
  })

  it('where nobody redeemed the code', async () => {
    const house = openHouse(remembered)
    const tab = openTab(house)
    const clientId = await registerWeb(house)
    const { refresh } = await tab.decide(await tab.open(webUrl(house, clientId)), 'approve')
    await tab.open(await signInUpstream(house, refresh))
    house.environment.advance(601)
    expect(wayOf(await tab.open(webUrl(house, clientId)))).toBe('asked')
  })
})

describe('remembered: who takes access away is asked again (R66)', () => {
  const ways: readonly [string, (known: Known) => Promise<unknown>][] = [
    ['the person’s grants are revoked', ({ house }) => house.auth.revoke({ subject: '583231' })],
    ['the client’s grants are revoked', ({ house, clientId }) => house.auth.revoke({ clientId })],
    [
      'the client revokes its token',
      ({ house, clientId, tokens }) => house.post('/revoke', { client_id: clientId, token: tokens.refresh_token }),
    ],
  ]

  it.each(ways)('%s', async (_, revoke) => {
    const known = await logInOnce()
    await revoke(known)
    expect(wayOf(await known.again())).toBe('asked')
  })

  it.each(ways)('also after a login without a question: %s', async (_, revoke) => {
    const known = await logInOnce()
    const { house, tab, clientId } = known
    const { location } = await tab.open(await signInUpstream(house, (await known.again()).location))
    await revoke({ ...known, tokens: await redeem(house, clientId, location) })
    expect(wayOf(await known.again())).toBe('asked')
  })

  it('and not because a login before the newest one was ended', async () => {
    const { house, tab, clientId, tokens, again } = await logInOnce()
    await redeem(house, clientId, (await tab.open(await signInUpstream(house, (await again()).location))).location)
    await house.auth.revoke({ grantId: tokens.refresh_token.slice(6, 42) })
    expect(wayOf(await again())).toBe('went on')
  })
})

describe('remembered, and another person signs in', () => {
  it('is granted nothing: the client is told to ask, the tokens are ended upstream, and the question is shown again (R66)', async () => {
    const store = countedStore()
    const { house, tab, clientId, again } = await logInOnce({ clientStorage: store })
    const answer = await again()
    const before = store.held.size
    const callback = await signInUpstream(house, answer.location, { login: 'alice' })
    const { location, headers } = await tab.open(callback)
    expect(location).toBe(
      `${webUri}?error=interaction_required&error_description=The+person+has+to+be+asked.+Start+again.&state=the-state&iss=http%3A%2F%2Flocalhost%3A8000`,
    )
    await house.environment.drain()
    expect(house.events.slice(5)).toEqual([{ type: 'callback.refused', clientId, reason: 'remembered_for_another_person', at: noon }])
    expect([headers.get('set-cookie'), house.github.calls('revocation'), store.held.size - before]).toEqual([null, 1, -1])
    expect((await tab.open(callback)).location).toBe(location)
    expect(wayOf(await again())).toBe('asked')
  })

  it('does not keep the first one out of their own', async () => {
    const { house, tab, again, tokens } = await logInOnce()
    await tab.open(await signInUpstream(house, (await again()).location, { login: 'alice' }))
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    const { refresh } = await tab.decide(await again(), 'approve')
    expect((await tab.open(await signInUpstream(house, refresh))).location).toContain('?code=db_ac_')
    expect(wayOf(await again())).toBe('went on')
  })

  it.each([['who says no there', { decision: 'cancel' }]])('is asked the next time: %s', async (_, fields) => {
    const { house, tab, again } = await logInOnce()
    const { location } = await tab.open(await signInUpstream(house, (await again()).location, fields))
    expect(new URL(location).searchParams.get('error')).toBe('access_denied')
    expect(wayOf(await again())).toBe('asked')
  })
})

describe('remembered: the consent cookie', () => {
  it('comes with the end of a login that asked, and with nothing else (R68)', async () => {
    const house = openHouse(remembered)
    const tab = openTab(house)
    const clientId = await registerWeb(house)
    const page = await tab.open(webUrl(house, clientId))
    const moved = await tab.decide(page, 'approve')
    expect([page, moved].flatMap(({ headers }) => headers.getSetCookie()).filter((line) => line.startsWith(consentCookie))).toEqual([])
    const callback = await signInUpstream(house, moved.refresh)
    expect((await tab.open(callback)).headers.getSetCookie()).toEqual([
      expect.stringMatching(new RegExp(`^${consentCookie}=[A-Za-z0-9_-]{43}; Max-Age=7776000; Path=/; HttpOnly; SameSite=Lax$`)),
    ])
    expect((await tab.open(callback)).headers.get('set-cookie')).toBe(null)
  })

  it('belongs to this host alone on https (R68)', async () => {
    const house = openHouse({ ...remembered, baseUrl: 'https://mcp.example.com' })
    const tab = openTab(house)
    const { refresh } = await tab.decide(await tab.open(webUrl(house, await registerWeb(house))), 'approve')
    expect((await tab.open(await signInUpstream(house, refresh))).headers.getSetCookie()).toEqual([
      expect.stringMatching(
        /^__Host-drawbridge-consent-[0-9a-f]{10}=[A-Za-z0-9_-]{43}; Max-Age=7776000; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
      ),
    ])
  })

  it('is one for all clients, and each has its own yes (B30)', async () => {
    const { house, tab, again } = await logInOnce()
    const secret = tab.cookies.get(consentCookie)
    const other = await registerWeb(house)
    const { refresh } = await tab.decide(await tab.open(webUrl(house, other)), 'approve')
    await tab.open(await signInUpstream(house, refresh))
    expect([tab.cookies.get(consentCookie), tab.cookies.size]).toEqual([secret, 3])
    expect([wayOf(await again()), wayOf(await tab.open(webUrl(house, other)))]).toEqual(['went on', 'went on'])
  })

  it('is neither the form cookie nor the login cookie, and opens nothing in their place', async () => {
    const { house, tab, again } = await logInOnce()
    const { location } = await again()
    const consent = tab.cookies.get(consentCookie) ?? ''
    expect(new Set(tab.cookies.values()).size).toBe(3)
    const thief = openTab(house)
    thief.cookies.set(loginCookie, consent).set('drawbridge-form-0121783acd', consent)
    expect((await thief.open(await signInUpstream(house, location))).status).toBe(403)
  })
})

describe('external: the login goes on at once', () => {
  it('to the upstream, with both cookies, one transaction, and nothing of the client’s (R69)', async () => {
    const store = countedStore()
    const house = openHouse({ ...external, clientStorage: store })
    const clientId = await house.register()
    const tab = openTab(house)
    const writes = store.writes
    const answer = await tab.open(house.authorizeUrl(clientId), { 'sec-fetch-site': 'cross-site' })
    expect([wayOf(answer), store.writes - writes, [...tab.cookies.keys()]]).toEqual([
      'went on',
      1,
      ['drawbridge-form-0121783acd', loginCookie],
    ])
    for (const theirs of ['the-state', encodeURIComponent(redirectUri), clientId]) expect(answer.location).not.toContain(theirs)
    expect(house.events.slice(1)).toEqual([{ type: 'consent.skipped', clientId, because: 'external', at: noon }])
    const { location } = await tab.open(await signInUpstream(house, answer.location))
    await redeem(house, clientId, location)
  })

  it('bound to its browser as strongly as ever (I1, T1)', async () => {
    const house = openHouse(external)
    const attacker = openTab(house)
    const { location } = await attacker.open(house.authorizeUrl(await house.register()))
    const victim = openTab(house)
    await victim.open(house.authorizeUrl(await house.register()))
    const callback = await signInUpstream(house, location)
    for (const tab of [victim, openTab(house)]) expect((await tab.open(callback)).status).toBe(403)
    expect([house.github.calls('token'), house.events.at(-2)?.type]).toEqual([0, 'callback.binding_mismatch'])
  })

  it('from the same URL opened twice, as two logins of one browser (R78, T8)', async () => {
    const house = openHouse(external)
    const tab = openTab(house)
    const url = house.authorizeUrl(await house.register())
    const ways = [await tab.open(url), await tab.open(url)]
    for (const { location } of ways) expect((await tab.open(await signInUpstream(house, location))).location).toContain('?code=db_ac_')
    expect(new Set(ways.flatMap(({ headers }) => headers.getSetCookie())).size).toBe(2)
  })

  it('and nobody is remembered, nor asked, whatever prompt says', async () => {
    const house = openHouse(external)
    const tab = openTab(house)
    const clientId = await registerWeb(house)
    const { location } = await tab.open(webUrl(house, clientId, { prompt: 'consent' }))
    const end = await tab.open(await signInUpstream(house, location))
    expect([end.location.startsWith(`${webUri}?code=`), end.headers.get('set-cookie')]).toEqual([true, null])
  })
})

describe('in both, a request that is not good comes as far as before', () => {
  it.each([remembered, external])(
    '%o: an unknown client is a page, a bad request goes to the client, and nothing is written',
    async (mode) => {
      const store = countedStore()
      const house = openHouse({ ...mode, clientStorage: store })
      const clientId = await house.register()
      const tab = openTab(house)
      const writes = store.writes
      expect((await tab.open(house.authorizeUrl('nobody'))).status).toBe(400)
      expect((await tab.open(house.authorizeUrl(clientId, { code_challenge: undefined }))).location).toContain(
        `${redirectUri}?error=invalid_request`,
      )
      expect((await tab.open(house.authorizeUrl(clientId, { prompt: 'none' }))).location).toContain(
        `${redirectUri}?error=interaction_required`,
      )
      expect([store.writes - writes, tab.cookies.size, house.github.received]).toEqual([0, 0, []])
    },
  )

  it.each([remembered, external])('%o: trouble with the store is 503, and passes (REL-R5)', async (mode) => {
    const store = countedStore()
    const { house, tab, again } = await logInOnceIn(mode, store)
    store.fail(({ method }) => method === 'set')
    const answer = await again()
    expect([answer.status, answer.headers.get('set-cookie')]).toEqual([503, null])
    store.fail(false)
    const way = await again()
    expect((await tab.open(await signInUpstream(house, way.location))).location).toContain('?code=db_ac_')
  })
})

async function logInOnceIn(mode: HouseOptions, store: ReturnType<typeof countedStore>): Promise<Pick<Known, 'house' | 'tab' | 'again'>> {
  if (mode.consent?.mode === 'remembered') return logInOnce({ clientStorage: store })
  const house = openHouse({ ...mode, clientStorage: store })
  const tab = openTab(house)
  const url = webUrl(house, await registerWeb(house))
  return { house, tab, again: () => tab.open(url) }
}
