import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { challenge, openHouse, redirectUri, verifier } from '../support/house.ts'
import { comeToCallback } from '../support/tab.ts'

/** A request that an endpoint takes: what the fuzz starts from. */
interface Plausible {
  readonly path: string
  readonly method: 'GET' | 'POST'
  readonly as: 'query' | 'form' | 'json'
  readonly fields: readonly (readonly [string, unknown])[]
  readonly headers: Readonly<Record<string, string>>
}

/** A house where something of every kind exists, and a good request for each endpoint. */
async function furnished() {
  const house = openHouse()
  const { tab, clientId, callback } = await comeToCallback(house)
  const page = await tab.open(house.authorizeUrl(clientId))
  const { clientId: other, tokens } = await house.login()
  const code = (await house.signIn(other)).searchParams.get('code') ?? ''
  const headers = { accept: 'text/html', cookie: [...tab.cookies].map((pair) => pair.join('=')).join('; ') }
  const read = (path: string): Plausible => ({ path, method: 'GET', as: 'query', fields: [], headers: {} })
  const post = (path: string, as: 'form' | 'json', fields: Record<string, unknown>, more = {}): Plausible => ({
    path,
    method: 'POST',
    as,
    fields: Object.entries(fields),
    headers: more,
  })
  const plausible: readonly Plausible[] = [
    {
      path: '/authorize',
      method: 'GET',
      as: 'query',
      fields: [...new URL(house.authorizeUrl(clientId, { scope: 'user', resource: 'http://localhost:8000/mcp' })).searchParams],
      headers,
    },
    post('/consent', 'form', { request: page.sealed, decision: 'approve' }, headers),
    { path: '/auth/callback', method: 'GET', as: 'query', fields: [...new URL(callback).searchParams], headers },
    post('/register', 'json', {
      redirect_uris: [redirectUri],
      client_name: 'x',
      scope: 'user',
      grant_types: ['authorization_code'],
      application_type: 'native',
    }),
    post('/token', 'form', {
      grant_type: 'authorization_code',
      client_id: other,
      code,
      code_verifier: verifier,
      redirect_uri: redirectUri,
    }),
    post('/token', 'form', { grant_type: 'refresh_token', client_id: other, refresh_token: tokens.refresh_token, scope: 'user' }),
    post('/revoke', 'form', { client_id: clientId, token: tokens.access_token, token_type_hint: 'access_token' }),
    ...['jwks.json', 'oauth-authorization-server', 'openid-configuration', 'oauth-protected-resource/mcp'].map((name) =>
      read(`/.well-known/${name}`),
    ),
  ]
  return { house, plausible }
}

const names = [
  'client_id',
  'client_secret',
  'redirect_uri',
  'state',
  'scope',
  'resource',
  'iss',
  'error',
  'prompt',
  'request',
  'request_uri',
  '__proto__',
  'constructor',
  '',
]

const odd: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '',
    '\u0000',
    '\ufffd',
    '%',
    '%00',
    '../..',
    '{}',
    '[]',
    'null',
    '-1',
    '\ud800',
    '"',
    "' OR 1=1 --",
    '__proto__',
    'constructor',
    'none',
    'a b',
    challenge,
  ),
  fc.constantFrom(
    '9'.repeat(400),
    'x'.repeat(3000),
    'https://evil.example/',
    'javascript:alert(1)',
    'http://[',
    'HTTP://LOCALHOST:8000/mcp',
  ),
)

const latin = fc.string({ unit: fc.constantFrom(...' !"#$%&\'()*+,-./09:;<=>?@AZ[]^_`az{|}~é'), maxLength: 30 })

const header = fc.oneof(
  fc.tuple(fc.constantFrom('content-type', 'accept', 'cookie', 'origin', 'authorization', 'sec-fetch-site', 'forwarded'), latin),
  fc.constantFrom<[string, string]>(
    ['content-type', 'application/json; charset=utf-16'],
    ['content-type', 'multipart/form-data'],
    ['content-encoding', 'gzip'],
    ['accept', 'application/json'],
    ['origin', 'null'],
    ['origin', 'https://evil.example'],
    ['sec-fetch-site', 'cross-site'],
    ['authorization', 'Basic'],
    ['authorization', 'Basic YTpi'],
    ['authorization', 'Bearer x'],
    ['cookie', ''],
    ['content-length', '99999999'],
  ),
)

