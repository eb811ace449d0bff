import { OAuthError } from '@drawbridge/core'
import { describe, expect, it } from 'vitest'
import { countedStore } from '../support/counted-store.ts'
import { openHouse, redirectUri } from '../support/house.ts'
import { soon } from '../support/read-json.ts'
import { comeToCallback, openTab, signInUpstream, type Tab } from '../support/tab.ts'
import { detour } from '../support/upstream-detour.ts'

const loginCookie = 'drawbridge-login-0121783acd'
const noon = 1_767_268_800
const iss = 'iss=http%3A%2F%2Flocalhost%3A8000'

/** The URL with other parameters; undefined takes one out. */
function altered(url: string, changes: Readonly<Record<string, string | undefined>>): string {
  const next = new URL(url)
  for (const [name, value] of Object.entries(changes))
    value === undefined ? next.searchParams.delete(name) : next.searchParams.set(name, value)
  return next.href
}

const otherBrowser = 'This login was started in another browser.'
const unknownLogin = 'This login is unknown here, or it took too long.'
const malformed = 'This is not an answer that was asked for.'
const interrupted = 'This login was interrupted, or it took too long.'

/** The page that ends it here: its status and what it says. Nothing goes to the client. */
async function stopped(tab: Tab, url: string): Promise<[number, string]> {
  const { status, location, refresh, text, headers } = await tab.open(url)
  expect([location, refresh, headers.get('set-cookie')]).toEqual(['', '', null])
  return [status, /<h1>[^<]*<\/h1>\n<p>([^<]*)<\/p>/.exec(text)?.[1] ?? text]
}

describe('the upstream’s answer', () => {
  it('becomes a code of ours, sent to the client with its state and our iss (R12, R58, R59, B31)', async () => {
    const house = openHouse()
    const { tab, clientId, callback } = await comeToCallback(house)
    const answer = await tab.open(callback)
    expect([answer.status, answer.text, answer.headers.get('cache-control')]).toEqual([303, '', 'no-store'])
    expect(answer.location).toMatch(
      new RegExp(
        `^http://127\\.0\\.0\\.1:5555/callback\\?code=db_ac_019b796d-d600-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\\.[A-Za-z0-9_-]{43}&state=the-state&${iss}$`,
      ),
    )
    expect(house.events.at(-1)).toEqual({
      type: 'grant.opened',
      clientId,
      grantId: /db_ac_([0-9a-f-]{36})/.exec(answer.location)?.[1],
      subject: '583231',
      at: noon,
    })
    expect([house.github.calls('token'), house.github.calls('user'), house.github.calls('revocation')]).toEqual([1, 1, 0])
  })

  it('goes to the redirect URI of that request, its query kept (B31, I4)', async () => {
    const house = openHouse()
    const clientId = await house.register({ redirect_uris: ['https://a.example/cb?x=%2F', 'https://b.example/cb'] })
    const tab = openTab(house)
    const page = await tab.open(house.authorizeUrl(clientId, { redirect_uri: 'https://a.example/cb?x=%2F' }))
    const { refresh } = await tab.decide(page, 'approve')
    const { location } = await tab.open(await signInUpstream(house, refresh))
    expect(location.replace(/code=[^&]+/, 'code=CODE')).toBe(`https://a.example/cb?x=%2F&code=CODE&state=the-state&${iss}`)
  })

  it('is taken while the approval is fifteen minutes old, and not a second longer (R69)', async () => {
    const house = openHouse()
    const [early, late] = [await comeToCallback(house), await comeToCallback(house)]
    house.environment.advance(899)
    expect((await early.tab.open(early.callback)).status).toBe(303)
    house.environment.advance(1)
    expect(await stopped(late.tab, late.callback)).toEqual([400, unknownLogin])
    expect(house.github.calls('token')).toBe(1)
  })

  it('is taken by any host that shares the store', async () => {
    const house = openHouse()
    const { tab, callback } = await comeToCallback(house)
    const elsewhere = openTab(openHouse({ beside: house }))
    for (const [name, value] of tab.cookies) elsewhere.cookies.set(name, value)
    expect((await elsewhere.open(callback)).location).toContain('?code=db_ac_')
  })

  it.each(['HEAD', 'POST', 'PUT', 'OPTIONS'])('comes by GET and not by %s', async (method) => {
    const house = openHouse()
    const { tab, callback } = await comeToCallback(house)
    const cookie = [...tab.cookies].map((pair) => pair.join('=')).join('; ')
    const answer = await house.call(callback, { method, headers: { cookie } })
    expect([answer.status, answer.headers.get('allow'), house.github.calls('token')]).toEqual([405, 'GET', 0])
    expect((await tab.open(callback)).status).toBe(303)
  })

  it('carries its code in nothing but the redirect, and names the upstream’s nowhere', async () => {
    const house = openHouse()
    const { tab, callback, state } = await comeToCallback(house)
    const answer = await tab.open(callback)
    const upstreamCode = new URL(callback).searchParams.get('code') ?? 'none'
    expect(JSON.stringify([[...answer.headers], answer.text])).not.toContain(upstreamCode)
    const code = new URL(answer.location).searchParams.get('code') ?? 'none'
    for (const secret of [upstreamCode, state, code, ...tab.cookies.values(), 'upstream-secret'])
      expect(JSON.stringify(house.events)).not.toContain(secret)
  })
})

