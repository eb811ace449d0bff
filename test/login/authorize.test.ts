import fc from 'fast-check'
import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { countedStore } from '../support/counted-store.ts'
import { challenge, type House, openHouse, redirectUri } from '../support/house.ts'
import { soon } from '../support/read-json.ts'
import { type Answer, openTab, unescapeHtml } from '../support/tab.ts'

type Changes = Readonly<Record<string, string | undefined>>

const json = { accept: 'application/json' }

/** The authorization URL with these changes, and `more` at the end of its query, as it is. */
async function ask(house: House, changes: Changes = {}, more = ''): Promise<Answer> {
  return openTab(house).open(`${house.authorizeUrl(await house.register(), changes)}${more}`)
}

/** What an error tells the client, by redirect to its own redirect URI. */
function told(answer: Answer): Record<string, string> {
  expect([answer.status, answer.location.split('?')[0], answer.headers.get('cache-control')]).toEqual([303, redirectUri, 'no-store'])
  const { searchParams } = new URL(answer.location)
  expect(new Set(searchParams.keys()).size).toBe([...searchParams.keys()].length)
  return Object.fromEntries(searchParams)
}

const toldError = (error: string, description: string, state: string | undefined = 'the-state'): Record<string, string> => ({
  error,
  error_description: description,
  ...(state !== undefined && { state }),
  iss: 'http://localhost:8000',
})

/** The texts of a page: between `<li>` and `</li>`, or `<dd>` and `</dd>`. */
function textsOf(answer: Answer, tag: 'li' | 'dd'): string[] {
  return [...answer.text.matchAll(new RegExp(`<${tag}[^>]*>([^<]*)</${tag}>`, 'g'))].map(([, text = '']) => unescapeHtml(text))
}

describe('before the redirect URI is known to be the client’s, errors are a page and go nowhere (R53, R73, T22)', () => {
  const cases: readonly [string, (house: House) => Promise<string>, string, string][] = [
    ['no client', async (house) => house.authorizeUrl('', {}), 'invalid_request', 'The parameter client_id is missing.'],
    [
      'an unknown client',
      async (house) => house.authorizeUrl('nobody'),
      'invalid_client',
      'The application is not registered here, or no longer. It has to register again.',
    ],
    [
      'a redirect URI of nobody',
      async (house) => house.authorizeUrl(await house.register(), { redirect_uri: 'https://evil.example/cb' }),
      'invalid_request',
      'The redirect URI is not one that the application registered.',
    ],
    [
      'no redirect URI, where several are registered',
      async (house) =>
        house.authorizeUrl(await house.register({ redirect_uris: [redirectUri, 'https://a.example/cb'] }), { redirect_uri: undefined }),
      'invalid_request',
      'The parameter redirect_uri is missing.',
    ],
    [
      'two clients',
      async (house) => `${house.authorizeUrl(await house.register())}&client_id=other`,
      'invalid_request',
      'The client or its redirect URI was sent more than once.',
    ],
    [
      'two redirect URIs, even the same',
      async (house) => `${house.authorizeUrl(await house.register())}&redirect_uri=${encodeURIComponent(redirectUri)}`,
      'invalid_request',
      'The client or its redirect URI was sent more than once.',
    ],
    [
      'a redirect URI with a port there is not',
      async (house) => house.authorizeUrl(await house.register(), { redirect_uri: 'http://127.0.0.1:99999/callback' }),
      'invalid_request',
      'The redirect URI is not allowed.',
    ],
    [
      'a redirect URI that was registered when it was allowed (B36, T28)',
      async (house) => {
        const before = openHouse({ beside: house, clients: { redirectSchemes: ['mine'] } })
        return house.authorizeUrl(await before.register({ redirect_uris: ['mine://cb'] }), { redirect_uri: 'mine://cb' })
      },
      'invalid_request',
      'The redirect URI is not allowed.',
    ],
  ]

  it.each(cases)('%s', async (_, urlOf, error, description) => {
    const house = openHouse()
    const url = await urlOf(house)
    const page = await openTab(house).open(url)
    expect([page.status, page.location, page.refresh, page.headers.get('set-cookie')]).toEqual([400, '', '', null])
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(page.text).toContain(`<h1>This login cannot go on</h1>\n<p>${description}</p>`)
    expect(page.text).toContain(`<p class="quiet">${error}</p>`)
    const answer = await openTab(house).open(url, json)
    expect([answer.status, answer.location, JSON.parse(answer.text)]).toEqual([400, '', { error, error_description: description }])
    expect(answer.headers.get('www-authenticate')).toBeNull()
  })

  it('a request that would be wrong in other ways too', async () => {
    const house = openHouse()
    const answer = await openTab(house).open(house.authorizeUrl('nobody', { response_type: 'token', state: 'a\u0000b' }), json)
    expect([answer.status, answer.location, JSON.parse(answer.text).error]).toEqual([400, '', 'invalid_client'])
  })

  it.each(['application/json', '*/*', undefined, 'text/plain'])('as JSON for a program that accepts %s (G3)', async (accept) => {
    const house = openHouse()
    const answer = await openTab(house).open(house.authorizeUrl('nobody'), { accept })
    expect([answer.status, answer.headers.get('content-type'), JSON.parse(answer.text).error]).toEqual([
      400,
      'application/json',
      'invalid_client',
    ])
  })

  it('and show nothing of what was sent (T44, T98)', async () => {
    const house = openHouse()
    const clientId = await house.register()
    const [one, other] = await Promise.all([
      openTab(house).open(house.authorizeUrl('nobody')),
      openTab(house).open(
        house.authorizeUrl('"><svg onload=alert(1)>canary', { state: 'canary', scope: 'canary', redirect_uri: 'https://canary.example' }),
      ),
    ])
    expect(other.text).toBe(one.text)
    const foreign = await openTab(house).open(house.authorizeUrl(clientId, { redirect_uri: 'https://canary.example/"><script>' }))
    expect(foreign.text).not.toContain('canary')
  })

  it('and are told to the operator, without the redirect URI', async () => {
    const house = openHouse()
    await openTab(house).open(house.authorizeUrl('nobody'))
    expect(house.events).toEqual([
      { type: 'request.refused', endpoint: 'authorize', error: 'invalid_client', reason: 'client_unknown', at: 1_767_268_800 },
    ])
  })
})