/** One thing that is wrong about a request. */
type Change =
  | { readonly is: 'replaced' | 'dropped' | 'repeated'; readonly at: number; readonly value: unknown }
  | { readonly is: 'added'; readonly name: string; readonly value: string }
  | { readonly is: 'header'; readonly header: readonly [string, string] }
  | { readonly is: 'method'; readonly method: string }
  | { readonly is: 'body'; readonly body: string | Uint8Array<ArrayBuffer> }

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ is: fc.constantFrom('replaced', 'dropped', 'repeated'), at: fc.nat(7), value: fc.oneof(odd, fc.jsonValue({ maxDepth: 2 })) }),
  fc.record({ is: fc.constant('added'), name: fc.constantFrom(...names), value: odd }),
  fc.record({ is: fc.constant('header'), header }),
  fc.record({ is: fc.constant('method'), method: fc.constantFrom('GET', 'POST', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH', 'PROPFIND') }),
  fc.record({
    is: fc.constant('body'),
    body: fc.oneof(odd, fc.json(), fc.uint8Array({ maxLength: 60 }) as fc.Arbitrary<Uint8Array<ArrayBuffer>>),
  }),
)

function fieldsAfter(fields: Plausible['fields'], changes: readonly Change[]): [string, unknown][] {
  return changes.reduce<[string, unknown][]>(
    (now, each) => {
      if (each.is === 'added') return now.concat([[each.name, each.value]])
      if (each.is !== 'replaced' && each.is !== 'dropped' && each.is !== 'repeated') return now
      return now.flatMap((field, index): [string, unknown][] => {
        if (index !== each.at % now.length) return [field]
        return each.is === 'dropped' ? [] : each.is === 'repeated' ? [field, field] : [[field[0], each.value]]
      })
    },
    fields.map(([name, value]) => [name, value]),
  )
}

/** The request with everything that is wrong about it. */
function requestAfter({ path, method, as, fields, headers }: Plausible, changes: readonly Change[]): [string, RequestInit] {
  const sent = fieldsAfter(fields, changes)
  const text = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))
  const form = new URLSearchParams(sent.map(([name, value]) => [name, text(value)])).toString()
  const last = <Is extends Change['is']>(is: Is): Extract<Change, { is: Is }> | undefined =>
    changes.findLast((each): each is Extract<Change, { is: Is }> => each.is === is)
  const type = as === 'json' ? 'application/json' : 'application/x-www-form-urlencoded'
  const all = new Headers({ ...headers, ...(as !== 'query' && { 'content-type': type }) })
  for (const each of changes) if (each.is === 'header') all.set(...each.header)
  const verb = last('method')?.method ?? method
  const body = last('body')?.body ?? (as === 'json' ? JSON.stringify(Object.fromEntries(sent)) : form)
  const hasBody = verb !== 'GET' && verb !== 'HEAD'
  return [as === 'query' ? `${path}?${form}` : path, { method: verb, headers: all, ...(hasBody && { body }) }]
}

describe('whatever is asked', () => {
  it('the answer is one of ours: never a 500, never a stack, always with the headers of its kind (T79, T83)', async () => {
    const { house, plausible } = await furnished()
    const met = new Set<string>()
    await fc.assert(
      fc.asyncProperty(fc.nat(plausible.length - 1), fc.array(change, { maxLength: 3 }), async (index, changes) => {
        const request = plausible[index]
        if (!request) throw new Error('no request')
        const [path, init] = requestAfter(request, changes)
        const answer = await house.call(path, init)
        const text = await answer.text()
        met.add(`${request.path} ${answer.status}`)
        expect([200, 201, 204, 303, 400, 401, 403, 405, 413]).toContain(answer.status)
        expect(text).not.toMatch(/\bat .*[:/]\d+:\d+|\b\w*Error:|node_modules|dist\//)
        const type = answer.headers.get('content-type')
        expect(text === '' || type === 'application/json' || type === 'text/html; charset=utf-8').toBe(true)
        if (answer.status >= 400 && type === 'application/json') {
          const error = {
            error: expect.stringMatching(/^[a-z_]+$/),
            error_description: expect.stringMatching(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/),
          }
          expect(JSON.parse(text)).toEqual(error)
        }
        const isDocument = path.startsWith('/.well-known/') && answer.status === 200
        expect(answer.headers.get('cache-control')).toBe(answer.status === 204 ? null : isDocument ? 'public, max-age=300' : 'no-store')
      }),
      { seed: 7, numRuns: 500 },
    )
    await house.environment.drain()
    expect(house.events.filter(({ type }) => type === 'request.failed')).toEqual([])
    // It is worth something only where it comes past the first check of an endpoint.
    expect([...met]).toEqual(
      expect.arrayContaining([
        '/authorize 200',
        '/authorize 303',
        '/authorize 400',
        '/consent 200',
        '/consent 403',
        '/auth/callback 303',
        '/register 201',
        '/register 400',
        '/token 200',
        '/token 401',
        '/revoke 200',
      ]),
    )
  })
})