describe('in another browser it is refused before anything else, and nothing is spent (I1, R69, T1)', () => {
  it('in one without cookies', async () => {
    const house = openHouse()
    const { tab, callback } = await comeToCallback(house)
    expect(await stopped(openTab(house), callback)).toEqual([403, otherBrowser])
    expect(house.events.slice(-2)).toEqual([
      { type: 'callback.binding_mismatch', at: noon },
      { type: 'request.refused', endpoint: 'callback', error: 'access_denied', reason: 'binding_mismatch', at: noon },
    ])
    expect(house.github.calls('token')).toBe(0)
    expect((await tab.open(callback)).status).toBe(303)
  })

  it('in one that has a login of its own', async () => {
    const house = openHouse()
    const [attacker, victim] = [await comeToCallback(house), await comeToCallback(house)]
    expect(await stopped(victim.tab, attacker.callback)).toEqual([403, otherBrowser])
    expect(await stopped(attacker.tab, victim.callback)).toEqual([403, otherBrowser])
    expect(house.github.calls('token')).toBe(0)
    for (const { tab, callback } of [attacker, victim]) expect((await tab.open(callback)).status).toBe(303)
  })

  it('in one that opened the page and has not said yes (T3, R69)', async () => {
    const house = openHouse()
    const { clientId, callback } = await comeToCallback(house)
    const victim = openTab(house)
    await victim.open(house.authorizeUrl(clientId))
    expect([await stopped(victim, callback), house.github.calls('token')]).toEqual([[403, otherBrowser], 0])
  })

  it('even with the form cookie of the browser that said yes, under either name', async () => {
    const house = openHouse()
    const { tab, callback } = await comeToCallback(house)
    const thief = openTab(house)
    const form = tab.cookies.get('drawbridge-form-0121783acd') ?? ''
    thief.cookies.set('drawbridge-form-0121783acd', form).set(loginCookie, form)
    expect(await stopped(thief, callback)).toEqual([403, otherBrowser])
  })

  it('with a cookie that differs in one bit, or two that differ (T4)', async () => {
    const house = openHouse()
    const { tab, callback } = await comeToCallback(house)
    const good = tab.cookies.get(loginCookie) ?? ''
    const bad = `${good.startsWith('A') ? 'B' : 'A'}${good.slice(1)}`
    for (const cookie of [
      `${loginCookie}=${bad}`,
      `${loginCookie}=${good}x`,
      `${loginCookie}=`,
      `${loginCookie}=${good}; ${loginCookie}=${bad}`,
      `${loginCookie}=${bad}; ${loginCookie}=${good}`,
    ])
      expect([cookie, (await tab.open(callback, { cookie })).status]).toEqual([cookie, 403])
    expect((await tab.open(callback, { cookie: `${loginCookie}=${good}; ${loginCookie}=${good}` })).status).toBe(303)
  })

  it('with a cookie under a name that a sibling could set, on https (T4)', async () => {
    const house = openHouse({ baseUrl: 'https://mcp.example.com' })
    const { tab, callback } = await comeToCallback(house)
    const [name = '', value] = [...tab.cookies].find(([each]) => each.includes('login')) ?? []
    expect((await tab.open(callback, { cookie: `${name.slice('__Host-'.length)}=${value}` })).status).toBe(403)
    expect((await tab.open(callback, { cookie: `${name}=${value}` })).status).toBe(303)
  })

  it('on the error branch too: nobody is redirected by it, and its text is not shown (T13)', async () => {
    const house = openHouse()
    const { tab, callback } = await comeToCallback(house)
    const url = altered(callback, {
      code: undefined,
      error: 'access_denied',
      error_description: 'canary <script>',
      error_uri: 'https://canary.example',
    })
    const victim = openTab(house)
    expect(await stopped(victim, url)).toEqual([403, otherBrowser])
    expect((await victim.open(url)).text).not.toContain('canary')
    expect((await tab.open(callback)).status).toBe(303)
  })

  it('whether the login exists or not: a stranger cannot tell (T13)', async () => {
    const house = openHouse()
    const { callback } = await comeToCallback(house)
    const [known, unknown, none] = await Promise.all(
      [callback, altered(callback, { state: 'x'.repeat(43) }), altered(callback, { state: undefined })].map(
        async (url) => (await openTab(house).open(url)).text,
      ),
    )
    expect([unknown, none]).toEqual([known, known])
  })

  it('after it was done as well', async () => {
    const house = openHouse()
    const { tab, callback } = await comeToCallback(house)
    await tab.open(callback)
    expect(await stopped(openTab(house), callback)).toEqual([403, otherBrowser])
    expect(await stopped((await comeToCallback(house)).tab, callback)).toEqual([403, otherBrowser])
  })

  it('as JSON for a program', async () => {
    const house = openHouse()
    const { callback } = await comeToCallback(house)
    const answer = await openTab(house).open(callback, { accept: 'application/json' })
    expect([answer.status, JSON.parse(answer.text)]).toEqual([403, { error: 'access_denied', error_description: otherBrowser }])
  })
})

