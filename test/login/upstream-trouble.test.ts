import type { Misbehaviour } from '@drawbridge/quickstart/stand-in'
import { describe, expect, it } from 'vitest'
import { type House, openHouse, redirectUri } from '../support/house.ts'
import { soon } from '../support/read-json.ts'
import { type Answer, comeToCallback } from '../support/tab.ts'
import { detour } from '../support/upstream-detour.ts'

type Endpoint = 'token' | 'user'

const endpoints: readonly Endpoint[] = ['token', 'user']
const noon = 1_767_268_800

const unusable = `${redirectUri}?error=server_error&error_description=The+upstream+did+not+answer+in+a+way+that+can+be+used.&state=the-state&iss=http%3A%2F%2Flocalhost%3A8000`
const late = `${redirectUri}?error=temporarily_unavailable&error_description=The+upstream+did+not+answer+in+time.&state=the-state&iss=http%3A%2F%2Flocalhost%3A8000`

const endpointOf = (request: Request): Endpoint | 'revocation' =>
  request.method === 'DELETE' ? 'revocation' : request.url.endsWith('/access_token') ? 'token' : 'user'

/** Answers calls to one endpoint of the upstream; the others go through. */
function answerAt(house: House, endpoint: Endpoint, answer: (request: Request) => Response | Promise<Response>): () => void {
  return detour(house, (request, go) => (endpointOf(request) === endpoint ? Promise.resolve(answer(request)) : go()))
}

/** Turns the event loop until `done`, with the clock standing. */
async function until(house: House, done: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1000 && !done(); turn += 1) await house.environment.sleep(1)
}

/** That the login ended with `location`: its browser hears the same again, nothing is asked twice, and the next login works. */
async function expectEnd(
  house: House,
  { tab, callback }: { tab: Awaited<ReturnType<typeof comeToCallback>>['tab']; callback: string },
  answer: Answer,
  location: string,
): Promise<void> {
  expect([answer.status, answer.location, answer.text]).toEqual([303, location, ''])
  const calls = endpoints.map((endpoint) => house.github.calls(endpoint))
  house.environment.advance(40)
  expect((await tab.open(callback)).location).toBe(location)
  expect(endpoints.map((endpoint) => house.github.calls(endpoint))).toEqual(calls)
}

