import { memoryStore } from '@drawbridge/storage'
import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { countedStore } from '../support/counted-store.ts'
import { distantStore } from '../support/distant-store.ts'
import { failingStore } from '../support/failing-store.ts'
import { type House, type HouseOptions, openHouse, redirectUri, type TokenAnswer, verifier } from '../support/house.ts'
import { openProofKey, type ProofChanges, type ProofKey } from '../support/proof-key.ts'
import { readJson, refusal } from '../support/read-json.ts'
import { openTab } from '../support/tab.ts'
import { takeCode } from '../support/take-code.ts'
import { watchedStore } from '../support/watched-store.ts'

const on = { extensions: { dpop: 'allowed' } } as const
const required = { extensions: { dpop: 'required' } } as const
const withNonce = { extensions: { dpop: { nonce: true } } } as const

const algs = 'algs="ES256 EdDSA RS256 PS256"'
const metadata = 'resource_metadata="http://localhost:8000/.well-known/oauth-protected-resource/mcp"'
const badProof = 'The DPoP proof is missing, or not good for this request.'
const invalidProof = refusal(400, 'invalid_dpop_proof', badProof)
const invalidGrant = refusal(400, 'invalid_grant', 'The code or refresh token is invalid, has expired, or belongs to another client.')
const wantsNonce = refusal(400, 'use_dpop_nonce', 'The DPoP proof needs the nonce in the header DPoP-Nonce.')

const post = (house: House, fields: Record<string, string>, proof?: string): Promise<Response> =>
  house.post('/token', fields, proof === undefined ? {} : { dpop: proof })

const redemption = (clientId: string, code: string): Record<string, string> => ({
  grant_type: 'authorization_code',
  client_id: clientId,
  code,
  code_verifier: verifier,
})

const rotation = (clientId: string, refreshToken: string): Record<string, string> => ({
  grant_type: 'refresh_token',
  client_id: clientId,
  refresh_token: refreshToken,
})

interface Login {
  readonly clientId: string
  readonly tokens: TokenAnswer
}

/** A login whose code is redeemed with a proof. */
async function login(house: House, key: ProofKey): Promise<Login> {
  const { clientId, code } = await takeCode(house)
  const answer = await post(house, redemption(clientId, code), await key.tokenProof())
  if (answer.status !== 200) throw new Error(`redemption: ${answer.status} ${await answer.text()}`)
  const tokens: TokenAnswer = await answer.json()
  return { clientId, tokens }
}

interface Called {
  readonly status: number
  readonly challenge: string | null
  readonly nonce: string | null
}

/** A call to the MCP endpoint. */
async function call(house: House, authorization: string | undefined, proof?: string, path = '/mcp'): Promise<Called> {
  const headers = { ...(authorization !== undefined && { authorization }), ...(proof !== undefined && { dpop: proof }) }
  const who = await house.auth.authenticate(new Request(`${house.baseUrl}${path}`, { method: 'POST', headers }))
  if (!(who instanceof Response)) return { status: 200, challenge: null, nonce: null }
  return { status: who.status, challenge: who.headers.get('www-authenticate'), nonce: who.headers.get('dpop-nonce') }
}

const callWith = async (house: House, key: ProofKey, { access_token: token }: TokenAnswer, changes?: ProofChanges): Promise<Called> =>
  call(house, `DPoP ${token}`, await key.proofWith(token, changes))

const passed: Called = { status: 200, challenge: null, nonce: null }

const refused = (error: string, description: string): Called => ({
  status: 401,
  challenge: `DPoP error="${error}", scope="user", ${metadata}, ${algs}, error_description="${description}"`,
  nonce: null,
})
const invalidToken = refused('invalid_token', 'The access token is invalid or has expired.')

const reasons = (house: House): string[] =>
  house.events.flatMap((event) => (event.type === 'request.refused' || event.type === 'token.refused' ? [event.reason] : []))

const boundTo = ({ access_token: token }: TokenAnswer): unknown => decodeJwt(token).cnf

describe('the metadata lists algorithms with two keys, and none with a shared secret or without one (R144, sep-1932-as)', () => {
  const document = async (house: House, path: string): Promise<unknown> => {
    const all: Record<string, unknown> = await (await house.call(`/.well-known/${path}`)).json()
    return Object.fromEntries(Object.entries(all).filter(([name]) => name.includes('dpop')))
  }
  const server = 'oauth-authorization-server'
  const resource = 'oauth-protected-resource/mcp'
  const list = { dpop_signing_alg_values_supported: ['ES256', 'EdDSA', 'RS256', 'PS256'] }

  it.each([
    ['while it is off, nothing', {}, {}, {}],
    ['while it is allowed', on, list, list],
    ['while it is required', required, list, { ...list, dpop_bound_access_tokens_required: true }],
  ] as const)('%s', async (_, options, ofServer, ofResource) => {
    const house = openHouse(options)
    expect(await document(house, server)).toEqual(ofServer)
    expect(await document(house, resource)).toEqual(ofResource)
  })
})

