import { describeOidc } from '@drawbridge/providers/oidc'
import { memoryStore } from '@drawbridge/storage'
import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { openHouse } from '../support/house.ts'
import {
  choose,
  comeWith,
  type Key,
  logInWith,
  openSeveralHouse,
  type SeveralHouse,
  signInWith,
  upstreamOf,
} from '../support/several-house.ts'
import { openTab, unescapeHtml } from '../support/tab.ts'
import { watchedStore } from '../support/watched-store.ts'

const noon = 1_767_268_800
const keys: readonly Key[] = ['github', 'forge']
const otherOf: Readonly<Record<Key, Key>> = { github: 'forge', forge: 'github' }
const external = { consent: { mode: 'external' } } as const

const mainOf = (text: string): string =>
  (/<main>\n(.*)\n<\/main>/s.exec(text)?.[1] ?? '').replace(/name="request" value="[^"]+"/, 'name="request" value="SEALED"')

/** What an access token says of its person, and what the gate does. */
async function whoIs(house: SeveralHouse, accessToken: string) {
  const { extra } = await house.auth.verifyAccessToken(accessToken)
  return extra
}

const calls = (house: SeveralHouse) =>
  Object.fromEntries(
    keys.map((key) => [key, (['token', 'user', 'revocation'] as const).map((endpoint) => house.standIns[key].calls(endpoint))]),
  )

describe('a login with one of several providers', () => {
  it.each([
    ['github', 'upstream-id', 'http://127.0.0.1:9999'],
    ['forge', 'forge-id', 'http://127.0.0.1:9998'],
  ] as const)('%s: goes there with our registration there and to its own callback, and nowhere else', async (key, clientId, origin) => {
    const house = openSeveralHouse()
    const tab = openTab(house)
    const page = await tab.open(house.authorizeUrl(await house.register()))
    const { refresh, status } = await choose(tab, page, key)
    const url = new URL(refresh)
    expect([status, url.origin, url.searchParams.get('client_id'), url.searchParams.get('redirect_uri')]).toEqual([
      200,
      origin,
      clientId,
      `http://localhost:8000/auth/callback/${key}`,
    ])
    expect((await tab.open(await signInWith(house, key, refresh))).location).toMatch(/\?code=db_ac_/)
    expect(calls(house)).toEqual({ [key]: [1, 1, 0], [otherOf[key]]: [0, 0, 0] })
  })

  it('says who it is by the key and the upstream’s id, and where from, to tools and events', async () => {
    const house = openSeveralHouse()
    const { clientId, tokens } = await logInWith(house, 'forge')
    expect(decodeJwt(tokens.access_token).sub).toBe('forge|583231')
    const { subject, identity } = await whoIs(house, tokens.access_token)
    expect([subject, identity.subject, identity.provider]).toEqual(['forge|583231', 'forge|583231', 'forge'])
    const handle = await house.auth.upstream(await house.auth.verifyAccessToken(tokens.access_token))
    expect([handle.provider, handle.identity.subject]).toEqual(['forge', 'forge|583231'])
    expect((await handle.fetch('http://127.0.0.1:9998/api/v3/user')).status).toBe(200)
    expect(house.events.filter(({ type }) => /consent|grant/.test(type))).toEqual([
      { type: 'consent.approved', clientId, provider: 'forge', at: noon },
      { type: 'grant.opened', clientId, grantId: expect.any(String), subject: 'forge|583231', provider: 'forge', at: noon },
    ])
  })

  it('with one provider in the list asks as ever, and names its people by its key', async () => {
    const house = openSeveralHouse({ entries: { forge: false } })
    const tab = openTab(house)
    const clientId = await house.register()
    const page = await tab.open(house.authorizeUrl(clientId))
    expect(page.text).toContain('you sign in with GitHub next')
    const { refresh } = await tab.decide(page, 'approve')
    const { location } = await tab.open(await signInWith(house, 'github', refresh))
    const answer = await house.redeem(clientId, new URL(location).searchParams.get('code') ?? '')
    const { access_token: accessToken }: { access_token: string } = await answer.json()
    expect(decodeJwt(accessToken).sub).toBe('github|583231')
  })

  it('has no callback but those of the providers', async () => {
    const house = openSeveralHouse()
    const statusOf = async (path: string) => (await house.call(path)).status
    expect(
      await Promise.all(
        ['', '/', '/github', '/forge', '/github/', '/other', '/forge/github'].map((path) => statusOf(`/auth/callback${path}`)),
      ),
    ).toEqual([404, 404, 403, 403, 404, 404, 404])
    expect((await openHouse().call('/auth/callback/github')).status).toBe(404)
  })
})

