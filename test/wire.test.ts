import { memoryStore } from '@drawbridge/storage'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { describe, expect, it } from 'vitest'
import { clientAssertionType, createSigner, sign } from './support/assertions.ts'
import { type House, openHouse, redirectUri, type TokenAnswer, verifier } from './support/house.ts'
import { openProofKey } from './support/proof-key.ts'
import { logInWith, openSeveralHouse } from './support/several-house.ts'
import { documentOf, documentUrl, openStrangers, type Strangers } from './support/strangers.ts'
import { comeToCallback, openTab } from './support/tab.ts'
import { takeCode } from './support/take-code.ts'
import { watchedStore } from './support/watched-store.ts'

/** The names of every member, with those of members inside behind a dot; of a list, those of its items. */
function membersOf(value: unknown, open: readonly string[] = [], path = ''): string[] {
  if (Array.isArray(value) || typeof value !== 'object' || value === null || open.includes(path)) return path === '' ? [] : [path]
  return Object.entries(value).flatMap(([name, inner]) => membersOf(inner, open, path === '' ? name : `${path}.${name}`))
}

const namesOf = (values: readonly unknown[], open?: readonly string[]): string[] =>
  [...new Set(values.flatMap((value) => membersOf(value, open)))].sort()

const json = async (answer: Response): Promise<unknown> => answer.json()

describe('on the wire, whoever reads it, these are the members of', () => {
  it('the authorization server metadata (RFC 8414)', async () => {
    const document = await json(await openHouse().call('/.well-known/oauth-authorization-server'))
    expect(namesOf([document])).toEqual([
      'authorization_endpoint',
      'authorization_response_iss_parameter_supported',
      'client_id_metadata_document_supported',
      'code_challenge_methods_supported',
      'grant_types_supported',
      'id_token_signing_alg_values_supported',
      'issuer',
      'jwks_uri',
      'registration_endpoint',
      'response_modes_supported',
      'response_types_supported',
      'revocation_endpoint',
      'revocation_endpoint_auth_methods_supported',
      'revocation_endpoint_auth_signing_alg_values_supported',
      'scopes_supported',
      'subject_types_supported',
      'token_endpoint',
      'token_endpoint_auth_methods_supported',
      'token_endpoint_auth_signing_alg_values_supported',
    ])
  })

  it('the authorization server metadata, beyond that, with every extension on', async () => {
    const house = openHouse({ extensions: { pushedRequests: 'required', deviceGrant: true, dpop: 'allowed' } })
    const plain = namesOf([openHouse().auth.oauthMetadata])
    expect(namesOf([house.auth.oauthMetadata]).filter((name) => !plain.includes(name))).toEqual([
      'device_authorization_endpoint',
      'dpop_signing_alg_values_supported',
      'pushed_authorization_request_endpoint',
      'require_pushed_authorization_requests',
    ])
  })

  it('a device authorization (RFC 8628 §3.2)', async () => {
    const house = openHouse({ extensions: { deviceGrant: true } })
    const clientId = await house.register({ redirect_uris: [], grant_types: ['urn:ietf:params:oauth:grant-type:device_code'] })
    expect(namesOf([await json(await house.post('/device_authorization', { client_id: clientId }))])).toEqual([
      'device_code',
      'expires_in',
      'interval',
      'user_code',
      'verification_uri',
      'verification_uri_complete',
    ])
  })

  it('the protected resource metadata (RFC 9728)', async () => {
    const document = await json(await openHouse().call('/.well-known/oauth-protected-resource/mcp'))
    expect(namesOf([document])).toEqual([
      'authorization_servers',
      'bearer_methods_supported',
      'resource',
      'resource_name',
      'scopes_supported',
    ])
  })

  it('a registration (RFC 7591)', async () => {
    const metadata = { redirect_uris: [redirectUri], client_name: 'A test', scope: 'user', application_type: 'native' }
    const register = async (method: string): Promise<unknown> => {
      const body = JSON.stringify({ ...metadata, token_endpoint_auth_method: method })
      return json(await openHouse().call('/register', { method: 'POST', headers: { 'content-type': 'application/json' }, body }))
    }
    const confidential = namesOf([await register('client_secret_basic')])
    expect(confidential.filter((name) => name.startsWith('client_secret'))).toEqual(['client_secret', 'client_secret_expires_at'])
    expect(namesOf([await register('none')])).toEqual([
      'application_type',
      'client_id',
      'client_id_issued_at',
      'client_name',
      'grant_types',
      'redirect_uris',
      'response_types',
      'scope',
      'token_endpoint_auth_method',
    ])
  })

  it('a registration that is managed (RFC 7592)', async () => {
    const house = openHouse({ clients: { registration: { managed: true } } })
    const body = JSON.stringify({ redirect_uris: [redirectUri] })
    const answer = await json(await house.call('/register', { method: 'POST', headers: { 'content-type': 'application/json' }, body }))
    expect(namesOf([answer]).filter((name) => name.startsWith('registration_'))).toEqual([
      'registration_access_token',
      'registration_client_uri',
    ])
  })

  it('the answer to an authorization request', async () => {
    const house = openHouse()
    const good = await house.signIn(await house.register())
    expect([...good.searchParams.keys()]).toEqual(['code', 'state', 'iss'])
    const tab = openTab(house)
    const bad = await tab.open(house.authorizeUrl(await house.register(), { response_type: 'token' }))
    expect([...new URL(bad.location).searchParams.keys()]).toEqual(['error', 'error_description', 'state', 'iss'])
  })

  it('a token response, and of an error', async () => {
    const house = openHouse()
    const { tokens } = await house.login()
    expect(namesOf([tokens])).toEqual(['access_token', 'expires_in', 'refresh_token', 'scope', 'token_type'])
    expect(namesOf([await json(await house.post('/token', {}))])).toEqual(['error', 'error_description'])
  })

  it('an access token (RFC 9068)', async () => {
    const { tokens } = await openHouse().login()
    expect(namesOf([decodeProtectedHeader(tokens.access_token)])).toEqual(['alg', 'kid', 'typ'])
    expect(namesOf([decodeJwt(tokens.access_token)])).toEqual([
      'aud',
      'client_id',
      'exp',
      'gen',
      'gid',
      'iat',
      'iss',
      'jti',
      'scope',
      'sub',
    ])
  })

  it('an AuthInfo (SDK v1 and v2)', async () => {
    const house = openHouse()
    const { tokens } = await house.login()
    const { resource, ...info } = await house.auth.verifyAccessToken(tokens.access_token)
    expect(resource).toBeInstanceOf(URL)
    expect(namesOf([info], ['extra.identity.claims'])).toEqual([
      'clientId',
      'expiresAt',
      'extra.grantId',
      'extra.identity.claims',
      'extra.identity.subject',
      'extra.subject',
      'resourceMetadataUrl',
      'scopes',
      'token',
    ])
  })
})