describe('an upstream that answers wrongly ends the login: the client is told, and nothing is lost (R76, T47, REL-R8)', () => {
  const cases: readonly [Misbehaviour, Endpoint, string][] = [
    ['status-500', 'token', 'status_500'],
    ['html', 'token', 'not_json'],
    ['garbage', 'token', 'not_json'],
    ['error-200', 'token', 'invalid_grant'],
    ['status-500', 'user', 'status_500'],
    ['html', 'user', 'not_json'],
    ['garbage', 'user', 'not_json'],
    ['error-200', 'user', 'identity_without_subject'],
  ]

  it.each(cases)('%s at its %s endpoint', async (how, endpoint, reason) => {
    const house = openHouse()
    const login = await comeToCallback(house)
    house.github.misbehave({ [endpoint]: how })
    await expectEnd(house, login, await login.tab.open(login.callback), unusable)
    expect(house.events.at(-1)).toEqual({ type: 'callback.refused', clientId: login.clientId, reason, at: noon })
    // The tokens that nobody will use are ended upstream.
    await house.environment.drain()
    expect(house.github.calls('revocation')).toBe(endpoint === 'user' ? 1 : 0)
    house.github.misbehave({})
    const next = await comeToCallback(house, {}, login.tab)
    expect((await next.tab.open(next.callback)).location).toContain('?code=db_ac_')
  })

  it.each(endpoints)('no answer at its %s endpoint: after ten seconds, and not before (REL-R20, I9)', async (endpoint) => {
    const house = openHouse()
    const login = await comeToCallback(house)
    house.github.misbehave({ [endpoint]: 'hang' })
    let answer: Answer | undefined
    const pending = login.tab.open(login.callback).then((done) => {
      answer = done
    })
    await until(house, () => house.github.calls(endpoint) === 1)
    house.environment.advance(9)
    await until(house, () => answer !== undefined)
    expect(answer).toBeUndefined()
    house.environment.advance(1)
    await pending
    if (!answer) throw new Error('no answer')
    expect(house.events.at(-1)).toEqual({ type: 'callback.refused', clientId: login.clientId, reason: 'deadline', at: noon + 10 })
    await expectEnd(house, login, answer, late)
  })

  it('an answer whose body never ends', async () => {
    const house = openHouse()
    const login = await comeToCallback(house)
    let asked = false
    answerAt(house, 'token', ({ signal }) => {
      asked = true
      const body = new ReadableStream({ start: (controller) => signal.addEventListener('abort', () => controller.error(signal.reason)) })
      return new Response(body, { headers: { 'content-type': 'application/json' } })
    })
    const pending = login.tab.open(login.callback)
    await until(house, () => asked)
    house.environment.advance(10)
    expect((await pending).location).toBe(late)
  })

  it('somebody who asks again meanwhile waits, and is told the same', async () => {
    const house = openHouse()
    const login = await comeToCallback(house)
    house.github.misbehave({ token: 'hang' })
    const pending = Array.from({ length: 5 }, () => login.tab.open(login.callback))
    await until(house, () => house.github.calls('token') === 1)
    house.environment.advance(10)
    expect((await Promise.all(pending)).map(({ location }) => location)).toEqual(Array(5).fill(late))
    expect(house.github.calls('token')).toBe(1)
  })

  const json = (body: unknown, init?: ResponseInit): Response => Response.json(body, init)
  const token = { access_token: 'gho_x', token_type: 'bearer', scope: 'user' }
  const tokenAnswers: readonly [string, () => Response][] = [
    ['another error with status 200', () => json({ error: 'redirect_uri_mismatch', error_description: 'canary' })],
    ['an error of its own', () => json({ error: 'slow_down' }, { status: 400 })],
    ['an error by the name of something else', () => json({ error: 'constructor' }, { status: 400 })],
    ['an error that is no text', () => json({ error: { canary: 1 } }, { status: 400 })],
    ['nothing', () => new Response('', { status: 200 })],
    ['a list', () => json([token])],
    ['null', () => json(null)],
    ['no token', () => json({ token_type: 'bearer' })],
    ['a token that is no text', () => json({ ...token, access_token: 5 })],
    ['an empty token', () => json({ ...token, access_token: '' })],
    ['another type of token', () => json({ ...token, token_type: 'mac' })],
    ['a lifetime that is nonsense', () => json({ ...token, expires_in: 'soon' })],
    ['a lifetime below nothing', () => json({ ...token, expires_in: -1 })],
    ['a scope that is a list', () => json({ ...token, scope: ['user'] })],
    ['a redirect, which is not followed', () => new Response(null, { status: 302, headers: { location: 'https://evil.example/canary' } })],
    ['a gateway’s page', () => new Response('<h1>canary</h1>', { status: 502, headers: { 'content-type': 'text/html' } })],
    ['a megabyte', () => json({ ...token, filler: 'x'.repeat(1024 * 1024) })],
    [
      'a form',
      () =>
        new Response('access_token=gho_x&token_type=bearer&scope=user', {
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
        }),
    ],
    ['bytes', () => new Response(new Uint8Array([0xff, 0xfe, 0x00]))],
  ]
  it.each(tokenAnswers)('%s from its token endpoint', async (_, answer) => {
    const house = openHouse()
    const login = await comeToCallback(house)
    let asked = 0
    answerAt(house, 'token', () => {
      asked += 1
      return answer()
    })
    await expectEnd(house, login, await login.tab.open(login.callback), unusable)
    expect([asked, house.github.calls('user'), house.events.some(({ type }) => type === 'grant.opened')]).toEqual([1, 0, false])
    expect(JSON.stringify(house.events)).not.toContain('canary')
  })

  const userAnswers: readonly [string, () => Response][] = [
    ['401', () => json({ message: 'Bad credentials' }, { status: 401 })],
    ['403', () => json({ message: 'canary' }, { status: 403 })],
    ['404', () => json({ message: 'Not Found' }, { status: 404 })],
    ['a person without an id', () => json({ login: 'octocat' })],
    ['an id that is nothing', () => json({ id: null })],
    ['an id that is empty', () => json({ id: '' })],
    ['an id that is a list', () => json({ id: [583231] })],
    ['an id beyond what a number holds', () => new Response('{"id":90071992547409930}')],
    ['a list of people', () => json([{ id: 583231 }])],
    ['nothing', () => new Response('')],
  ]
  it.each(userAnswers)('%s from its user endpoint', async (_, answer) => {
    const house = openHouse()
    const login = await comeToCallback(house)
    answerAt(house, 'user', answer)
    await expectEnd(house, login, await login.tab.open(login.callback), unusable)
    expect(house.events.some(({ type }) => type === 'grant.opened')).toBe(false)
    await house.environment.drain()
    expect(house.github.calls('revocation')).toBe(1)
    expect(JSON.stringify(house.events)).not.toContain('canary')
  })

  it('a connection that breaks while it answers', async () => {
    const house = openHouse()
    for (const code of ['ECONNRESET', 'UND_ERR_SOCKET', 'EPIPE', '']) {
      const login = await comeToCallback(house)
      const straighten = answerAt(house, 'token', () => Promise.reject(fetchFailed(code)))
      await expectEnd(house, login, await login.tab.open(login.callback), unusable)
      straighten()
    }
  })

  it('even where it cannot be told that its tokens are not needed', async () => {
    const house = openHouse()
    const login = await comeToCallback(house)
    detour(house, async (request, go) => (endpointOf(request) === 'token' ? go() : json({}, { status: 500 })))
    await expectEnd(house, login, await login.tab.open(login.callback), unusable)
    await house.environment.drain()
  })
})

