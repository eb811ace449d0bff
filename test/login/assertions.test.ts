import { createHash } from 'node:crypto'
import { memoryStore } from '@drawbridge/storage'
import { describe, expect, it } from 'vitest'
import { clientAssertionType, createSigner, type Signer, type SignerAlgorithm, sign } from '../support/assertions.ts'
import { type House, openHouse, redirectUri, type TokenAnswer, verifier } from '../support/house.ts'
import { documentOf, documentUrl, openStrangers } from '../support/strangers.ts'
import { watchedStore } from '../support/watched-store.ts'

const signer = createSigner()
const issuer = 'http://localhost:8000'

interface Client {
  readonly house: House
  readonly clientId: string
  readonly signer: Signer
}

async function registered(key = signer, house = openHouse()): Promise<Client> {
  const clientId = await house.register({ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key.jwk] } })
  return { house, clientId, signer: key }
}

/** The claims of an assertion that is good now, with these over them. */
function claimsOf({ house, clientId }: Client, over: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const now = house.environment.now()
  return { iss: clientId, sub: clientId, aud: issuer, exp: now + 300, iat: now, jti: 'the-one', ...over }
}

async function assertionOf(client: Client, over?: Readonly<Record<string, unknown>>, header = {}): Promise<Record<string, string>> {
  return {
    client_assertion_type: clientAssertionType,
    client_assertion: await sign(client.signer, claimsOf(client, over), header),
  }
}

const takeCode = async ({ house, clientId }: Client): Promise<string> => (await house.signIn(clientId)).searchParams.get('code') ?? ''

const redeem = ({ house }: Client, code: string, fields: Record<string, string>): Promise<Response> =>
  house.post('/token', { grant_type: 'authorization_code', code, code_verifier: verifier, ...fields })

const refusal = { error: 'invalid_client', error_description: 'The client is unknown or did not authenticate as it registered.' }

