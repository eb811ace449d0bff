import { createHash, createHmac } from 'node:crypto'
import { CompactEncrypt } from 'jose'
import { describe, expect, it } from 'vitest'
import { countedStore } from '../support/counted-store.ts'
import { challenge, type House, type HouseOptions, openHouse, redirectUri } from '../support/house.ts'
import { soon } from '../support/read-json.ts'
import { type Answer, openTab, signInUpstream, type Tab, unescapeHtml } from '../support/tab.ts'

const formCookie = 'drawbridge-form-0121783acd'
const loginCookie = 'drawbridge-login-0121783acd'
const noon = 1_767_268_800

interface Opened {
  readonly house: House
  readonly clientId: string
  readonly tab: Tab
  readonly page: Answer
}

/** A house, a client and its consent page, in a browser of its own. */
async function openConsent(
  options: HouseOptions = {},
  metadata: Record<string, unknown> = {},
  parameters: Record<string, string | undefined> = {},
): Promise<Opened> {
  const house = openHouse(options)
  const clientId = await house.register(metadata)
  const tab = openTab(house)
  return { house, clientId, tab, page: await tab.open(house.authorizeUrl(clientId, parameters)) }
}

/** Which client redeems which code, by the house's events and where the browser was sent. */
function codeIn(house: House, location: string): [clientId: string, code: string] {
  const opened = house.events.findLast((event) => event.type === 'grant.opened')
  return [opened?.clientId ?? '', new URL(location).searchParams.get('code') ?? '']
}

/** What people see of a page: what is inside `<main>`, without the sealed request. */
const mainOf = (answer: Answer): string =>
  (/<main>\n(.*)\n<\/main>/s.exec(answer.text)?.[1] ?? '').replace(/name="request" value="[^"]+"/, 'name="request" value="SEALED"')