describe('a redirect URI', () => {
  it('may be left out by a client that registered one', async () => {
    const answer = await ask(openHouse(), { redirect_uri: undefined })
    expect([answer.status, textsOf(answer, 'dd')[1]]).toEqual([200, redirectUri])
  })

  const loopbacks = ['127.0.0.1', '[::1]', 'localhost']

  it.each(loopbacks)('on %s has any port, or none, whichever was registered (R52, B11, G8)', async (host) => {
    const house = openHouse()
    const uris = [`http://${host}:1111/cb`, `http://${host}:2222/cb`, `http://${host}/cb`, `http://${host}:65535/cb`]
    for (const registered of uris) {
      const clientId = await house.register({ redirect_uris: [registered] })
      for (const uri of uris) {
        const page = await openTab(house).open(house.authorizeUrl(clientId, { redirect_uri: uri }))
        expect([registered, uri, page.status, textsOf(page, 'dd')[1]]).toEqual([registered, uri, 200, uri])
      }
    }
  })

  it('is on loopback with the host, path and query as registered (R51, R52, T23)', async () => {
    const house = openHouse()
    const clientId = await house.register({ redirect_uris: ['http://127.0.0.1:1111/cb?x=1'] })
    const others = [
      'http://localhost:1111/cb?x=1',
      'http://[::1]:1111/cb?x=1',
      'https://127.0.0.1:1111/cb?x=1',
      'http://127.0.0.1:1111/cb',
      'http://127.0.0.1:1111/cb?x=1&y=2',
      'http://127.0.0.1:1111/cb/?x=1',
      'http://127.0.0.1:1111/CB?x=1',
      'http://127.0.0.1:1111/cb?x=1#',
      'http://127.0.0.1:/cb?x=1',
      'http://127.0.0.1:+1/cb?x=1',
      'http://127.0.0.1:123456/cb?x=1',
      'http://127.0.0.1:1@evil.example/cb?x=1',
      'http://127.0.0.1.evil.example:1111/cb?x=1',
      'http://127.1:1111/cb?x=1',
      'HTTP://127.0.0.1:1111/cb?x=1',
      'http://127.0.0.1:1111/cb?x=1\n',
      'http://127.0.0.1:1111/./cb?x=1',
    ]
    for (const uri of others) {
      const page = await openTab(house).open(house.authorizeUrl(clientId, { redirect_uri: uri }))
      expect([uri, page.status, page.location]).toEqual([uri, 400, ''])
    }
  })

  it('is otherwise compared to the letter: no other text passes (R51, T23)', async () => {
    const house = openHouse()
    const registered = 'https://client.example.com:8443/cb?x=1'
    const clientId = await house.register({ redirect_uris: [registered] })
    const mutation = fc
      .tuple(
        fc.nat(registered.length),
        fc.nat(2),
        fc.oneof(fc.constantFrom(...'/.?#@:\\%&=;+~ \t\n0aA'), fc.string({ minLength: 0, maxLength: 3 })),
      )
      .map(([at, cut, text]) => registered.slice(0, at) + text + registered.slice(at + cut))
    await fc.assert(
      fc.asyncProperty(mutation, async (uri) => {
        const page = await openTab(house).open(house.authorizeUrl(clientId, { redirect_uri: uri }))
        // An empty one is none, and this client registered only one.
        expect([page.status, page.location]).toEqual([uri === registered || uri === '' ? 200 : 400, ''])
      }),
      { seed: 2, numRuns: 150 },
    )
  })

  it('keeps its own query to the letter, in front of ours (B31)', async () => {
    const house = openHouse()
    for (const [uri, joint] of [
      ['https://a.example/cb?b=%2F+%20&a', '&'],
      ['https://a.example/cb?x=1&', ''],
      ['https://a.example/cb?', ''],
      ['https://a.example', '?'],
      ['cursor://x/cb?y', '&'],
    ] as const) {
      const clientId = await house.register({ redirect_uris: [uri] })
      const answer = await openTab(house).open(house.authorizeUrl(clientId, { redirect_uri: uri, response_type: 'token' }))
      expect(answer.location).toBe(
        `${uri}${joint}error=unsupported_response_type&error_description=The+response+type+is+not+code.&state=the-state&iss=http%3A%2F%2Flocalhost%3A8000`,
      )
    }
  })
})