describe('the page', () => {
  it('has a button for each provider, in their order, in place of one yes (R67, T37)', async () => {
    const house = openSeveralHouse()
    const page = await openTab(house).open(house.authorizeUrl(await house.register({ client_name: 'A test' })))
    expect(mainOf(page.text)).toBe(`<h1>A test asks for access to localhost:8000</h1>
<dl>
<dt>The answer is sent to</dt>
<dd class="destination">127.0.0.1:5555</dd>
<dt>In full</dt>
<dd>http://127.0.0.1:5555/callback</dd>
<dt>It asks for</dt>
<dd>your identity, and nothing more</dd>
<dt>At</dt>
<dd>http://localhost:8000/mcp</dd>
</dl>
<p class="note">The answer goes to a program on this computer. Go on only if you started it yourself, just now.</p>
<p class="quiet">The application chose its own name; nobody has checked it. If you allow it, choose with whom you sign in.</p>
<form method="post" action="/consent">
<input type="hidden" name="request" value="SEALED">
<div class="choices listed">
<button type="submit" name="provider" value="github" class="go">Continue with GitHub</button>
<button type="submit" name="provider" value="forge" class="go">Continue with Forge</button>
<button type="submit" name="decision" value="deny">Deny</button>
</div>
</form>`)
    const others = openSeveralHouse({ first: 'forge' })
    const { text } = await openTab(others).open(others.authorizeUrl(await others.register()))
    expect([...text.matchAll(/Continue with (\w+)/g)].map(([, name]) => name)).toEqual(['Forge', 'GitHub'])
  })

  it('moves on to the one that was chosen, and says so', async () => {
    const house = openSeveralHouse()
    const tab = openTab(house)
    const answer = await choose(tab, await tab.open(house.authorizeUrl(await house.register())), 'forge')
    expect(mainOf(answer.text)).toMatch(/^<h1>On to Forge<\/h1>\n<p>You sign in with Forge now.<\/p>\n/)
  })

  it('takes a no, whoever it is with, and no provider that is not on it', async () => {
    const house = openSeveralHouse()
    const tab = openTab(house)
    const page = await tab.open(house.authorizeUrl(await house.register()))
    const statusOf = async (decision: string, fields = {}) => {
      const { status, refresh } = await tab.decide(page, decision, {}, fields)
      return [status, refresh === '' ? '' : new URL(refresh).searchParams.get('error')]
    }
    expect(await statusOf('', { provider: 'other' })).toEqual([400, ''])
    expect(await statusOf('', { provider: 'constructor' })).toEqual([400, ''])
    expect(await statusOf('', {})).toEqual([400, ''])
    expect(await statusOf('yes', { provider: 'github' })).toEqual([400, ''])
    expect(house.events.slice(-4)).toMatchObject(
      ['provider_unknown', 'provider_unknown', 'decision_unknown', 'decision_unknown'].map((reason) => ({
        type: 'request.refused',
        reason,
      })),
    )
    expect(await statusOf('deny')).toEqual([200, 'access_denied'])
    expect(await statusOf('deny', { provider: 'github' })).toEqual([200, 'access_denied'])
    expect(house.events.at(-1)).toMatchObject({ type: 'consent.denied' })
  })

  it('that was shown while there was one upstream means that one, which is listed first', async () => {
    const house = openSeveralHouse()
    const tab = openTab(house)
    const page = await tab.open(house.authorizeUrl(await house.register()))
    expect(new URL((await tab.decide(page, 'approve')).refresh).origin).toBe('http://127.0.0.1:9999')
  })

  it('begins one login with each provider, however often its buttons are pressed (T8)', async () => {
    const house = openSeveralHouse()
    const tab = openTab(house)
    const clientId = await house.register()
    const page = await tab.open(house.authorizeUrl(clientId))
    const [once, twice, other] = [await choose(tab, page, 'github'), await choose(tab, page, 'github'), await choose(tab, page, 'forge')]
    expect([once.refresh === twice.refresh, new URL(other.refresh).origin]).toEqual([true, 'http://127.0.0.1:9998'])
    const { location } = await tab.open(await signInWith(house, 'forge', other.refresh))
    expect((await house.redeem(clientId, new URL(location).searchParams.get('code') ?? '')).status).toBe(200)
    expect((await choose(tab, page, 'forge')).status).toBe(400)
    expect(house.events.filter(({ type }) => type === 'consent.approved')).toHaveLength(2)
  })
})

