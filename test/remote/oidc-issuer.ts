import { generateKeyPairSync } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import Provider, { type Configuration, type JWK } from 'oidc-provider'
import { vi } from 'vitest'
import { freePort } from '../support/free-port.ts'

/** A real authorization server with resource indicators, on loopback: clients register there and log in, by a person who says yes to everything. */
export interface OidcIssuer {
  readonly issuer: string
  /** What may ask about tokens. */
  readonly resourceServer: { readonly clientId: string; readonly clientSecret: string }
  /** What was asked of it, as `POST /token`. */
  readonly asked: string[]
  /** From now on its tokens are signed with another key. */
  rotateKeys(): void
  /** From now on every request is answered with this status; undefined: it works again. */
  breakDown(status: number | undefined): void
  close(): Promise<void>
}

const resourceServer = { clientId: 'the-mcp-server', clientSecret: 'hush-0123456789-abcdefghijklmnopq' }

/** Starts it. Access tokens are JWTs (RFC 9068) for the resource that the client names, or opaque. */
export async function serveOidcIssuer(accessTokenFormat: 'jwt' | 'opaque'): Promise<OidcIssuer> {
  // It says at length that it is not set up for production.
  for (const method of ['warn', 'info'] as const) vi.spyOn(console, method).mockImplementation(() => {})
  const port = await freePort()
  const issuer = `http://127.0.0.1:${port}`
  const asked: string[] = []
  let provider = openProvider(issuer, accessTokenFormat, 'first')
  let status: number | undefined
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url?.replace(/\?.*/, '').replace(/\/(interaction|auth)\/.*/, '/$1/...')}`)
    if (status !== undefined) return void response.writeHead(status).end()
    if (request.url?.startsWith('/interaction/')) return void sayYes(provider, request, response)
    provider.callback()(request, response)
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    issuer,
    resourceServer,
    asked,
    rotateKeys() {
      provider = openProvider(issuer, accessTokenFormat, 'second')
    },
    breakDown(broken) {
      status = broken
    },
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function openProvider(issuer: string, accessTokenFormat: 'jwt' | 'opaque', kid: string): Provider {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const key: JWK = { ...privateKey.export({ format: 'jwk' }), kty: 'RSA', kid, alg: 'RS256', use: 'sig' }
  const configuration: Configuration = {
    jwks: { keys: [key] },
    cookies: { keys: ['a-cookie-key-for-nothing-but-tests'] },
    clients: [
      {
        client_id: resourceServer.clientId,
        client_secret: resourceServer.clientSecret,
        grant_types: [],
        response_types: [],
        redirect_uris: [],
      },
    ],
    scopes: ['openid', 'offline_access', 'notes:read', 'notes:write'],
    findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: true },
      introspection: { enabled: true, allowedPolicy: (_, client) => client.clientId === resourceServer.clientId },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_, audience) => ({ scope: 'notes:read notes:write', audience, accessTokenFormat, accessTokenTTL: 3600 }),
      },
    },
    ttl: { Session: 3600, Interaction: 600, Grant: 3600, AccessToken: 3600, AuthorizationCode: 60, IdToken: 600, RefreshToken: 3600 },
  }
  return new Provider(issuer, configuration)
}

/** The person: signs in, and grants what the client asked for. */
async function sayYes(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { prompt, params, grantId, session } = await provider.interactionDetails(request, response)
  if (prompt.name === 'login') return provider.interactionFinished(request, response, { login: { accountId: 'person-1' } })
  const grant =
    (grantId === undefined ? undefined : await provider.Grant.find(grantId)) ??
    new provider.Grant({ accountId: session?.accountId ?? '', clientId: String(params.client_id) })
  grant.addOIDCScope(String(params.scope ?? ''))
  if (typeof params.resource === 'string') grant.addResourceScope(params.resource, String(params.scope ?? ''))
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true })
}