describe('a client that signs (private_key_jwt)', () => {
  it.each<SignerAlgorithm>(['ES256', 'EdDSA', 'RS256', 'PS256'])(
    'logs in, refreshes and revokes by an assertion each, signed by %s (R9, R85, R131)',
    async (algorithm) => {
      const client = await registered(createSigner(algorithm))
      const { house } = client
      const answer = await redeem(client, await takeCode(client), await assertionOf(client))
      const tokens: TokenAnswer = await answer.json()
      expect(await house.mcpStatus(tokens.access_token)).toBe(200)
      const refreshed = await house.post('/token', {
        grant_type: 'refresh_token',
        refresh_token: tokens.refresh_token,
        ...(await assertionOf(client, { jti: 'second' })),
      })
      expect(refreshed.status).toBe(200)
      const revoked = await house.post('/revoke', { token: tokens.refresh_token, ...(await assertionOf(client, { jti: 'third' })) })
      expect([revoked.status, await house.mcpStatus(tokens.access_token)]).toEqual([200, 401])
    },
  )

  it('registers without a secret, and is told its keys', async () => {
    const house = openHouse()
    const metadata = { redirect_uris: [redirectUri], token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [signer.jwk] } }
    const headers = { 'content-type': 'application/json' }
    const answer = await house.call('/register', { method: 'POST', headers, body: JSON.stringify(metadata) })
    const body: Record<string, unknown> = await answer.json()
    expect([answer.status, body]).toEqual([
      201,
      expect.objectContaining({ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [signer.jwk] } }),
    ])
    expect(body).not.toHaveProperty('client_secret')
  })

  it('may be listed by the operator', async () => {
    const house = openHouse({ clients: { static: [{ clientId: 'desk', jwks: { keys: [signer.jwk] }, redirectUris: [redirectUri] }] } })
    const client = { house, clientId: 'desk', signer }
    expect((await redeem(client, await takeCode(client), await assertionOf(client))).status).toBe(200)
  })

  it('may name itself beside, and have several keys, with names or without', async () => {
    const others = [createSigner(), createSigner(), createSigner('RS256')]
    const house = openHouse()
    const jwks = { keys: [...others, signer].map(({ jwk }) => jwk) }
    const clientId = await house.register({ token_endpoint_auth_method: 'private_key_jwt', jwks })
    const client = { house, clientId, signer }
    const fields = { client_id: clientId, ...(await assertionOf(client)) }
    expect((await redeem(client, await takeCode(client), fields)).status).toBe(200)
    const named = await registered(createSigner('ES256', 'mine'))
    expect((await redeem(named, await takeCode(named), await assertionOf(named))).status).toBe(200)
  })

  const now = openHouse().environment.now()
  const reason = (name: string): string => `client_assertion_${name}`

  it.each<[string, Record<string, unknown>, string]>([
    ['for the token endpoint (T74)', { aud: `${issuer}/token` }, 'for_another_audience'],
    ['for us in a list (T74)', { aud: [issuer] }, 'for_another_audience'],
    ['for us and another (T74)', { aud: [issuer, 'https://other.example'] }, 'for_another_audience'],
    ['for us, with a slash more (T74)', { aud: `${issuer}/` }, 'for_another_audience'],
    ['for another server (T74)', { aud: 'https://other.example' }, 'for_another_audience'],
    ['for nobody', { aud: undefined }, 'malformed'],
    ['of another issuer', { iss: 'https://other.example' }, 'of_another_issuer'],
    ['of no issuer', { iss: undefined }, 'of_another_issuer'],
    ['without an end', { exp: undefined }, 'malformed'],
    ['with an end that is text', { exp: String(now + 60) }, 'malformed'],
    ['that has ended', { exp: now - 31, iat: now - 100 }, 'expired'],
    ['that lives for too long', { exp: now + 331 }, 'too_long'],
    ['that never ends', { exp: 1e300 }, 'too_long'],
    ['of the future', { iat: now + 31 }, 'from_the_future'],
    ['that is not good yet', { nbf: now + 31 }, 'from_the_future'],
    ['of long ago', { iat: now - 331, exp: now + 10 }, 'too_old'],
    ['without an id', { jti: undefined }, 'malformed'],
    ['with an empty id', { jti: '' }, 'malformed'],
    ['with an id that is a number', { jti: 7 }, 'malformed'],
    ['with an id of 257 characters', { jti: 'j'.repeat(257) }, 'malformed'],
  ])('is refused by an assertion %s, and neither its code nor the id is spent', async (_, over, name) => {
    const client = await registered()
    const code = await takeCode(client)
    const answer = await redeem(client, code, await assertionOf(client, over))
    expect([answer.status, await answer.json()]).toEqual([401, refusal])
    expect(client.house.events.at(-1)).toMatchObject({ type: 'request.refused', reason: reason(name) })
    expect((await redeem(client, code, await assertionOf(client))).status).toBe(200)
  })

  it.each<[string, (client: Client) => Promise<string>]>([
    ['by a key of somebody else', async (client) => sign(createSigner(), claimsOf(client))],
    ['by a key of another kind', async (client) => sign(createSigner('EdDSA'), claimsOf(client))],
    [
      'by a key that the header brings (T65)',
      async (client) => {
        const other = createSigner()
        return sign(other, claimsOf(client), { jwk: other.jwk, jku: 'https://other.example/keys', kid: 'other' })
      },
    ],
    [
      'by the public key as a secret (T64)',
      async (client) => {
        const secret = Buffer.from(JSON.stringify(client.signer.jwk))
        const { createSecretKey } = await import('node:crypto')
        return sign({ algorithm: 'HS256', key: createSecretKey(secret), jwk: {} }, claimsOf(client))
      },
    ],
    [
      'by nothing (T64)',
      async (client) => {
        const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
        return `${part({ alg: 'none' })}.${part(claimsOf(client))}.`
      },
    ],
    [
      'and changed afterwards',
      async (client) => {
        const [header, , signature] = (await sign(client.signer, claimsOf(client))).split('.')
        return [header, Buffer.from(JSON.stringify(claimsOf(client, { jti: 'other' }))).toString('base64url'), signature].join('.')
      },
    ],
  ])('is refused by an assertion signed %s, and its code is not spent', async (_, forge) => {
    const client = await registered()
    const code = await takeCode(client)
    const answer = await redeem(client, code, { client_assertion_type: clientAssertionType, client_assertion: await forge(client) })
    expect([answer.status, await answer.json()]).toEqual([401, refusal])
    expect(client.house.events.at(-1)).toMatchObject({ reason: 'client_assertion_signature_wrong' })
    expect((await redeem(client, code, await assertionOf(client))).status).toBe(200)
  })

  it('is refused as soon as it does not sign, and in two ways at once (T17, T18)', async () => {
    const client = await registered()
    const code = await takeCode(client)
    expect((await redeem(client, code, { client_id: client.clientId })).status).toBe(401)
    const two = await redeem(client, code, { ...(await assertionOf(client)), client_secret: 'x' })
    expect([two.status, await two.json()]).toEqual([
      400,
      { error: 'invalid_request', error_description: 'The client authenticates in two ways.' },
    ])
    expect((await redeem(client, code, await assertionOf(client))).status).toBe(200)
  })

  it('is not let in by an assertion where it registered another way', async () => {
    const house = openHouse()
    const clientId = await house.register()
    const client = { house, clientId, signer }
    const answer = await redeem(client, await takeCode(client), await assertionOf(client))
    expect([answer.status, await answer.json()]).toEqual([401, refusal])
    expect(house.events.at(-1)).toMatchObject({ reason: 'client_authentication_by_another_method' })
  })

  it('keeps its clock within half a minute of ours', async () => {
    const client = await registered()
    const at = client.house.environment.now()
    const early = await assertionOf(client, { iat: at + 30, nbf: at + 30, exp: at + 330 })
    expect((await redeem(client, await takeCode(client), early)).status).toBe(200)
    const late = await assertionOf(client, { iat: at - 330, exp: at - 29, jti: 'late' })
    expect((await redeem(client, await takeCode(client), late)).status).toBe(200)
  })
})

