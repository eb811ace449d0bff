import { memoryStore } from '@drawbridge/storage'
import * as oauth from 'oauth4webapi'
import { describe, expect, it } from 'vitest'
import { countedStore } from '../support/counted-store.ts'
import { distantStore } from '../support/distant-store.ts'
import { type House, type HouseOptions, openHouse, redirectUri, type TokenAnswer } from '../support/house.ts'
import { openProofKey } from '../support/proof-key.ts'
import { type JsonAnswer, readJson, refusal } from '../support/read-json.ts'
import { type Answer, openTab, signInUpstream, type Tab, unescapeHtml } from '../support/tab.ts'

const grantType = 'urn:ietf:params:oauth:grant-type:device_code'
const on = { extensions: { deviceGrant: true } } as const
const noon = 1_767_268_800

/** What a device is given to show and to ask with. */
interface DeviceAnswer {
  readonly device_code: string
  readonly user_code: string
}

interface Opened {
  readonly house: House
  readonly clientId: string
  readonly device: DeviceAnswer
}

const registerDevice = (house: House, metadata: Record<string, unknown> = {}): Promise<string> =>
  house.register({ client_name: 'A television', redirect_uris: [], grant_types: [grantType, 'refresh_token'], ...metadata })

const begin = (house: House, clientId: string, fields: Record<string, string> = {}): Promise<Response> =>
  house.post('/device_authorization', { client_id: clientId, ...fields })

/** A house, a device of a client, and its code. */
async function openDevice(options: HouseOptions = {}, fields: Record<string, string> = {}): Promise<Opened> {
  const house = openHouse({ ...on, ...options })
  const clientId = await registerDevice(house)
  const answer = await begin(house, clientId, fields)
  expect(answer.status).toBe(200)
  return { house, clientId, device: await answer.json() }
}

const poll = ({ house, clientId, device }: Opened, fields: Record<string, string> = {}): Promise<Response> =>
  house.post('/token', { grant_type: grantType, client_id: clientId, device_code: device.device_code, ...fields })

const polled = async (opened: Opened, fields?: Record<string, string>): Promise<JsonAnswer> => readJson(await poll(opened, fields))

const tokenOf = (page: Answer): string => unescapeHtml(/name="form" value="([^"]*)"/.exec(page.text)?.[1] ?? '')

const mainOf = ({ text }: Answer): string =>
  (/<main>\n(.*)\n<\/main>/s.exec(text)?.[1] ?? '').replace(/name="(request|form)" value="[^"]+"/, 'name="$1" value="SEALED"')

/** Posts the form of the page for a code. */
async function typeIn(
  house: House,
  tab: Tab,
  typed: string,
  changes: Record<string, string | undefined> = {},
  form?: string,
): Promise<Answer> {
  const token = form ?? tokenOf(await tab.open('/device'))
  const cookie = [...tab.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const sent = { accept: 'text/html', cookie, origin: new URL(house.baseUrl).origin, 'sec-fetch-site': 'same-origin', ...changes }
  const headers = Object.entries(sent).filter((pair): pair is [string, string] => pair[1] !== undefined)
  const response = await house.call('/device', { method: 'POST', headers, body: new URLSearchParams({ form: token, user_code: typed }) })
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    text,
    location: response.headers.get('location') ?? '',
    refresh: '',
    sealed: unescapeHtml(/<input type="hidden" name="request" value="([^"]*)">/.exec(text)?.[1] ?? ''),
  }
}

/** A person types in the code, says yes and signs in; answers where the browser is sent then. */
async function comeToDone({ house, device }: Opened, tab = openTab(house), login: Record<string, string> = {}): Promise<string> {
  const consent = await typeIn(house, tab, device.user_code)
  const { refresh } = await tab.decide(consent, 'approve')
  return (await tab.open(await signInUpstream(house, refresh, login))).location
}

const approve = async (opened: Opened, tab = openTab(opened.house)): Promise<Answer> => tab.open(await comeToDone(opened, tab))

const pending = refusal(400, 'authorization_pending', 'The person has not answered yet.')
const unknown = refusal(400, 'invalid_grant', 'The code or refresh token is invalid, has expired, or belongs to another client.')
const saidNo = refusal(400, 'access_denied', 'The person, or the upstream, said no.')

