import { generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import Provider, { type JWK } from 'oidc-provider'
import type { OpenIdOrder, OpenIdPlan, OpenIdReport } from './openid-server.ts'

// An OpenID provider as its own process: oidc-provider, with its own pages for signing in. Its clock is ahead or behind as the plan has it, and its keys change
// when it is told so.

const plan: OpenIdPlan = JSON.parse(process.env.OPENID_PLAN ?? '{}')
const real = Date.now
Date.now = () => real() + plan.ahead * 1000

function newKey(kid: string): JWK {
  const jwk: JsonWebKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })
  return { ...jwk, kid, alg: 'RS256', use: 'sig', kty: 'RSA' } as JWK
}

let generation = 1
const keys = [newKey('key-1')]

function listen(): RequestListener {
  const provider = new Provider(plan.issuer, {
    clients: [
      {
        client_id: plan.clientId,
        redirect_uris: [...plan.redirectUris],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        ...(plan.publicJwk
          ? { token_endpoint_auth_method: 'private_key_jwt' as const, jwks: { keys: [plan.publicJwk as JWK] } }
          : { token_endpoint_auth_method: plan.clientAuthentication, client_secret: plan.clientSecret }),
      },
    ],
    jwks: { keys: [...keys] },
    cookies: { keys: ['cookies-of-a-test'] },
    scopes: ['openid', 'offline_access', 'profile', 'email', ...plan.scopes],
    conformIdTokenClaims: false,
    claims: { openid: ['sub', ...Object.keys(plan.claims)], profile: ['name'], email: ['email', 'email_verified'] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ ...plan.claims, sub: id, name: `Person ${id}`, email: `${id}@example.com`, email_verified: true }),
    }),
    features: { revocation: { enabled: true }, introspection: { enabled: true } },
    issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    pkce: { required: () => true },
    ttl: {
      AccessToken: 60,
      AuthorizationCode: 60,
      IdToken: plan.idTokenLife,
      RefreshToken: 3600,
      Grant: 3600,
      Session: 3600,
      Interaction: 600,
    },
  })
  // It is reached as what it calls itself, which is where its URLs lead.
  provider.proxy = true
  return provider.callback()
}

let handle = listen()
const mount = new URL(plan.issuer).pathname.replace(/\/$/, '')
const server = createServer((request, answer) => {
  // Below a path it looks for where it is mounted in what it was asked for first.
  const { url = '' } = request
  if (mount !== '') Object.assign(request, { originalUrl: url, url: url.slice(mount.length) })
  handle(request, answer)
})
const report = (message: OpenIdReport): void => void process.send?.(message)

process.on('message', (order: OpenIdOrder) => {
  if (order.is === 'rotate') {
    generation += 1
    keys.unshift(newKey(`key-${generation}`))
    // The old one stays in the document until its tokens have ended, as in any rotation that is announced; or it goes at once.
    if (order.withdraw) keys.length = 1
    handle = listen()
  }
  report({ is: 'done' })
})
process.on('disconnect', () => process.exit(0))
server.listen(plan.port, '127.0.0.1', () => report({ is: 'ready' }))