describe('what secret scanners and operators look for:', () => {
  it('the prefixes and the grammar of codes and refresh tokens', async () => {
    const house = openHouse()
    const { clientId, code } = await takeCode(house)
    const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}'
    expect(code).toMatch(new RegExp(`^db_ac_${uuid}\\.[A-Za-z0-9_-]{43}$`))
    const tokens: TokenAnswer = await (await house.redeem(clientId, code)).json()
    expect(tokens.refresh_token).toMatch(new RegExp(`^db_rt_${uuid}\\.0\\.[A-Za-z0-9_-]{43}$`))
    expect(clientId).toMatch(new RegExp(`^${uuid}$`))
  })

  it.each([
    ['http://localhost:8000', ['drawbridge-form-0121783acd', 'drawbridge-login-0121783acd'], ''],
    ['https://mcp.example.com', ['__Host-drawbridge-form-490f20c457', '__Host-drawbridge-login-490f20c457'], '; Secure'],
  ])('the cookies of %s', async (baseUrl, names, secure) => {
    const house = openHouse({ baseUrl })
    const tab = openTab(house)
    const page = await tab.open(house.authorizeUrl(await house.register()))
    const moved = await tab.decide(page, 'approve')
    const lines = [page, moved].flatMap(({ headers }) => headers.getSetCookie())
    const pattern = /^(\S+)=[A-Za-z0-9_-]{43}; Max-Age=900; Path=\/; HttpOnly(; Secure)?; SameSite=Lax$/
    expect(lines.map((line) => pattern.exec(line)?.slice(1))).toEqual(names.map((name) => [name, secure === '' ? undefined : secure]))
  })
})