describe('an assertion that was used', () => {
  it('is used up, at every host, until it is too old in any case (T75)', async () => {
    const world = openHouse()
    const store = watchedStore(memoryStore(world))
    const one = openHouse({ beside: world, clientStorage: store })
    const client = await registered(signer, one)
    const other = { ...client, house: openHouse({ beside: world, clientStorage: store }) }
    const fields = await assertionOf(client, { exp: one.environment.now() + 60 })
    expect((await redeem(client, await takeCode(client), fields)).status).toBe(200)
    const code = await takeCode(client)
    for (const host of [client, other]) {
      const again = await redeem(host, code, fields)
      expect([again.status, await again.json()]).toEqual([401, refusal])
      expect(host.house.events.at(-1)).toMatchObject({ reason: 'client_assertion_replayed' })
    }
    const [kept] = store.written.filter(({ key }) => key.split(':')[1] === 'once')
    expect([JSON.parse(kept?.value ?? ''), kept?.ttl]).toEqual([{ endsAt: one.environment.now() + 120 }, 120])
    one.environment.advance(59)
    expect((await redeem(client, code, fields)).status).toBe(401)
  })

  it('stays used up at a host whose clock is behind (T75)', async () => {
    const client = await registered()
    const { store, environment } = client.house
    const behind = openHouse({ clientStorage: store, at: environment.now() - 25 })
    const fields = await assertionOf(client, { exp: environment.now() + 60 })
    const tokens: TokenAnswer = await (await redeem(client, await takeCode(client), fields)).json()
    for (const house of [client.house, behind]) house.environment.advance(95)
    const again = await behind.post('/token', { grant_type: 'refresh_token', refresh_token: tokens.refresh_token, ...fields })
    expect([again.status, await again.json()]).toEqual([401, refusal])
    expect(behind.events.at(-1)).toMatchObject({ reason: 'client_assertion_replayed' })
  })

  it('is shown to two hosts fifty times at once: one takes it, the others say 401 (T75)', async () => {
    const client = await registered()
    const other = { ...client, house: openHouse({ beside: client.house }) }
    const tokens: TokenAnswer = await (await redeem(client, await takeCode(client), await assertionOf(client))).json()
    const fields = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token, ...(await assertionOf(client, { jti: 'raced' })) }
    const answers = await Promise.all(Array.from({ length: 50 }, (_, at) => (at % 2 ? client : other).house.post('/token', fields)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 49 }, () => 401)])
  })

  it('by one client is not used up for another, whose id for it may be the same', async () => {
    const [one, house] = [await registered(), openHouse()]
    const first = await registered(signer, house)
    const second = await registered(signer, house)
    expect(one.clientId).toBe(first.clientId)
    for (const client of [first, second]) expect((await redeem(client, await takeCode(client), await assertionOf(client))).status).toBe(200)
  })

  it('is neither in the store nor in an event', async () => {
    const world = openHouse()
    const store = watchedStore(memoryStore(world))
    const client = await registered(signer, openHouse({ beside: world, clientStorage: store }))
    const fields = await assertionOf(client, { jti: 'canary-of-an-assertion' })
    await redeem(client, await takeCode(client), fields)
    await redeem(client, 'db_ac_x', fields)
    const told = JSON.stringify([store.written, client.house.events])
    for (const secret of [
      fields.client_assertion ?? '',
      'canary-of-an-assertion',
      createHash('sha256').update('canary-of-an-assertion').digest('base64url'),
    ])
      expect(told).not.toContain(secret)
  })
})