describe('an answer nobody asked for is a page', () => {
  it('with a state of nobody', async () => {
    const house = openHouse()
    const { tab, callback } = await comeToCallback(house)
    expect(await stopped(tab, altered(callback, { state: 'x'.repeat(43) }))).toEqual([400, unknownLogin])
    expect(house.events.at(-1)).toEqual({
      type: 'request.refused',
      endpoint: 'callback',
      error: 'invalid_request',
      reason: 'transaction_unknown',
      at: noon,
    })
  })

  it.each([undefined, ''])('without a state: %j', async (state) => {
    const house = openHouse()
    const { tab, callback } = await comeToCallback(house)
    expect(await stopped(tab, altered(callback, { state }))).toEqual([400, malformed])
  })

  it.each(['state', 'code', 'iss', 'error'])('with the parameter %s sent twice, and nothing is spent', async (name) => {
    const house = openHouse()
    const { tab, callback, state } = await comeToCallback(house)
    expect(await stopped(tab, `${callback}&${name}=${state}&${name}=${state}`)).toEqual([400, malformed])
    expect(house.github.calls('token')).toBe(0)
    expect((await tab.open(callback)).status).toBe(303)
  })

  it('with a state that names something else of ours (T104)', async () => {
    const house = openHouse()
    const { tab, clientId, callback } = await comeToCallback(house)
    expect(await stopped(tab, altered(callback, { state: clientId }))).toEqual([400, unknownLogin])
  })
})

