import { memoryStore } from '@drawbridge/storage'
import { describe, expect, it } from 'vitest'
import { clientAssertionType, createSigner, sign } from '../support/assertions.ts'
import { failingStore } from '../support/failing-store.ts'
import { type House, type HouseOptions, openHouse, redirectUri, type TokenAnswer, verifier } from '../support/house.ts'
import { documentOf, documentUrl, openStrangers, type Strangers } from '../support/strangers.ts'
import { type Answer, openTab } from '../support/tab.ts'
import { watchedStore } from '../support/watched-store.ts'

const hour = 3600
const day = 24 * hour

/** A house that strangers can be asked from, and a good document. */
function open(options: HouseOptions = {}): { house: House; strangers: Strangers; store: ReturnType<typeof watchedStore> } {
  const strangers = openStrangers()
  const world = openHouse({ fetchPinned: strangers.fetchPinned })
  const store = watchedStore(memoryStore(world))
  strangers.publish(documentUrl)
  return { house: openHouse({ ...options, beside: world, clientStorage: store }), strangers, store }
}

const ask = (house: House, clientId = documentUrl, parameters: Record<string, string | undefined> = {}): Promise<Answer> =>
  openTab(house).open(house.authorizeUrl(clientId, parameters))

async function login(house: House, clientId = documentUrl): Promise<TokenAnswer> {
  const code = (await house.signIn(clientId)).searchParams.get('code') ?? ''
  const answer = await house.redeem(clientId, code)
  expect(answer.status).toBe(200)
  return answer.json()
}

const reasons = (house: House): unknown[] => house.events.flatMap((event) => (event.type === 'document.refused' ? [event.reason] : []))

/** The page, in words that are the same for every document that cannot be used. */
const refusedPage = 'The document that describes the application cannot be read, or is not valid.'

function expectRefused(answer: Answer): void {
  expect([answer.status, answer.location, answer.refresh]).toEqual([400, '', ''])
  expect(answer.text).toContain(refusedPage)
  expect(answer.text).toContain('invalid_client')
}

