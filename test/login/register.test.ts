import { describe, expect, it } from 'vitest'
import { countedStore } from '../support/counted-store.ts'
import { type House, openHouse } from '../support/house.ts'
import { soon } from '../support/read-json.ts'
import { openTab } from '../support/tab.ts'

const json = { 'content-type': 'application/json' }

/** Posts a registration; anything but a text or bytes is sent as JSON. */
function send(house: House, body: unknown, headers: Record<string, string> = json): Promise<Response> {
  const sent = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
  return house.call('/register', { method: 'POST', headers, body: sent as BodyInit })
}

async function register(house: House, metadata: unknown): Promise<unknown> {
  const answer = await send(house, metadata)
  return { status: answer.status, ...(await answer.json()) }
}

/** Minted at the moment at which the clock stands: a UUIDv7. */
const anId = expect.stringMatching(/^019b796d-d600-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)

const answered = {
  client_id: anId,
  client_id_issued_at: 1_767_268_800,
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
}

const registered = { status: 201, ...answered }

describe('a registration', () => {
  it('is answered with everything that was registered, and that is all (R110, R112, R117)', async () => {
    const answer = await register(openHouse({ clients: { validScopes: ['repo'] } }), {
      client_name: 'Example Client',
      redirect_uris: ['https://client.example.com/cb', 'http://127.0.0.1:5555/callback', 'cursor://anysphere.cursor-mcp/oauth/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      scope: 'repo user',
      application_type: 'native',
    })
    expect(answer).toEqual({
      ...registered,
      client_name: 'Example Client',
      redirect_uris: ['https://client.example.com/cb', 'http://127.0.0.1:5555/callback', 'cursor://anysphere.cursor-mcp/oauth/callback'],
      scope: 'repo user',
      application_type: 'native',
    })
  })

  it('needs redirect URIs and nothing else (R113, G7)', async () => {
    expect(await register(openHouse(), { redirect_uris: ['http://localhost:3000/cb'] })).toEqual({
      ...registered,
      redirect_uris: ['http://localhost:3000/cb'],
    })
  })

  it('has no null and no empty member (G6)', async () => {
    const empty = { redirect_uris: ['http://localhost:3000/cb'], client_name: '', scope: '' }
    expect(await register(openHouse(), empty)).toEqual({ ...registered, redirect_uris: ['http://localhost:3000/cb'] })
  })

  it('is for this answer only: no-store, JSON, 201 (R112)', async () => {
    const answer = await send(openHouse(), { redirect_uris: ['http://localhost:3000/cb'] })
    expect(Object.fromEntries(answer.headers)).toEqual({
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'WWW-Authenticate,Retry-After,DPoP-Nonce,X-Request-Id',
      'cache-control': 'no-store',
      'content-type': 'application/json',
      pragma: 'no-cache',
      'x-request-id': expect.stringMatching(/^[0-9a-f]{20}$/),
    })
  })

  it('makes an id of its own each time, which is never a URL (R132, REL-R36)', async () => {
    const house = openHouse()
    const ids = await Promise.all(Array.from({ length: 20 }, () => house.register()))
    expect(new Set(ids).size).toBe(20)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('is told as an event, without its redirect URIs', async () => {
    const house = openHouse()
    const clientId = await house.register({ client_name: 'A\u202e name' })
    expect(house.events).toEqual([
      { type: 'client.registered', clientId, clientName: 'A name', access: 'open', kept: 'stored', at: 1_767_268_800 },
    ])
  })

  it.each([{}, { token_endpoint_auth_method: 'none' }])('gets no secret that it did not ask for (R113, G7, %j)', async (asked) => {
    const answer = await register(openHouse(), { redirect_uris: ['http://localhost:3000/cb'], ...asked })
    expect(answer).toEqual({ ...registered, redirect_uris: ['http://localhost:3000/cb'] })
  })

  it.each(['client_secret_basic', 'client_secret_post'])(
    'that asks for %s gets a secret, which never ends by itself (R112)',
    async (method) => {
      const answer = await register(openHouse(), { redirect_uris: ['http://localhost:3000/cb'], token_endpoint_auth_method: method })
      expect(answer).toEqual({
        ...registered,
        redirect_uris: ['http://localhost:3000/cb'],
        token_endpoint_auth_method: method,
        client_secret: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
        client_secret_expires_at: 0,
      })
    },
  )

  it('may do without refreshing', async () => {
    const answer = await register(openHouse(), { redirect_uris: ['http://localhost:3000/cb'], grant_types: ['authorization_code'] })
    expect(answer).toEqual({ ...registered, redirect_uris: ['http://localhost:3000/cb'], grant_types: ['authorization_code'] })
  })

  it('loses the grant types, response types and scopes that are not served here (R114, G10)', async () => {
    const answer = await register(openHouse(), {
      redirect_uris: ['http://localhost:3000/cb'],
      grant_types: ['implicit', 'authorization_code', 'urn:ietf:params:oauth:grant-type:jwt-bearer'],
      response_types: ['token', 'code'],
      scope: 'openid user profile',
    })
    expect(answer).toEqual({
      ...registered,
      redirect_uris: ['http://localhost:3000/cb'],
      grant_types: ['authorization_code'],
      scope: 'user',
    })
  })

  it('ignores what it does not know: software ids, other languages, contacts (R114, R116, G11)', async () => {
    const answer = await register(openHouse(), {
      redirect_uris: ['http://localhost:3000/cb'],
      client_name: 'Example',
      'client_name#fr': 'Exemple',
      software_id: '2B0D2A3B',
      software_version: '1.0',
      client_uri: 'https://client.example.com',
      logo_uri: 'https://client.example.com/logo.svg',
      tos_uri: 'http://10.0.0.1/tos',
      policy_uri: '',
      contacts: ['a@example.com'],
    })
    expect(answer).toEqual({ ...registered, client_name: 'Example', redirect_uris: ['http://localhost:3000/cb'] })
  })

  it('gives no privilege to who asks for one: ids, trust, keys and scopes are ours (R99, T39)', async () => {
    const house = openHouse()
    const answer = await register(house, {
      redirect_uris: ['http://localhost:3000/cb'],
      client_id: 'chosen',
      client_secret: 'chosen',
      client_id_issued_at: 1,
      id: 'chosen',
      endsAt: 9_999_999_999,
      scope: 'admin',
      skip_consent: true,
      trusted: true,
      software_statement: 'eyJhbGciOiJub25lIn0.e30.',
      jwks_uri: 'http://169.254.169.254/latest',
      jwks: { keys: [] },
    })
    expect(answer).toEqual({ ...registered, redirect_uris: ['http://localhost:3000/cb'] })
    expect((await openTab(house).open(house.authorizeUrl('chosen'))).status).toBe(400)
    expect(house.github.received).toEqual([])
  })

  it('never shows our registration with the upstream, nor a key (T38)', async () => {
    const house = openHouse({ clientId: 'canary-upstream-id', clientSecret: 'canary-upstream-secret' })
    const clientId = await house.register()
    const answers = await Promise.all([
      send(house, { redirect_uris: ['http://localhost:3000/cb'] }),
      send(house, { redirect_uris: [] }),
      house.call('/.well-known/oauth-authorization-server'),
      house.call('/.well-known/oauth-protected-resource/mcp'),
      house.call('/.well-known/jwks.json'),
    ])
    const texts = await Promise.all(answers.map(async (answer) => `${JSON.stringify([...answer.headers])}${await answer.text()}`))
    const page = await openTab(house).open(house.authorizeUrl(clientId))
    for (const text of [...texts, page.text, JSON.stringify([...page.headers]), JSON.stringify(house.events)]) {
      expect(text).not.toMatch(/canary|first-signing-key/)
    }
  })

  it('ends thirty days later when nobody used it (R118)', async () => {
    const house = openHouse()
    const clientId = await house.register()
    house.environment.advance(30 * 86_400 - 1)
    expect((await openTab(house).open(house.authorizeUrl(clientId))).status).toBe(200)
    house.environment.advance(1)
    expect((await openTab(house).open(house.authorizeUrl(clientId))).status).toBe(400)
  })

  it('is on every host that shares the store at once', async () => {
    const house = openHouse()
    const other = openHouse({ beside: house })
    expect((await openTab(other).open(other.authorizeUrl(await house.register()))).status).toBe(200)
  })
})

describe('a name', () => {
  const names: readonly [string, string, string | undefined][] = [
    ['control characters and line ends', 'Cla\u0000ude\n\r\t\u007f\u0085 Code', 'Claude Code'],
    ['what turns the direction of text', '\u202eedualC\u202c \u2066x\u2069\u200f', 'edualC x'],
    ['what has no width', 'Cl\u200baude\u200d\ufeff\u2060\u00ad', 'Claude'],
    ['what is composed otherwise', 'Cafe\u0301', 'Café'],
    ['blanks of all kinds, in a row', '  a \u00a0\u2003\u3000 b  ', 'a b'],
    ['half a character', 'a\ud800b', 'ab'],
    ['nothing that is seen', '\u200b\u2060 \n', undefined],
  ]
  it.each(names)('loses %s (T37, T99)', async (_, name, shown) => {
    const house = openHouse()
    const answer = await register(house, { redirect_uris: ['http://localhost:3000/cb'], client_name: name })
    expect(answer).toEqual({
      ...registered,
      redirect_uris: ['http://localhost:3000/cb'],
      ...(shown !== undefined && { client_name: shown }),
    })
  })

  it('has a hundred characters at most, counted as people count them', async () => {
    const answer = await register(openHouse(), { redirect_uris: ['http://localhost:3000/cb'], client_name: '🦊'.repeat(150) })
    expect(answer).toMatchObject({ status: 201, client_name: '🦊'.repeat(100) })
  })
})

describe('refuses a registration', () => {
  /** The answer's status and body, and that nothing was stored. */
  async function refuse(body: unknown, headers?: Record<string, string>): Promise<unknown> {
    const store = countedStore()
    const house = openHouse({ clientStorage: store })
    const answer = await send(house, body, headers)
    expect({ writes: store.writes, cache: answer.headers.get('cache-control') }).toEqual({ writes: 0, cache: 'no-store' })
    expect(answer.headers.get('pragma')).toBe('no-cache')
    expect(house.events).toHaveLength(1)
    return { status: answer.status, body: await answer.json() }
  }
  const refusal = (error: string, description: string, status = 400): unknown => ({
    status,
    body: { error, error_description: description },
  })

  const redirectUris: readonly [string, string][] = [
    ['javascript:alert(1)', 'has a scheme that is not allowed'],
    ['JavaScript:alert(1)', 'has a scheme that is not allowed'],
    ['data:text/html,x', 'has a scheme that is not allowed'],
    ['vbscript:x', 'has a scheme that is not allowed'],
    ['file:///etc/passwd', 'has a scheme that is not allowed'],
    ['blob:https://a.example/1', 'has a scheme that is not allowed'],
    ['about:blank', 'has a scheme that is not allowed'],
    ['view-source:https://a.example', 'has a scheme that is not allowed'],
    ['filesystem:https://a.example/x', 'has a scheme that is not allowed'],
    ['ws://a.example/cb', 'has a scheme that is not allowed'],
    ['nodots://cb', 'has a scheme that is not allowed'],
    ['java\tscript:alert(1)', 'has a scheme that is not allowed'],
    ['http://evil.example/cb', 'is http outside loopback'],
    ['http://127.0.0.1.evil.example/cb', 'is http outside loopback'],
    ['http://localhost.evil.example/cb', 'is http outside loopback'],
    ['http://localhost./cb', 'is http outside loopback'],
    ['http://127.0.0.2/cb', 'is http outside loopback'],
    ['http://[::ffff:127.0.0.1]/cb', 'is not in its normal form'],
    ['http://2130706433/cb', 'is not in its normal form'],
    ['http://localhost:1@evil.example/cb', 'names a user'],
    ['https://user@a.example/cb', 'names a user'],
    ['https://a.example/cb#', 'has a fragment'],
    ['https://a.example/cb#x', 'has a fragment'],
    ['https://A.example/cb', 'is not in its normal form'],
    ['HTTPS://a.example/cb', 'is not in its normal form'],
    ['https://a.example:443/cb', 'is not in its normal form'],
    ['https://a.example/x/../cb', 'is not in its normal form'],
    ['https://a.example/x/%2e%2e/cb', 'is not in its normal form'],
    ['https://a.example\\@evil.example', 'is not in its normal form'],
    [' https://a.example/cb', 'is not in its normal form'],
    ['https://a.example/c\nb', 'is not in its normal form'],
    ['https://bücher.example/cb', 'is not in its normal form'],
    ['https://a.example/cb?code=1', 'has a query parameter that answers use'],
    ['https://a.example/cb?x=1&state=2', 'has a query parameter that answers use'],
    ['https://a.example/cb?iss=https://b.example', 'has a query parameter that answers use'],
    ['https://a.example/cb?error', 'has a query parameter that answers use'],
    ['https://a.example/cb?c%6fde=1', 'has a query parameter that answers use'],
    ['/cb', 'is not an absolute URI'],
    ['', 'is not an absolute URI'],
    ['//a.example/cb', 'is not an absolute URI'],
    ['https://', 'is not an absolute URI'],
  ]
  it.each(redirectUris)('for the redirect URI %j, alone or among good ones (R50, R115, T23, T24, T28)', async (uri, why) => {
    const refused = refusal('invalid_redirect_uri', `A redirect URI ${why}.`)
    expect(await refuse({ redirect_uris: [uri] })).toEqual(refused)
    expect(await refuse({ redirect_uris: ['https://good.example/cb', uri] })).toEqual(refused)
  })

  it.each([
    'https://a.example',
    'https://a.example/',
    'https://a.example/cb?x=1&y=2',
    'http://localhost',
    'http://[::1]:1/cb',
    'com.example.app:/cb',
    'vscode://a.b/cb',
    'claude://cb',
  ])('and not for the redirect URI %s', async (uri) => {
    expect(await register(openHouse(), { redirect_uris: [uri] })).toEqual({ ...registered, redirect_uris: [uri] })
  })

  it('for a redirect URI of more than 2048 characters (T34)', async () => {
    const start = 'https://a.example/'
    expect(await register(openHouse(), { redirect_uris: [start.padEnd(2048, 'x')] })).toMatchObject({ status: 201 })
    expect(await refuse({ redirect_uris: [start.padEnd(2049, 'x')] })).toEqual(
      refusal('invalid_redirect_uri', 'A redirect URI is longer than 2048 characters.'),
    )
  })

  it('for the schemes that the operator does not list', async () => {
    const house = openHouse({ clients: { redirectSchemes: ['mine'] } })
    expect(await register(house, { redirect_uris: ['mine://cb'] })).toMatchObject({ status: 201 })
    expect(await register(house, { redirect_uris: ['cursor://cb'] })).toMatchObject({ status: 400, error: 'invalid_redirect_uri' })
    expect(await register(openHouse({ clients: { redirectSchemes: ['javascript'] } }), { redirect_uris: ['javascript:x'] })).toMatchObject({
      status: 400,
    })
  })

  it('of a web application for a redirect URI that is not https (B04)', async () => {
    for (const uri of ['http://localhost:3000/cb', 'cursor://cb'])
      expect(await refuse({ redirect_uris: [uri], application_type: 'web' })).toEqual(
        refusal('invalid_redirect_uri', 'A redirect URI of a web application is not https.'),
      )
    expect(await register(openHouse(), { redirect_uris: ['https://a.example/cb'], application_type: 'web' })).toMatchObject({ status: 201 })
  })

  const malformedUris: readonly [string, unknown][] = [
    ['none', {}],
    ['null', { redirect_uris: null }],
    ['a text', { redirect_uris: 'https://a.example/cb' }],
    ['an empty list', { redirect_uris: [] }],
    ['a list with a hole', { redirect_uris: ['https://a.example/cb', null] }],
    ['a list of lists', { redirect_uris: [['https://a.example/cb']] }],
    ['an object', { redirect_uris: { 0: 'https://a.example/cb', length: 1 } }],
    ['eleven', { redirect_uris: Array.from({ length: 11 }, (_, index) => `https://a.example/${index}`) }],
  ]
  it.each(malformedUris)('with redirect URIs that are %s (T34)', async (_, body) => {
    expect(await refuse(body)).toEqual(refusal('invalid_redirect_uri', 'The field redirect_uris is missing or not as RFC 7591 has it.'))
  })

  const malformed: readonly [string, string, unknown][] = [
    ['client_name', 'a number', 5],
    ['client_name', 'null', null],
    ['client_name', 'a list', ['a']],
    ['client_name', '4097 characters', 'x'.repeat(4097)],
    ['scope', 'a list', ['user']],
    ['scope', '4097 characters', 'x'.repeat(4097)],
    ['grant_types', 'a text', 'authorization_code'],
    ['grant_types', 'a list of numbers', [1]],
    ['grant_types', 'twenty-one of them', Array.from({ length: 21 }, String)],
    ['response_types', 'an object', { code: true }],
    ['token_endpoint_auth_method', 'tls_client_auth', 'tls_client_auth'],
    ['token_endpoint_auth_method', 'a list', ['none']],
    ['application_type', 'service', 'service'],
  ]
  it.each(malformed)('for a malformed %s: %s (T34, B06)', async (field, _, value) => {
    expect(await refuse({ redirect_uris: ['https://a.example/cb'], [field]: value })).toEqual(
      refusal('invalid_client_metadata', `The field ${field} is missing or not as RFC 7591 has it.`),
    )
  })

  it.each([
    ['grant types without authorization_code', { grant_types: ['client_credentials'] }],
    ['no grant type at all', { grant_types: [] }],
    ['response types without code', { response_types: ['token'] }],
  ])('with %s (B06)', async (_, rest) => {
    expect(await refuse({ redirect_uris: ['https://a.example/cb'], ...rest })).toEqual(
      refusal('invalid_client_metadata', 'Clients use the grant type authorization_code and the response type code.'),
    )
  })

  it.each(['client_uri', 'logo_uri', 'tos_uri', 'policy_uri'])('with a %s that runs or carries something (R134, T45)', async (name) => {
    const house = openHouse()
    for (const uri of ['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd']) {
      expect(await register(house, { redirect_uris: ['https://a.example/cb'], [name]: uri })).toEqual({
        status: 400,
        error: 'invalid_client_metadata',
        error_description: `The field ${name} is not a web address.`,
      })
    }
  })

  it.each(['[]', '"text"', '5', 'null', 'true'])('that is JSON, but no object: %s', async (body) => {
    expect(await refuse(body)).toEqual(refusal('invalid_client_metadata', 'The body is not a JSON object.'))
  })

  it.each(['', '{', '{"redirect_uris":["https://a.example/cb"]', 'redirect_uris=x', '\u0000', '{"a":1}{"b":2}', '[[[['])(
    'that is not JSON: %j (B08)',
    async (body) => {
      expect(await refuse(body)).toEqual(refusal('invalid_request', 'The body is not JSON.'))
    },
  )

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json-patch+json',
    'text/json',
    '',
    'application/json, text/plain',
    'multipart/form-data; boundary=x',
  ])('sent as %j (T83)', async (type) => {
    expect(await refuse('{"redirect_uris":["https://a.example/cb"]}', { 'content-type': type })).toEqual(
      refusal('invalid_request', 'The body is not application/json.'),
    )
  })

  it('sent without a content type at all', async () => {
    expect(await refuse(new TextEncoder().encode('{}'), {})).toEqual(refusal('invalid_request', 'The body is not application/json.'))
  })

  it.each(['gzip', 'br', 'deflate', 'identity, gzip'])('encoded with %s (T80)', async (encoding) => {
    expect(await refuse('{}', { ...json, 'content-encoding': encoding })).toEqual(refusal('invalid_request', 'The body is encoded.', 415))
  })

  it('in other characters than UTF-8, be they announced or not (T80)', async () => {
    const utf16 = { 'content-type': 'application/json; charset=utf-16' }
    expect(await refuse('{}', utf16)).toEqual(refusal('invalid_request', 'The body is not UTF-8.', 415))
    const body = Buffer.from(JSON.stringify({ redirect_uris: ['https://a.example/cb'] }), 'utf16le')
    expect(await refuse(new Uint8Array(body), utf16)).toEqual(refusal('invalid_request', 'The body is not UTF-8.', 415))
    expect(await refuse(new Uint8Array(body))).toEqual(refusal('invalid_request', 'The body is not JSON.'))
  })

  it('longer than 16 KB, whatever it says of its length (T34, REL-R27)', async () => {
    const long = JSON.stringify({ redirect_uris: ['https://a.example/cb'], x: 'x'.repeat(16 * 1024) })
    const refused = refusal('invalid_request', 'The body is too long.', 413)
    expect(await refuse(long)).toEqual(refused)
    expect(await refuse(long, { ...json, 'content-length': String(long.length) })).toEqual(refused)
    expect(await refuse('{}', { ...json, 'content-length': '999999' })).toEqual(refused)
  })

  it('without a word of what was sent (T98)', async () => {
    const canary = 'canary-7d3f'
    const bodies = [
      { redirect_uris: [`javascript:${canary}`] },
      { redirect_uris: ['https://a.example/cb'], client_name: { [canary]: 1 } },
      { redirect_uris: ['https://a.example/cb'], grant_types: [canary] },
      `{"${canary}`,
    ]
    for (const body of bodies) expect(JSON.stringify(await refuse(body))).not.toContain(canary)
  })

  it('for nothing in it that means something to JavaScript alone (T103)', async () => {
    const house = openHouse()
    const body = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"redirect_uris":["https://a.example/cb"]}'
    expect(await (await send(house, body)).json()).toEqual({ ...answered, redirect_uris: ['https://a.example/cb'] })
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
  })

  it.each(['GET', 'PUT', 'DELETE', 'PATCH', 'HEAD'])('by %s: there is POST and nothing else (R117, T83)', async (method) => {
    const answer = await openHouse().call('/register', { method })
    expect([answer.status, answer.headers.get('allow'), answer.headers.get('cache-control'), await answer.text()]).toEqual([
      405,
      'POST',
      'no-store',
      '',
    ])
  })

  it('while the store is down: 503, and not a word of why (REL-R5, G2)', async () => {
    const store = countedStore()
    const house = openHouse({ clientStorage: store })
    store.fail(true)
    const answer = await send(house, { redirect_uris: ['https://a.example/cb'] })
    expect([answer.status, answer.headers.get('retry-after'), await answer.json()]).toEqual([
      503,
      expect.stringMatching(soon),
      { error: 'temporarily_unavailable', error_description: 'The server cannot answer at the moment. Try again shortly.' },
    ])
    expect(house.events).toEqual([{ type: 'store.unavailable', endpoint: 'register', reason: 'StoreUnavailable', at: 1_767_268_800 }])
  })
})