describe('what the upstream refuses, the client is told in our words (R76, B33, T13)', () => {
  const told: readonly [string, string, string][] = [
    ['access_denied', 'access_denied', 'The person, or the upstream, said no.'],
    ['temporarily_unavailable', 'temporarily_unavailable', 'The upstream did not answer in time.'],
    ['server_error', 'server_error', 'The upstream did not answer in a way that can be used.'],
    ['redirect_uri_mismatch', 'server_error', 'The upstream did not answer in a way that can be used.'],
    ['application_suspended', 'server_error', 'The upstream did not answer in a way that can be used.'],
    ['invalid_scope', 'server_error', 'The upstream did not answer in a way that can be used.'],
    ['<script>canary</script>', 'server_error', 'The upstream did not answer in a way that can be used.'],
    ['constructor', 'server_error', 'The upstream did not answer in a way that can be used.'],
  ]
  it.each(told)('%s', async (theirs, ours, description) => {
    const house = openHouse()
    const { tab, clientId, callback } = await comeToCallback(house)
    const url = altered(callback, { code: undefined, error: theirs, error_description: 'canary', error_uri: 'https://canary.example' })
    const answer = await tab.open(url)
    expect([answer.status, Object.fromEntries(new URL(answer.location).searchParams)]).toEqual([
      303,
      { error: ours, error_description: description, state: 'the-state', iss: 'http://localhost:8000' },
    ])
    expect(house.events.at(-1)).toEqual({ type: 'callback.refused', clientId, reason: `upstream_${ours}`, at: noon })
    expect(house.github.calls('token')).toBe(0)
    expect(JSON.stringify([answer, house.events])).not.toContain('canary')
  })

  it('when the person cancels there', async () => {
    const house = openHouse()
    const tab = openTab(house)
    const { refresh } = await tab.decide(await tab.open(house.authorizeUrl(await house.register())), 'approve')
    const { location } = await tab.open(await signInUpstream(house, refresh, { decision: 'cancel' }))
    expect(location).toBe(
      `${redirectUri}?error=access_denied&error_description=The+person%2C+or+the+upstream%2C+said+no.&state=the-state&${iss}`,
    )
  })

  it('even beside a code, which is then left alone', async () => {
    const house = openHouse()
    const { tab, callback } = await comeToCallback(house)
    expect((await tab.open(altered(callback, { error: 'access_denied' }))).location).toContain('?error=access_denied&')
    expect(house.github.calls('token')).toBe(0)
  })

  it('once, and again to the browser that asks again', async () => {
    const house = openHouse()
    const { tab, callback } = await comeToCallback(house)
    const first = await tab.open(altered(callback, { code: undefined, error: 'access_denied' }))
    expect([(await tab.open(callback)).location, house.github.calls('token')]).toEqual([first.location, 0])
  })

  it.each([undefined, ''])('when it sends neither a code nor an error: %j', async (code) => {
    const house = openHouse()
    const { tab, callback } = await comeToCallback(house)
    expect((await tab.open(altered(callback, { code }))).location).toContain('?error=server_error&')
    expect(house.github.calls('token')).toBe(0)
  })
})

describe('a person who allowed the client and never signed in upstream (R64)', () => {
  it.each([
    ['with a code of their own making', { code: 'made-up' }],
    ['with no code at all', {}],
    ['with a code that somebody used before', undefined],
  ])('gets no code of ours: %s', async (_, made) => {
    const house = openHouse()
    const used = await comeToCallback(house)
    expect((await used.tab.open(used.callback)).location).toContain('?code=')
    const opened = house.events.filter(({ type }) => type === 'grant.opened').length
    const { tab, state } = await comeToCallback(house)
    const code = new URL(used.callback).searchParams.get('code') ?? ''
    const answer = new URLSearchParams({ ...(made ?? { code }), state })
    const { location } = await tab.open(`/auth/callback?${answer}`)
    const sent = new URL(location).searchParams
    expect([sent.get('error'), sent.get('code'), sent.get('state')]).toEqual(['server_error', null, 'the-state'])
    expect(house.events.filter(({ type }) => type === 'grant.opened')).toHaveLength(opened)
  })
})