describe('a client that is a URL', () => {
  it('logs in, refreshes and revokes, with one look at its document (R119, R120)', async () => {
    const { house, strangers } = open()
    const tokens = await login(house)
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    const refreshed: TokenAnswer = await (await house.refresh(documentUrl, tokens.refresh_token)).json()
    expect(await house.mcpStatus(refreshed.access_token)).toBe(200)
    expect((await house.post('/revoke', { client_id: documentUrl, token: refreshed.refresh_token })).status).toBe(200)
    expect(await house.mcpStatus(refreshed.access_token)).toBe(401)
    expect(strangers.asked).toEqual([
      { url: documentUrl, headers: { accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': 'Drawbridge' } },
    ])
    expect(house.events.filter(({ type }) => type.startsWith('document.'))).toEqual([
      { type: 'document.read', clientId: documentUrl, clientName: 'A document', at: 1_767_268_800 },
    ])
  })

  it('is announced where it can be one, and only there (R11, fastmcp B58)', async () => {
    const on = open().house.auth.oauthMetadata
    const { house, strangers } = open({ clients: { metadataDocuments: false } })
    expect(on.client_id_metadata_document_supported).toBe(true)
    expect(on.token_endpoint_auth_methods_supported).toContain('none')
    expect(house.auth.oauthMetadata).not.toHaveProperty('client_id_metadata_document_supported')
    const answer = await ask(house)
    expect([answer.status, answer.location]).toEqual([400, ''])
    expect((await house.refresh(documentUrl, 'x')).status).toBe(401)
    expect(strangers.asked).toEqual([])
  })

  it('is shown by its host, beside where the answer goes and that nobody checked the name (R70, R72, T37)', async () => {
    const { house, strangers } = open()
    strangers.publish(
      documentUrl,
      documentOf(documentUrl, { client_name: 'Cla\u200bude\u202e', redirect_uris: ['https://client.example.com/cb'] }),
    )
    const { text } = await ask(house, documentUrl, { redirect_uri: 'https://client.example.com/cb' })
    expect(text).toContain('<h1>Claude asks for access to localhost:8000</h1>')
    expect(text).toMatch(
      /<dt>It is described by<\/dt>\s*<dd class="destination">client\.example\.com<\/dd>\s*<dt>In full<\/dt>\s*<dd>https:\/\/client\.example\.com\/client\.json<\/dd>/,
    )
    expect(text).toMatch(/<dt>The answer is sent to<\/dt>\s*<dd class="destination">client\.example\.com<\/dd>/)
    expect(text).toContain('nobody has checked it')
    expect(text).not.toContain('program on this computer')
  })

  it('whose answers stay on this computer is warned of: everybody can name the document of a known program (R71)', async () => {
    expect((await ask(open().house)).text).toContain('Go on only if you started it yourself')
  })

  it('has nothing loaded from it: not a logo, not a link (R134, T45)', async () => {
    const { house, strangers } = open()
    const uris = { logo_uri: 'http://10.0.0.1/x.svg', client_uri: 'https://evil.example/', tos_uri: 'https://evil.example/tos' }
    strangers.publish(documentUrl, documentOf(documentUrl, uris))
    const { status, text } = await ask(house)
    expect(status).toBe(200)
    expect(text).not.toMatch(/<img|<a |evil\.example|10\.0\.0\.1/)
    strangers.publish(
      'https://client.example.com/other',
      documentOf('https://client.example.com/other', { logo_uri: 'javascript:alert(1)' }),
    )
    expectRefused(await ask(house, 'https://client.example.com/other'))
  })

  it('may receive on any port of loopback, also when it registered none (R123, fastmcp B61)', async () => {
    const { house, strangers } = open()
    strangers.publish(documentUrl, documentOf(documentUrl, { redirect_uris: ['http://localhost/callback', 'http://127.0.0.1/callback'] }))
    for (const uri of ['http://localhost:54321/callback', 'http://127.0.0.1:5555/callback', 'http://localhost/callback']) {
      expect((await ask(house, documentUrl, { redirect_uri: uri })).status).toBe(200)
    }
    for (const uri of [
      'http://localhost:54321/other',
      'http://[::1]:1/callback',
      'https://localhost/callback',
      'https://evil.example/cb',
    ]) {
      const answer = await ask(house, documentUrl, { redirect_uri: uri })
      expect([answer.status, answer.location]).toEqual([400, ''])
    }
  })

  it('receives only where its document and the operator both allow it (T25)', async () => {
    const { house, strangers } = open({ clients: { redirectUris: ['https://good.example/*', 'https://listed.example/cb'] } })
    strangers.publish(documentUrl, documentOf(documentUrl, { redirect_uris: ['https://good.example/cb', 'https://evil.example/cb'] }))
    const status = async (uri: string) => (await ask(house, documentUrl, { redirect_uri: uri })).status
    expect(await status('https://good.example/cb')).toBe(200)
    expect(await status('https://evil.example/cb')).toBe(400)
    expect(await status('https://listed.example/cb')).toBe(400)
  })

  it('that prefers keys and also goes without, as ChatGPT does, logs in without (R131)', async () => {
    const { house, strangers } = open()
    const members = {
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
      token_endpoint_auth_signing_alg: 'RS256',
      jwks_uri: 'https://client.example.com/jwks.json',
    }
    strangers.publish(documentUrl, documentOf(documentUrl, members))
    await login(house)
    expect(strangers.asked.map(({ url }) => url)).toEqual([documentUrl])
  })

  it.each(['RS256', 'ES256'] as const)(
    'that proves itself by keys elsewhere logs in and refreshes by them, also once they have rotated (R131, %s)',
    async (algorithm) => {
      const { house, strangers } = open()
      const place = 'https://keys.example.com/jwks.json'
      const [old, next] = [createSigner(algorithm, 'old'), createSigner(algorithm, 'next')]
      strangers.publish(documentUrl, documentOf(documentUrl, { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: place }))
      strangers.publish(place, { keys: [old.jwk] })
      let count = 0
      const ask = async (signer: typeof old, fields: Record<string, string>): Promise<Response> => {
        count += 1
        const claims = { iss: documentUrl, sub: documentUrl, aud: house.baseUrl, exp: house.environment.now() + 60, jti: `${count}` }
        return house.post('/token', { ...fields, client_assertion_type: clientAssertionType, client_assertion: await sign(signer, claims) })
      }
      const code = (await house.signIn(documentUrl)).searchParams.get('code') ?? ''
      const redemption = { grant_type: 'authorization_code', code, code_verifier: verifier }
      expect((await house.post('/token', { ...redemption, client_id: documentUrl })).status).toBe(401)
      expect((await ask(next, redemption)).status).toBe(401)
      const redeemed = await ask(old, redemption)
      const tokens: TokenAnswer = await redeemed.json()
      expect([redeemed.status, await house.mcpStatus(tokens.access_token)]).toEqual([200, 200])
      strangers.publish(place, { keys: [old.jwk, next.jwk] })
      house.environment.advance(10)
      expect((await ask(next, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token })).status).toBe(200)
      expect(strangers.asked.filter(({ url }) => url === documentUrl)).toHaveLength(2)
    },
  )

  it('shares its id with all its installations, and each has its own grant (T43)', async () => {
    const { house } = open()
    const [one, other] = [await login(house), await login(house)]
    await house.post('/revoke', { client_id: documentUrl, token: one.refresh_token })
    expect([await house.mcpStatus(one.access_token), await house.mcpStatus(other.access_token)]).toEqual([401, 200])
    const rotated: TokenAnswer = await (await house.refresh(documentUrl, other.refresh_token)).json()
    await house.mcpStatus(rotated.access_token)
    await house.environment.drain()
    house.environment.advance(61)
    const third = await login(house)
    expect((await house.refresh(documentUrl, other.refresh_token)).status).toBe(400)
    expect([await house.mcpStatus(rotated.access_token), await house.mcpStatus(third.access_token)]).toEqual([401, 200])
  })

  it('is revoked by the operator like any other', async () => {
    const { house } = open()
    const tokens = await login(house)
    expect(await house.auth.revoke({ clientId: documentUrl })).toBe(1)
    expect(await house.mcpStatus(tokens.access_token)).toBe(401)
  })
})

describe('a document that cannot be used is a page and no redirect, and leaves nothing (R133, T35)', () => {
  it.each<[string, string, Parameters<Strangers['publish']>[1], string]>([
    ['one of another client (R121)', documentUrl, documentOf(`${documentUrl}/`), 'names_another_client'],
    ['a redirect to a good one (R127)', documentUrl, () => Response.redirect(`${documentUrl}2`, 302), 'redirect'],
    ['a page', documentUrl, () => new Response('<html>', { headers: { 'content-type': 'text/html' } }), 'content_type'],
    ['nothing there', documentUrl, () => Response.json({}, { status: 404 }), 'status_404'],
    [
      'a host in trouble, before there ever was one',
      documentUrl,
      () => Response.json(documentOf(documentUrl), { status: 500 }),
      'status_500',
    ],
    ['a secret in it (R125)', documentUrl, documentOf(documentUrl, { client_secret: 'x' }), 'has_a_secret'],
    [
      'a private key in it',
      documentUrl,
      documentOf(documentUrl, { jwks: { keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'AQ', d: 'AQ' }] } }),
      'keys_refused',
    ],
    ['6 KB (R129)', documentUrl, documentOf(documentUrl, { padding: 'x'.repeat(6000) }), 'too_long'],
    ['5 MB', documentUrl, () => Response.json(documentOf(documentUrl, { padding: 'x'.repeat(5_000_000) })), 'too_long'],
    ['our own host', 'http://localhost:8000/client.json', undefined, 'own_origin'],
  ])('for %s', async (_, url, answer, reason) => {
    const { house, strangers, store } = open({ clients: { metadataDocuments: { dangerouslyAllowLoopback: true } } })
    await house.register()
    const before = store.written.length
    strangers.publish(url, answer)
    expectRefused(await ask(house, url))
    expect(reasons(house)).toEqual([reason])
    expect(house.events.at(-1)).toMatchObject({ type: 'request.refused', error: 'invalid_client', reason: 'document_unusable' })
    expect(store.written).toHaveLength(before)
    strangers.publish(url)
    expect((await ask(house, url)).status).toBe(reason === 'own_origin' ? 400 : 200)
  })

  it.each([
    'https://client.example.com',
    'https://client.example.com/',
    'https://client.example.com/a/../client.json',
    'https://client.example.com/%2e%2e/client.json',
    'https://u@client.example.com/client.json',
    'https://client.example.com/client.json#f',
    'https://client.example.com/client.json?',
    'https://client.example.com/client.json?a=b',
    'https://client.example.com:443/client.json',
    'https://CLIENT.example.com/client.json',
    'http://client.example.com/client.json',
    'http://localhost:3000/client.json',
    `https://client.example.com/${'a'.repeat(2048)}`,
  ])('nor is it asked for, at %s (R124)', async (url) => {
    const { house, strangers } = open()
    strangers.publish(url)
    const answer = await ask(house, url)
    expect([answer.status, answer.location]).toEqual([400, ''])
    expect(strangers.asked).toEqual([])
  })
})