describe('once it is known, every error goes to the client, with its state and our iss (R54, R59)', () => {
  const missing = (name: string): string => `The parameter ${name} is missing.`
  const cases: readonly [string, Changes, string, string][] = [
    ['no response type (R55)', { response_type: undefined }, 'invalid_request', missing('response_type')],
    ['an empty response type', { response_type: '' }, 'invalid_request', missing('response_type')],
    ['the implicit flow (R55, B13)', { response_type: 'token' }, 'unsupported_response_type', 'The response type is not code.'],
    ['a hybrid flow (T30)', { response_type: 'code token' }, 'unsupported_response_type', 'The response type is not code.'],
    ['another case', { response_type: 'CODE' }, 'unsupported_response_type', 'The response type is not code.'],
    ['an answer in the fragment (T30)', { response_mode: 'fragment' }, 'invalid_request', 'The response mode is not query.'],
    ['an answer by form (T30)', { response_mode: 'form_post' }, 'invalid_request', 'The response mode is not query.'],
    [
      'no challenge (R56, T19)',
      { code_challenge: undefined, code_challenge_method: undefined },
      'invalid_request',
      missing('code_challenge'),
    ],
    ['a method without a challenge (R57, T19)', { code_challenge: undefined }, 'invalid_request', missing('code_challenge')],
    ['an empty challenge', { code_challenge: '' }, 'invalid_request', missing('code_challenge')],
    [
      'a challenge without a method, which means plain (R57)',
      { code_challenge_method: undefined },
      'invalid_request',
      'The code challenge method is not S256.',
    ],
    ['plain (R57, T19)', { code_challenge_method: 'plain' }, 'invalid_request', 'The code challenge method is not S256.'],
    ['a method nobody knows (R57)', { code_challenge_method: 'S512' }, 'invalid_request', 'The code challenge method is not S256.'],
    ['the method in lower case', { code_challenge_method: 's256' }, 'invalid_request', 'The code challenge method is not S256.'],
    ['a short challenge', { code_challenge: challenge.slice(1) }, 'invalid_request', 'The code challenge is not one that S256 makes.'],
    ['a long challenge', { code_challenge: `${challenge}A` }, 'invalid_request', 'The code challenge is not one that S256 makes.'],
    [
      'a challenge in base64',
      { code_challenge: `+${challenge.slice(1)}` },
      'invalid_request',
      'The code challenge is not one that S256 makes.',
    ],
    ['a request object (T30)', { request: 'eyJhbGciOiJub25lIn0.e30.' }, 'request_not_supported', 'Request objects are not supported.'],
    [
      'a request object by URL (T30)',
      { request_uri: 'https://a.example/r' },
      'request_uri_not_supported',
      'Request objects are not supported.',
    ],
    ['no question (T30)', { prompt: 'none' }, 'interaction_required', 'The person has to be asked.'],
    ['no question, among others', { prompt: 'login none' }, 'interaction_required', 'The person has to be asked.'],
    ['a scope with a quote', { scope: 'user a"b' }, 'invalid_scope', 'The parameter scope has characters that no scope has.'],
    ['a scope with a line end', { scope: 'user\nrepo' }, 'invalid_scope', 'The parameter scope has characters that no scope has.'],
    ['a scope in Greek', { scope: 'χρήστης' }, 'invalid_scope', 'The parameter scope has characters that no scope has.'],
    [
      'the resource of another server (R60, T58, B15)',
      { resource: 'http://localhost:9000/mcp' },
      'invalid_target',
      'The resource is not one of this server.',
    ],
    ['another path of ours', { resource: 'http://localhost:8000/other' }, 'invalid_target', 'The resource is not one of this server.'],
    [
      'a resource with a fragment (R60, T58)',
      { resource: 'http://localhost:8000/mcp#x' },
      'invalid_target',
      'The resource is not one of this server.',
    ],
    ['a relative resource (R60, T58)', { resource: '/mcp' }, 'invalid_target', 'The resource is not one of this server.'],
    [
      'a resource with a query (T58)',
      { resource: 'http://localhost:8000/mcp?x=1' },
      'invalid_target',
      'The resource is not one of this server.',
    ],
    [
      'a resource with one slash more',
      { resource: 'http://localhost:8000/mcp/' },
      'invalid_target',
      'The resource is not one of this server.',
    ],
    [
      'a resource that a URL parser would forgive',
      { resource: 'http://localhost:8000/x/../mcp' },
      'invalid_target',
      'The resource is not one of this server.',
    ],
    ['a resource with a user', { resource: 'http://me@localhost:8000/mcp' }, 'invalid_target', 'The resource is not one of this server.'],
  ]

  it.each(cases)('%s', async (_, changes, error, description) => {
    const house = openHouse()
    const answer = await ask(house, changes)
    expect(told(answer)).toEqual(toldError(error, description))
    expect(answer.headers.get('set-cookie')).toBeNull()
    const clientId = await house.register()
    expect((await openTab(house).open(house.authorizeUrl(clientId, changes), json)).status).toBe(303)
  })

  it.each([
    'response_type',
    'response_mode',
    'code_challenge',
    'code_challenge_method',
    'scope',
    'resource',
    'prompt',
    'request',
    'request_uri',
  ])('the parameter %s, sent twice (R62, T30)', async (name) => {
    const twice = `&${name}=x&${name}=x`
    expect(told(await ask(openHouse(), {}, twice))).toEqual(toldError('invalid_request', `The parameter ${name} was sent more than once.`))
  })

  it('a state that was sent twice: without it', async () => {
    const answer = await ask(openHouse(), {}, '&state=another')
    expect(told(answer)).toEqual({
      error: 'invalid_request',
      error_description: 'The parameter state was sent more than once.',
      iss: 'http://localhost:8000',
    })
  })

  it('a state that cannot be returned unchanged: without it', async () => {
    const house = openHouse()
    const refused = {
      error: 'invalid_request',
      error_description: 'The parameter state is too long, or has characters that cannot be returned.',
      iss: 'http://localhost:8000',
    }
    for (const state of ['a\u0000b', 'a\nb', 'a\u007fb', 'a\u0085b', '\ufffd', 'x'.repeat(4097), '€'.repeat(1366)])
      expect(told(await ask(house, { state }))).toEqual(refused)
    for (const bytes of ['%ff', '%c3%28', '%ed%a0%80', '%80'])
      expect(told(await ask(house, { state: undefined }, `&state=a${bytes}b`))).toEqual(refused)
  })

  it('and has no state where the client sent none', async () => {
    for (const state of [undefined, ''])
      expect(told(await ask(openHouse(), { state, response_type: 'token' }))).toEqual({
        error: 'unsupported_response_type',
        error_description: 'The response type is not code.',
        iss: 'http://localhost:8000',
      })
  })

  it('and is told to the operator, with the client and the reason', async () => {
    const house = openHouse()
    const clientId = await house.register()
    await openTab(house).open(house.authorizeUrl(clientId, { code_challenge_method: 'plain' }))
    expect(house.events.at(-1)).toEqual({
      type: 'request.refused',
      endpoint: 'authorize',
      error: 'invalid_request',
      reason: 'challenge_method_unsupported',
      clientId,
      at: 1_767_268_800,
    })
  })
})