describe('the page', () => {
  it('asks: who, where to, what for, at which server (R67, R70, B20)', async () => {
    const { page } = await openConsent(
      { clients: { validScopes: ['repo'] }, consent: { serverName: 'Example Tools' } },
      { client_name: 'Example <Client>', redirect_uris: ['https://client.example.com/cb?x=1&y=2'] },
      { redirect_uri: 'https://client.example.com/cb?x=1&y=2', scope: 'user repo' },
    )
    expect(page.status).toBe(200)
    expect(mainOf(page)).toBe(`<h1>Example &lt;Client&gt; asks for access to Example Tools</h1>
<dl>
<dt>The answer is sent to</dt>
<dd class="destination">client.example.com</dd>
<dt>In full</dt>
<dd>https://client.example.com/cb?x=1&amp;y=2</dd>
<dt>It asks for</dt>
<dd><ul><li>user</li><li>repo</li></ul></dd>
<dt>At</dt>
<dd>http://localhost:8000/mcp</dd>
</dl>

<p class="quiet">The application chose its own name; nobody has checked it. If you allow it, you sign in with GitHub next.</p>
<form method="post" action="/consent">
<input type="hidden" name="request" value="SEALED">
<div class="choices">
<button type="submit" name="decision" value="deny">Deny</button>
<button type="submit" name="decision" value="approve" class="go">Allow</button>
</div>
</form>`)
  })

  it.each(['http://127.0.0.1:5555/cb', 'http://localhost/cb', 'http://[::1]:1/cb'])(
    'warns that the answer goes to a program on this computer: %s (R71)',
    async (uri) => {
      const { page } = await openConsent({}, { redirect_uris: [uri] }, { redirect_uri: uri })
      expect(mainOf(page)).toContain(
        '<p class="note">The answer goes to a program on this computer. Go on only if you started it yourself, just now.</p>',
      )
    },
  )

  it.each([
    ['https://client.example.com:8443/cb', 'client.example.com:8443'],
    ['https://xn--bcher-kva.example/cb', 'xn--bcher-kva.example'],
    ['http://127.0.0.1:5555/cb', '127.0.0.1:5555'],
    ['cursor://anysphere.cursor-mcp/cb', 'cursor://anysphere.cursor-mcp'],
    ['com.example.app:/cb', 'com.example.app://'],
  ])('names, in the largest type, what the client cannot lie about: %s (R70, T37)', async (uri, destination) => {
    const { page } = await openConsent({}, { client_name: 'Claude', redirect_uris: [uri] }, { redirect_uri: uri })
    expect(mainOf(page)).toContain(`<dd class="destination">${destination}</dd>`)
    expect(page.text).toContain('.destination { font-size: 1.5rem; font-weight: 700;')
    expect(page.text).toContain('h1 { margin: 0 0 1rem; font-size: 1.35rem;')
  })

  it('says so when a client has no name', async () => {
    const { page } = await openConsent({}, { client_name: '\u200b' })
    expect(mainOf(page)).toContain('<h1>An application without a name asks for access to localhost:8000</h1>')
  })

  it('loads nothing and runs nothing, whatever the client brings (R134, T31, T45)', async () => {
    const { page } = await openConsent(
      {},
      { logo_uri: 'https://evil.example/pixel.svg', client_uri: 'https://evil.example/', tos_uri: 'http://10.0.0.1/' },
    )
    expect(page.text).not.toMatch(/evil|javascript|10\.0\.0\.1|<(script|img|link|iframe|object|embed|svg|a)\b|\bon\w+=|@import|url\(/i)
  })

  it('has its form below the mount', async () => {
    const { page } = await openConsent({ baseUrl: 'http://localhost:8000/v1/tools' })
    expect(mainOf(page)).toContain('<form method="post" action="/v1/tools/consent">')
  })
})

describe('the form cookie', () => {
  it('comes with the page, and is all that comes before the person has said yes (R69, T3)', async () => {
    const { page } = await openConsent()
    expect(page.headers.getSetCookie()).toEqual([
      expect.stringMatching(new RegExp(`^${formCookie}=[A-Za-z0-9_-]{43}; Max-Age=900; Path=/; HttpOnly; SameSite=Lax$`)),
    ])
  })

  it('belongs to this host alone on https (R68)', async () => {
    const { page } = await openConsent({ baseUrl: 'https://mcp.example.com' })
    expect(page.headers.getSetCookie()).toEqual([
      expect.stringMatching(
        /^__Host-drawbridge-form-[0-9a-f]{10}=[A-Za-z0-9_-]{43}; Max-Age=900; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
      ),
    ])
  })

  it('is kept when the browser brings one, so that pages opened before stay good', async () => {
    const { house, clientId, tab, page } = await openConsent()
    const later = await tab.open(house.authorizeUrl(clientId))
    expect(later.headers.getSetCookie()).toEqual(page.headers.getSetCookie())
    expect((await tab.decide(page, 'approve')).status).toBe(200)
  })

  it.each(['', 'short', `${'x'.repeat(43)}=`, 'x'.repeat(44), '%00', `"${'x'.repeat(43)}`])(
    'is made new when what the browser brings is none of ours: %j',
    async (value) => {
      const { house, clientId, tab } = await openConsent()
      tab.cookies.set(formCookie, value)
      const page = await tab.open(house.authorizeUrl(clientId))
      expect(tab.cookies.get(formCookie)).toMatch(/^[A-Za-z0-9_-]{43}$/)
      expect((await tab.decide(page, 'approve')).status).toBe(200)
    },
  )

  it('has another name for another issuer, so that two servers on one host do not meet', async () => {
    const one = await openConsent()
    const other = await openConsent({ baseUrl: 'http://localhost:8001' })
    expect([...other.tab.cookies.keys()]).toEqual(['drawbridge-form-af80e2d0be'])
    expect([...one.tab.cookies.keys()]).toEqual([formCookie])
  })
})

describe('a form that is not this browser’s is refused, and nothing comes of it', () => {
  /** The refusal as a person sees it; nothing was stored, sent upstream or set. */
  async function expectRefusal(
    { house }: Opened,
    answer: Answer,
    status: number,
    description: string,
    reason: string,
    error = status === 403 ? 'access_denied' : 'invalid_request',
  ): Promise<void> {
    expect([answer.status, answer.location, answer.refresh, answer.headers.get('set-cookie')]).toEqual([status, '', '', null])
    expect(answer.text).toContain(`<p>${description}</p>`)
    expect(house.events.slice(1)).toEqual([{ type: 'request.refused', endpoint: 'consent', error, reason, at: house.environment.now() }])
    expect(house.github.received).toEqual([])
  }

  const elsewhere = 'This answer was sent by another site.'
  const unknownForm = 'The page was open for too long, or it does not come from here.'

  it('with a form that was opened in another browser (T5, R68)', async () => {
    const attacker = await openConsent()
    const victim = openTab(attacker.house)
    await victim.open(attacker.house.authorizeUrl(attacker.clientId))
    await expectRefusal(
      attacker,
      await victim.decide(attacker.page, 'approve'),
      403,
      'This page was opened in another browser.',
      'form_of_another_browser',
    )
  })

  it('without a form cookie (T5, R67, B21)', async () => {
    const opened = await openConsent()
    const answer = await openTab(opened.house).decide(opened.page, 'approve')
    await expectRefusal(opened, answer, 403, 'This page was not opened in this browser, or its cookie is gone.', 'form_cookie_missing')
  })

  it('with one bit of the cookie flipped (R68)', async () => {
    const opened = await openConsent()
    const secret = opened.tab.cookies.get(formCookie) ?? ''
    opened.tab.cookies.set(formCookie, `${secret.startsWith('A') ? 'B' : 'A'}${secret.slice(1)}`)
    await expectRefusal(
      opened,
      await opened.tab.decide(opened.page, 'approve'),
      403,
      'This page was opened in another browser.',
      'form_of_another_browser',
    )
  })

  it.each(['cross-site', 'same-site'])('with Sec-Fetch-Site: %s (T5)', async (site) => {
    const opened = await openConsent()
    await expectRefusal(
      opened,
      await opened.tab.decide(opened.page, 'approve', { 'sec-fetch-site': site }),
      403,
      elsewhere,
      'form_from_elsewhere',
    )
  })

  it.each([
    'https://evil.example',
    'http://localhost:8001',
    'https://localhost:8000',
    'http://127.0.0.1:8000',
    'http://localhost',
    'NULL',
    '',
  ])('with the origin %j (T5)', async (origin) => {
    const opened = await openConsent()
    const answer = await opened.tab.decide(opened.page, 'approve', { origin, 'sec-fetch-site': undefined })
    await expectRefusal(opened, answer, 403, elsewhere, 'form_from_elsewhere')
  })

  it.each([
    ['from our own page', {}],
    ['with a null origin, which happens', { origin: 'null' }],
    ['without an origin', { origin: undefined }],
    ['from a browser that tells nothing of itself', { origin: undefined, 'sec-fetch-site': undefined }],
    ['typed in anew', { 'sec-fetch-site': 'none' }],
  ])('but not %s', async (_, changes) => {
    const { tab, page } = await openConsent()
    expect((await tab.decide(page, 'approve', changes)).status).toBe(200)
  })

  it('with a form that was altered, anywhere (B21)', async () => {
    const { house, tab, page } = await openConsent()
    const parts = page.sealed.split('.')
    const flip = (text: string): string => `${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}`
    const altered = [
      ...parts.flatMap((part, index) => (part === '' ? [] : [parts.with(index, flip(part)).join('.')])),
      page.sealed.slice(0, -1),
      `${page.sealed}A`,
      parts.slice(0, 4).join('.'),
      '',
      'x',
      'x.y.z',
      '....',
      'eyJhbGciOiJub25lIn0.e30.',
      `eyJhbGciOiJub25lIn0${page.sealed.slice(page.sealed.indexOf('.'))}`,
    ]
    for (const sealed of altered) {
      const answer = await tab.decide({ ...page, sealed }, 'approve')
      expect([sealed.slice(0, 20), answer.status, answer.refresh, answer.headers.get('set-cookie')]).toEqual([
        sealed.slice(0, 20),
        400,
        '',
        null,
      ])
      expect(answer.text).toContain(`<p>${unknownForm}</p>`)
      expect(house.events.at(-1)).toEqual({
        type: 'request.refused',
        endpoint: 'consent',
        error: 'invalid_request',
        reason: 'form_not_ours',
        at: noon,
      })
    }
    expect((await tab.decide(page, 'approve')).status).toBe(200)
  })

  it('with the form of another deployment', async () => {
    const opened = await openConsent()
    const other = openHouse()
    // Randomness counts: without this, the two would have the same keys.
    other.environment.randomBytes(1)
    const tab = openTab(other)
    tab.cookies.set(formCookie, opened.tab.cookies.get(formCookie) ?? '')
    const foreign = await tab.open(other.authorizeUrl(await other.register()))
    expect(foreign.status).toBe(200)
    await expectRefusal(opened, await opened.tab.decide(foreign, 'approve'), 400, unknownForm, 'form_not_ours')
  })

  it('after fifteen minutes', async () => {
    const opened = await openConsent()
    opened.house.environment.advance(900)
    await expectRefusal(opened, await opened.tab.decide(opened.page, 'approve'), 400, unknownForm, 'form_expired')
  })

  it('and not a second before', async () => {
    const { house, tab, page } = await openConsent()
    house.environment.advance(899)
    expect((await tab.decide(page, 'approve')).status).toBe(200)
  })

  it.each(['', 'yes', 'Approve', 'approve,deny'])('with an answer that is neither yes nor no: %j', async (decision) => {
    const opened = await openConsent()
    await expectRefusal(
      opened,
      await opened.tab.decide(opened.page, decision),
      400,
      'The answer is neither yes nor no.',
      'decision_unknown',
    )
  })

  it('with an answer or a form that was sent twice (T30)', async () => {
    const { house, tab, page } = await openConsent()
    for (const [twice, description] of [
      ['decision', 'The answer is neither yes nor no.'],
      ['request', unknownForm],
    ] as const) {
      const body = new URLSearchParams({ request: page.sealed, decision: 'approve' })
      body.append(twice, body.get(twice) ?? '')
      const answer = await house.call('/consent', {
        method: 'POST',
        body,
        headers: { accept: 'text/html', cookie: `${formCookie}=${tab.cookies.get(formCookie)}` },
      })
      expect([answer.status, (await answer.text()).includes(`<p>${description}</p>`)]).toEqual([400, true])
    }
  })

  it('with another kind of body (T83)', async () => {
    const { house, tab, page } = await openConsent()
    const headers = { accept: 'text/html', cookie: `${formCookie}=${tab.cookies.get(formCookie)}` }
    const body = JSON.stringify({ request: page.sealed, decision: 'approve' })
    for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x']) {
      const answer = await house.call('/consent', { method: 'POST', body, headers: { ...headers, 'content-type': type } })
      expect([answer.status, (await answer.text()).includes('<p>The body is not application/x-www-form-urlencoded.</p>')]).toEqual([
        400,
        true,
      ])
    }
  })

  it.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])('with %s', async (method) => {
    const { house, page } = await openConsent()
    const answer = await house.call(`/consent?request=${page.sealed}&decision=approve`, { method })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST'])
  })

  it('with a longer body than any form of ours has', async () => {
    const { tab, page } = await openConsent()
    const answer = await tab.decide(page, 'approve', {}, { more: 'x'.repeat(16_384) })
    expect([answer.status, answer.text.includes('<p>The body is too long.</p>')]).toEqual([413, true])
  })

  it('for a program that asks: as JSON', async () => {
    const { page, house } = await openConsent()
    const answer = await openTab(house).decide(page, 'approve', { accept: 'application/json' })
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      403,
      { error: 'access_denied', error_description: 'This page was not opened in this browser, or its cookie is gone.' },
    ])
  })

  it('and stores nothing', async () => {
    const store = countedStore()
    const { house, tab, page } = await openConsent({ clientStorage: store })
    const writes = store.writes
    await openTab(house).decide(page, 'approve')
    await tab.decide(page, 'perhaps')
    await tab.decide({ ...page, sealed: 'x' }, 'approve')
    await tab.decide(page, 'approve', { origin: 'https://evil.example' })
    expect(store.writes).toBe(writes)
  })
})

