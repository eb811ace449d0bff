import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countedStore } from '../support/counted-store.ts'
import { openHouse, redirectUri } from '../support/house.ts'
import { type Answer, comeToCallback, openTab, unescapeHtml } from '../support/tab.ts'
import { detour } from '../support/upstream-detour.ts'

/** One of every page there is, and of every redirect a browser is sent on with. */
async function everyPage(): Promise<Record<string, Answer>> {
  const store = countedStore()
  const house = openHouse({ clientStorage: store })
  const { tab, clientId, callback } = await comeToCallback(house)
  const straighten = detour(house, () =>
    Promise.reject(new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }) })),
  )
  const unreachable = await tab.open(callback)
  straighten()
  const consent = await tab.open(house.authorizeUrl(clientId))
  const pages = {
    consent,
    approved: await tab.decide(consent, 'approve'),
    denied: await tab.decide(consent, 'deny'),
    'unknown client': await tab.open(house.authorizeUrl('nobody')),
    'another site’s form': await tab.decide(consent, 'approve', { 'sec-fetch-site': 'cross-site' }),
    'a form of nobody': await tab.decide({ ...consent, sealed: 'x' }, 'approve'),
    'too long a form': await tab.decide(consent, 'approve', {}, { more: 'x'.repeat(20_000) }),
    'another browser': await openTab(house).open(callback),
    'no answer of ours': await tab.open(`${house.baseUrl}/auth/callback`),
    'no upstream': unreachable,
    'an error for the client': await tab.open(house.authorizeUrl(clientId, { response_type: 'token' })),
    'the way back': await tab.open(callback),
  }
  store.fail(true)
  return { ...pages, 'no store': await tab.open(house.authorizeUrl(clientId)) }
}

const csp = (style: string): string =>
  `default-src 'none'; style-src 'sha256-${style}'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`