describe('a state', () => {
  const states = [
    'a+b',
    'a%20b',
    'a%2Bb',
    '100%',
    '&error=x',
    '=',
    '&',
    '#',
    '?',
    ' ',
    'Zürich',
    '状態',
    '🦊',
    '"<>\'`\\',
    '{"a":[1]}',
    'x'.repeat(4096),
    '€'.repeat(1365),
    'e30=',
    '..%2f..',
  ]

  it.each(states.map((state) => [state.slice(0, 20), state]))('comes back as it was sent, to the byte: %j (R58)', async (_, state) => {
    const house = openHouse()
    const clientId = await house.register()
    const refused = await openTab(house).open(house.authorizeUrl(clientId, { state, response_type: 'token' }))
    const granted = await house.signIn(clientId, { state })
    expect([new URL(refused.location).searchParams.getAll('state'), granted.searchParams.getAll('state')]).toEqual([[state], [state]])
  })

  it('comes back in whatever form it was encoded', async () => {
    const answer = await ask(openHouse(), { state: undefined, response_type: 'token' }, '&state=%61%2b+b%C3%BC%26')
    expect(new URL(answer.location).searchParams.getAll('state')).toEqual(['a+ bü&'])
  })

  it('comes back, whatever it is (R58)', async () => {
    const house = openHouse()
    const clientId = await house.register()
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }), async (state) => {
        fc.pre(!/[\p{Cc}\ufffd]/u.test(state))
        const { location } = await openTab(house).open(house.authorizeUrl(clientId, { state, response_type: 'token' }))
        expect(new URL(location).searchParams.getAll('state')).toEqual([state])
      }),
      { seed: 3, numRuns: 150 },
    )
  })
})