/** What `fetch` rejects with, as undici has it. */
function fetchFailed(code: string): TypeError {
  return new TypeError('fetch failed', { cause: Object.assign(new Error(`canary ${code}`), { code }) })
}

describe('an upstream that was never reached costs nothing: the page says to try again (REL 4.3)', () => {
  it.each(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'])('%s', async (code) => {
    const house = openHouse()
    const { tab, callback } = await comeToCallback(house)
    const straighten = answerAt(house, 'token', () => Promise.reject(fetchFailed(code)))
    const page = await tab.open(callback)
    expect([page.status, page.location, page.refresh, page.headers.get('retry-after')]).toEqual([503, '', '', expect.stringMatching(soon)])
    expect(page.text).toContain(
      '<p>The server cannot answer at the moment. Try again shortly.</p>\n<p>This will pass. Wait a moment and try again.</p>',
    )
    expect(house.events.at(-1)).toEqual({ type: 'upstream.failed', operation: 'callback', reason: 'unreachable', at: noon })
    const asJson = await tab.open(callback, { accept: 'application/json' })
    expect([asJson.status, JSON.parse(asJson.text)]).toEqual([
      503,
      { error: 'temporarily_unavailable', error_description: 'The server cannot answer at the moment. Try again shortly.' },
    ])
    straighten()
    house.environment.advance(60)
    expect((await tab.open(callback)).location).toContain('?code=db_ac_')
    expect(house.github.calls('token')).toBe(1)
    expect(JSON.stringify([page, asJson, house.events])).not.toContain('canary')
  })

  it.each([
    ['30', '30'],
    ['3600', '300'],
    [undefined, soon],
  ])(
    'or that had too many requests (Retry-After %s): it has not looked at the code, and the next time it does (REL-R8, REL 4.3)',
    async (after, shown) => {
      const house = openHouse()
      const { tab, clientId, callback } = await comeToCallback(house)
      const straighten = answerAt(house, 'token', () =>
        Response.json({ message: 'canary' }, { status: 429, headers: after === undefined ? {} : { 'retry-after': after } }),
      )
      const page = await tab.open(callback)
      expect([page.status, page.location, page.refresh]).toEqual([503, '', ''])
      expect(page.headers.get('retry-after')).toMatch(shown)
      expect(page.text).toContain('<a class="go" href="">Try again</a>')
      expect(house.events.at(-1)).toEqual({ type: 'upstream.failed', operation: 'callback', reason: 'status_429', at: noon })
      straighten()
      house.environment.advance(30)
      const { location } = await tab.open(callback)
      expect((await house.redeem(clientId, new URL(location).searchParams.get('code') ?? '')).status).toBe(200)
      expect(JSON.stringify([page, house.events])).not.toContain('canary')
    },
  )

  it('and whoever waits for it meanwhile takes over', async () => {
    const house = openHouse()
    const { tab, callback } = await comeToCallback(house)
    let refused = 0
    detour(house, (request, go) => {
      if (endpointOf(request) !== 'token' || refused > 0) return go()
      refused += 1
      return Promise.reject(fetchFailed('ECONNREFUSED'))
    })
    const statuses = (await Promise.all(Array.from({ length: 5 }, () => tab.open(callback)))).map(({ status }) => status)
    expect(statuses.toSorted()).toEqual([303, 303, 303, 303, 503])
    expect(house.github.calls('token')).toBe(1)
  })

  it.each([
    ['was lost', () => Promise.reject(fetchFailed('ECONNREFUSED'))],
    ['came too often', () => Promise.resolve(new Response(null, { status: 429 }))],
  ])('but not when it %s after the code was spent: that login ends', async (_, answer) => {
    const house = openHouse()
    const login = await comeToCallback(house)
    answerAt(house, 'user', answer)
    await expectEnd(house, login, await login.tab.open(login.callback), unusable)
    await house.environment.drain()
    expect(house.github.calls('revocation')).toBe(1)
  })
})