describe('what an option of the provider refuses', () => {
  it('is access_denied for the client, nothing is kept, and our tokens end upstream', async () => {
    const identify = () =>
      Promise.reject(new OAuthError('access_denied', 'The person may not use this server.', { reason: 'person_of_another_organisation' }))
    const house = openHouse({ identify })
    const { tab, callback, clientId } = await comeToCallback(house)
    const { location } = await tab.open(callback)
    await house.environment.drain()
    expect(Object.fromEntries(new URL(location).searchParams)).toEqual({
      error: 'access_denied',
      error_description: 'The person, or the upstream, said no.',
      state: 'the-state',
      iss: 'http://localhost:8000',
    })
    expect(house.events.at(-1)).toEqual({ type: 'callback.refused', clientId, reason: 'person_of_another_organisation', at: noon })
    expect(house.events.map(({ type }) => type)).not.toContain('grant.opened')
    expect(house.github.calls('revocation')).toBe(1)
  })
})

describe('what the operator refuses (authorizeUser)', () => {
  const answerWith = async (authorizeUser: NonNullable<Parameters<typeof openHouse>[0]>['upstream']) => {
    const house = openHouse({ ...(authorizeUser && { upstream: authorizeUser }), clients: { validScopes: ['repo'] } })
    const { tab, callback, clientId } = await comeToCallback(house, { scope: 'user repo' })
    const { location } = await tab.open(callback)
    await house.environment.drain()
    return { house, clientId, answer: new URL(location).searchParams }
  }

  it('is access_denied for the client, and our tokens end upstream', async () => {
    const { house, clientId, answer } = await answerWith({ authorizeUser: async ({ claims }) => claims.login !== 'octocat' })
    expect(Object.fromEntries(answer)).toEqual({
      error: 'access_denied',
      error_description: 'The person, or the upstream, said no.',
      state: 'the-state',
      iss: 'http://localhost:8000',
    })
    expect(house.events.at(-1)).toEqual({ type: 'callback.refused', clientId, reason: 'authorize_user_said_no', at: noon })
    expect(house.github.calls('revocation')).toBe(1)
  })

  it.each([undefined, null, 0, 1, '', 'user'])(
    'is access_denied when the hook answers %j, which is neither a yes nor a list (T101)',
    async (said) => {
      const { answer } = await answerWith({ authorizeUser: Object.assign(() => said) })
      expect([answer.get('error'), answer.get('code')]).toEqual(['access_denied', null])
    },
  )

  it('is server_error for the client when the hook itself fails: the person is not left with a login that is stuck', async () => {
    const { house, clientId, answer } = await answerWith({ authorizeUser: () => Promise.reject(new TypeError('canary')) })
    expect(Object.fromEntries(answer)).toEqual({
      error: 'server_error',
      error_description: 'The upstream did not answer in a way that can be used.',
      state: 'the-state',
      iss: 'http://localhost:8000',
    })
    expect(house.events.slice(-2)).toEqual([
      { type: 'request.failed', endpoint: 'callback', errorName: 'TypeError', at: noon },
      { type: 'callback.refused', clientId, reason: 'request_failed', at: noon },
    ])
    expect(house.github.calls('revocation')).toBe(1)
  })

  it('may be some of the scopes', async () => {
    const { house, clientId, answer } = await answerWith({ authorizeUser: () => ['repo', 'admin'] })
    const redeemed = await house.redeem(clientId, answer.get('code') ?? '')
    expect(await redeemed.json()).toMatchObject({ scope: 'repo' })
  })

  it('is asked with the upstream in hand: its token, its scopes, and all that it said', async () => {
    const asked: unknown[] = []
    const { answer } = await answerWith({
      async authorizeUser(identity, upstream) {
        const response = await upstream?.fetch('http://127.0.0.1:9999/api/v3/user')
        asked.push(identity, upstream?.accessToken, upstream?.scopes, upstream?.said.id, await response?.json())
        return true
      },
    })
    expect(answer.get('code')).toMatch(/^db_ac_/)
    expect(asked).toEqual([
      { subject: '583231', claims: expect.objectContaining({ login: 'octocat' }) },
      expect.stringMatching(/^gho_/),
      expect.arrayContaining(['user']),
      583_231,
      expect.objectContaining({ id: 583_231 }),
    ])
  })
})