describe('in the store, for the next release and the one before, these are the fields of', () => {
  const extensions = { pushedRequests: 'allowed', dpop: 'allowed', deviceGrant: true } as const
  const kinds = [
    'deployment',
    'client',
    'pushed-request',
    'transaction',
    'device',
    'grant',
    'lease',
    'once',
    'remembered-consent',
    'initial-access-token',
  ] as const

  /** Two logins of one browser, the second without a question. */
  async function logInRemembered(house: House): Promise<void> {
    const { tab, clientId, callback } = await comeToCallback(house)
    await tab.open(callback)
    expect((await tab.open(house.authorizeUrl(clientId, { resource: `${house.baseUrl}/mcp` }))).status).toBe(303)
  }

  /** A login that is bound to a key from its first request to its tokens. */
  async function logInWithKey(house: House): Promise<void> {
    const key = await openProofKey(house)
    const clientId = await house.register({ dpop_bound_access_tokens: true })
    const code = (await house.signIn(clientId, { dpop_jkt: key.thumbprint })).searchParams.get('code') ?? ''
    const fields = { grant_type: 'authorization_code', client_id: clientId, code, code_verifier: verifier }
    expect((await house.post('/token', fields, { dpop: await key.tokenProof() })).status).toBe(200)
  }

  /** A client that signs, once. */
  async function signToRevoke(house: House): Promise<void> {
    const signer = createSigner()
    const clientId = await house.register({ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [signer.jwk] } })
    const claims = { iss: clientId, sub: clientId, aud: house.baseUrl, exp: house.environment.now() + 60, jti: 'one' }
    const fields = { token: 'x', client_assertion_type: clientAssertionType, client_assertion: await sign(signer, claims) }
    expect((await house.post('/revoke', fields)).status).toBe(200)
  }

  /** Clients that are URLs, with their keys in the document and elsewhere. */
  async function readDocuments(house: House, strangers: Strangers): Promise<void> {
    const keys = [{ jwks: { keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'AQ' }] } }, { jwks_uri: 'https://client.example.com/jwks.json' }]
    for (const [index, members] of keys.entries()) {
      const url = `${documentUrl}${index}`
      strangers.publish(url, documentOf(url, { ...members, token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'] }))
      expect((await house.call(house.authorizeUrl(url))).status).toBe(200)
    }
  }

  /** A device that asked, and was told yes. */
  async function logInDevice(house: House): Promise<void> {
    const grantType = 'urn:ietf:params:oauth:grant-type:device_code'
    const clientId = await house.register({ redirect_uris: [], grant_types: [grantType] })
    const answer = await house.post('/device_authorization', { client_id: clientId })
    const device: { device_code: string; verification_uri_complete: string } = await answer.json()
    await house.post('/token', { grant_type: grantType, client_id: clientId, device_code: device.device_code })
    const person = house.browser()
    const consent = await person.press(await person.open(device.verification_uri_complete), 'Go on')
    const end = await person.press(await person.press(consent, 'Allow'), 'Sign in', { login: 'octocat' })
    expect(end.title).toBe('Go back to your device')
  }

  /** Everything a login and its upkeep ever wrote, by the kind of record. */
  async function writeEverything(): Promise<Record<(typeof kinds)[number], unknown[]>> {
    const strangers = openStrangers()
    const world = openHouse({ mode: 'github-app', fetchPinned: strangers.fetchPinned })
    const store = watchedStore(memoryStore(world))
    const house = openHouse({ beside: world, clientStorage: store, lifetimes: { accessToken: 100_000 }, extensions })
    const clientId = await house.register({ scope: 'user', application_type: 'native' })
    await house.redeem(clientId, (await house.signIn(clientId)).searchParams.get('code') ?? '')
    await house.register({ token_endpoint_auth_method: 'client_secret_basic', require_pushed_authorization_requests: true })
    await readDocuments(house, strangers)
    await house.post('/par', new URL(house.authorizeUrl(clientId)).searchParams)
    const { tab, callback } = await comeToCallback(house, { state: undefined })
    await tab.open(callback)
    await logInWithKey(house)
    const { tokens } = await house.login()
    await logInDevice(house)
    await logInRemembered(openHouse({ beside: world, clientStorage: store, consent: { mode: 'remembered', rememberNative: true } }))
    house.environment.advance(28_800)
    house.github.misbehave({ token: 'status-500' })
    await house.mcpStatus(tokens.access_token)
    await house.environment.drain()
    const guarded = openHouse({ beside: world, clientStorage: store, clients: { registration: { initialAccessToken: true } } })
    await openHouse({ beside: world, clientStorage: store, clients: { registration: { managed: true } } }).register()
    await guarded.auth.createInitialAccessToken({ lifetime: 60 })
    await house.register({ token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'https://client.example.com/keys' })
    await signToRevoke(house)
    const apart = watchedStore(memoryStore())
    await logInWith(openSeveralHouse({ clientStorage: apart }), 'github')
    const of = (kind: string): unknown[] =>
      [...store.written, ...apart.written].filter(({ key }) => key.split(':')[1] === kind).map(({ value }): unknown => JSON.parse(value))
    return {
      deployment: of('deployment'),
      client: of('client'),
      'pushed-request': of('pushed-request'),
      transaction: of('transaction'),
      device: of('device'),
      grant: of('grant'),
      lease: of('lease'),
      once: of('once'),
      'remembered-consent': of('remembered-consent'),
      'initial-access-token': of('initial-access-token'),
    }
  }

  const fields = {
    deployment: ['createdAt', 'endsAt', 'formKey', 'issuer', 'namespace', 'recordNameKey'],
    client: [
      'applicationType',
      'authentication',
      'authenticationChoices',
      'bindsTokens',
      'clientName',
      'createdAt',
      'document.freshUntil',
      'document.readAt',
      'endsAt',
      'grantTypes',
      'id',
      'jwks',
      'jwksUri',
      'pushesRequests',
      'redirectUris',
      'registrationTokenHash',
      'scope',
      'secretHash',
    ],
    'pushed-request': ['clientId', 'endsAt', 'values'],
    device: [
      'endsAt',
      'expiresAt',
      'interval',
      'polledAt',
      'request.challenge',
      'request.clientId',
      'request.redirectUri',
      'request.resource',
      'request.scopes',
      'secretHash',
      'status.codeHash',
      'status.grantId',
      'status.is',
      'verifier',
    ],
    transaction: [
      'browser',
      'endsAt',
      'provider',
      'remembered.id',
      'remembered.subject',
      'request.boundTo',
      'request.challenge',
      'request.clientId',
      'request.redirectUri',
      'request.resource',
      'request.scopes',
      'request.state',
      'status.claim',
      'status.is',
      'status.location',
      'status.since',
      'status.until',
      'upstreamVerifier',
    ],
    grant: [
      'clientId',
      'code.boundTo',
      'code.challenge',
      'code.expiresAt',
      'code.hash',
      'code.redirectUri',
      'code.spent',
      'createdAt',
      'endsAt',
      'id',
      'identity.claims',
      'identity.provider',
      'identity.subject',
      'refresh.allowed',
      'refresh.boundTo',
      'refresh.confirmed',
      'refresh.generation',
      'refresh.graceFrom',
      'refresh.secret',
      'resource',
      'scopes',
      'upstream.accessToken',
      'upstream.checkedAt',
      'upstream.expiresAt',
      'upstream.refreshToken',
      'upstream.scopes',
      'upstream.seq',
      'upstream.unreachableSince',
    ],
    lease: ['endsAt', 'holder'],
    once: ['endsAt'],
    'remembered-consent': ['endsAt', 'grantId', 'scopes'],
    'initial-access-token': ['createdAt', 'endsAt', 'hash', 'usesLeft'],
  }

  it.each(kinds)('a %s', async (kind) => {
    expect(namesOf((await writeEverything())[kind], ['identity.claims', 'values'])).toEqual(fields[kind])
  })

  it('a grant that a later release wrote more into: what is not known here is written back', async () => {
    const world = openHouse()
    const store = watchedStore(memoryStore(world))
    const house = openHouse({ beside: world, clientStorage: store })
    const { clientId, tokens } = await house.login()
    await house.environment.drain()
    const [key = ''] = store.keysOf('grant')
    const entry = await store.get(key)
    const record: { upstream: object } = JSON.parse(entry?.value ?? '')
    await store.set(key, JSON.stringify({ ...record, later: 1, upstream: { ...record.upstream, later: 2 } }), 3600, entry)
    expect((await house.refresh(clientId, tokens.refresh_token)).status).toBe(200)
    expect(JSON.parse((await store.get(key))?.value ?? '')).toMatchObject({ later: 1, upstream: { later: 2 }, refresh: { generation: 1 } })
  })
})