describe('what passes', () => {
  it.each([
    ['an explicit response mode', { response_mode: 'query' }],
    ['prompts that we show anyway (R62, G11)', { prompt: 'consent' }],
    ['several of them', { prompt: 'login consent select_account' }],
    [
      'parameters without a value, which count as absent',
      { scope: '', resource: '', prompt: '', response_mode: '', request: '', request_uri: '', state: '' },
    ],
    ['parameters nobody knows (R62)', { foo: '1', nonce: 'n', access_type: 'offline', 'scope[]': 'x' }],
  ])('%s', async (_, changes) => {
    expect((await ask(openHouse(), changes)).status).toBe(200)
  })

  it('parameters nobody knows, more than once (R62)', async () => {
    expect((await ask(openHouse(), {}, '&foo=1&foo=2&code=x&code=y')).status).toBe(200)
  })
})

describe('the scopes that are asked for', () => {
  const cases: readonly [string, Changes, readonly string[]][] = [
    ['those of the operator, when none is asked for (R61, G10)', {}, ['user']],
    ['those asked for, in their order', { scope: 'gist repo' }, ['gist', 'repo']],
    ['no more than asked for (B14)', { scope: 'repo' }, ['repo']],
    ['each once, however many blanks there are', { scope: '  repo   user repo ' }, ['repo', 'user']],
    ['without those nobody can have (G10)', { scope: 'openid repo email admin' }, ['repo']],
    ['those of the operator, when none of them can be had (G10)', { scope: 'openid email profile' }, ['user']],
    ['to the letter', { scope: 'REPO user ' }, ['user']],
  ]
  it.each(cases)('are %s', async (_, changes, scopes) => {
    const house = openHouse({ clients: { validScopes: ['repo', 'gist'] } })
    const clientId = await house.register()
    const tab = openTab(house)
    const page = await tab.open(house.authorizeUrl(clientId, changes))
    const { refresh } = await tab.decide(page, 'approve')
    expect([textsOf(page, 'li'), new URL(refresh).searchParams.get('scope')]).toEqual([scopes, scopes.join(' ')])
  })

  it('are those a client registered, when its request has none (R61)', async () => {
    const house = openHouse({ clients: { validScopes: ['repo', 'gist'] } })
    const clientId = await house.register({ scope: 'gist' })
    const [without, unknown, other] = await Promise.all(
      [{}, { scope: 'openid' }, { scope: 'repo' }].map((changes) => openTab(house).open(house.authorizeUrl(clientId, changes))),
    )
    expect([without, unknown, other].map((page) => page && textsOf(page, 'li'))).toEqual([['gist'], ['gist'], ['repo']])
  })

  it('may be none at all', async () => {
    const house = openHouse({ requiredScopes: [] })
    const tab = openTab(house)
    const page = await tab.open(house.authorizeUrl(await house.register()))
    const { refresh } = await tab.decide(page, 'approve')
    expect([textsOf(page, 'dd')[2], new URL(refresh).searchParams.has('scope')]).toEqual(['your identity, and nothing more', false])
  })
})

