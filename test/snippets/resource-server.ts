//#region resource-server
import { createRemoteJWKSet, jwtVerify } from 'jose'

const { BASE_URL = 'https://mcp.example.com' } = process.env
const keys = createRemoteJWKSet(new URL(`${BASE_URL}/.well-known/jwks.json`))

/** Who calls; rejects for a token that is not good here. */
export async function verify(token: string): Promise<{ subject: string | undefined; scopes: string[] }> {
  const { payload } = await jwtVerify(token, keys, { issuer: BASE_URL, audience: `${BASE_URL}/mcp`, typ: 'at+jwt' })
  return { subject: payload.sub, scopes: String(payload.scope).split(' ') }
}
//#endregion
