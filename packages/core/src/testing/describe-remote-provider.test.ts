import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import {
  type Environment,
  IntrospectionVerifier,
  type IntrospectionVerifierOptions,
  JwtVerifier,
  type JwtVerifierOptions,
  OAuthError,
  type RemoteAuthOptions,
  RemoteAuthProvider,
  type TokenVerifier,
  type VerifierCall,
} from '../index.ts'
import type { RemoteProviderDescription } from './describe-remote-description.ts'
import { describeRemoteProvider, remoteProviderRules } from './describe-remote-provider.ts'
import { openRemoteTrial } from './describe-remote-trial.ts'

const issuer = 'https://login.example'
const endpoint = `${issuer}/introspect`
const resource = 'https://mcp.example.com/mcp'
const claims = { iss: issuer, aud: resource, sub: 'person-1', client_id: 'a-client', scope: 'read write' }
const who = { subject: 'person-1', clientId: 'a-client', scopes: ['read', 'write'] }
const metadata = { url: `${issuer}/.well-known/oauth-authorization-server`, document: { issuer, token_endpoint: `${issuer}/token` } }
const shared = { authorizationServers: [issuer], who, metadata }

const provided =
  (verifierOf: () => TokenVerifier, more: Partial<RemoteAuthOptions> = {}) =>
  (options: Omit<RemoteAuthOptions, 'authorizationServers' | 'verifier'>, environment: Environment) =>
    new RemoteAuthProvider({ authorizationServers: issuer, verifier: verifierOf(), ...options, ...more }, environment)
const byKeys = (options: Partial<JwtVerifierOptions> = {}) => new JwtVerifier({ issuer, type: 'at+jwt', ...options })
const byAsking = (options: Partial<IntrospectionVerifierOptions> = {}) =>
  new IntrospectionVerifier({ endpoint, issuer, clientId: 'us', clientSecret: 'a-secret', ...options })

const jwt: RemoteProviderDescription = {
  ...shared,
  name: 'a provider by keys that keeps the rules',
  create: provided(byKeys),
  token: { header: { typ: 'at+jwt' }, claims },
  foreign: [{ name: 'an ID token', header: { typ: 'JWT' }, claims }],
  by: {
    jwksUri: `${issuer}/keys`,
    discovery: { url: `${issuer}/.well-known/openid-configuration`, document: { issuer, jwks_uri: `${issuer}/keys` } },
  },
}
const asking: RemoteProviderDescription = {
  ...shared,
  name: 'a provider by asking that keeps the rules',
  create: provided(byAsking),
  token: { claims },
  foreign: [{ name: 'of another API', claims: { ...claims, aud: 'https://api.example.com' } }],
  by: { endpoint, authorization: `Basic ${btoa('us:a-secret')}` },
}

describeRemoteProvider(jwt)
describeRemoteProvider(asking)

/** Reads tokens, and verifies nothing. */
const reading: TokenVerifier = {
  async verify(token) {
    const { sub = '', client_id: clientId, scope } = decodeJwt<{ client_id: string; scope: string }>(token)
    return { subject: sub, clientId, scopes: scope.split(' '), claims: {} }
  },
}

/** A verifier that does something else with what a good one answers or throws. */
function changing(
  good: () => TokenVerifier,
  change: (verify: () => ReturnType<TokenVerifier['verify']>) => ReturnType<TokenVerifier['verify']>,
) {
  return () => {
    const verifier = good()
    return { verify: (token: string, call: VerifierCall) => change(() => verifier.verify(token, call)) }
  }
}

const noForTrouble = (verify: () => ReturnType<TokenVerifier['verify']>) =>
  verify().catch((cause: unknown) => {
    throw cause instanceof OAuthError ? cause : new OAuthError('invalid_token', 'No.', { reason: 'token_refused' })
  })