describe('the resource', () => {
  const shown = async (house: House, changes: Changes): Promise<string | undefined> => textsOf(await ask(house, changes), 'dd').at(-1)

  it('is ours when the client names none (R60, T61)', async () => {
    expect(await shown(openHouse(), {})).toBe('http://localhost:8000/mcp')
  })

  it('may be written with scheme and host in capitals (R25, T58)', async () => {
    expect(await shown(openHouse(), { resource: 'HTTP://LOCALHOST:8000/mcp' })).toBe('http://localhost:8000/mcp')
    const house = openHouse({ baseUrl: 'https://mcp.example.com' })
    expect(await shown(house, { resource: 'https://MCP.example.com:443/mcp' })).toBe('https://mcp.example.com/mcp')
  })

  it('may have a slash where it has no path (G9)', async () => {
    const house = openHouse({ mcpPath: '/' })
    expect([await shown(house, { resource: 'http://localhost:8000/' }), await shown(house, { resource: 'http://localhost:8000' })]).toEqual(
      ['http://localhost:8000', 'http://localhost:8000'],
    )
  })

  it('has to be named where there are several (R60, T61)', async () => {
    const house = openHouse({ mcpPath: ['/mcp', '/other'] })
    expect(told(await ask(house))).toEqual(toldError('invalid_target', 'The resource is not one of this server.'))
    expect(await shown(house, { resource: 'http://localhost:8000/other' })).toBe('http://localhost:8000/other')
  })

  it('is the one the token is for (R60)', async () => {
    const house = openHouse({ mcpPath: ['/mcp', '/other'] })
    const clientId = await house.register()
    const end = await house.signIn(clientId, { resource: 'HTTP://localhost:8000/other' })
    const answer = await house.redeem(clientId, end.searchParams.get('code') ?? '')
    const { access_token: accessToken }: { access_token: string } = await answer.json()
    expect(decodeJwt(accessToken).aud).toBe('http://localhost:8000/other')
  })
})

