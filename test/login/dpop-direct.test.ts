import { describe, expect, it } from 'vitest'
import { createSigner, sign } from '../support/assertions.ts'
import { type House, openHouse, type TokenAnswer } from '../support/house.ts'
import { openProofKey } from '../support/proof-key.ts'
import { readJson, refusal } from '../support/read-json.ts'

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const issuer = 'https://idp.example.com'
const secret = 'a-secret-of-a-machine-01'
const signer = createSigner()
const invalidProof = refusal(400, 'invalid_dpop_proof', 'The DPoP proof is missing, or not good for this request.')

function machines(dpop: 'allowed' | 'required' = 'allowed'): House {
  return openHouse({
    requiredScopes: ['read'],
    clients: { static: [{ clientId: 'machine', clientSecret: secret, grantTypes: ['client_credentials', jwtBearer] }] },
    extensions: { dpop, identityAssertions: { trustedIssuers: [{ issuer, jwks: { keys: [signer.jwk] } }] } },
  })
}

function assertion(house: House, jti = 'the-one'): Promise<string> {
  const now = house.environment.now()
  const resource = 'http://localhost:8000/mcp'
  const times = { jti, iat: now, exp: now + 300 }
  const claims = { iss: issuer, sub: 'ada', aud: 'http://localhost:8000', client_id: 'machine', resource, scope: 'read', ...times }
  return sign(signer, claims, { typ: 'oauth-id-jag+jwt' })
}

const kinds: readonly (readonly [string, (house: House) => Promise<Record<string, string>>])[] = [
  ['client_credentials', async () => ({ grant_type: 'client_credentials' })],
  [jwtBearer, async (house) => ({ grant_type: jwtBearer, assertion: await assertion(house) })],
]

function ask(house: House, fields: Record<string, string>, proof?: string): Promise<Response> {
  const authorization = `Basic ${Buffer.from(`machine:${secret}`).toString('base64')}`
  return house.post('/token', fields, { authorization, ...(proof !== undefined && { dpop: proof }) })
}

describe.each(kinds)('the access token of a grant that needs no login: %s', (_, fieldsOf) => {
  it('is bound to the key of a proof, and good with it alone (R144)', async () => {
    const house = machines()
    const key = await openProofKey(house)
    const tokens: TokenAnswer = await (await ask(house, await fieldsOf(house), await key.tokenProof())).json()
    expect(tokens.token_type).toBe('DPoP')
    expect(await house.mcpStatus(tokens.access_token)).toBe(401)
    const headers = { authorization: `DPoP ${tokens.access_token}`, dpop: await key.proofWith(tokens.access_token) }
    const who = await house.auth.authenticate(new Request('http://localhost:8000/mcp', { method: 'POST', headers }))
    expect(who).toMatchObject({ clientId: 'machine', scopes: ['read'] })
  })

  it('is a bearer token without one, and is not given where one is required', async () => {
    const house = machines()
    expect(await (await ask(house, await fieldsOf(house))).json()).toMatchObject({ token_type: 'Bearer' })
    const strict = machines('required')
    expect(await readJson(await ask(strict, await fieldsOf(strict)))).toEqual(invalidProof)
    expect(strict.events.map(({ type }) => type)).toEqual(['request.refused'])
  })

  it('is not given for a proof that was used before, and nothing else is used up by it', async () => {
    const house = machines()
    const key = await openProofKey(house)
    const proof = await key.tokenProof()
    await ask(house, { grant_type: 'client_credentials' }, proof)
    const fields = await fieldsOf(house)
    expect(await readJson(await ask(house, fields, proof))).toEqual(invalidProof)
    expect((await ask(house, fields, await key.tokenProof())).status).toBe(200)
  })
})