describe('a code that is redeemed with a proof', () => {
  it('gives an access token that is bound to its key, and says so (R144, sep-1932-as-token-binding)', async () => {
    const house = openHouse(on)
    const key = await openProofKey(house)
    const { tokens } = await login(house, key)
    expect(tokens).toMatchObject({ token_type: 'DPoP', scope: 'user', expires_in: 3600, refresh_token: expect.any(String) })
    expect(boundTo(tokens)).toEqual({ jkt: key.thumbprint })
    expect(await callWith(house, key, tokens)).toEqual(passed)
  })

  it('without one gives a bearer token, where that is allowed', async () => {
    const house = openHouse(on)
    const { tokens } = await house.login()
    expect([tokens.token_type, boundTo(tokens)]).toEqual(['Bearer', undefined])
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
  })

  it.each([
    ['for the MCP endpoint', { htu: 'http://localhost:8000/mcp' }, 'proof_for_another_address'],
    ['for another host, whatever the request says of its own (T30)', { htu: 'http://127.0.0.1:8000/token' }, 'proof_for_another_address'],
    ['for another method', { htm: 'GET' }, 'proof_for_another_method'],
    ['of ten minutes ago', { iat: 1_767_268_200 }, 'proof_out_of_time'],
    ['of a time to come', { iat: 1_767_269_400 }, 'proof_out_of_time'],
  ])('is refused with one %s, and spends nothing (R144, sep-1932-as-rejects-invalid-proof)', async (_, claims, reason) => {
    const store = countedStore()
    const house = openHouse({ ...on, clientStorage: store })
    const key = await openProofKey(house)
    const { clientId, code } = await takeCode(house)
    const { writes } = store
    expect(await readJson(await post(house, redemption(clientId, code), await key.tokenProof({ claims })))).toEqual(invalidProof)
    const [head = '', payload = ''] = (await key.tokenProof()).split('.')
    expect(await readJson(await post(house, redemption(clientId, code), `${head}.${payload}.${'A'.repeat(86)}`))).toEqual(invalidProof)
    expect(reasons(house)).toEqual([reason, 'proof_malformed'])
    expect(store.writes).toBe(writes)
    expect((await post(house, redemption(clientId, code), await key.tokenProof())).status).toBe(200)
  })

  it('is refused with a proof that was used before, and spends nothing (RFC 9449 §11.1, R144, T75)', async () => {
    const house = openHouse(on)
    const key = await openProofKey(house)
    const used = await key.tokenProof()
    const first = await takeCode(house)
    const second = await takeCode(house)
    expect((await post(house, redemption(first.clientId, first.code), used)).status).toBe(200)
    expect(await readJson(await post(house, redemption(second.clientId, second.code), used))).toEqual(invalidProof)
    expect(reasons(house)).toEqual(['proof_replayed'])
    expect((await post(house, redemption(second.clientId, second.code), await key.tokenProof())).status).toBe(200)
  })

  it('uses no proof up when the code is refused, and the `jti` of one key is not that of another', async () => {
    const house = openHouse(on)
    const [key, other] = [await openProofKey(house), await openProofKey(house)]
    const proof = await key.tokenProof({ claims: { jti: 'the-same' } })
    const { clientId, code } = await takeCode(house)
    const wrong = { ...redemption(clientId, code), code_verifier: 'w'.repeat(43) }
    expect(await readJson(await post(house, wrong, proof))).toEqual(invalidGrant)
    const others = await takeCode(house)
    const otherProof = await other.tokenProof({ claims: { jti: 'the-same' } })
    expect((await post(house, redemption(others.clientId, others.code), otherProof)).status).toBe(200)
    expect((await post(house, redemption(clientId, code), proof)).status).toBe(200)
  })
})