describe('a provider whose document does not come', () => {
  it('stops neither the page nor who signs in with another, and whoever chooses it is asked to try again (R11, I9)', async () => {
    const forge = describeOidc({ issuer: 'http://127.0.0.1:9997', name: 'Forge' })
    const house = openSeveralHouse({ entries: { forge: { upstream: forge } } })
    const { fetch } = house.environment
    const silent: typeof fetch = (_, init) =>
      new Promise((_resolve, reject) => init?.signal?.addEventListener('abort', () => reject(init.signal?.reason)))
    Object.assign(house.environment, {
      fetch: (...asked: Parameters<typeof fetch>) => (String(asked[0]).startsWith('http://127.0.0.1:9997') ? silent : fetch)(...asked),
    })
    expect((await logInWith(house, 'github')).tokens.access_token).toMatch(/^ey/)
    const tab = openTab(house)
    const chosen = choose(tab, await tab.open(house.authorizeUrl(await house.register())), 'forge')
    for (let turn = 0; turn < 50; turn += 1) await house.environment.sleep(1)
    house.environment.advance(10)
    const { status, text } = await chosen
    expect([status, text.includes('Try again')]).toEqual([503, true])
    expect(house.events).toContainEqual(expect.objectContaining({ type: 'issuer.failed', reason: 'deadline', provider: 'forge' }))
  })
})

describe('where nobody is asked about clients', () => {
  it('a page has the buttons alone, and the login goes on with the one that is pressed', async () => {
    const house = openSeveralHouse(external)
    const tab = openTab(house)
    const clientId = await house.register()
    const page = await tab.open(house.authorizeUrl(clientId))
    expect([page.status, page.headers.get('referrer-policy'), mainOf(page.text)]).toEqual([
      200,
      'same-origin',
      `<h1>Sign in to localhost:8000</h1>
<p>Choose with whom you sign in.</p>
<form method="post" action="/consent">
<input type="hidden" name="request" value="SEALED">
<div class="choices listed">
<button type="submit" name="provider" value="github" class="go">Continue with GitHub</button>
<button type="submit" name="provider" value="forge" class="go">Continue with Forge</button>
</div>
</form>`,
    ])
    const { refresh } = await choose(tab, page, 'forge')
    expect(house.events.at(-1)).toEqual({ type: 'consent.skipped', clientId, because: 'external', provider: 'forge', at: noon })
    const { location } = await tab.open(await signInWith(house, 'forge', refresh))
    expect((await house.redeem(clientId, new URL(location).searchParams.get('code') ?? '')).status).toBe(200)
  })

  it('its form is good in its own browser alone (T5)', async () => {
    const house = openSeveralHouse(external)
    const page = await openTab(house).open(house.authorizeUrl(await house.register()))
    const stranger = openTab(house)
    await stranger.open(house.authorizeUrl(await house.register()))
    expect([(await choose(stranger, page, 'github')).status, house.events.at(-1)]).toMatchObject([
      403,
      { reason: 'form_of_another_browser' },
    ])
  })

  it('with one provider nobody is asked anything', async () => {
    const house = openSeveralHouse({ ...external, entries: { github: false } })
    const { status, location } = await openTab(house).open(house.authorizeUrl(await house.register()))
    expect([status, new URL(location).origin]).toEqual([303, 'http://127.0.0.1:9998'])
  })
})

describe('a remembered yes', () => {
  const remembered = { consent: { mode: 'remembered', rememberNative: true } } as const

  async function logInOnce(house: SeveralHouse, key: Key) {
    const parameters = { resource: 'http://localhost:8000/mcp' }
    const { tab, clientId, callback } = await comeWith(house, key, parameters)
    await tab.open(callback)
    return { tab, clientId, url: house.authorizeUrl(clientId, parameters) }
  }

  it.each(keys)('goes on with the provider it was for: %s', async (key) => {
    const house = openSeveralHouse(remembered)
    const { tab, clientId, url } = await logInOnce(house, key)
    const { status, location } = await tab.open(url)
    expect([status, new URL(location).pathname, new URL(location).searchParams.get('redirect_uri')]).toEqual([
      303,
      '/login/oauth/authorize',
      `http://localhost:8000/auth/callback/${key}`,
    ])
    expect(house.events.at(-1)).toEqual({ type: 'consent.skipped', clientId, because: 'remembered', provider: key, at: noon })
    expect((await tab.open(await signInWith(house, key, location))).location).toMatch(/\?code=db_ac_/)
  })

  it('is asked for again where its provider has gone', async () => {
    const house = openSeveralHouse(remembered)
    const { tab, url } = await logInOnce(house, 'forge')
    const without = openSeveralHouse({ beside: house, entries: { forge: false }, ...remembered })
    const elsewhere = openTab(without)
    for (const [name, value] of tab.cookies) elsewhere.cookies.set(name, value)
    const page = await elsewhere.open(url)
    expect([page.status, page.text.includes('asks for access')]).toEqual([200, true])
  })
})