describe('off, which is the default', () => {
  it('there is no such grant: not in the metadata, not at its paths, not for a registration, not for a token', async () => {
    const house = openHouse()
    expect(house.auth.oauthMetadata).not.toHaveProperty('device_authorization_endpoint')
    expect(house.auth.oauthMetadata.grant_types_supported).not.toContain(grantType)
    for (const path of ['/device_authorization', '/device', '/device/done']) expect((await house.call(path)).status).toBe(404)
    await expect(registerDevice(house, { redirect_uris: [redirectUri] })).rejects.toThrow('invalid_client_metadata')
    expect(await readJson(await house.post('/token', { grant_type: grantType, client_id: 'x', device_code: 'x' }))).toEqual(
      refusal(400, 'unsupported_grant_type', 'The grant type is not supported.'),
    )
  })

  it('a client that registers it beside others is registered for the others', async () => {
    const house = openHouse()
    const body = JSON.stringify({ redirect_uris: [redirectUri], grant_types: ['authorization_code', grantType] })
    const answer = await house.call('/register', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    expect((await readJson(answer)).body).toMatchObject({ grant_types: ['authorization_code'] })
  })

  it('and an option that is neither yes nor no is a problem', () => {
    const options: object = { extensions: { deviceGrant: 'yes' } }
    expect(() => openHouse(options)).toThrow('extensions.deviceGrant is neither true nor false')
  })
})

describe('the whole way', () => {
  it('by oauth4webapi on the device and a browser elsewhere (RFC 8628 §3)', async () => {
    const house = openHouse(on)
    const client = { client_id: await registerDevice(house) }
    const options = {
      [oauth.customFetch]: (url: string, init: oauth.CustomFetchOptions<string, URLSearchParams>) => house.call(url, init),
      [oauth.allowInsecureRequests]: true,
    }
    const issuer = new URL(house.baseUrl)
    const as = await oauth.processDiscoveryResponse(
      issuer,
      await oauth.discoveryRequest(issuer, { ...options, algorithm: 'oauth2' } as never),
    )
    expect(as.device_authorization_endpoint).toBe('http://localhost:8000/device_authorization')
    expect(as.grant_types_supported).toContain(grantType)
    const started = await oauth.processDeviceAuthorizationResponse(
      as,
      client,
      await oauth.deviceAuthorizationRequest(as, client, oauth.None(), { scope: 'user' }, options as never),
    )
    const ask = async () =>
      oauth.processDeviceCodeResponse(
        as,
        client,
        await oauth.deviceCodeGrantRequest(as, client, oauth.None(), started.device_code, options as never),
      )
    await expect(ask()).rejects.toMatchObject({ error: 'authorization_pending', status: 400 })

    const person = house.browser()
    const page = await person.open(started.verification_uri_complete ?? '')
    const consent = await person.press(page, 'Go on')
    const upstream = await person.press(consent, 'Allow')
    const end = await person.press(upstream, 'Sign in', { login: 'octocat' })
    expect([end.status, end.title, new URL(end.url).pathname]).toEqual([200, 'Go back to your device', '/device/done'])

    const tokens = await ask()
    expect([tokens.token_type, tokens.scope, await house.mcpStatus(tokens.access_token)]).toEqual(['bearer', 'user', 200])
    expect((await house.refresh(client.client_id, tokens.refresh_token ?? '')).status).toBe(200)
  })

  it('tells the operator of each step, without the codes', async () => {
    const opened = await openDevice()
    const { house, clientId, device } = opened
    await poll(opened)
    await approve(opened)
    const { access_token: token }: TokenAnswer = await (await poll(opened)).json()
    const grantId = (await house.auth.verifyAccessToken(token)).extra.grantId
    expect(house.events.slice(1)).toEqual([
      { type: 'consent.approved', clientId, at: noon },
      { type: 'grant.opened', clientId, grantId, subject: '583231', at: noon },
      { type: 'device.approved', clientId, grantId, at: noon },
      { type: 'token.issued', clientId, grantId, generation: 0, at: noon },
    ])
    for (const secret of [device.device_code, device.user_code, device.user_code.replace('-', '')])
      expect(JSON.stringify(house.events)).not.toContain(secret)
  })
})

describe('a device asks for a code', () => {
  it('and gets what RFC 8628 §3.2 has, and nothing else', async () => {
    const { device } = await openDevice({ baseUrl: 'https://mcp.example.com/v1' })
    expect(device.user_code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
    expect(device).toEqual({
      device_code: expect.stringMatching(new RegExp(`^db_dc_${device.user_code.replace('-', '')}\\.[A-Za-z0-9_-]{43}$`)),
      user_code: device.user_code,
      verification_uri: 'https://mcp.example.com/v1/device',
      verification_uri_complete: `https://mcp.example.com/v1/device?user_code=${device.user_code}`,
      expires_in: 900,
      interval: 5,
    })
  })

  it.each<[string, Record<string, string>, JsonAnswer]>([
    ['no client', { client_id: '' }, refusal(400, 'invalid_request', 'The parameter client_id is missing.')],
    [
      'an unknown client',
      { client_id: 'nobody' },
      refusal(401, 'invalid_client', 'The client is unknown or did not authenticate as it registered.'),
    ],
    [
      'a secret that it has not',
      { client_secret: 'x' },
      refusal(401, 'invalid_client', 'The client is unknown or did not authenticate as it registered.'),
    ],
    ['a scope that is none', { scope: 'a"b' }, refusal(400, 'invalid_scope', 'The parameter scope has characters that no scope has.')],
    [
      'a resource of others',
      { resource: 'https://other.example/' },
      refusal(400, 'invalid_target', 'The resource is not one of this server.'),
    ],
  ])('and is refused, and nothing is stored, with %s', async (_, fields, expected) => {
    const store = countedStore()
    const house = openHouse({ ...on, clientStorage: store })
    const clientId = await registerDevice(house)
    const writes = store.writes
    expect(await readJson(await begin(house, clientId, fields))).toEqual(expected)
    expect(store.writes).toBe(writes)
  })

  it('and is refused when its client did not register for that (RFC 8628 §3.1)', async () => {
    const house = openHouse(on)
    expect(await readJson(await begin(house, await house.register()))).toEqual(
      refusal(400, 'unauthorized_client', 'The client did not register this grant type.'),
    )
  })

  it('and by a client that registered for nothing else no login is begun in any other way (RFC 6749 §4.1.2.1, RFC 7591 §2)', async () => {
    const store = countedStore()
    const house = openHouse({ extensions: { deviceGrant: true, pushedRequests: 'allowed' }, clientStorage: store })
    const clientId = await registerDevice(house, { redirect_uris: [redirectUri] })
    const { writes } = store
    const { location, text } = await openTab(house).open(house.authorizeUrl(clientId))
    expect([text, location]).toEqual([
      '',
      `${redirectUri}?error=unauthorized_client&error_description=The+client+did+not+register+this+grant+type.&state=the-state&iss=http%3A%2F%2Flocalhost%3A8000`,
    ])
    const pushed = await house.post('/par', Object.fromEntries(new URL(house.authorizeUrl(clientId)).searchParams))
    expect(await readJson(pushed)).toEqual(refusal(400, 'unauthorized_client', 'The client did not register this grant type.'))
    expect(store.writes).toBe(writes)
  })

  it('proving itself as it registered, with a secret', async () => {
    const house = openHouse({
      ...on,
      clients: { static: [{ clientId: 'tv', clientSecret: 'a-secret-of-a-television', redirectUris: [], grantTypes: [grantType] }] },
    })
    const basic = { authorization: `Basic ${btoa('tv:a-secret-of-a-television')}` }
    expect((await house.post('/device_authorization', {}, basic)).status).toBe(200)
    expect((await house.post('/device_authorization', { client_id: 'tv' })).status).toBe(401)
  })

  it('sixty times a minute from one address, and no more (RFC 8628 §5.2)', async () => {
    const house = openHouse(on)
    const clientId = await registerDevice(house)
    const statuses: number[] = []
    for (let index = 0; index < 61; index += 1) {
      const request = new Request(`${house.baseUrl}/device_authorization`, {
        method: 'POST',
        body: new URLSearchParams({ client_id: clientId }),
      })
      statuses.push((await house.auth.fetch(request, { address: '192.0.2.1' }))?.status ?? 0)
    }
    expect([statuses.filter((status) => status === 200).length, statuses.at(-1)]).toEqual([60, 429])
  })
})

describe('the page for a code', () => {
  it('asks for it, warns, and comes with the form cookie alone', async () => {
    const { house } = await openDevice()
    const tab = openTab(house)
    const page = await tab.open('/device')
    expect(mainOf(page)).toBe(`<h1>Connect a device to localhost:8000</h1>

<form method="post" action="/device">
<input type="hidden" name="form" value="SEALED">
<p><label for="user_code">The code that your device shows</label>
<input class="code" id="user_code" name="user_code" value="" required autofocus maxlength="20" autocomplete="off" autocapitalize="characters" spellcheck="false" placeholder="XXXX-XXXX"></p>
<p class="note">Go on only if you started this yourself, just now, and the code is on a device in front of you. Nobody who helps you needs a code from you.</p>
<div class="choices">
<button type="submit" class="go">Go on</button>
</div>
</form>`)
    expect([...tab.cookies.keys()]).toEqual(['drawbridge-form-0121783acd'])
    expect([page.headers.get('x-frame-options'), page.headers.get('cache-control')]).toEqual(['DENY', 'no-store'])
  })

  it('is filled in by a link, and sends nothing by itself (RFC 8628 §3.3.1)', async () => {
    const store = countedStore()
    const { house, device } = await openDevice({ clientStorage: store })
    const writes = store.writes
    const page = await openTab(house).open(`/device?user_code=${device.user_code.toLowerCase()}`)
    expect([page.status, page.refresh, page.sealed, store.writes - writes]).toEqual([200, '', '', 0])
    expect(page.text).toContain(`value="${device.user_code}"`)
  })

  it('makes no markup of what a link brings (T44)', async () => {
    const { house } = await openDevice()
    const page = await openTab(house).open(`/device?user_code=${encodeURIComponent('"><svg onload=1>')}`)
    expect(page.text).toContain('value="&quot;&gt;&lt;svg onload=1&gt;"')
    expect(page.text).not.toContain('<svg')
  })

  it('leads to the consent page: what asks, for what, and that whoever sent the code would get it (RFC 8628 §5.4)', async () => {
    const { house, device } = await openDevice()
    const page = await typeIn(house, openTab(house), ` ${device.user_code.toLowerCase().replace('-', ' ')} `)
    expect(page.status).toBe(200)
    expect(mainOf(page)).toBe(`<h1>A television asks for access to localhost:8000</h1>
<dl>
<dt>Access goes to the device that shows</dt>
<dd class="destination">${device.user_code}</dd>
<dt>It asks for</dt>
<dd><ul><li>user</li></ul></dd>
<dt>At</dt>
<dd>http://localhost:8000/mcp</dd>
</dl>
<p class="note warning">Allow this only if you started it on a device of yours, just now, and that device shows this code. If somebody sent you the code or a link, they get access in your name: press Deny.</p>
<p class="quiet">The application chose its own name; nobody has checked it. If you allow it, you sign in with GitHub next.</p>
<form method="post" action="/consent">
<input type="hidden" name="request" value="SEALED">
<div class="choices">
<button type="submit" name="decision" value="deny">Deny</button>
<button type="submit" name="decision" value="approve" class="go">Allow</button>
</div>
</form>`)
  })

  it.each(['remembered', 'external'] as const)('asks in every mode of consent, and nothing of it is remembered: %s', async (mode) => {
    const opened = await openDevice({ consent: { mode, rememberNative: true } })
    const tab = openTab(opened.house)
    expect((await typeIn(opened.house, tab, opened.device.user_code)).text).toContain(' asks for access to ')
    await approve(opened, tab)
    expect([...tab.cookies.keys()].filter((name) => name.includes('consent'))).toEqual([])
  })

  it('says the same of a code that nobody shows, that has expired, that was answered, and that is none', async () => {
    const opened = await openDevice()
    const { house, device } = opened
    const tab = openTab(house)
    const pageFor = async (typed: string) => (await typeIn(house, tab, typed)).text.replace(/value="[^"]*"/g, '')
    const texts = new Set([await pageFor('BBBB-BBBB'), await pageFor('not a code'), await pageFor('')])
    await approve(opened, tab)
    texts.add(await pageFor(device.user_code))
    const { user_code: late }: DeviceAnswer = await (await begin(house, opened.clientId)).json()
    house.environment.advance(900)
    texts.add(await pageFor(late))
    expect(texts.size).toBe(1)
    expect([...texts][0]).toContain('This code is not known here, or no longer. Look at your device again.')
    expect(house.events.at(-1)).toEqual({
      type: 'request.refused',
      endpoint: 'device',
      error: 'invalid_request',
      reason: 'user_code_unknown',
      at: noon + 900,
    })
  })

  it('takes no form of another browser, of another site, or without its cookie (T5)', async () => {
    const store = countedStore()
    const { house, device } = await openDevice({ clientStorage: store })
    const [tab, other] = [openTab(house), openTab(house)]
    const theirs = tokenOf(await other.open('/device'))
    await tab.open('/device')
    const writes = store.writes
    expect((await typeIn(house, tab, device.user_code, {}, theirs)).status).toBe(403)
    expect((await typeIn(house, tab, device.user_code, {}, '')).status).toBe(403)
    expect((await typeIn(house, tab, device.user_code, { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await typeIn(house, tab, device.user_code, { origin: 'https://evil.example' })).status).toBe(403)
    expect((await typeIn(house, tab, device.user_code, { cookie: undefined })).status).toBe(403)
    expect(store.writes).toBe(writes)
  })

  it('lets one address guess sixty times a minute (RFC 8628 §5.1)', async () => {
    const { house } = await openDevice()
    const statuses: number[] = []
    for (let index = 0; index < 62; index += 1) {
      const request = new Request(`${house.baseUrl}/device`, { method: 'POST', body: new URLSearchParams({ user_code: 'BBBB-BBBB' }) })
      statuses.push((await house.auth.fetch(request, { address: '192.0.2.1' }))?.status ?? 0)
    }
    expect(statuses.slice(59)).toEqual([403, 429, 429])
  })
})

describe('a device that asks', () => {
  it('is told to wait, to slow down, and how it ended (RFC 8628 §3.5)', async () => {
    const opened = await openDevice()
    const { house } = opened
    expect(await polled(opened)).toEqual(pending)
    house.environment.advance(2)
    expect(await polled(opened)).toEqual(refusal(400, 'slow_down', 'Ask less often: five seconds more between two questions.'))
    house.environment.advance(5)
    expect((await polled(opened)).body).toMatchObject({ error: 'slow_down' })
    house.environment.advance(15)
    expect(await polled(opened)).toEqual(pending)
    house.environment.advance(900)
    expect(await polled(opened)).toEqual(refusal(400, 'expired_token', 'The device code has expired. Start again.'))
    house.environment.advance(300)
    expect(await polled(opened)).toEqual(unknown)
  })

  it('gets its tokens although a login takes longer than a code lives', async () => {
    const opened = await openDevice()
    await approve(opened)
    opened.house.environment.advance(599)
    const tokens: TokenAnswer = await (await poll(opened)).json()
    expect(await opened.house.mcpStatus(tokens.access_token)).toBe(200)
  })

  it('that comes ten minutes after the yes gets nothing, and nothing of the login is left', async () => {
    const opened = await openDevice()
    await approve(opened)
    opened.house.environment.advance(601)
    expect(await polled(opened)).toEqual(unknown)
  })

  it('again within a minute, because an answer was lost, gets the same refresh token', async () => {
    const opened = await openDevice()
    await approve(opened)
    const first: TokenAnswer = await (await poll(opened)).json()
    opened.house.environment.advance(60)
    const second: TokenAnswer = await (await poll(opened)).json()
    expect(second.refresh_token).toBe(first.refresh_token)
    for (const tokens of [first, second]) expect(await opened.house.mcpStatus(tokens.access_token)).toBe(200)
  })

  it('again later, or after a refresh, is refused, and that ends nothing', async () => {
    for (const late of [true, false]) {
      const opened = await openDevice()
      await approve(opened)
      const tokens: TokenAnswer = await (await poll(opened)).json()
      if (late) opened.house.environment.advance(61)
      else expect((await opened.house.refresh(opened.clientId, tokens.refresh_token)).status).toBe(200)
      expect(await polled(opened)).toEqual(unknown)
      expect(opened.house.events.at(-1)).toMatchObject({ type: 'request.refused', endpoint: 'token', reason: 'device_code_spent' })
      expect(await opened.house.mcpStatus(tokens.access_token)).toBe(200)
    }
  })

  it('twenty times at once gets one grant and one refresh token', async () => {
    const opened = await openDevice()
    await approve(opened)
    const answers = await Promise.all(Array.from({ length: 20 }, async (): Promise<TokenAnswer> => (await poll(opened)).json()))
    expect(new Set(answers.map((tokens) => tokens.refresh_token)).size).toBe(1)
    expect(opened.house.events.filter(({ type }) => type === 'grant.opened')).toHaveLength(1)
    expect(await opened.house.mcpStatus(answers[19]?.access_token ?? '')).toBe(200)
  })

  it('by another client, with another secret, or with no code of ours gets nothing, and takes nothing away', async () => {
    const opened = await openDevice()
    await approve(opened)
    const thief = await registerDevice(opened.house)
    const forged = opened.device.device_code.replace(/\..*/, `.${'A'.repeat(43)}`)
    for (const fields of [{ client_id: thief }, { device_code: forged }, { device_code: 'x' }, { device_code: opened.device.user_code }])
      expect(await polled(opened, fields as Record<string, string>)).toEqual(unknown)
    expect(await polled(opened, { device_code: '' })).toEqual(refusal(400, 'invalid_request', 'The parameter device_code is missing.'))
    expect((await poll(opened)).status).toBe(200)
  })

  it('for the resource that was granted, and for no other (R80, T59)', async () => {
    const opened = await openDevice({ mcpPath: ['/mcp', '/other'] }, { resource: 'http://localhost:8000/other' })
    await approve(opened)
    expect(await polled(opened, { resource: 'http://localhost:8000/mcp' })).toEqual(
      refusal(400, 'invalid_target', 'The resource is not the one that was granted.'),
    )
    expect((await poll(opened, { resource: 'http://localhost:8000/other' })).status).toBe(200)
  })

  it('gets no refresh token when its client did not register for one', async () => {
    const house = openHouse(on)
    const clientId = await registerDevice(house, { grant_types: [grantType] })
    const opened = { house, clientId, device: (await (await begin(house, clientId)).json()) as DeviceAnswer }
    await approve(opened)
    expect((await polled(opened)).body).not.toHaveProperty('refresh_token')
  })

  it('is told 503 while the store is away, and gets its tokens after that (REL-R5)', async () => {
    const store = countedStore()
    const opened = await openDevice({ clientStorage: store })
    await approve(opened)
    store.fail(true)
    expect((await poll(opened)).status).toBe(503)
    store.fail(false)
    expect((await poll(opened)).status).toBe(200)
  })
})

describe('a device that proves a key (DPoP)', () => {
  it('gets tokens that are bound to it, and again with the same key alone (RFC 9449 §5)', async () => {
    const opened = await openDevice({ extensions: { deviceGrant: true, dpop: 'allowed' } })
    const { house, clientId, device } = opened
    const [key, other] = [await openProofKey(house), await openProofKey(house)]
    await approve(opened)
    const fields = { grant_type: grantType, client_id: clientId, device_code: device.device_code }
    const ask = async (proof?: string) => readJson(await house.post('/token', fields, proof === undefined ? {} : { dpop: proof }))
    const first = await ask(await key.tokenProof())
    expect(first).toMatchObject({ status: 200, body: { token_type: 'DPoP' } })
    expect(await ask()).toEqual(unknown)
    expect(await ask(await other.tokenProof())).toEqual(unknown)
    expect(house.events.at(-1)).toMatchObject({ reason: 'code_of_another_key' })
    expect((await ask(await key.tokenProof())).status).toBe(200)
  })

  it('uses up no proof while it waits', async () => {
    const opened = await openDevice({ extensions: { deviceGrant: true, dpop: 'required' } })
    const { house, clientId, device } = opened
    const proof = await (await openProofKey(house)).tokenProof()
    const fields = { grant_type: grantType, client_id: clientId, device_code: device.device_code }
    const ask = async () => readJson(await house.post('/token', fields, { dpop: proof }))
    expect(await ask()).toEqual(pending)
    await approve(opened)
    expect((await ask()).status).toBe(200)
    expect((await ask()).body).toMatchObject({ error: 'invalid_dpop_proof' })
  })
})

describe('a no', () => {
  it('of the person reaches the device, and stays (RFC 8628 §3.5)', async () => {
    const opened = await openDevice()
    const { house, clientId, device } = opened
    const tab = openTab(house)
    const consent = await typeIn(house, tab, device.user_code)
    const end = await tab.open((await tab.decide(consent, 'deny')).refresh)
    expect([end.status, mainOf(end)]).toEqual([
      200,
      '<h1>Nothing was granted</h1>\n<p>The device has no access, and is told so. You can close this page.</p>',
    ])
    expect(await polled(opened)).toEqual(saidNo)
    expect(house.events.slice(1, 3)).toEqual([
      { type: 'consent.denied', clientId, at: noon },
      { type: 'device.denied', clientId, at: noon },
    ])
    expect((await typeIn(house, tab, device.user_code)).status).toBe(400)
    expect(house.github.received).toEqual([])
  })

  it('of the upstream, or of the operator, too', async () => {
    const cancelled = await openDevice()
    const tab = openTab(cancelled.house)
    const location = await comeToDone(cancelled, tab, { decision: 'cancel' })
    expect(location).toContain('/device/done?error=access_denied')
    await tab.open(location)
    expect(await polled(cancelled)).toEqual(saidNo)
    const unwanted = await openDevice({ upstream: { authorizeUser: () => false } })
    await approve(unwanted)
    expect(await polled(unwanted)).toEqual(saidNo)
  })

  it('that comes after the yes changes nothing', async () => {
    const opened = await openDevice()
    const tab = openTab(opened.house)
    const consent = await typeIn(opened.house, tab, opened.device.user_code)
    const { refresh } = await tab.decide(consent, 'deny')
    await approve(opened, tab)
    await tab.open(refresh)
    expect((await poll(opened)).status).toBe(200)
  })
})

describe('where the login comes back', () => {
  it('the page can be loaded again, before and after the device came: nothing changes', async () => {
    const opened = await openDevice()
    const tab = openTab(opened.house)
    const done = await comeToDone(opened, tab)
    const pages = [await tab.open(done), await tab.open(done)]
    const tokens: TokenAnswer = await (await poll(opened)).json()
    pages.push(await tab.open(done))
    for (const page of pages) expect([page.status, page.text.includes('<h1>Go back to your device</h1>')]).toEqual([200, true])
    expect(await opened.house.mcpStatus(tokens.access_token)).toBe(200)
    expect(opened.house.events.filter(({ type }) => type === 'device.approved')).toHaveLength(1)
  })

  it('what is neither a yes nor a no is no answer: the device waits on (T30)', async () => {
    const opened = await openDevice()
    const tab = openTab(opened.house)
    const done = await comeToDone(opened, tab)
    const bare = done.replace(/code=[^&]*&/, '')
    const pages = [await tab.open(`${done}&code=x`), await tab.open(`${done}&error=x&error=y`), await tab.open(bare)]
    expect(pages.map(({ status }) => status)).toEqual([400, 400, 400])
    expect(await polled(opened)).toEqual(pending)
    expect((await tab.open(done)).status).toBe(200)
    expect((await poll(opened)).status).toBe(200)
  })

  it('twenty times at once, the device has one grant', async () => {
    const opened = await openDevice()
    const tab = openTab(opened.house)
    const done = await comeToDone(opened, tab)
    const pages = await Promise.all(Array.from({ length: 5 }, () => tab.open(done)))
    expect(new Set(pages.map(({ status }) => status))).toEqual(new Set([200]))
    expect((await poll(opened)).status).toBe(200)
  })

  it('of two people who typed in the same code, the first is it, and the grant of the other ends', async () => {
    const opened = await openDevice()
    const { house } = opened
    const [one, other] = [openTab(house), openTab(house)]
    const [first, second] = [await comeToDone(opened, one), await comeToDone(opened, other, { login: 'alice' })]
    expect((await one.open(first)).status).toBe(200)
    const late = await other.open(second)
    expect([late.status, late.text.includes('<p>The device does not wait for this any more. Start again on the device.</p>')]).toEqual([
      400,
      true,
    ])
    await house.environment.drain()
    expect(house.events.filter(({ type }) => type === 'grant.ended')).toMatchObject([{ reason: 'device_not_waiting' }])
    const tokens: TokenAnswer = await (await poll(opened)).json()
    expect((await house.auth.verifyAccessToken(tokens.access_token)).extra.subject).toBe('583231')
  })

  it('after the device has given up, the grant ends', async () => {
    const opened = await openDevice()
    const tab = openTab(opened.house)
    opened.house.environment.advance(870)
    const done = await comeToDone(opened, tab)
    opened.house.environment.advance(31)
    expect((await tab.open(done)).status).toBe(400)
    expect((await polled(opened)).body).toMatchObject({ error: 'expired_token' })
    expect(opened.house.events).toContainEqual(expect.objectContaining({ type: 'grant.ended', reason: 'device_not_waiting' }))
  })

  it('nobody answers for a device whose page they did not come through', async () => {
    const opened = await openDevice()
    const { house, device } = opened
    const tab = openTab(house)
    const state = device.user_code.replace('-', '')
    for (const query of [
      '',
      `state=${state}&error=access_denied`,
      `state=${state}.${'A'.repeat(43)}&error=access_denied`,
      'error=access_denied',
    ])
      expect((await tab.open(`/device/done?${query}`)).status).toBe(400)
    expect(await polled(opened)).toEqual(pending)
  })

  it('a code of another login is not taken for the device’s, and nothing is spent', async () => {
    const opened = await openDevice()
    const { house } = opened
    const tab = openTab(house)
    const done = new URL(await comeToDone(opened, tab))
    const clientId = await house.register()
    const end = await house.signIn(clientId)
    const code = end.searchParams.get('code') ?? ''
    const ours = done.searchParams.get('code') ?? ''
    for (const other of [code, 'x', ours.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))]) {
      done.searchParams.set('code', other)
      expect((await tab.open(done.href)).status).toBe(400)
    }
    expect((await house.redeem(clientId, code)).status).toBe(200)
    expect(await polled(opened)).toEqual(pending)
  })

  it('the code in the URL is of no use to anybody else: its verifier is nowhere', async () => {
    const opened = await openDevice()
    const code = new URL(await comeToDone(opened)).searchParams.get('code') ?? ''
    expect(await readJson(await opened.house.redeem(opened.clientId, code))).toEqual(unknown)
    await expect(poll(opened)).resolves.toMatchObject({ status: 400 })
  })

  it('in another browser than the one that said yes, the login stops at the callback (I1, T1)', async () => {
    const opened = await openDevice()
    const { house } = opened
    const attacker = openTab(house)
    const { refresh } = await attacker.decide(await typeIn(house, attacker, opened.device.user_code), 'approve')
    expect((await openTab(house).open(await signInUpstream(house, refresh))).status).toBe(403)
    expect(await polled(opened)).toEqual(pending)
  })
})

describe('the store waits in sequence, warm and uncontended, of', { retry: 4 }, () => {
  it('a device that asks for a code: 2; a code typed in: 2; the way back: 5; a question: 2; the tokens: 3', async () => {
    const world = openHouse(on)
    const store = distantStore(memoryStore(world), world.environment)
    const house = openHouse({ ...on, beside: world, clientStorage: store })
    const clientId = await registerDevice(house)
    const started = await store.waitsOf(async (): Promise<DeviceAnswer> => (await begin(house, clientId)).json())
    const opened = { house, clientId, device: started.result }
    const asked = await store.waitsOf(() => poll(opened))
    const tab = openTab(house)
    const form = tokenOf(await tab.open('/device'))
    const typed = await store.waitsOf(() => typeIn(house, tab, opened.device.user_code, {}, form))
    const done = await comeToDone(opened, tab)
    const back = await store.waitsOf(() => tab.open(done))
    const collected = await store.waitsOf(() => poll(opened))
    expect([started.waits, typed.waits, back.waits, asked.waits, collected.waits]).toEqual([2, 2, 5, 2, 3])
    expect([typed.result.status, back.result.status, asked.result.status, collected.result.status]).toEqual([200, 200, 400, 200])
  })
})