describe('the iss of an upstream (RFC 9207)', () => {
  const known = 'https://upstream.example'

  it('is nothing to us where the upstream is known to send none', async () => {
    const house = openHouse()
    const { tab, callback } = await comeToCallback(house)
    expect((await tab.open(altered(callback, { iss: 'https://anything.example' }))).location).toContain('?code=db_ac_')
  })

  it.each([undefined, '', known])('may be absent or the right one where it is known: %j', async (value) => {
    const house = openHouse({ upstreamIssuer: known })
    const { tab, callback } = await comeToCallback(house)
    expect((await tab.open(altered(callback, { iss: value }))).location).toContain('?code=db_ac_')
  })

  it.each(['https://other.example', `${known}/`, known.toUpperCase()])(
    'stops the login when it is another: %s, and the code is not sent on (T11)',
    async (value) => {
      const house = openHouse({ upstreamIssuer: known })
      const { tab, callback } = await comeToCallback(house)
      expect((await tab.open(altered(callback, { iss: value }))).location).toBe(
        `${redirectUri}?error=server_error&error_description=The+upstream+did+not+answer+in+a+way+that+can+be+used.&state=the-state&${iss}`,
      )
      expect(house.github.calls('token')).toBe(0)
    },
  )

  it('stops it on the error branch too', async () => {
    const house = openHouse({ upstreamIssuer: known })
    const { tab, callback } = await comeToCallback(house)
    const { location } = await tab.open(altered(callback, { code: undefined, error: 'access_denied', iss: 'https://other.example' }))
    expect(location).toContain('?error=server_error&')
    expect(house.events.at(-1)).toMatchObject({ type: 'callback.refused', reason: 'upstream_iss_mismatch' })
  })
})

describe('delivered again by its browser', () => {
  it('is answered with the same redirect for a minute, without asking the upstream again', async () => {
    const house = openHouse()
    const { tab, callback } = await comeToCallback(house)
    const { location } = await tab.open(callback)
    house.environment.advance(59)
    expect((await tab.open(callback)).location).toBe(location)
    expect((await tab.open(altered(callback, { code: 'another' }))).location).toBe(location)
    expect([house.github.calls('token'), house.github.calls('user')]).toEqual([1, 1])
    house.environment.advance(1)
    expect(await stopped(tab, callback)).toEqual([400, unknownLogin])
  })

  it('twenty times at once, goes upstream once and is answered alike', async () => {
    const house = openHouse()
    const { tab, callback } = await comeToCallback(house)
    const answers = await Promise.all(Array.from({ length: 20 }, () => tab.open(callback)))
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(303))
    expect(new Set(answers.map(({ location }) => location)).size).toBe(1)
    expect([house.github.calls('token'), house.github.calls('user')]).toEqual([1, 1])
    expect(house.events.filter(({ type }) => type === 'grant.opened')).toHaveLength(1)
  })

  it('to four hosts at once, goes upstream once and is answered alike', async () => {
    const house = openHouse()
    const { tab, callback } = await comeToCallback(house)
    const tabs = Array.from({ length: 4 }, () => openTab(openHouse({ beside: house })))
    for (const each of tabs) for (const [name, value] of tab.cookies) each.cookies.set(name, value)
    const answers = await Promise.all([...tabs, ...tabs].map((each) => each.open(callback)))
    expect(new Set(answers.map(({ location }) => location)).size).toBe(1)
    expect(house.github.calls('token')).toBe(1)
  })

  it('and by another one at the same time, is answered to its own alone', async () => {
    const house = openHouse()
    const { tab, callback } = await comeToCallback(house)
    const stranger = await comeToCallback(house)
    const answers = await Promise.all([tab.open(callback), stranger.tab.open(callback), tab.open(callback), openTab(house).open(callback)])
    expect(answers.map(({ status }) => status)).toEqual([303, 403, 303, 403])
  })

  it('gives one code, which is good once (R69, I2)', async () => {
    const house = openHouse()
    const { tab, clientId, callback } = await comeToCallback(house)
    const answers = await Promise.all([tab.open(callback), tab.open(callback)])
    const codes = answers.map(({ location }) => new URL(location).searchParams.get('code') ?? '')
    expect([(await house.redeem(clientId, codes[0] ?? '')).status, (await house.redeem(clientId, codes[1] ?? '')).status]).toEqual([
      200, 400,
    ])
  })
})

