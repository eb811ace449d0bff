import { serve } from '@drawbridge/core/node'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { createSigner, sign } from '../support/assertions.ts'

/** A stand-in for an enterprise's identity provider: metadata, keys, and id tokens that it trades for identity assertions (SEP-990). */
export interface EnterpriseIdp {
  readonly issuer: string
  /** Signs an employee in; the id token. */
  signIn(employee: { readonly sub: string; readonly email: string }): Promise<string>
  close(): Promise<void>
}

export interface EnterpriseIdpOptions {
  readonly port: number
  /** By the id a client has here, the one it has at the servers it may act at. */
  readonly clients: Readonly<Record<string, string>>
  now(): number
}

export async function serveIdp({ port, clients, now }: EnterpriseIdpOptions): Promise<EnterpriseIdp> {
  const issuer = `http://127.0.0.1:${port}`
  const signer = createSigner('RS256', 'idp-1')
  const keys = { keys: [{ ...signer.jwk, alg: 'RS256', use: 'sig' }] }
  let signed = 0

  async function exchange(form: URLSearchParams): Promise<Response> {
    const clientId = clients[form.get('client_id') ?? '']
    const isKnown = clientId !== undefined && form.get('client_secret') === 'secret-at-idp'
    if (!isKnown) return Response.json({ error: 'invalid_client' }, { status: 401 })
    if (form.get('requested_token_type') !== 'urn:ietf:params:oauth:token-type:id-jag')
      return Response.json({ error: 'invalid_request' }, { status: 400 })
    const { payload } = await jwtVerify(form.get('subject_token') ?? '', createLocalJWKSet(keys), { issuer })
    signed += 1
    const claims = {
      iss: issuer,
      sub: payload.sub,
      email: payload.email,
      aud: form.get('audience'),
      resource: form.get('resource'),
      scope: form.get('scope') ?? undefined,
      client_id: clientId,
      jti: `id-jag-${signed}`,
      iat: now(),
      exp: now() + 300,
    }
    return Response.json({
      issued_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
      access_token: await sign(signer, claims, { typ: 'oauth-id-jag+jwt' }),
      token_type: 'N_A',
      expires_in: 300,
    })
  }

  const answers: Record<string, (request: Request) => Response | Promise<Response>> = {
    '/.well-known/openid-configuration': () =>
      Response.json({
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/keys`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
      }),
    '/keys': () => Response.json(keys),
    '/token': async (request) => exchange(new URLSearchParams(await request.text())),
  }
  const answer = async (request: Request): Promise<Response> =>
    (await answers[new URL(request.url).pathname]?.(request)) ?? Response.json({}, { status: 404 })
  const served = await serve({ fetch: answer }, { port, print: () => {} })
  return {
    issuer,
    signIn: ({ sub, email }) => sign(signer, { iss: issuer, aud: 'agent-at-idp', sub, email, iat: now(), exp: now() + 3600 }),
    close: () => served.close(),
  }
}