describe('a client whose keys are at a URL', () => {
  const keysUrl = 'https://client.example.com/keys.json'
  const keysOf =
    (...signers: Signer[]) =>
    () =>
      Response.json({ keys: signers.map(({ jwk }) => jwk) })

  it.each(['registered', 'a document'])('is let in by them, old and new, when it is %s (R131)', async (kind) => {
    const [old, next] = [createSigner('ES256', 'old'), createSigner('ES256', 'next')]
    const strangers = openStrangers()
    const house = openHouse({ fetchPinned: strangers.fetchPinned })
    const metadata = { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: keysUrl }
    strangers.publish(keysUrl, keysOf(old))
    strangers.publish(documentUrl, documentOf(documentUrl, metadata))
    const clientId = kind === 'registered' ? await house.register(metadata) : documentUrl
    const client = { house, clientId, signer: old }
    expect((await redeem(client, await takeCode(client), await assertionOf(client))).status).toBe(200)
    strangers.publish(keysUrl, keysOf(old, next))
    house.environment.advance(3600)
    const rotated = { ...client, signer: next }
    expect((await redeem(rotated, await takeCode(rotated), await assertionOf(rotated, { jti: 'next' }))).status).toBe(200)
    const forged = { ...client, signer: createSigner('ES256', 'old') }
    expect((await redeem(forged, await takeCode(forged), await assertionOf(forged, { jti: 'forged' }))).status).toBe(401)
  })

  it('that cannot be read is in trouble, and not refused; its assertion is not used up by that (I6)', async () => {
    const strangers = openStrangers()
    const house = openHouse({ fetchPinned: strangers.fetchPinned })
    const clientId = await house.register({ token_endpoint_auth_method: 'private_key_jwt', jwks_uri: keysUrl })
    const client = { house, clientId, signer }
    const fields = await assertionOf(client)
    const answer = await redeem(client, await takeCode(client), fields)
    expect([answer.status, await answer.json()]).toMatchObject([503, { error: 'temporarily_unavailable' }])
    strangers.publish(keysUrl, keysOf(signer))
    house.environment.advance(61)
    expect((await redeem(client, await takeCode(client), fields)).status).toBe(200)
  })
})