describe('a proof is due', () => {
  it('for a client that registered for bound tokens, for every grant type, before anything is spent (R144, sep-1932-as-dpop-bound-enforcement)', async () => {
    const house = openHouse(on)
    const key = await openProofKey(house)
    const body = JSON.stringify({ redirect_uris: [redirectUri], dpop_bound_access_tokens: true })
    const answer = await house.call('/register', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    const { client_id: clientId, ...rest }: { client_id: string } = await answer.json()
    expect(rest).toMatchObject({ dpop_bound_access_tokens: true })
    const code = (await house.signIn(clientId)).searchParams.get('code') ?? ''
    expect(await readJson(await post(house, redemption(clientId, code)))).toEqual(invalidProof)
    const redeemed = await post(house, redemption(clientId, code), await key.tokenProof())
    const tokens: TokenAnswer = await redeemed.json()
    expect(boundTo(tokens)).toEqual({ jkt: key.thumbprint })
    expect(await readJson(await post(house, rotation(clientId, tokens.refresh_token)))).toEqual(invalidProof)
    expect((await post(house, rotation(clientId, tokens.refresh_token), await key.tokenProof())).status).toBe(200)
    expect(reasons(house)).toEqual(['proof_missing', 'proof_missing'])
  })

  it('for such a client also after binding was turned off: a promise of no bearer tokens is kept, and nothing is spent', async () => {
    const house = openHouse(on)
    const { clientId, code } = await takeCode(house, {}, { dpop_bound_access_tokens: true })
    const off = openHouse({ beside: house })
    const key = await openProofKey(house)
    expect(await readJson(await post(off, redemption(clientId, code), await key.tokenProof()))).toEqual(invalidProof)
    const tokens: TokenAnswer = await (await post(house, redemption(clientId, code), await key.tokenProof())).json()
    expect(boundTo(tokens)).toEqual({ jkt: key.thumbprint })
  })

  it('from everybody, where it is required', async () => {
    const house = openHouse(required)
    const key = await openProofKey(house)
    const { clientId, code } = await takeCode(house)
    expect(await readJson(await post(house, redemption(clientId, code)))).toEqual(invalidProof)
    const answer = await post(house, redemption(clientId, code), await key.tokenProof())
    const tokens: TokenAnswer = await answer.json()
    expect(tokens.token_type).toBe('DPoP')
    expect(await callWith(house, key, tokens)).toEqual(passed)
  })

  it('from nobody while it is off: it is not looked at, and a registration does not say that it counts', async () => {
    const house = openHouse()
    const body = JSON.stringify({ redirect_uris: [redirectUri], dpop_bound_access_tokens: true })
    const answer = await house.call('/register', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    const { client_id: clientId, ...rest }: { client_id: string } = await answer.json()
    expect(rest).not.toHaveProperty('dpop_bound_access_tokens')
    const code = (await house.signIn(clientId)).searchParams.get('code') ?? ''
    expect(await (await post(house, redemption(clientId, code), 'no proof')).json()).toMatchObject({ token_type: 'Bearer' })
  })
})

describe('a refresh token of a public client (RFC 9449 §5)', () => {
  it('is good with its key alone: without it, or with another, nothing changes (R144)', async () => {
    const house = openHouse(on)
    const [key, other] = [await openProofKey(house), await openProofKey(house)]
    const { clientId, tokens } = await login(house, key)
    const fields = rotation(clientId, tokens.refresh_token)
    expect(await readJson(await post(house, fields, await other.tokenProof()))).toEqual(invalidGrant)
    expect(await readJson(await post(house, fields))).toEqual(invalidGrant)
    expect(reasons(house)).toEqual(['refresh_token_of_another_key', 'refresh_token_of_another_key'])
    const answer = await post(house, fields, await key.tokenProof())
    const next: TokenAnswer = await answer.json()
    expect([answer.status, next.token_type, boundTo(next)]).toEqual([200, 'DPoP', { jkt: key.thumbprint }])
    expect(await callWith(house, key, next)).toEqual(passed)
  })

  it('is not rotated by a proof that was used before: the next proof gets the next generation', async () => {
    const house = openHouse(on)
    const key = await openProofKey(house)
    const { clientId, tokens } = await login(house, key)
    const fields = rotation(clientId, tokens.refresh_token)
    const used = await key.tokenProof()
    await takeCode(house).then((taken) => post(house, redemption(taken.clientId, taken.code), used))
    const before = house.events.length
    expect(await readJson(await post(house, fields, used))).toEqual(invalidProof)
    expect(house.events.slice(before)).toMatchObject([{ type: 'request.refused', reason: 'proof_replayed' }])
    const next: TokenAnswer = await (await post(house, fields, await key.tokenProof())).json()
    expect(next.refresh_token).toMatch(/^db_rt_[0-9a-f-]{36}\.1\./)
  })

  it('ends nothing when a thief without the key brings an old one', async () => {
    const house = openHouse(on)
    const [key, other] = [await openProofKey(house), await openProofKey(house)]
    const { clientId, tokens } = await login(house, key)
    const first = rotation(clientId, tokens.refresh_token)
    const second: TokenAnswer = await (await post(house, first, await key.tokenProof())).json()
    const third: TokenAnswer = await (await post(house, rotation(clientId, second.refresh_token), await key.tokenProof())).json()
    house.environment.advance(90_000)
    expect(await readJson(await post(house, first, await other.tokenProof()))).toEqual(invalidGrant)
    expect((await post(house, rotation(clientId, third.refresh_token), await key.tokenProof())).status).toBe(200)
  })

  it('that is bound to no key is not bound to the first that comes: a thief would make it his', async () => {
    const house = openHouse(on)
    const key = await openProofKey(house)
    const { clientId, tokens } = await house.login()
    const next: TokenAnswer = await (await post(house, rotation(clientId, tokens.refresh_token), await key.tokenProof())).json()
    expect([next.token_type, boundTo(next)]).toEqual(['Bearer', undefined])
    expect((await post(house, rotation(clientId, next.refresh_token))).status).toBe(200)
  })

  it('that is bound to no key is not taken once proofs are required: the client logs in again', async () => {
    const before = openHouse()
    const { clientId, tokens } = await before.login()
    const house = openHouse({ ...required, beside: before })
    const key = await openProofKey(house)
    const answer = await post(house, rotation(clientId, tokens.refresh_token), await key.tokenProof())
    expect(await readJson(answer)).toEqual(invalidGrant)
    expect(reasons(house)).toEqual(['refresh_token_not_bound'])
    expect((await before.refresh(clientId, tokens.refresh_token)).status).toBe(200)
  })
})

it('a confidential client proves itself by its secret, so its refresh token follows it to another key (RFC 9449 §5)', async () => {
  const house = openHouse({
    ...on,
    clients: { static: [{ clientId: 'reports', clientSecret: 'a-secret-for-reports', redirectUris: [redirectUri] }] },
  })
  const [key, other] = [await openProofKey(house), await openProofKey(house)]
  const authorization = `Basic ${Buffer.from('reports:a-secret-for-reports').toString('base64')}`
  const ask = async (fields: Record<string, string>, proof?: string): Promise<TokenAnswer> =>
    (await house.post('/token', fields, { authorization, ...(proof !== undefined && { dpop: proof }) })).json()
  const code = (await house.signIn('reports')).searchParams.get('code') ?? ''
  const tokens = await ask(redemption('reports', code), await key.tokenProof())
  expect(boundTo(tokens)).toEqual({ jkt: key.thumbprint })
  const next = await ask(rotation('reports', tokens.refresh_token), await other.tokenProof())
  expect([next.token_type, boundTo(next)]).toEqual(['DPoP', { jkt: other.thumbprint }])
  const last = await ask(rotation('reports', next.refresh_token))
  expect([last.token_type, boundTo(last)]).toEqual(['Bearer', undefined])
})

describe('a code is bound to a key (RFC 9449 §10)', () => {
  it('by dpop_jkt, and redeemed with that key alone; another spends nothing', async () => {
    const house = openHouse(on)
    const [key, other] = [await openProofKey(house), await openProofKey(house)]
    const { clientId, code } = await takeCode(house, { dpop_jkt: key.thumbprint })
    expect(await readJson(await post(house, redemption(clientId, code), await other.tokenProof()))).toEqual(invalidGrant)
    expect(await readJson(await post(house, redemption(clientId, code)))).toEqual(invalidGrant)
    expect(reasons(house)).toEqual(['code_of_another_key', 'code_of_another_key'])
    expect((await post(house, redemption(clientId, code), await key.tokenProof())).status).toBe(200)
  })

  it('by what is the thumbprint of a key, and by nothing else', async () => {
    const house = openHouse(on)
    const answer = await openTab(house).open(house.authorizeUrl(await house.register(), { dpop_jkt: 'short' }))
    expect(Object.fromEntries(new URL(answer.location).searchParams)).toEqual({
      error: 'invalid_request',
      error_description: 'The parameter dpop_jkt is not the SHA-256 thumbprint of a key.',
      state: 'the-state',
      iss: 'http://localhost:8000',
    })
    const off = openHouse()
    expect((await openTab(off).open(off.authorizeUrl(await off.register(), { dpop_jkt: 'short' }))).status).toBe(200)
  })

  it('by a proof that comes with a pushed request (§10.1)', async () => {
    const house = openHouse({ extensions: { dpop: 'allowed', pushedRequests: 'allowed' } })
    const [key, other] = [await openProofKey(house), await openProofKey(house)]
    const clientId = await house.register()
    const fields = Object.fromEntries(new URL(house.authorizeUrl(clientId)).searchParams)
    const push = async (proof: string, more: Record<string, string> = {}): Promise<Response> =>
      house.post('/par', { ...fields, ...more }, { dpop: proof })
    const address = `${house.baseUrl}/par`
    const mismatch = await push(await key.proof('POST', address), { dpop_jkt: other.thumbprint })
    expect(await readJson(mismatch)).toEqual(
      refusal(400, 'invalid_dpop_proof', 'The DPoP proof is of another key than the parameter dpop_jkt.'),
    )
    expect(await readJson(await push(await key.tokenProof()))).toEqual(invalidProof)
    const proof = await key.proof('POST', address)
    const { request_uri: requestUri }: { request_uri: string } = await (await push(proof, { dpop_jkt: key.thumbprint })).json()
    expect(await readJson(await push(proof))).toEqual(invalidProof)
    const end = await signInAt(house, clientId, requestUri)
    expect(await readJson(await post(house, redemption(clientId, end), await other.tokenProof()))).toEqual(invalidGrant)
    expect((await post(house, redemption(clientId, end), await key.tokenProof())).status).toBe(200)
  })

  async function signInAt(house: House, clientId: string, requestUri: string): Promise<string> {
    const reference = { ...Object.fromEntries(['redirect_uri', 'response_type', 'state'].map((name) => [name, undefined])) }
    const end = await house.signIn(clientId, { ...reference, request_uri: requestUri })
    return end.searchParams.get('code') ?? ''
  }
})

describe('the MCP endpoint takes a bound token', () => {
  it('with a proof for this call, this token and this moment, and with no other (R144, sep-1932-server-validate-proof, -iat-window, -reject-401)', async () => {
    const house = openHouse(on)
    const key = await openProofKey(house)
    const { tokens } = await login(house, key)
    const { tokens: others } = await login(house, key)
    const wrong: readonly [string, ProofChanges][] = [
      ['proof_for_another_method', { claims: { htm: 'GET' } }],
      ['proof_for_another_address', { claims: { htu: 'http://localhost:8000/token' } }],
      ['proof_for_another_address', { claims: { htu: 'http://evil.example/mcp' } }],
      ['proof_out_of_time', { claims: { iat: house.environment.now() - 301 } }],
      ['proof_out_of_time', { claims: { iat: house.environment.now() + 301 } }],
      ['proof_for_another_token', { claims: { ath: undefined } }],
      ['proof_for_another_token', { claims: { ath: 'A'.repeat(43) } }],
      ['proof_malformed', { header: { typ: 'JWT' } }],
    ]
    for (const [, changes] of wrong) {
      expect(await callWith(house, key, tokens, changes)).toEqual(refused('invalid_dpop_proof', badProof))
    }
    expect(await call(house, `DPoP ${tokens.access_token}`)).toEqual(refused('invalid_dpop_proof', badProof))
    expect(await call(house, `DPoP ${tokens.access_token}`, await key.proofWith(others.access_token))).toEqual(
      refused('invalid_dpop_proof', badProof),
    )
    expect(reasons(house)).toEqual([...wrong.map(([reason]) => reason), 'proof_missing', 'proof_for_another_token'])
    expect(await callWith(house, key, tokens)).toEqual(passed)
  })

  it('with the key that it is bound to and no other', async () => {
    const house = openHouse(on)
    const [key, other] = [await openProofKey(house), await openProofKey(house)]
    const { tokens } = await login(house, key)
    expect(await callWith(house, other, tokens)).toEqual(invalidToken)
    expect(reasons(house)).toEqual(['token_of_another_key'])
  })

  it.each(['ES256', 'EdDSA', 'RS256', 'PS256'])('with a proof by %s', async (alg) => {
    const house = openHouse(on)
    const key = await openProofKey(house, alg)
    expect(await callWith(house, key, (await login(house, key)).tokens)).toEqual(passed)
  })

  it('never as a bearer token, also with its proof, and not while binding is off (RFC 9449 §7.2, T73)', async () => {
    const house = openHouse(on)
    const key = await openProofKey(house)
    const { tokens } = await login(house, key)
    const answer = {
      status: 401,
      challenge: `Bearer error="invalid_token", scope="user", ${metadata}, error_description="The access token is invalid or has expired.", DPoP ${algs}`,
      nonce: null,
    }
    expect(await call(house, `Bearer ${tokens.access_token}`)).toEqual(answer)
    expect(await call(house, `Bearer ${tokens.access_token}`, await key.proofWith(tokens.access_token))).toEqual(answer)
    expect(reasons(house)).toEqual(['token_without_proof', 'token_without_proof'])
    expect(await openHouse({ beside: house }).mcpStatus(tokens.access_token)).toBe(401)
    await expect(house.auth.verifyAccessToken(tokens.access_token)).rejects.toMatchObject({ code: 'invalid_token' })
  })

  it('and takes no other where proofs are required, also of before', async () => {
    const before = openHouse()
    const { tokens } = await before.login()
    const house = openHouse({ ...required, beside: before })
    expect(await call(house, `Bearer ${tokens.access_token}`)).toEqual(invalidToken)
    await expect(house.auth.verifyAccessToken(tokens.access_token)).rejects.toMatchObject({ code: 'invalid_token' })
    expect(reasons(house)).toEqual(['token_not_bound'])
  })

  it('and no bearer token as a bound one', async () => {
    const house = openHouse(on)
    const key = await openProofKey(house)
    const { tokens } = await house.login()
    expect(await callWith(house, key, tokens)).toEqual(invalidToken)
    expect(reasons(house)).toEqual(['token_not_bound'])
  })

  it('for its own resource alone (R144, sep-1932-server-audience-validation)', async () => {
    const house = openHouse({ ...on, mcpPath: ['/mcp', '/admin'] })
    const key = await openProofKey(house)
    const { clientId, code } = await takeCode(house, { resource: 'http://localhost:8000/admin' })
    const tokens: TokenAnswer = await (await post(house, redemption(clientId, code), await key.tokenProof())).json()
    expect((await callWith(house, key, tokens)).status).toBe(401)
    expect(reasons(house)).toEqual(['token_for_another_resource'])
    const ath = { claims: { htu: 'http://localhost:8000/admin' } }
    const proof = await key.proofWith(tokens.access_token, ath)
    expect((await call(house, `DPoP ${tokens.access_token}`, proof, '/admin')).status).toBe(200)
  })

  it('at the address with one slash more, and at a path of a tool’s own, when the proof names it', async () => {
    const house = openHouse(on)
    const key = await openProofKey(house)
    const { tokens } = await login(house, key)
    for (const path of ['/mcp/', '/files/a']) {
      const proof = await key.proofWith(tokens.access_token, { claims: { htu: `${house.baseUrl}${path}` } })
      expect(await call(house, `DPoP ${tokens.access_token}`, proof, path)).toEqual(passed)
    }
  })

  it('at the address of the endpoint that it is guarded as, where a framework hides the path', async () => {
    const house = openHouse(on)
    const key = await openProofKey(house)
    const { tokens } = await login(house, key)
    const headers = { authorization: `DPoP ${tokens.access_token}`, dpop: await key.proofWith(tokens.access_token) }
    const who = await house.auth.authenticate(new Request('http://localhost:8000/', { method: 'POST', headers }), { mcpPath: '/mcp' })
    expect(who).toMatchObject({ scopes: ['user'] })
  })

  it('until it is revoked, and asks for scopes that it lacks in the scheme it came in', async () => {
    const house = openHouse({ ...on, clients: { validScopes: ['repo'] } })
    const key = await openProofKey(house)
    const { clientId, tokens } = await login(house, key)
    const proof = await key.proofWith(tokens.access_token)
    const request = new Request(`${house.baseUrl}/mcp`, {
      method: 'POST',
      headers: { authorization: `DPoP ${tokens.access_token}`, dpop: proof },
    })
    const who = await house.auth.authenticate(request, { scopes: ['repo'] })
    if (!(who instanceof Response)) throw new Error('it passed')
    expect(who.status).toBe(403)
    expect(who.headers.get('www-authenticate')).toMatch(/^DPoP error="insufficient_scope", scope="[^"]*repo/)
    await house.post('/revoke', { client_id: clientId, token: tokens.access_token })
    expect(await callWith(house, key, tokens)).toEqual(invalidToken)
  })
})

describe('the challenge is one header', () => {
  const bare = { status: 401, nonce: null }

  it('with Bearer first where both are taken, because clients look there (G15)', async () => {
    const challenge = `Bearer scope="user", ${metadata}, DPoP ${algs}`
    const house = openHouse(on)
    expect(await call(house, undefined)).toEqual({ ...bare, challenge })
    expect(await call(house, 'Basic abc')).toEqual({ ...bare, challenge })
  })

  it('of DPoP where nothing else is taken (RFC 9449 §7.1)', async () => {
    const house = openHouse(required)
    expect(await call(house, undefined)).toEqual({ ...bare, challenge: `DPoP scope="user", ${metadata}, ${algs}` })
    expect(await call(house, 'Bearer abc')).toEqual(invalidToken)
  })

  it('of Bearer alone while it is off, also for who tries the other scheme (T73)', async () => {
    const challenge = `Bearer scope="user", ${metadata}`
    expect(await call(openHouse(), 'DPoP abc', 'a proof')).toEqual({ ...bare, challenge })
  })

  it.each(['DPoP', 'DPoP ', 'DPoP a b', 'DPoP a,DPoP b', 'dpop  ='])('for %j it is that of a malformed header', async (authorization) => {
    const answer = await call(openHouse(on), authorization)
    expect([answer.status, answer.challenge]).toEqual([400, expect.stringMatching(/^DPoP error="invalid_request", scope="user", /)])
  })
})

describe('a nonce (RFC 9449 §8 and §9)', () => {
  it('is asked for at the token endpoint, is told, and is good: nothing is spent on the way (R144, sep-1932-as-nonce)', async () => {
    const house = openHouse(withNonce)
    const key = await openProofKey(house)
    const { clientId, code } = await takeCode(house)
    const fields = redemption(clientId, code)
    const asked = await post(house, fields, await key.tokenProof())
    const nonce = asked.headers.get('dpop-nonce') ?? ''
    expect(nonce).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(await readJson(asked)).toEqual(wantsNonce)
    const wrong = await post(house, fields, await key.tokenProof({ claims: { nonce: `${nonce}-wrong` } }))
    expect([wrong.headers.get('dpop-nonce'), await readJson(wrong)]).toEqual([nonce, wantsNonce])
    expect(reasons(house)).toEqual(['nonce_missing', 'nonce_unknown'])
    const answer = await post(house, fields, await key.tokenProof({ claims: { nonce } }))
    expect([answer.status, answer.headers.get('dpop-nonce')]).toEqual([200, null])
    expect(answer.headers.get('access-control-expose-headers')).toContain('DPoP-Nonce')
  })

  it('is asked for at the MCP endpoint, in the scheme’s own challenge (R144, sep-1932-server-nonce)', async () => {
    const house = openHouse(withNonce)
    const key = await openProofKey(house)
    const { clientId, code } = await takeCode(house)
    const told = await post(house, redemption(clientId, code), await key.tokenProof())
    const nonce = told.headers.get('dpop-nonce') ?? ''
    const tokens: TokenAnswer = await (await post(house, redemption(clientId, code), await key.tokenProof({ claims: { nonce } }))).json()
    expect(await callWith(house, key, tokens)).toEqual({
      ...refused('use_dpop_nonce', 'The DPoP proof needs the nonce in the header DPoP-Nonce.'),
      nonce,
    })
    expect(await callWith(house, key, tokens, { claims: { nonce } })).toEqual(passed)
  })

  it('is taken for two to four minutes, by every host, and the next one is told before it is over (§8.2)', async () => {
    const house = openHouse(withNonce)
    const other = openHouse({ ...withNonce, beside: house })
    const key = await openProofKey(house)
    const { clientId, code } = await takeCode(house)
    const told = await post(house, redemption(clientId, code), await key.tokenProof())
    const nonce = told.headers.get('dpop-nonce') ?? ''
    const tokens: TokenAnswer = await (await post(other, redemption(clientId, code), await key.tokenProof({ claims: { nonce } }))).json()
    house.environment.advance(120)
    const fields = rotation(clientId, tokens.refresh_token)
    const answer = await post(other, fields, await key.tokenProof({ claims: { nonce } }))
    const next = answer.headers.get('dpop-nonce') ?? ''
    expect([answer.status, next === nonce]).toEqual([200, false])
    house.environment.advance(120)
    expect((await post(house, fields, await key.tokenProof({ claims: { nonce } }))).status).toBe(400)
    expect((await post(house, fields, await key.tokenProof({ claims: { nonce: next } }))).status).toBe(200)
  })

  it('of a host whose clock is ahead is taken, and nothing older is told in its place', async () => {
    const house = openHouse(withNonce)
    const key = await openProofKey(house)
    house.environment.advance(120 - (house.environment.now() % 120))
    const { clientId, code } = await takeCode(house)
    const told = await post(house, redemption(clientId, code), await key.tokenProof())
    const nonce = told.headers.get('dpop-nonce') ?? ''
    house.environment.advance(-5)
    const answer = await post(house, redemption(clientId, code), await key.tokenProof({ claims: { nonce } }))
    expect([answer.status, answer.headers.get('dpop-nonce')]).toEqual([200, null])
  })

  it('is told to nobody whose proof is wrong otherwise, and a proof that lacks one is not used up', async () => {
    const store = countedStore()
    const house = openHouse({ ...withNonce, clientStorage: store })
    const key = await openProofKey(house)
    const { clientId, code } = await takeCode(house)
    const { writes } = store
    const wrong = await post(house, redemption(clientId, code), await key.tokenProof({ claims: { htm: 'GET' } }))
    expect([wrong.headers.get('dpop-nonce'), await readJson(wrong)]).toEqual([null, invalidProof])
    await post(house, redemption(clientId, code), await key.tokenProof())
    expect(store.writes).toBe(writes)
  })
})

describe.each(['not-executed', 'outcome-unknown'] as const)('a store that fails a call (%s)', (how) => {
  it('is 503, without a challenge, and no word against the token: with the next proof all goes on (REL-R5, invariant I6)', async () => {
    const store = failingStore(memoryStore())
    const house = openHouse({ ...on, clientStorage: store })
    const key = await openProofKey(house)
    const { clientId, tokens } = await login(house, key)
    let refreshToken = tokens.refresh_token
    const seen: (readonly [number, string | null])[] = []
    for (let nth = 1; nth <= 6; nth += 1) {
      store.failAt(nth, how)
      const { status, challenge } = await callWith(house, key, tokens)
      const refused = await post(house, rotation(clientId, refreshToken), await key.tokenProof())
      seen.push([status, challenge], [refused.status, refused.headers.get('www-authenticate')])
      store.heal()
      expect(await callWith(house, key, tokens)).toEqual(passed)
      const answer = await post(house, rotation(clientId, refreshToken), await key.tokenProof())
      const next: TokenAnswer = await answer.json()
      expect(answer.status).toBe(200)
      refreshToken = next.refresh_token
    }
    expect(new Set(seen.map(String))).toEqual(new Set(['200,', '503,']))
  })
})

describe('one proof, on two hosts that share a store,', () => {
  it('passes once of fifty times at the MCP endpoint (T75, invariant I2)', async () => {
    const house = openHouse(on)
    const hosts = [house, openHouse({ ...on, beside: house })]
    const key = await openProofKey(house)
    const { tokens } = await login(house, key)
    const proof = await key.proofWith(tokens.access_token)
    const at = (index: number): House => hosts[index % 2] ?? house
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => call(at(index), `DPoP ${tokens.access_token}`, proof)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(49)
    expect(new Set(answers.map(({ challenge }) => challenge))).toEqual(new Set([null, refused('invalid_dpop_proof', badProof).challenge]))
    house.environment.advance(330)
    expect((await call(house, `DPoP ${tokens.access_token}`, proof)).status).toBe(401)
  })

  it('redeems one of fifty codes at the token endpoint, and the others are good with proofs of their own', async () => {
    const house = openHouse(on)
    const hosts = [house, openHouse({ ...on, beside: house })]
    const key = await openProofKey(house)
    const codes = await Promise.all(Array.from({ length: 50 }, () => takeCode(house)))
    const proof = await key.tokenProof()
    const answers = await Promise.all(
      codes.map(({ clientId, code }, index) => post(hosts[index % 2] ?? house, redemption(clientId, code), proof)),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    const left = codes.filter((_, index) => answers[index]?.status === 400)
    const again = await Promise.all(left.map(async ({ clientId, code }) => post(house, redemption(clientId, code), await key.tokenProof())))
    expect(again.filter(({ status }) => status === 200)).toHaveLength(49)
  })
})

it('what is stored of a proof is that it was used, until it is too old, and nothing by which to know it', async () => {
  const world = openHouse()
  const store = watchedStore(memoryStore(world))
  const house = openHouse({ ...on, beside: world, clientStorage: store })
  const key = await openProofKey(house)
  const { tokens } = await login(house, key)
  await callWith(house, key, tokens, { claims: { jti: 'a-jti-to-look-for', iat: house.environment.now() + 300 } })
  const onces = store.written.filter(({ key: name }) => name.split(':')[1] === 'once')
  expect(onces.map(({ value, ttl }) => [JSON.parse(value), ttl])).toEqual([
    [{ endsAt: house.environment.now() + 330 }, 330],
    [{ endsAt: house.environment.now() + 630 }, 630],
  ])
  expect(store.written.filter(({ key: name, value }) => `${name}${value}`.includes('a-jti-to-look-for'))).toEqual([])
  expect(JSON.stringify(house.events)).not.toContain('a-jti-to-look-for')
})

describe('the store waits in sequence, with a proof, of', { retry: 4 }, () => {
  const distant = async (options: HouseOptions): Promise<[House, ReturnType<typeof distantStore>]> => {
    const world = openHouse()
    const store = distantStore(memoryStore(world), world.environment)
    const house = openHouse({ ...options, beside: world, clientStorage: store })
    await house.login()
    await house.environment.drain()
    return [house, store]
  }

  it('a verification: 1, the proof beside the grant', async () => {
    const [house, store] = await distant(on)
    const key = await openProofKey(house)
    const { tokens } = await login(house, key)
    const proof = await key.proofWith(tokens.access_token)
    expect(await store.waitsOf(() => call(house, `DPoP ${tokens.access_token}`, proof))).toMatchObject({ waits: 1, result: passed })
  })

  it('a redemption and a refresh: 3 each, and 2 without one', async () => {
    const [house, store] = await distant(on)
    const key = await openProofKey(house)
    const { clientId, code } = await takeCode(house)
    const proof = await key.tokenProof()
    const { waits, result } = await store.waitsOf(() => post(house, redemption(clientId, code), proof))
    expect([waits, result.status]).toEqual([3, 200])
    const tokens: TokenAnswer = await result.json()
    const next = await key.tokenProof()
    expect(await store.waitsOf(() => post(house, rotation(clientId, tokens.refresh_token), next))).toMatchObject({ waits: 3 })
    const { clientId: plain, tokens: bearer } = await house.login()
    expect(await store.waitsOf(() => house.refresh(plain, bearer.refresh_token))).toMatchObject({ waits: 2 })
  })
})

it.each([
  [{ dpop: true }, "extensions.dpop is neither 'allowed' nor 'required'"],
  [{ dpop: { use: 'always' } }, "extensions.dpop.use is neither 'allowed' nor 'required'"],
  [{ dpop: { nonce: 'yes' } }, 'extensions.dpop.nonce is neither true nor false'],
  [{ dpop: { required: true } }, 'extensions.dpop.required is no option: there are use and nonce'],
  [{ dpop: null }, "extensions.dpop is neither 'allowed' nor 'required'"],
])('options that mean nothing are a problem: %j', (extensions: object, problem) => {
  expect(() => openHouse({ extensions })).toThrow(problem)
})