describe('a host that is not public is not asked, and nobody learns what there is (R128, T48)', () => {
  const inside = ['127.0.0.1', '10.0.0.1', '169.254.169.254', '::1', '::ffff:10.0.0.1', 'fd00:ec2::254', '64:ff9b::a00:1']

  it.each(inside)('%s', async (address) => {
    const { house, strangers } = open()
    strangers.publish('https://metadata.google.internal/x')
    strangers.locate('metadata.google.internal', address)
    const refused = await ask(house, 'https://metadata.google.internal/x')
    const unreachable = await ask(house, 'https://nowhere.google.internal/x')
    expectRefused(refused)
    expect(refused.text).toBe(unreachable.text)
    expect(refused.text).not.toContain('google')
    const [one, other] = await Promise.all(
      ['metadata', 'nowhere'].map(async (name) => {
        const answer = await house.post('/token', {
          grant_type: 'refresh_token',
          client_id: `https://${name}.google.internal/x`,
          refresh_token: 'x',
        })
        return { status: answer.status, text: await answer.text() }
      }),
    )
    expect(one).toEqual(other)
    expect(one?.status).toBe(503)
    expect(strangers.asked.map(({ url }) => url)).toEqual(['https://nowhere.google.internal/x', 'https://nowhere.google.internal/x'])
    expect(reasons(house)).toEqual(['address_refused', 'unreachable', 'address_refused', 'unreachable'])
  })

  it('also with a public address beside a private one', async () => {
    const { house, strangers } = open()
    strangers.locate('client.example.com', '93.184.216.34', '10.0.0.1')
    expectRefused(await ask(house))
    expect(strangers.asked).toEqual([])
  })

  it('and keys are not asked for there either', async () => {
    const { house, strangers } = open()
    const members = { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'https://keys.internal/jwks.json' }
    strangers.publish(documentUrl, documentOf(documentUrl, members))
    strangers.locate('keys.internal', '10.0.0.1')
    const code = (await house.signIn(documentUrl)).searchParams.get('code') ?? ''
    const claims = Buffer.from(JSON.stringify({ iss: documentUrl, sub: documentUrl, jti: 'a' })).toString('base64url')
    const assertion = `${Buffer.from('{"alg":"RS256","kid":"a"}').toString('base64url')}.${claims}.AQ`
    const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    const answer = await house.redeem(documentUrl, code, { client_assertion: assertion, client_assertion_type: type })
    expect(answer.status).toBe(503)
    expect(reasons(house)).toEqual(['keys_address_refused'])
  })
})