describe('what the upstream says stays between us (T38, T47, T98, I7)', () => {
  const canary = 'canary-81e0'

  it('its words are in no answer and in no event, whatever it puts them into', async () => {
    const words: readonly (() => Response)[] = [
      () =>
        Response.json({ error: canary, error_description: canary, error_uri: canary }, { status: 400, headers: { 'x-canary': canary } }),
      () => Response.json({ error: `<script>${canary}</script>\n`, error_description: canary }),
      () => new Response(`<h1>${canary}</h1>`, { status: 500 }),
      () => new Response(canary),
      () => Response.json({ message: canary }, { status: 401, headers: { 'www-authenticate': `Bearer error="${canary}"` } }),
      () => Response.json({ access_token: canary, token_type: canary }),
      () => Response.json({ access_token: `${canary}\n`, token_type: 'bearer' }),
      () => Response.json({ access_token: canary, token_type: 'bearer', scope: `"${canary}` }),
    ]
    for (const endpoint of endpoints) {
      for (const answer of words) {
        const house = openHouse()
        const { tab, callback } = await comeToCallback(house)
        answerAt(house, endpoint, answer)
        const answers = [await tab.open(callback), await tab.open(callback)]
        await house.environment.drain()
        const seen = JSON.stringify([answers.map((each) => ({ ...each, headers: [...each.headers] })), house.events])
        expect([endpoint, answer.toString(), seen.includes(canary)]).toEqual([endpoint, answer.toString(), false])
      }
    }
  })

  it('our secret, its tokens, its code and our verifier are in no answer and in no event, whatever happens', async () => {
    const house = openHouse({ clientSecret: 'upstream-secret' })
    const seen: string[] = []
    const secrets = new Set(['upstream-secret'])
    const call = house.call
    const recording: House = {
      ...house,
      async call(url, init) {
        const answer = await call(url, init)
        seen.push(JSON.stringify([...answer.headers]), await answer.clone().text())
        return answer
      },
    }
    for (const how of [{}, { token: 'status-500' }, { user: 'html' }, { token: 'error-200' }, { user: 'error-200' }] as const) {
      house.github.misbehave(how)
      const { tab, callback } = await comeToCallback(recording)
      detour(house, async (request, go) => {
        const sent = new URLSearchParams(await request.clone().text())
        for (const secret of [sent.get('code'), sent.get('code_verifier'), request.headers.get('authorization')?.slice('Bearer '.length)])
          if (secret) secrets.add(secret)
        return go()
      })
      await tab.open(callback)
      await tab.open(callback)
    }
    await house.environment.drain()
    seen.push(JSON.stringify(house.events))
    expect(secrets.size).toBeGreaterThan(8)
    expect([...secrets].filter((secret) => seen.some((text) => text.includes(secret)))).toEqual([])
  })
})