describe('cookies that somebody else has set (T4)', () => {
  it('two of one name that differ are none', async () => {
    const { tab, page } = await openConsent()
    const secret = tab.cookies.get(formCookie)
    const other = 'x'.repeat(43)
    for (const cookie of [`${formCookie}=${secret}; ${formCookie}=${other}`, `${formCookie}=${other}; ${formCookie}=${secret}`])
      expect((await tab.decide(page, 'approve', { cookie })).status).toBe(403)
    expect((await tab.decide(page, 'approve', { cookie: `${formCookie}=${secret}; ${formCookie}=${secret}; a=b` })).status).toBe(200)
  })

  it('only the name that no sibling can set is read on https', async () => {
    const { tab, page } = await openConsent({ baseUrl: 'https://mcp.example.com' })
    const [name = '', secret = ''] = [...tab.cookies][0] ?? []
    expect(name).toMatch(/^__Host-/)
    const plain = name.slice('__Host-'.length)
    expect((await tab.decide(page, 'approve', { cookie: `${plain}=${secret}` })).status).toBe(403)
    expect((await tab.decide(page, 'approve', { cookie: `__Secure-${plain}=${secret}` })).status).toBe(403)
    expect((await tab.decide(page, 'approve', { cookie: `${plain}=${'x'.repeat(43)}; ${name}=${secret}` })).status).toBe(200)
  })
})