describe('a document is read again', () => {
  it('when its headers say so, within an hour if they do not (R126)', async () => {
    const { house, strangers } = open()
    strangers.publish(documentUrl, () => Response.json(documentOf(documentUrl), { headers: { 'cache-control': 'max-age=600' } }))
    await ask(house)
    house.environment.advance(599)
    await ask(house)
    expect(strangers.asked).toHaveLength(1)
    house.environment.advance(1)
    strangers.publish(documentUrl)
    await ask(house)
    expect(strangers.asked).toHaveLength(2)
    house.environment.advance(hour - 1)
    await ask(house)
    expect(strangers.asked).toHaveLength(2)
    house.environment.advance(1)
    await ask(house)
    expect(strangers.asked).toHaveLength(3)
  })

  it('at once after a failure: 500, then 200 works (R126)', async () => {
    const { house, strangers } = open()
    for (const status of [500, 404, 500]) {
      strangers.publish(documentUrl, () => Response.json({}, { status }))
      expectRefused(await ask(house))
    }
    strangers.publish(documentUrl)
    expect((await ask(house)).status).toBe(200)
  })

  it('and what it says then holds: a redirect URI that it took back is refused', async () => {
    const { house, strangers } = open()
    await ask(house)
    strangers.publish(documentUrl, documentOf(documentUrl, { redirect_uris: ['https://client.example.com/new'] }))
    expect((await ask(house)).status).toBe(200)
    house.environment.advance(hour)
    expect((await ask(house)).status).toBe(400)
    expect((await ask(house, documentUrl, { redirect_uri: 'https://client.example.com/new' })).status).toBe(200)
  })

  it('by one of however many that ask at once', async () => {
    const { house, strangers } = open()
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(house)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(strangers.asked).toHaveLength(1)
  })

  it('by each host for itself, and both agree', async () => {
    const { house, store } = open()
    const second = openHouse({ beside: house, clientStorage: store })
    const answers = await Promise.all([house, second].map((one) => ask(one)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(store.keysOf('client')).toHaveLength(1)
  })
})

describe('trouble of its host', () => {
  const trouble: [string, Parameters<Strangers['publish']>[1]][] = [
    ['that is down', () => Promise.reject(new TypeError('connect ECONNREFUSED'))],
    ['that answers 503', () => Response.json({}, { status: 503 })],
    ['that has gone over to 404', () => Response.json({}, { status: 404 })],
    ['whose document is spoilt', () => Response.json({})],
  ]

  it.each(trouble)('logs nobody out: a host %s (REL-R9)', async (_, answer) => {
    const { house, strangers } = open()
    let tokens = await login(house)
    strangers.publish(documentUrl, answer)
    for (let days = 0; days < 20; days += 1) {
      house.environment.advance(day)
      const refreshed = await house.refresh(documentUrl, tokens.refresh_token)
      expect(refreshed.status).toBe(200)
      tokens = await refreshed.json()
      await house.environment.drain()
    }
    expect((await house.post('/revoke', { client_id: documentUrl, token: tokens.refresh_token })).status).toBe(200)
    expect(await house.mcpStatus(tokens.access_token)).toBe(401)
  })

  it.each(trouble.slice(0, 2))('keeps nobody from logging in for a week: a host %s', async (_, answer) => {
    const { house, strangers } = open()
    await ask(house)
    strangers.publish(documentUrl, answer)
    house.environment.advance(7 * day - 1)
    expect((await ask(house)).status).toBe(200)
    house.environment.advance(1)
    expectRefused(await ask(house))
    strangers.publish(documentUrl)
    expect((await ask(house)).status).toBe(200)
  })

  it.each(trouble.slice(2))('is not that it took its document back: no login any more (R127), for a host %s', async (_, answer) => {
    const { house, strangers } = open()
    await ask(house)
    strangers.publish(documentUrl, answer)
    house.environment.advance(hour)
    expectRefused(await ask(house))
    strangers.publish(documentUrl)
    expect((await ask(house)).status).toBe(200)
  })

  it('makes us ask again once a minute, however often a client refreshes', async () => {
    const { house, strangers } = open()
    const tokens = await login(house)
    strangers.publish(documentUrl, () => Response.json({}, { status: 503 }))
    house.environment.advance(hour)
    const refresh = async (): Promise<number> => {
      expect((await house.refresh(documentUrl, tokens.refresh_token)).status).toBe(200)
      await house.environment.drain()
      return strangers.asked.length
    }
    expect([await refresh(), await refresh(), await refresh()]).toEqual([2, 2, 2])
    house.environment.advance(60)
    expect([await refresh(), await refresh()]).toEqual([3, 3])
  })

  it('holds up no refresh: the document is read beside it', async () => {
    const { house, strangers } = open()
    const tokens = await login(house)
    house.environment.advance(hour)
    const waiting: ((answer: Response) => void)[] = []
    strangers.publish(documentUrl, () => new Promise((resolve) => waiting.push(resolve)))
    expect((await house.refresh(documentUrl, tokens.refresh_token)).status).toBe(200)
    expect((await house.refresh(documentUrl, tokens.refresh_token)).status).toBe(200)
    expect(waiting).toHaveLength(1)
    waiting[0]?.(Response.json(documentOf(documentUrl, { client_name: 'Renamed' })))
    await house.environment.drain()
    expect((await ask(house)).text).toContain('Renamed')
    expect(strangers.asked).toHaveLength(2)
  })

  it('at the token endpoint, for a client never heard of, is 503 when it may pass and invalid_client when it does not', async () => {
    const { house, strangers } = open()
    const status = async (): Promise<number> => (await house.refresh(documentUrl, 'x')).status
    strangers.publish(documentUrl, () => Response.json({}, { status: 503 }))
    expect(await status()).toBe(503)
    strangers.publish(documentUrl, () => Response.json({}, { status: 404 }))
    expect(await status()).toBe(401)
    strangers.publish(documentUrl)
    expect(await status()).toBe(400)
  })
})

describe('the record of a document', () => {
  it('lives 30 days unused, and with its grants once it is used', async () => {
    const { house, store } = open()
    const record = async (): Promise<{ createdAt: number; endsAt: number }> => {
      const [key = ''] = store.keysOf('client')
      return JSON.parse((await store.get(key))?.value ?? '{}')
    }
    await ask(house)
    const start = house.environment.now()
    expect(await record()).toEqual({
      id: documentUrl,
      redirectUris: [redirectUri],
      clientName: 'A document',
      grantTypes: ['authorization_code', 'refresh_token'],
      authentication: 'none',
      document: { readAt: start, freshUntil: start + hour },
      createdAt: start,
      endsAt: start + 30 * day,
    })
    house.environment.advance(day)
    await ask(house)
    expect(await record()).toMatchObject({ createdAt: start, endsAt: start + 31 * day })
    await login(house)
    await house.environment.drain()
    expect(await record()).toMatchObject({ endsAt: start + 431 * day })
    house.environment.advance(day)
    await ask(house)
    expect(await record()).toMatchObject({ createdAt: start, endsAt: start + 431 * day })
    // The list of clients names it as long: once for each time that it was given longer to live.
    const listed = store.written.filter(({ key }) => key.split(':')[1] === 'clients')
    expect(listed.map(({ ttl }) => ttl)).toEqual([30 * day, 30 * day, 430 * day])
  })

  it('has no name that tells the URL', async () => {
    const { house, store } = open()
    await ask(house)
    expect(store.written.map(({ key }) => key).join()).not.toMatch(/example|https/)
  })

  it('that cannot be written is 503, and the next try works', async () => {
    const strangers = openStrangers()
    strangers.publish(documentUrl)
    const world = openHouse({ fetchPinned: strangers.fetchPinned })
    const store = failingStore(memoryStore(world))
    const house = openHouse({ beside: world, clientStorage: store })
    await house.register()
    store.failAt(2)
    expect((await ask(house)).status).toBe(503)
    store.heal()
    expect((await ask(house)).status).toBe(200)
  })
})

describe('the operator decides', () => {
  it('whose documents are taken (R130)', async () => {
    const { house, strangers } = open({ clients: { metadataDocuments: { trustedHosts: ['client.example.com', 'other.example:8443'] } } })
    const urls = ['https://other.example:8443/c', 'https://other.example/c', 'https://evil.example/c', 'https://a.client.example.com/c']
    for (const url of urls) strangers.publish(url)
    const statuses = await Promise.all([documentUrl, ...urls].map(async (url) => (await ask(house, url)).status))
    expect(statuses).toEqual([200, 200, 400, 400, 400])
    expect(strangers.asked.map(({ url }) => url)).toEqual([documentUrl, urls[0]])
  })

  it('whether documents on this machine are, for development', async () => {
    const url = 'http://localhost:3000/client.json'
    const { house, strangers } = open({ clients: { metadataDocuments: { dangerouslyAllowLoopback: true } } })
    strangers.publish(url)
    strangers.locate('localhost', '127.0.0.1', '::1')
    await login(house, url)
    strangers.locate('client.example.com', '10.0.0.1')
    expectRefused(await ask(house))
  })

  it('and a document taken before is not taken any more once it may not be', async () => {
    const { house, store } = open()
    const tokens = await login(house)
    const clients = [{ metadataDocuments: false } as const, { metadataDocuments: { trustedHosts: ['other.example'] } }]
    for (const option of clients) {
      const strict = openHouse({ beside: house, clientStorage: store, clients: option })
      expect((await ask(strict)).status).toBe(400)
      expect((await strict.refresh(documentUrl, tokens.refresh_token)).status).toBe(401)
    }
    expect((await house.refresh(documentUrl, tokens.refresh_token)).status).toBe(200)
  })
})

describe('what one address makes us fetch is limited', () => {
  const peer = { address: '203.0.113.7' }

  async function statusOf(house: House, path: string, init?: RequestInit): Promise<number | undefined> {
    return (await house.auth.fetch(new Request(path.startsWith('/') ? `${house.baseUrl}${path}` : path, init), peer))?.status
  }

  it('to 60 a minute, at both endpoints together; documents that are known cost nothing', async () => {
    const { house, strangers } = open()
    await ask(house)
    const token = (clientId: string): RequestInit => ({
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'refresh_token', client_id: clientId, refresh_token: 'x' }),
    })
    for (let host = 0; host < 30; host += 1) {
      expect(await statusOf(house, house.authorizeUrl(`https://h${host}.example.com/c`))).toBe(400)
      expect(await statusOf(house, '/token', token(`https://h${host}.example.com/c`))).toBe(503)
    }
    const asked = strangers.asked.length
    expect(await statusOf(house, house.authorizeUrl('https://h.example.com/c'))).toBe(429)
    expect(await statusOf(house, '/token', token('https://h.example.com/c'))).toBe(429)
    expect(strangers.asked).toHaveLength(asked)
    expect(await statusOf(house, house.authorizeUrl(documentUrl))).toBe(200)
    house.environment.advance(60)
    expect(await statusOf(house, house.authorizeUrl('https://h.example.com/c'))).toBe(400)
  })

  it('with the keys of clients that sign among it, and keys that are known stay good', async () => {
    const { house, strangers } = open()
    const signer = createSigner('ES256', 'k')
    const registered = (host: string): Promise<string> => {
      strangers.publish(`https://${host}/jwks`, { keys: [signer.jwk] })
      return house.register({ token_endpoint_auth_method: 'private_key_jwt', jwks_uri: `https://${host}/jwks` })
    }
    let made = 0
    const token = async (clientId: string): Promise<number | undefined> => {
      made += 1
      const claims = { iss: clientId, sub: clientId, aud: house.baseUrl, exp: house.environment.now() + 60, jti: `${made}` }
      const proof = { client_assertion_type: clientAssertionType, client_assertion: await sign(signer, claims) }
      const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x', ...proof })
      return statusOf(house, '/token', { method: 'POST', body })
    }
    const first = await registered('first.example.com')
    expect(await token(first)).toBe(400)
    house.environment.advance(601)
    for (let host = 0; host < 60; host += 1) expect(await token(await registered(`h${host}.example.com`))).toBe(400)
    const asked = strangers.asked.length
    expect(await token(await registered('h.example.com'))).toBe(429)
    expect(await token(first)).toBe(400)
    expect(strangers.asked).toHaveLength(asked)
  })

  it('by the hook of the operator, where there is one', async () => {
    const kinds: string[] = []
    const { house } = open({ limits: { rateLimit: (_, __, kind) => (kinds.push(kind) === 2 ? 7 : 0) } })
    expect(await statusOf(house, house.authorizeUrl(documentUrl))).toBe(429)
    expect(kinds).toEqual(['authorize', 'document'])
  })
})