describe('asking has no effect', () => {
  it('writes nothing, whether it shows the page or refuses (R78)', async () => {
    const store = countedStore()
    const house = openHouse({ clientStorage: store })
    const clientId = await house.register()
    const [writes, held] = [store.writes, [...store.held]]
    for (const changes of [{}, { response_type: 'token' }, { redirect_uri: 'https://evil.example' }, { scope: 'user' }])
      for (const url of [house.authorizeUrl(clientId, changes), house.authorizeUrl('nobody', changes)]) await openTab(house).open(url)
    expect([store.writes, [...store.held]]).toEqual([writes, held])
    expect(house.github.received).toEqual([])
  })

  it('can be done twice, and either page finished (R78, T8)', async () => {
    const house = openHouse()
    const clientId = await house.register()
    const tab = openTab(house)
    const url = house.authorizeUrl(clientId)
    const pages = [await tab.open(url), await tab.open(url)]
    for (const page of pages) expect((await tab.decide(page, 'approve')).status).toBe(200)
  })

  it('is done by GET, and answered with the question (R63)', async () => {
    const house = openHouse()
    const page = await house.browser().open(house.authorizeUrl(await house.register()))
    expect([page.status, page.title, page.forms[0]?.buttons.map(({ label }) => label)]).toEqual([
      200,
      'A test asks for access',
      ['Deny', 'Allow'],
    ])
  })

  it.each(['HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'])('is done by GET alone, and not by %s (R63)', async (method) => {
    const house = openHouse()
    const answer = await house.call(house.authorizeUrl(await house.register()), { method })
    expect([answer.status, answer.headers.get('allow'), answer.headers.get('cache-control')]).toEqual([405, 'GET', 'no-store'])
  })

  it('asks the person every time (R65, R74, T2, T6, B27)', async () => {
    const house = openHouse()
    const clientId = await house.register()
    const person = house.browser()
    await house.signIn(clientId, {}, person)
    const calls = house.github.received.length
    for (const changes of [{}, { scope: 'user' }])
      expect((await person.open(house.authorizeUrl(clientId, changes))).title).toBe('A test asks for access')
    expect((await person.open(house.authorizeUrl(await house.register({ client_name: 'Another' })))).title).toBe('Another asks for access')
    expect(house.github.received).toHaveLength(calls)
  })
})

describe('while the store is in trouble', () => {
  it('is answered with a page that can be loaded again (REL-R5)', async () => {
    const store = countedStore()
    const house = openHouse({ clientStorage: store })
    const url = house.authorizeUrl(await house.register())
    store.fail(true)
    const page = await openTab(house).open(url)
    expect([page.status, page.headers.get('retry-after'), page.location]).toEqual([503, expect.stringMatching(soon), ''])
    expect(page.text).toContain('<p>This will pass. Wait a moment and try again.</p>')
    const answer = await openTab(house).open(url, json)
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      503,
      { error: 'temporarily_unavailable', error_description: 'The server cannot answer at the moment. Try again shortly.' },
    ])
    store.fail(false)
    expect((await openTab(house).open(url)).status).toBe(200)
  })

  it('does not tell clients that they are unknown when it was the store that was emptied (REL-R6)', async () => {
    const house = openHouse()
    const clientId = await house.register()
    house.environment.advance(60)
    const emptied = openHouse({ beside: house, clientStorage: countedStore() })
    expect((await openTab(emptied).open(emptied.authorizeUrl(clientId))).status).toBe(503)
    expect(emptied.events[0]).toEqual({ type: 'store.lost', kind: 'client', at: 1_767_268_860 })
    house.environment.advance(600)
    expect((await openTab(emptied).open(emptied.authorizeUrl(clientId))).status).toBe(400)
  })
})
