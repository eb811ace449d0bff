import {
  Client,
  ClientCredentialsProvider,
  CrossAppAccessProvider,
  discoverAndRequestJwtAuthGrant,
  exchangeJwtAuthGrant,
  type OAuthClientProvider,
  PrivateKeyJwtProvider,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client'
import { afterEach, describe, expect, it } from 'vitest'
import { createSigner } from '../support/assertions.ts'
import { freePort } from '../support/free-port.ts'
import { type EnterpriseIdp, serveIdp } from './enterprise-idp.ts'
import { type ServedServer, type ServeServerOptions, serveServer } from './served-server.ts'

const secret = 'a-secret-of-a-machine-01'
const signer = createSigner()

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
})

async function server(options: ServeServerOptions): Promise<ServedServer> {
  const served = await serveServer(options)
  open.push(served)
  return served
}

/** Connects by itself, with nobody there; answers what it is to the server. */
async function whoami(mcpUrl: string, authProvider: OAuthClientProvider): Promise<unknown> {
  const client = new Client({ name: 'a test', version: '1.0.0' })
  open.push(client)
  await client.connect(new StreamableHTTPClientTransport(new URL(mcpUrl), { authProvider }))
  const { content } = await client.callTool({ name: 'whoami', arguments: {} })
  const [first] = content
  if (first?.type !== 'text') throw new Error(JSON.stringify(content))
  return JSON.parse(first.text)
}

const issuerOf = ({ mcpUrl }: ServedServer): string => new URL(mcpUrl).origin

describe('SDK v2, as a machine (SEP-1046)', () => {
  it('gets in by its secret, and again when its token has ended', async () => {
    const served = await server({ clients: { static: [{ clientId: 'ci', clientSecret: secret, grantTypes: ['client_credentials'] }] } })
    const provider = new ClientCredentialsProvider({ clientId: 'ci', clientSecret: secret, expectedIssuer: issuerOf(served) })
    const identity = { subject: 'urn:drawbridge:client:ci', claims: { client_id: 'ci' } }
    expect(await whoami(served.mcpUrl, provider)).toEqual(identity)
    served.expireTokens()
    expect(await whoami(served.mcpUrl, provider)).toEqual(identity)
    expect(served.events.map(({ type }) => type)).toEqual(['grant.opened', 'token.issued', 'token.refused', 'grant.opened', 'token.issued'])
    expect(served.github.received).toEqual([])
  })

  it('gets in by signing, with the lifetime and the audience that are its own defaults (R131)', async () => {
    const served = await server({
      clients: { static: [{ clientId: 'ci', jwks: { keys: [signer.jwk] }, grantTypes: ['client_credentials'] }] },
    })
    const provider = new PrivateKeyJwtProvider({
      clientId: 'ci',
      privateKey: signer.key.export({ format: 'pem', type: 'pkcs8' }).toString(),
      algorithm: 'ES256',
      expectedIssuer: issuerOf(served),
    })
    expect(await whoami(served.mcpUrl, provider)).toMatchObject({ subject: 'urn:drawbridge:client:ci' })
    served.expireTokens()
    // Its own clock runs on as ours did before it was moved: only that of the server was.
    await expect(whoami(served.mcpUrl, provider)).rejects.toThrow()
    expect(served.events.at(-1)).toMatchObject({ reason: 'client_assertion_expired' })
  })
})

describe('SDK v2, with the word of an enterprise (SEP-990)', () => {
  const employee = { sub: 'U019488227', email: 'ada@example.com' }

  async function enterprise(): Promise<{ served: ServedServer; idp: EnterpriseIdp }> {
    const port = await freePort()
    const issuer = `http://127.0.0.1:${port}`
    const served = await server({
      clients: { static: [{ clientId: 'agent', clientSecret: secret, grantTypes: ['urn:ietf:params:oauth:grant-type:jwt-bearer'] }] },
      extensions: { identityAssertions: { trustedIssuers: [{ issuer }] } },
    })
    const idp = await serveIdp({ port, clients: { 'agent-at-idp': 'agent' }, now: () => Math.floor(Date.now() / 1000) })
    open.push(idp)
    return { served, idp }
  }

  it('gets in for an employee: the issuer’s keys are found through its metadata', async () => {
    const { served, idp } = await enterprise()
    const idToken = await idp.signIn(employee)
    const provider = new CrossAppAccessProvider({
      clientId: 'agent',
      clientSecret: secret,
      expectedIssuer: issuerOf(served),
      async assertion({ authorizationServerUrl, resourceUrl, scope, fetchFn }) {
        const { jwtAuthGrant } = await discoverAndRequestJwtAuthGrant({
          idpUrl: idp.issuer,
          audience: authorizationServerUrl,
          resource: resourceUrl,
          idToken,
          clientId: 'agent-at-idp',
          clientSecret: 'secret-at-idp',
          ...(scope !== undefined && { scope }),
          fetchFn,
        })
        return jwtAuthGrant
      },
    })
    expect(await whoami(served.mcpUrl, provider)).toEqual({
      subject: `urn:drawbridge:person:${encodeURIComponent(idp.issuer)}:U019488227`,
      claims: { iss: idp.issuer, sub: 'U019488227', email: 'ada@example.com' },
    })
    expect(served.events.map(({ type }) => type)).toEqual(['grant.opened', 'token.issued'])
  })

  it('gets in by the bare sequence of requests, by the header or in the body; and not by the same word twice', async () => {
    const { served, idp } = await enterprise()
    const resource = await fetch(new URL('/.well-known/oauth-protected-resource/mcp', served.mcpUrl)).then((answer) => answer.json())
    const [issuer] = resource.authorization_servers
    const metadata = await fetch(new URL('/.well-known/oauth-authorization-server', issuer)).then((answer) => answer.json())
    const idToken = await idp.signIn(employee)
    const { jwtAuthGrant } = await discoverAndRequestJwtAuthGrant({
      idpUrl: idp.issuer,
      audience: metadata.issuer,
      resource: resource.resource,
      idToken,
      clientId: 'agent-at-idp',
      clientSecret: 'secret-at-idp',
    })
    const exchange = { tokenEndpoint: metadata.token_endpoint, jwtAuthGrant, clientId: 'agent', clientSecret: secret }
    const tokens = await exchangeJwtAuthGrant(exchange)
    const answer = await fetch(served.mcpUrl, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${tokens.access_token}`,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }),
    })
    expect(answer.status).toBe(200)
    expect(tokens).not.toHaveProperty('refresh_token')
    await expect(exchangeJwtAuthGrant(exchange)).rejects.toThrow('invalid_grant')
    expect(metadata.authorization_grant_profiles_supported).toEqual(['urn:ietf:params:oauth:grant-profile:id-jag'])
  })
})