describe('a yes', () => {
  it('is a page that moves on by itself, with a link for those whom it does not move (R75)', async () => {
    const { tab, page } = await openConsent()
    const answer = await tab.decide(page, 'approve')
    const escaped = answer.refresh.replaceAll('&', '&amp;')
    expect([answer.status, answer.location]).toEqual([200, ''])
    expect(answer.text).toContain(`<meta http-equiv="refresh" content="0;url=${escaped}">`)
    expect(mainOf(answer)).toBe(`<h1>On to GitHub</h1>
<p>You sign in with GitHub now.</p>
<p><a href="${escaped}" rel="noreferrer">Go on to GitHub</a></p>`)
  })

  it('goes on to the upstream with our state, our challenge and our callback, and never the client’s (B17)', async () => {
    const { house, clientId, tab, page } = await openConsent({}, {}, { state: 'state-of-the-client' })
    const { refresh } = await tab.decide(page, 'approve')
    const url = new URL(refresh)
    const [state = '', ours = ''] = [url.searchParams.get('state'), url.searchParams.get('code_challenge')].map((value) => value ?? '')
    expect(refresh).toBe(
      `http://127.0.0.1:9999/login/oauth/authorize?response_type=code&client_id=upstream-id&redirect_uri=http%3A%2F%2Flocalhost%3A8000%2Fauth%2Fcallback&state=${state}&scope=user&code_challenge=${ours}&code_challenge_method=S256`,
    )
    expect([state, ours]).toEqual([expect.stringMatching(/^[A-Za-z0-9_-]{43}$/), expect.stringMatching(/^[A-Za-z0-9_-]{43}$/)])
    for (const theirs of ['state-of-the-client', challenge, redirectUri, encodeURIComponent(redirectUri), clientId])
      expect(refresh).not.toContain(theirs)
    expect(house.github.received).toEqual([])
  })

  it('redeems with the verifier of that challenge, and our callback (B34)', async () => {
    const { house, tab, page } = await openConsent()
    const { refresh } = await tab.decide(page, 'approve')
    await tab.open(await signInUpstream(house, refresh))
    const sent = new URLSearchParams(house.github.received.find(({ endpoint }) => endpoint === 'token')?.body)
    expect(
      createHash('sha256')
        .update(sent.get('code_verifier') ?? '')
        .digest('base64url'),
    ).toBe(new URL(refresh).searchParams.get('code_challenge'))
    expect(sent.get('redirect_uri')).toBe('http://localhost:8000/auth/callback')
  })

  it('sets the login cookie (R68, R69, B25)', async () => {
    const { tab, page } = await openConsent()
    const answer = await tab.decide(page, 'approve')
    expect(answer.headers.getSetCookie()).toEqual([
      expect.stringMatching(new RegExp(`^${loginCookie}=[A-Za-z0-9_-]{43}; Max-Age=900; Path=/; HttpOnly; SameSite=Lax$`)),
    ])
    expect(tab.cookies.get(loginCookie)).not.toBe(tab.cookies.get(formCookie))
  })

  it('sets it for this host alone on https (R68, B25)', async () => {
    const { tab, page } = await openConsent({ baseUrl: 'https://mcp.example.com' })
    const answer = await tab.decide(page, 'approve')
    expect(answer.headers.getSetCookie()).toEqual([
      expect.stringMatching(
        /^__Host-drawbridge-login-[0-9a-f]{10}=[A-Za-z0-9_-]{43}; Max-Age=900; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
      ),
    ])
  })

  it('stores one transaction, and tells the operator who asked', async () => {
    const store = countedStore()
    const { house, clientId, tab, page } = await openConsent({ clientStorage: store })
    const [writes, held] = [store.writes, store.held.size]
    await tab.decide(page, 'approve')
    expect([store.writes - writes, store.held.size - held]).toEqual([1, 1])
    expect(house.events.slice(1)).toEqual([{ type: 'consent.approved', clientId, at: noon }])
  })

  it('can be given on another host than the one that asked', async () => {
    const { house, tab, page } = await openConsent()
    const other = openHouse({ beside: house })
    const elsewhere = openTab(other)
    for (const [name, value] of tab.cookies) elsewhere.cookies.set(name, value)
    expect((await elsewhere.decide(page, 'approve')).status).toBe(200)
  })

  it('given twice is one login: the same state, the same cookie, and one answer (T8, B23)', async () => {
    const { house, tab, page } = await openConsent()
    const answers = await Promise.all([tab.decide(page, 'approve'), tab.decide(page, 'approve')])
    const states = answers.map(({ refresh }) => new URL(refresh).searchParams.get('state'))
    expect([states[0], new Set(states).size]).toEqual([expect.stringMatching(/^[A-Za-z0-9_-]{43}$/), 1])
    expect(new Set(answers.flatMap(({ headers }) => headers.getSetCookie())).size).toBe(1)
    const ends = await Promise.all(answers.map(async ({ refresh }) => (await tab.open(await signInUpstream(house, refresh))).location))
    expect([ends[0]?.includes('?code=db_ac_'), new Set(ends).size, house.github.calls('token')]).toEqual([true, 1, 1])
    expect(house.events.map(({ type }) => type)).toEqual(['client.registered', 'consent.approved', 'grant.opened'])
  })

  it('and a no, in two tabs, do not meet (B23)', async () => {
    const { house, clientId, tab, page } = await openConsent()
    const other = await tab.open(house.authorizeUrl(clientId, { state: 'other-tab' }))
    const { refresh } = await tab.decide(page, 'approve')
    expect(new URL((await tab.decide(other, 'deny')).refresh).searchParams.get('state')).toBe('other-tab')
    expect((await tab.open(await signInUpstream(house, refresh))).location).toContain('&state=the-state&')
  })

  it('given for two clients at once is two logins', async () => {
    const { house, tab, page } = await openConsent()
    const other = await tab.open(house.authorizeUrl(await house.register({ client_name: 'Another' }), { state: 'another' }))
    const ways = [await tab.decide(page, 'approve'), await tab.decide(other, 'approve')]
    const ends = await Promise.all(ways.map(async ({ refresh }) => (await tab.open(await signInUpstream(house, refresh))).location))
    expect(ends.map((end) => new URL(end).searchParams.get('state'))).toEqual(['the-state', 'another'])
  })

  it('given two hundred times leaves two cookies and one transaction, and all are good (T9, B30)', async () => {
    const store = countedStore()
    const { house, tab, page } = await openConsent({ clientStorage: store })
    const held = store.held.size
    const ways = await Promise.all(Array.from({ length: 200 }, () => tab.decide(page, 'approve')))
    const header = [...tab.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    expect([tab.cookies.size, header.length < 200, store.held.size - held]).toEqual([2, true, 1])
    for (const way of [ways[0], ways[199]]) expect((await tab.open(await signInUpstream(house, way?.refresh ?? ''))).status).toBe(303)
  })

  it('is used up when its login has come back: the form begins no second one, as long as it lives', async () => {
    const { house, tab, page } = await openConsent()
    const { refresh } = await tab.decide(page, 'approve')
    const { location } = await tab.open(await signInUpstream(house, refresh))
    for (const later of [0, 61, 800]) {
      house.environment.advance(later)
      const answer = await tab.decide(page, 'approve')
      expect([answer.status, answer.refresh, answer.headers.get('set-cookie')]).toEqual([400, '', null])
      expect(answer.text).toContain('<p>This page was answered already.</p>')
      expect(house.events.at(-1)).toMatchObject({ type: 'request.refused', endpoint: 'consent', reason: 'form_used' })
      if (later === 0) expect((await house.redeem(...codeIn(house, location))).status).toBe(200)
    }
    expect(house.github.calls('token')).toBe(1)
  })

  it('is used up while its login is coming back, too', async () => {
    const { house, tab, page } = await openConsent()
    const { refresh } = await tab.decide(page, 'approve')
    const callback = await signInUpstream(house, refresh)
    const [answer] = await Promise.all([tab.open(callback), tab.decide(page, 'approve')])
    expect(answer.location).toContain('?code=db_ac_')
    expect(house.github.calls('token')).toBe(1)
  })

  it('of a page that the release before this one made is still good, and still one login', async () => {
    const { house, clientId, tab, page } = await openConsent()
    const entry = await house.store.get('drawbridge-0121783acd:deployment')
    const { formKey }: { formKey: string } = JSON.parse(entry?.value ?? '')
    const key = createHmac('sha256', Buffer.from(formKey, 'base64url')).update('consent form').digest()
    const request = { clientId, redirectUri, challenge, scopes: ['user'], resource: 'http://localhost:8000/mcp' }
    const browser = createHash('sha256')
      .update(tab.cookies.get(formCookie) ?? '')
      .digest('base64url')
    const text = Buffer.from(JSON.stringify({ request, browser, expiresAt: noon + 900 }))
    const sealed = await new CompactEncrypt(text).setProtectedHeader({ alg: 'dir', enc: 'A256GCM' }).encrypt(key)
    const [one, other] = [await tab.decide({ ...page, sealed }, 'approve'), await tab.decide({ ...page, sealed }, 'approve')]
    expect([one.status, other.refresh]).toEqual([200, one.refresh])
  })

  it('stays good for a client that has gone meanwhile: it is looked for again when the code is redeemed', async () => {
    const { house, clientId, tab } = await openConsent()
    house.environment.advance(30 * 86_400 - 10)
    const page = await tab.open(house.authorizeUrl(clientId))
    house.environment.advance(20)
    const { refresh } = await tab.decide(page, 'approve')
    const { location } = await tab.open(await signInUpstream(house, refresh))
    expect((await house.redeem(clientId, new URL(location).searchParams.get('code') ?? '')).status).toBe(401)
  })
})

describe('a no', () => {
  it('is a page that moves back to the client: access_denied, its state, our iss (B24, R59)', async () => {
    const store = countedStore()
    const { house, clientId, tab, page } = await openConsent({ clientStorage: store })
    const writes = store.writes
    const answer = await tab.decide(page, 'deny')
    const back = `${redirectUri}?error=access_denied&error_description=The+person+said+no.&state=the-state&iss=http%3A%2F%2Flocalhost%3A8000`
    expect([answer.status, answer.location, answer.refresh, answer.headers.get('set-cookie')]).toEqual([200, '', back, null])
    expect(mainOf(answer)).toBe(`<h1>Denied</h1>
<p>The application is told that you said no.</p>
<p><a href="${back.replaceAll('&', '&amp;')}" rel="noreferrer">Go back to the application</a></p>`)
    expect(store.writes).toBe(writes)
    expect(house.github.received).toEqual([])
    expect(house.events.slice(1)).toEqual([{ type: 'consent.denied', clientId, at: noon }])
  })

  it('brings no state to a client that sent none', async () => {
    const { tab, page } = await openConsent({}, {}, { state: undefined })
    expect((await tab.decide(page, 'deny')).refresh).toBe(
      `${redirectUri}?error=access_denied&error_description=The+person+said+no.&iss=http%3A%2F%2Flocalhost%3A8000`,
    )
  })

  it('reaches an application by its own scheme', async () => {
    const uri = 'cursor://anysphere.cursor-mcp/oauth/callback?x=%27'
    const { tab, page } = await openConsent({}, { redirect_uris: [uri] }, { redirect_uri: uri })
    const answer = await tab.decide(page, 'deny')
    expect(answer.refresh).toBe(
      `${uri}&error=access_denied&error_description=The+person+said+no.&state=the-state&iss=http%3A%2F%2Flocalhost%3A8000`,
    )
    expect(unescapeHtml(/<a href="([^"]*)"/.exec(answer.text)?.[1] ?? '')).toBe(answer.refresh)
  })

  it('can be followed by a yes', async () => {
    const { tab, page } = await openConsent()
    await tab.decide(page, 'deny')
    expect((await tab.decide(page, 'approve')).status).toBe(200)
  })
})

it('is asked again after trouble with the store: the form is still good (REL-R5)', async () => {
  const store = countedStore()
  const { tab, page } = await openConsent({ clientStorage: store })
  store.fail(true)
  const answer = await tab.decide(page, 'approve')
  expect([answer.status, answer.headers.get('retry-after'), answer.headers.get('set-cookie'), answer.refresh]).toEqual([
    503,
    expect.stringMatching(soon),
    null,
    '',
  ])
  expect(answer.text).toContain('<h1>Not available at the moment</h1>')
  // The page of trouble has the same form, for who does not want to go back.
  const fields = [...answer.text.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)].map(([, name, value]) => [name, value])
  expect(fields).toEqual([
    ['request', page.sealed],
    ['decision', 'approve'],
  ])
  store.fail(false)
  expect((await tab.decide(answer, 'approve')).status).toBe(200)
})

it('is no form of ours when another site sent it, whatever the store does (T5)', async () => {
  const store = countedStore()
  const { tab, page } = await openConsent({ clientStorage: store })
  store.fail(true)
  const answer = await tab.decide(page, 'approve', { 'sec-fetch-site': 'cross-site' })
  expect([answer.status, answer.text.includes('<form')]).toEqual([403, false])
})