describe('every page', () => {
  it('is sent with what keeps it from being framed, sniffed, cached or quoted (6.4, T10, T31, R67)', async () => {
    const pages = await everyPage()
    const [, styleText = ''] = /<style>(.*?)<\/style>/s.exec(pages.consent?.text ?? '') ?? []
    const style = createHash('sha256').update(styleText).digest('base64')
    for (const [title, { headers }] of Object.entries(pages)) {
      const {
        'set-cookie': _,
        location: __,
        allow: ___,
        'retry-after': ____,
        'content-type': _____,
        'x-request-id': ______,
        ...rest
      } = Object.fromEntries(headers)
      expect({ title, ...rest }).toEqual({
        title,
        'cache-control': 'no-store',
        'content-security-policy': csp(style),
        'cross-origin-resource-policy': 'same-origin',
        'origin-agent-cluster': '?1',
        'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
        'referrer-policy': title === 'consent' ? 'same-origin' : 'no-referrer',
        'x-content-type-options': 'nosniff',
        'x-dns-prefetch-control': 'off',
        'x-download-options': 'noopen',
        'x-frame-options': 'DENY',
        'x-permitted-cross-domain-policies': 'none',
        'x-xss-protection': '0',
      })
    }
  })

  it('is whole HTML in one language and one character set, with nothing to run and nothing to load (T44, T31)', async () => {
    for (const [title, { status, text, headers }] of Object.entries(await everyPage())) {
      if (status === 303) continue
      expect([title, headers.get('content-type')]).toEqual([title, 'text/html; charset=utf-8'])
      expect(text.startsWith('<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n')).toBe(true)
      expect(text).toContain('<meta name="robots" content="noindex">')
      expect(text.match(/<h1>/g)).toHaveLength(1)
      expect(text).not.toMatch(/<(script|img|link|iframe|object|embed|svg|video|base)\b|\son\w+=|@import|url\(|javascript:/i)
    }
  })

  it('carries no secret in a URL of ours (T31)', async () => {
    for (const { text } of Object.values(await everyPage())) {
      const urls = [...text.matchAll(/(?:href|action|src)="([^"]*)"/g)].map(([, url = '']) => unescapeHtml(url))
      expect(
        urls.filter((url) => url.startsWith('/') || url.startsWith('http://localhost:8000')).filter((url) => url !== '/consent'),
      ).toEqual([])
    }
  })

  it('has the status that fits', async () => {
    const statuses = Object.entries(await everyPage()).map(([title, { status }]) => [title, status])
    expect(Object.fromEntries(statuses)).toEqual({
      consent: 200,
      approved: 200,
      denied: 200,
      'unknown client': 400,
      'another site’s form': 403,
      'a form of nobody': 400,
      'too long a form': 413,
      'another browser': 403,
      'no answer of ours': 400,
      'no upstream': 503,
      'an error for the client': 303,
      'the way back': 303,
      'no store': 503,
    })
  })
})

describe('an error page', () => {
  const mainOf = ({ text }: Answer): string => /<main>\n(.*)\n<\/main>/s.exec(text)?.[1] ?? ''

  it('says what happened, what to do, and the name of the error', async () => {
    const pages = await everyPage()
    expect(mainOf(pages['unknown client'] as Answer)).toBe(`<h1>This login cannot go on</h1>
<p>The application is not registered here, or no longer. It has to register again.</p>
<p>Close this page and start again in your application.</p>
<p class="quiet">invalid_client</p>
<p class="quiet">Request #</p>`)
    expect(mainOf(pages['another browser'] as Answer)).toBe(`<h1>This login cannot go on</h1>
<p>This login was started in another browser.</p>
<p>For your safety this login was stopped. Close this page and start again in your application.</p>
<p class="quiet">access_denied</p>
<p class="quiet">Request #</p>`)
    expect(mainOf(pages['no store'] as Answer)).toBe(`<h1>Not available at the moment</h1>
<p>The server cannot answer at the moment. Try again shortly.</p>
<p>This will pass. Wait a moment and try again.</p>
<p class="choices"><a class="go" href="">Try again</a></p>
<p class="quiet">temporarily_unavailable</p>
<p class="quiet">Request #</p>`)
  })

  it('is the same for every cause that a stranger could tell apart', async () => {
    const house = openHouse()
    const { callback } = await comeToCallback(house)
    const [one, other] = [await openTab(house).open(callback), await openTab(house).open(`${house.baseUrl}/auth/callback?state=x`)]
    expect(one.text).toBe(other.text)
  })
})

describe('nothing that is sent becomes markup (T44)', () => {
  /** The tags of a page, with the names of their attributes: what would change if something broke out. */
  const skeleton = (html: string): string[] => (html.match(/<[^>]*>/g) ?? []).map((tag) => tag.replace(/="[^"]*"/g, '='))

  const nasty = fc.oneof(
    fc.constantFrom(
      '"><svg onload=alert(1)>',
      "'><img src=x onerror=alert(1)>",
      '</title><script>alert(1)</script>',
      '</style><script>alert(1)</script>',
      '#{alert(1)}',
      '{{constructor.constructor("alert(1)")()}}',
      '+ADw-script+AD4-',
      '&lt;script&gt;',
      '&#60;script&#62;',
      '" autofocus onfocus="alert(1)',
      '" http-equiv="refresh" content="0;url=javascript:alert(1)',
      '<!--',
      ']]>',
      'javascript:alert(1)',
      '\u2028<script>',
      '`onmouseover=alert(1)',
    ),
    fc.string({ unit: 'grapheme-composite', minLength: 1, maxLength: 40 }),
    fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '&', '/', '=', ' ', ';', '`', 'a'), minLength: 1, maxLength: 30 }),
  )

  it('on the consent page, be it a name, a scope, a path of ours or the server’s name', async () => {
    const plain = openHouse({ requiredScopes: ['a'], consent: { serverName: 'b' } })
    const expected = skeleton((await openTab(plain).open(plain.authorizeUrl(await plain.register({ client_name: 'c' })))).text)
    await fc.assert(
      fc.asyncProperty(nasty, nasty, nasty, nasty, async (name, scope, serverName, state) => {
        const scopes = scope.replace(/[^\x21\x23-\x5b\x5d-\x7e]/g, '').slice(0, 40) || 'x'
        const house = openHouse({ requiredScopes: [scopes], consent: { serverName } })
        const clientId = await house.register({ client_name: name })
        const page = await openTab(house).open(house.authorizeUrl(clientId, { state: state.replace(/[\p{Cc}\ufffd]/gu, '') }))
        expect(page.status).toBe(200)
        expect(skeleton(page.text)).toEqual(expected)
      }),
      { seed: 4, numRuns: 80 },
    )
  })

  it('on the consent page and the pages that move on, in a redirect URI', async () => {
    const plain = openHouse()
    const tab = openTab(plain)
    const first = await tab.open(
      plain.authorizeUrl(await plain.register({ redirect_uris: ['https://a.example/x'] }), { redirect_uri: 'https://a.example/x' }),
    )
    const expected = [skeleton(first.text), skeleton((await tab.decide(first, 'deny')).text)]
    await fc.assert(
      fc.asyncProperty(nasty, fc.constantFrom('https://a.example/', 'https://a.example/?x='), async (text, start) => {
        const { href } = new URL(`${start}${text.replace(/[#?]/g, '')}`)
        const house = openHouse()
        const answer = await house.call('/register', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ client_name: 'A test', redirect_uris: [href] }),
        })
        fc.pre(answer.status === 201)
        const person = openTab(house)
        const page = await person.open(house.authorizeUrl((await answer.json()).client_id, { redirect_uri: href }))
        const denied = await person.decide(page, 'deny')
        expect([skeleton(page.text), skeleton(denied.text)]).toEqual(expected)
        expect(denied.refresh.startsWith(href)).toBe(true)
      }),
      { seed: 5, numRuns: 80 },
    )
  })

  it('on an error page: whatever was sent, it is the same page', async () => {
    const house = openHouse()
    const clientId = await house.register()
    const { tab, callback } = await comeToCallback(house)
    const pages = new Map<string, string>()
    await fc.assert(
      fc.asyncProperty(nasty, async (text) => {
        const encoded = encodeURIComponent(text)
        const urls = {
          client: house.authorizeUrl(text, { state: text, scope: text, resource: text }),
          redirect: house.authorizeUrl(clientId, { redirect_uri: `https://evil.example/${text}`, state: text }),
          state: `${callback.split('?')[0]}?state=${encoded}&error=${encoded}&error_description=${encoded}`,
        }
        for (const [kind, url] of Object.entries(urls)) {
          const page = await tab.open(url)
          expect(page.status).toBe(400)
          expect(page.text).toBe(pages.get(kind) ?? page.text)
          pages.set(kind, page.text)
        }
        const form = await tab.decide({ status: 0, headers: new Headers(), text: '', location: '', refresh: '', sealed: text }, text)
        expect(form.text).toBe(pages.get('form') ?? form.text)
        pages.set('form', form.text)
      }),
      { seed: 6, numRuns: 100 },
    )
    expect([...pages.keys()]).toEqual(['client', 'redirect', 'state', 'form'])
  })

  it('in the JSON of an error either, which is never taken for a page', async () => {
    const house = openHouse()
    const answer = await openTab(house).open(house.authorizeUrl('<script>'), { accept: 'application/json' })
    expect([answer.headers.get('content-type'), answer.headers.get('x-content-type-options'), answer.text.includes('<')]).toEqual([
      'application/json',
      'nosniff',
      false,
    ])
  })
})

it('sends people on to nothing but the upstream and the client’s redirect URI (I4)', async () => {
  const pages = await everyPage()
  expect([
    pages.approved?.refresh.split('?')[0],
    pages.denied?.refresh.split('?')[0],
    pages['the way back']?.location.split('?')[0],
  ]).toEqual(['http://127.0.0.1:9999/login/oauth/authorize', redirectUri, redirectUri])
})
