import { clientAssertionType, createSigner, sign } from '../support/assertions.ts'
import { verifier } from '../support/house.ts'
import { openProofKey } from '../support/proof-key.ts'
import { askToRegister, callTool, register } from './client.ts'
import type { Hosts, Place } from './hosts.ts'

/** A registered client, whatever it proves itself by: what it asks, it asks as often as it likes. */
export interface Caller {
  readonly clientId: string
  redeem(place: Place, code: string): Promise<Response>
  refresh(place: Place, refreshToken: string): Promise<Response>
  revoke(place: Place, token: string): Promise<Response>
  call(place: Place, accessToken: string): Promise<Response>
}

/** Adds what proves the client to the form and the headers of a request. */
type Prove = (path: string, fields: Record<string, string>) => Promise<{ fields: Record<string, string>; headers?: Record<string, string> }>

function caller(clientId: string, prove: Prove, call: Caller['call']): Caller {
  const ask = async (place: Place, path: string, asked: Record<string, string>): Promise<Response> => {
    const { fields, headers } = await prove(path, asked)
    return place.fetch(path, { method: 'POST', body: new URLSearchParams(fields), ...(headers && { headers }) })
  }
  return {
    clientId,
    redeem: (place, code) => ask(place, '/token', { grant_type: 'authorization_code', code, code_verifier: verifier }),
    refresh: (place, refreshToken) => ask(place, '/token', { grant_type: 'refresh_token', refresh_token: refreshToken }),
    revoke: (place, token) => ask(place, '/revoke', { token }),
    call,
  }
}

/** A client that proves nothing, as most are. */
export async function publicCaller(hosts: Hosts): Promise<Caller> {
  const clientId = await register(hosts.at(0))
  return caller(clientId, async (_, fields) => ({ fields: { client_id: clientId, ...fields } }), callTool)
}

/** A client that signs an assertion and proves a key with every request (RFC 7523 §2.2, RFC 9449 §5); each of them is good once. */
export async function signingCaller(hosts: Hosts): Promise<Caller> {
  const signer = createSigner()
  const key = await openProofKey({ baseUrl: hosts.baseUrl, environment: { now: hosts.now } })
  const answer = await askToRegister(hosts.at(0), { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [signer.jwk] } })
  const { client_id: clientId }: { client_id: string } = await answer.json()
  let made = 0
  const prove: Prove = async (path, asked) => {
    made += 1
    const claims = { iss: clientId, sub: clientId, aud: hosts.baseUrl, exp: hosts.now() + 60, jti: `assertion-${made}` }
    const fields = { ...asked, client_assertion_type: clientAssertionType, client_assertion: await sign(signer, claims) }
    return path === '/token' ? { fields, headers: { dpop: await key.tokenProof() } } : { fields }
  }
  return caller(clientId, prove, async (place, accessToken) =>
    callTool(place, accessToken, { authorization: `DPoP ${accessToken}`, dpop: await key.proofWith(accessToken) }),
  )
}