it('a device’s page has the same buttons, in every mode, and the device has its tokens from the one that was chosen', async () => {
  const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'
  const house = openSeveralHouse({ extensions: { deviceGrant: true }, ...external })
  const clientId = await house.register({ grant_types: [deviceGrant, 'refresh_token'], redirect_uris: [] })
  const started: { device_code: string; user_code: string } = await (
    await house.post('/device_authorization', { client_id: clientId })
  ).json()
  const tab = openTab(house)
  const form = unescapeHtml(/name="form" value="([^"]*)"/.exec((await tab.open('/device')).text)?.[1] ?? '')
  const cookie = [...tab.cookies].map((pair) => pair.join('=')).join('; ')
  const shown = await house.post('/device', { form, user_code: started.user_code }, { cookie, origin: 'http://localhost:8000' })
  const text = await shown.text()
  expect(text).toContain('Access goes to the device that shows')
  expect([...text.matchAll(/<button[^>]*>([^<]*)/g)].map(([, label]) => label)).toEqual([
    'Continue with GitHub',
    'Continue with Forge',
    'Deny',
  ])
  const sealed = unescapeHtml(/name="request" value="([^"]*)"/.exec(text)?.[1] ?? '')
  const { refresh } = await tab.decide(
    { status: 200, headers: shown.headers, text, location: '', refresh: '', sealed },
    '',
    {},
    { provider: 'forge' },
  )
  const { location } = await tab.open(await signInWith(house, 'forge', refresh))
  expect((await tab.open(location)).text).toContain('Go back to your device')
  const answer = await house.post('/token', { grant_type: deviceGrant, client_id: clientId, device_code: started.device_code })
  const { access_token: accessToken }: { access_token: string } = await answer.json()
  expect([answer.status, decodeJwt(accessToken).sub]).toEqual([200, 'forge|583231'])
})

describe('the answer of one provider at the callback of another (T11)', () => {
  it.each(keys)(
    'a login with %s is refused there, on the good branch and on the error branch: nothing is exchanged or spent',
    async (key) => {
      const house = openSeveralHouse()
      const { tab, clientId, callback, state } = await comeWith(house, key)
      const wrong = callback.replace(`/auth/callback/${key}?`, `/auth/callback/${otherOf[key]}?`)
      const denied = `http://localhost:8000/auth/callback/${otherOf[key]}?error=access_denied&state=${state}`
      for (const url of [wrong, denied]) {
        const { status, location, text, headers } = await tab.open(url)
        expect([status, location, headers.get('set-cookie')]).toEqual([400, '', null])
        expect(text).toContain('<p>This is not the answer of the service that you signed in with.</p>')
      }
      expect(calls(house)).toEqual({ github: [0, 0, 0], forge: [0, 0, 0] })
      expect(house.events.slice(-2)).toEqual(
        Array.from({ length: 2 }, () => ({
          type: 'request.refused',
          endpoint: 'callback',
          error: 'invalid_request',
          reason: 'callback_of_another_provider',
          at: noon,
        })),
      )
      const { location } = await tab.open(callback)
      expect((await house.redeem(clientId, new URL(location).searchParams.get('code') ?? '')).status).toBe(200)
    },
  )

  it('leaves the transaction as it was, to the byte', async () => {
    const store = watchedStore(memoryStore())
    const house = openSeveralHouse({ clientStorage: store })
    const { tab, callback } = await comeWith(house, 'github')
    const written = store.written.length
    expect((await tab.open(callback.replace('/github?', '/forge?'))).status).toBe(400)
    expect(store.written).toHaveLength(written)
  })

  it('in another browser is not looked at (T1)', async () => {
    const house = openSeveralHouse()
    const { callback } = await comeWith(house, 'github')
    expect((await openTab(house).open(callback.replace('/github?', '/forge?'))).status).toBe(403)
  })

  it.each([
    ['its own', 'https://github.example', 'https://forge.example', 'https://github.example', true],
    ['that of the other', 'https://github.example', 'https://forge.example', 'https://forge.example', false],
    ['that of the other, and itself names none', undefined, 'https://forge.example', 'https://forge.example', false],
    ['of nobody here, and itself names none', undefined, 'https://forge.example', 'https://else.example', true],
  ] as const)('an iss that is %s', async (_, own, other, iss, isTaken) => {
    const issued = (key: Key, issuer: string | undefined) => ({ upstream: { ...upstreamOf(key), ...(issuer && { issuer }) } })
    const house = openSeveralHouse({ entries: { github: issued('github', own), forge: issued('forge', other) } })
    const { tab, callback } = await comeWith(house, 'github')
    const { location } = await tab.open(`${callback}&iss=${encodeURIComponent(iss)}`)
    expect([new URL(location).searchParams.has('code'), house.standIns.github.calls('token')]).toEqual(isTaken ? [true, 1] : [false, 0])
    if (!isTaken)
      expect(house.events.at(-1)).toMatchObject({ type: 'callback.refused', reason: 'upstream_iss_mismatch', provider: 'github' })
  })
})