const andAWord = (word: string) => (verify: () => ReturnType<TokenVerifier['verify']>) =>
  verify().then((verified) => verified && { ...verified, scopes: [word] })

const broken: readonly (readonly [what: string, rule: string, description: RemoteProviderDescription, verifierOf: () => TokenVerifier])[] =
  [
    ['takes any audience', 'refuses a token for another MCP server', jwt, () => byKeys({ dangerouslyAcceptAnyAudience: true })],
    ['takes a token for nobody', 'refuses a token for nobody', jwt, () => byKeys({ dangerouslyAcceptAnyAudience: true })],
    ['takes ID tokens', 'refuses a token that is an ID token', jwt, () => new JwtVerifier({ issuer })],
    ['verifies nothing', 'refuses a token that another key signed under the same kid', jwt, () => reading],
    [
      'takes unsigned tokens',
      'refuses a token that nobody signed, and one that is signed by the public key as if it were a secret',
      jwt,
      () => reading,
    ],
    ['knows no age', 'refuses a token that is over', jwt, () => reading],
    ['does not look who issued it', 'refuses a token of another issuer', jwt, () => reading],
    ['does not look at crit', 'refuses a token with an extension that is critical', jwt, () => reading],
    ['does not look at bindings', 'refuses a token that is bound to a key', jwt, () => reading],
    ['takes trouble for a no', 'answers 503 while its issuer’s keys are status 500', jwt, changing(byKeys, noForTrouble)],
    ['takes silence for a no', 'answers 503 while its issuer’s keys are nothing', jwt, changing(byKeys, noForTrouble)],
    ['never sees new keys', 'finds a new key of its issuer, and refuses one that is not there', jwt, () => reading],
    ['reads keys elsewhere', 'lets a good token pass, and says who calls', jwt, () => byKeys({ jwksUri: `${issuer}/other-keys` })],
    ['makes scopes up', 'refuses a good token without a scope that is needed', jwt, changing(byKeys, andAWord('nobody:has-it'))],
    [
      'takes tokens for others when asked',
      'refuses a token for another MCP server',
      asking,
      () => byAsking({ dangerouslyAcceptAnyAudience: true }),
    ],
    [
      'takes another API’s tokens',
      'refuses a token that is of another API',
      asking,
      () => byAsking({ dangerouslyAcceptAnyAudience: true }),
    ],
    [
      'takes its own refusal for a no',
      'answers 503 while its issuer refuses our own credentials with status_401, and alarms the operator',
      asking,
      changing(byAsking, noForTrouble),
    ],
    ['takes an outage for a no', 'answers 503 while its issuer answers with status 500', asking, changing(byAsking, noForTrouble)],
    [
      'authenticates otherwise',
      'lets a good token pass, and says who calls',
      asking,
      () => byAsking({ authentication: 'client_secret_post' }),
    ],
  ]

describe('the rules catch a provider that', () => {
  const tryRule = async (description: RemoteProviderDescription, name: string, create = description.create) => {
    const found = remoteProviderRules(description).find(({ rule }) => rule === name)
    if (!found) throw new Error(`There is no such rule: ${name}`)
    await found.holds((options) => openRemoteTrial({ ...description, create }, options))
  }

  it.each(broken)('%s', async (_, rule, description, verifierOf) => {
    await expect(tryRule(description, rule)).resolves.toBeUndefined()
    await expect(tryRule(description, rule, provided(verifierOf))).rejects.toThrow(/expected|Invalid/)
  })

  it('names another server, or forwards what nobody asked for', async () => {
    const names = provided(byKeys, { authorizationServers: 'https://elsewhere.example' })
    await expect(tryRule(jwt, 'says where to log in, and challenges who does not', names)).rejects.toThrow(/expected/)
    const forwards = provided(byKeys, { forwardMetadata: true })
    await expect(tryRule(jwt, 'forwards the metadata of its issuer when asked to, and not otherwise', forwards)).rejects.toThrow(/expected/)
  })
})