describe('when the host that was at it does not come back', () => {
  /** A login whose exchange has begun and will not end: the store went away under it. */
  async function abandoned() {
    const store = countedStore()
    const house = openHouse({ clientStorage: store })
    const { tab, callback } = await comeToCallback(house)
    store.fail(({ method, key }) => method === 'set' && key.includes(':grant:'))
    expect((await tab.open(callback)).status).toBe(503)
    store.fail(false)
    return { house, tab, callback }
  }

  it('it waits for as long as an exchange may take, and then says: start again', async () => {
    const { house, tab, callback } = await abandoned()
    const waiting = stopped(tab, callback)
    for (let turn = 0; turn < 50; turn += 1) await house.environment.sleep(1)
    house.environment.advance(38)
    expect(await waiting).toEqual([400, interrupted])
    expect(await stopped(tab, callback)).toEqual([400, interrupted])
    expect(house.events.at(-1)).toMatchObject({ reason: 'transaction_stuck' })
    expect(house.github.calls('token')).toBe(1)
  })

  it('the upstream’s tokens are ended, for nobody has them', async () => {
    const { house } = await abandoned()
    await house.environment.drain()
    expect([house.github.calls('token'), house.github.calls('revocation')]).toEqual([1, 1])
  })

  it('the next login is not in its way', async () => {
    const { house, tab } = await abandoned()
    const next = await comeToCallback(house, {}, tab)
    expect((await tab.open(next.callback)).status).toBe(303)
  })
})

describe('while the store is in trouble', () => {
  it('is a page that can be loaded again: nothing was claimed, nothing spent (REL-R5)', async () => {
    const store = countedStore()
    const house = openHouse({ clientStorage: store })
    const { tab, callback } = await comeToCallback(house)
    store.fail(true)
    const page = await tab.open(callback)
    expect([page.status, page.headers.get('retry-after'), page.location]).toEqual([503, expect.stringMatching(soon), ''])
    expect(page.text).toContain(
      '<p>This will pass. Wait a moment and try again.</p>\n<p class="choices"><a class="go" href="">Try again</a></p>',
    )
    store.fail(false)
    expect((await tab.open(callback)).status).toBe(303)
    expect(house.github.calls('token')).toBe(1)
  })

  it('asks nobody upstream when the claim cannot be written', async () => {
    const store = countedStore()
    const house = openHouse({ clientStorage: store })
    const { tab, callback } = await comeToCallback(house)
    store.fail(({ method }) => method === 'set')
    expect((await tab.open(callback)).status).toBe(503)
    expect(house.github.calls('token')).toBe(0)
    store.fail(false)
    expect((await tab.open(callback)).status).toBe(303)
  })
})

it('sends the upstream nothing of the client: not its id, its state, its challenge or its redirect URI (T56, B34)', async () => {
  const house = openHouse()
  const sent: string[] = []
  detour(house, async (request, go) => {
    sent.push(`${request.url} ${JSON.stringify([...request.headers])} ${await request.clone().text()}`)
    return go()
  })
  const { tab, clientId, callback } = await comeToCallback(house, { state: 'state-of-the-client' })
  await tab.open(callback)
  expect(sent).toHaveLength(3)
  for (const text of [...sent, ...house.github.received.map(({ body, path }) => `${path} ${body}`)]) {
    expect(text).not.toContain(clientId)
    expect(text).not.toContain('state-of-the-client')
    expect(text).not.toContain('5555')
  }
})
