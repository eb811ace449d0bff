import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { clientAssertionType, createSigner, sign } from '../support/assertions.ts'
import { type House, openHouse, redirectUri, verifier } from '../support/house.ts'
import { readJson } from '../support/read-json.ts'
import { takeCode } from '../support/take-code.ts'

// What the metadata lists is what the endpoints do: no more, and no less (RFC 8414 §2).

const signer = createSigner()

interface Registered {
  readonly clientId: string
  readonly secret: string
}

/** A client that has what each method needs, and registered for this one. */
function askToRegister(house: House, method: string): Promise<Response> {
  const keys = method === 'private_key_jwt' ? { jwks: { keys: [signer.jwk] } } : {}
  const body = JSON.stringify({ redirect_uris: [redirectUri], token_endpoint_auth_method: method, ...keys })
  return house.call('/register', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
}

async function register(house: House, method: string): Promise<Registered> {
  const answer = await askToRegister(house, method)
  const { client_id: clientId, client_secret: secret = '' }: { client_id: string; client_secret?: string } = await answer.json()
  return { clientId, secret }
}

/** How a client proves itself: what it adds to the form, and to the headers. */
interface Proof {
  readonly fields?: Record<string, string>
  readonly headers?: Record<string, string>
}

type Prove = (client: Registered, jti: string) => Proof | Promise<Proof>

const listed: Readonly<Record<string, Prove>> = {
  none: ({ clientId }) => ({ fields: { client_id: clientId } }),
  client_secret_basic: ({ clientId, secret }) => ({
    headers: { authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}` },
  }),
  client_secret_post: ({ clientId, secret }) => ({ fields: { client_id: clientId, client_secret: secret } }),
  private_key_jwt: async ({ clientId }, jti) => assertion(await sign(signer, claimsOf(clientId, jti))),
}

/** Methods of OpenID Connect and RFC 8705, which are not in the metadata. */
const unlisted: Readonly<Record<string, Prove>> = {
  client_secret_jwt: async ({ clientId, secret }, jti) =>
    assertion(await new SignJWT(claimsOf(clientId, jti)).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(secret))),
  tls_client_auth: ({ clientId }) => ({ fields: { client_id: clientId } }),
}

// The clock of the house stands still at this moment.
const claimsOf = (clientId: string, jti: string) => ({
  iss: clientId,
  sub: clientId,
  aud: 'http://localhost:8000',
  iat: 1_767_268_800,
  exp: 1_767_268_860,
  jti,
})

const assertion = (jwt: string): Proof => ({ fields: { client_assertion_type: clientAssertionType, client_assertion: jwt } })

function send(house: House, path: string, fields: Record<string, string>, { fields: more, headers }: Proof): Promise<Response> {
  return house.post(path, { ...fields, ...more }, headers)
}

async function redeem(house: House, { clientId }: Registered, proof: Proof): Promise<Response> {
  const code = (await house.signIn(clientId)).searchParams.get('code') ?? ''
  return send(house, '/token', { grant_type: 'authorization_code', code, code_verifier: verifier }, proof)
}

describe('the authentication methods in the metadata', () => {
  it('each log in, refresh and revoke (R9)', async () => {
    const house = openHouse()
    const { token_endpoint_auth_methods_supported: token, revocation_endpoint_auth_methods_supported: revocation } =
      house.auth.oauthMetadata
    expect([token, revocation]).toEqual([Object.keys(listed), Object.keys(listed)])
    for (const [method, prove] of Object.entries(listed)) {
      const client = await register(house, method)
      const redeemed = await redeem(house, client, await prove(client, 'first'))
      const { refresh_token }: { refresh_token: string } = await redeemed.json()
      const refreshed = await send(house, '/token', { grant_type: 'refresh_token', refresh_token }, await prove(client, 'second'))
      const { access_token }: { access_token: string } = await refreshed.json()
      const before = await house.mcpStatus(access_token)
      const revoked = await send(house, '/revoke', { token: access_token }, await prove(client, 'third'))
      const statuses = [redeemed.status, refreshed.status, before, revoked.status, await house.mcpStatus(access_token)]
      expect([method, ...statuses]).toEqual([method, 200, 200, 200, 200, 401])
    }
  })

  it.each(Object.entries(unlisted))('are the only ones: %s cannot be registered, and proves nothing (R9)', async (method, prove) => {
    const house = openHouse()
    expect((await readJson(await askToRegister(house, method))).body).toMatchObject({ error: 'invalid_client_metadata' })
    const client = await register(house, 'client_secret_basic')
    const refused = await redeem(house, client, await prove(client, 'first'))
    expect([refused.status, await refused.json()]).toEqual([
      401,
      { error: 'invalid_client', error_description: 'The client is unknown or did not authenticate as it registered.' },
    ])
    expect(house.events.filter(({ type }) => type === 'token.issued')).toEqual([])
  })
})

describe('the grant types in the metadata', () => {
  it('are each served (R10)', async () => {
    const house = openHouse()
    const { clientId, code } = await takeCode(house)
    const redeemed = await house.redeem(clientId, code)
    const { refresh_token: refreshToken }: { refresh_token: string } = await redeemed.clone().json()
    const served = { authorization_code: redeemed, refresh_token: await house.refresh(clientId, refreshToken) }
    expect(house.auth.oauthMetadata.grant_types_supported).toEqual(Object.keys(served))
    for (const answer of Object.values(served))
      expect([answer.status, await answer.json()]).toEqual([200, expect.objectContaining({ token_type: 'Bearer' })])
  })

  it('are each known to the token endpoint where everything is on, and no other is (R10)', async () => {
    const secret = 'a-secret-of-a-machine-01'
    const house = openHouse({
      clients: {
        static: [
          { clientId: 'desk', clientSecret: secret, redirectUris: [redirectUri], grantTypes: ['authorization_code', 'client_credentials'] },
        ],
      },
      extensions: { identityAssertions: { trustedIssuers: [{ issuer: 'https://login.example.com', jwks: { keys: [signer.jwk] } }] } },
    })
    const listed = house.auth.oauthMetadata.grant_types_supported
    expect(listed).toEqual(['authorization_code', 'refresh_token', 'client_credentials', 'urn:ietf:params:oauth:grant-type:jwt-bearer'])
    const headers = { authorization: `Basic ${Buffer.from(`desk:${secret}`).toString('base64')}` }
    const others = ['password', 'implicit', 'urn:ietf:params:oauth:grant-type:token-exchange', '']
    const known = await Promise.all(
      [...listed, ...others].map(async (grantType) => {
        const { error }: { error?: string } = await (await house.post('/token', { grant_type: grantType }, headers)).json()
        return [grantType, error]
      }),
    )
    expect(Object.fromEntries(known)).toEqual({
      authorization_code: 'invalid_request',
      refresh_token: 'invalid_request',
      client_credentials: undefined,
      'urn:ietf:params:oauth:grant-type:jwt-bearer': 'invalid_request',
      password: 'unsupported_grant_type',
      implicit: 'unsupported_grant_type',
      'urn:ietf:params:oauth:grant-type:token-exchange': 'unsupported_grant_type',
      '': 'invalid_request',
    })
  })
})
