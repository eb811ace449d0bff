import { createHash, generateKeyPairSync } from 'node:crypto'
import { decodeJwt, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Environment, OAuthProxy, type OpenIdUpstream, type UpstreamCall, UpstreamRefused, UpstreamUnavailable } from '../index.ts'
import { describeProvider, providerRules, tryRule } from './describe-provider.ts'
import type { ProviderDescription } from './describe-provider-description.ts'
import type { ProviderRule } from './describe-provider-rule.ts'
import { fakeUpstream } from './fake-upstream.ts'

const issuer = 'https://id.example'
const document = {
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  userinfo_endpoint: `${issuer}/userinfo`,
  jwks_uri: `${issuer}/keys`,
  authorization_response_iss_parameter_supported: true,
}

const good: OpenIdUpstream = {
  name: 'The OpenID provider',
  openId: { issuer },
  clientAuthentication: 'client_secret_post',
  defaultScopes: ['openid'],
  pkce: true,
  async identify(call) {
    const subject = await askWho(call)
    if (call.login && call.login.idToken?.sub !== subject) throw new UpstreamRefused('userinfo_of_another_person')
    return { subject, claims: {} }
  },
}

async function askWho({ endpoints, getJson }: UpstreamCall): Promise<string> {
  const { sub } = (await getJson(endpoints.userinfoEndpoint ?? '')) as { sub?: unknown }
  if (typeof sub !== 'string' || sub === '') throw new UpstreamUnavailable('identity_without_subject')
  return sub
}

const openId: ProviderDescription = {
  name: 'an OpenID provider that keeps the rules',
  create: (options, environment) => new OAuthProxy(options, good, environment),
  authorizationUrl: `${issuer}/authorize?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&scope=openid&nonce={nonce}&code_challenge={challenge}&code_challenge_method=S256`,
  defaultScopes: ['openid'],
  issuer,
  openId: { discoveryUrl: `${issuer}/.well-known/openid-configuration`, document, idToken: { sub: 'jane' } },
  exchange: {
    request: {
      method: 'POST',
      url: document.token_endpoint,
      headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
      form: {
        client_id: 'upstream-client',
        client_secret: 's3cret /+&%',
        grant_type: 'authorization_code',
        code: 'upstream-code',
        code_verifier: '{verifier}',
        redirect_uri: 'https://mcp.example.com/auth/callback',
      },
    },
    answer: { access_token: 'first-access-token', token_type: 'Bearer' },
    tokens: { accessToken: 'first-access-token', scopes: ['openid'] },
  },
  identity: {
    request: {
      method: 'GET',
      url: document.userinfo_endpoint,
      headers: { accept: 'application/json', authorization: 'Bearer first-access-token' },
    },
    answer: { sub: 'jane' },
    identity: { subject: 'jane', claims: {} },
    idMember: 'sub',
  },
  errors: [{ status: 400, answer: { error: 'invalid_grant' }, means: 'refused' }],
}

describeProvider(openId)

/** Who does not look at a claim is one to whom it is always right: claims as such a provider sees them. */
type Blind = (claims: Record<string, unknown>, asked: { readonly nonce: string; readonly now: number }) => Record<string, unknown>

/** A network behind which ID tokens are good where a provider does not look: they are mended, signed again, and by a key that is in the set. */
function blindTo(mend: Blind): (environment: Environment) => Environment {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const keys = [{ ...publicKey.export({ format: 'jwk' }), kid: 'ours' }]
  return changing(async (url, response, { body }, environment) => {
    if (url === document.jwks_uri && response.ok) return Response.json({ keys })
    if (url !== document.token_endpoint || !response.ok) return response
    const answer = (await response.json()) as Record<string, unknown>
    const verifier = new URLSearchParams(String(body)).get('code_verifier') ?? ''
    const nonce = createHash('sha256').update(`nonce:${verifier}`).digest('base64url')
    const now = environment.now()
    const said =
      typeof answer.id_token === 'string' ? decodeJwt(answer.id_token) : { iss: issuer, aud: 'upstream-client', sub: 'jane', nonce }
    const claims = { iat: now, exp: now + 60, ...mend({ ...said }, { nonce, now }) }
    const signed = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'ours' }).sign(privateKey)
    return Response.json({ ...answer, id_token: signed })
  })
}

/** A network that changes what comes back. */
function changing(
  change: (url: string, response: Response, init: RequestInit, environment: Environment) => Response | Promise<Response>,
): (environment: Environment) => Environment {
  return (environment) => ({
    ...environment,
    fetch: async (url, init = {}) => change(String(url), await environment.fetch(url, init), init, environment),
  })
}

/** A network in which nothing that was read at `url` changes any more. */
function readingOnce(url: string): (environment: Environment) => Environment {
  return (environment) => {
    let first: { readonly body: string; readonly status: number } | undefined
    return changing(async (asked, response) => {
      if (asked !== url) return response
      first ??= { body: await response.text(), status: response.status }
      return new Response(first.body, { status: first.status })
    })(environment)
  }
}

function withDocument(change: (document: Record<string, unknown>) => Record<string, unknown>): (environment: Environment) => Environment {
  return changing(async (url, response) =>
    url.endsWith('/openid-configuration') && response.ok
      ? Response.json(change((await response.json()) as Record<string, unknown>))
      : response,
  )
}

const seeing: Blind = (claims) => claims

/** Providers that break a rule, each with those that have to notice. */
const broken: readonly (readonly [
  what: string,
  rules: readonly string[],
  network: (environment: Environment) => Environment,
  upstream?: OpenIdUpstream,
])[] = [
  [
    'takes any signature',
    [
      'refuses an ID token that a stranger signed (T69)',
      'refuses an ID token that nobody signed (T69)',
      'refuses an ID token that our secret signed (T69)',
    ],
    blindTo(seeing),
  ],
  ['does without an ID token', ['refuses an ID token that is not there (T69)'], blindTo(seeing)],
  [
    'looks at no nonce',
    ['refuses an ID token of another login (T69)', 'refuses an ID token without a nonce (T69)'],
    blindTo((claims, { nonce }) => ({ ...claims, nonce })),
  ],
  ['looks at no issuer', ['refuses an ID token of another issuer (T69)'], blindTo((claims) => ({ ...claims, iss: issuer }))],
  [
    'looks at no audience',
    ['refuses an ID token for another app (T69)', 'refuses an ID token for several apps that does not say who asked (T69)'],
    blindTo((claims) => ({ ...claims, aud: 'upstream-client' })),
  ],
  ['looks at no authorized party', ['refuses an ID token that another app asked for (T69)'], blindTo(({ azp: _, ...claims }) => claims)],
  [
    'looks at no hash of the access token',
    ['refuses an ID token beside another access token (T69)'],
    blindTo(({ at_hash: _, ...claims }) => claims),
  ],
  [
    'looks at no age',
    ['refuses an ID token that ended a minute ago (T69)', 'refuses an ID token without an end (T69)'],
    blindTo((claims, { now }) => ({ ...claims, exp: now + 60 })),
  ],
  [
    'allows for no difference of clocks',
    ['accepts an ID token that ended 20 seconds ago'],
    blindTo((claims) => ({ ...claims, exp: Number(claims.exp) - 30 })),
  ],
  [
    'allows for no upstream whose clock is ahead',
    ['accepts an ID token from 20 seconds ahead'],
    blindTo((claims) => ({ ...claims, ...(claims.nbf !== undefined && { nbf: Number(claims.nbf) + 30 }) })),
  ],
  [
    'takes no list for an audience',
    ['accepts an ID token for several apps that we asked for'],
    blindTo((claims) => ({ ...claims, aud: String(claims.aud) })),
  ],
  [
    'never reads keys again',
    [
      'reads the keys again when the upstream signs with a new one',
      'ends a login without a grant while the keys cannot be read, and takes the next one',
    ],
    readingOnce(document.jwks_uri),
  ],
  [
    'never reads a document again that it could not read',
    ['starts although the upstream is down, asks people to try again, and goes on when it is back'],
    readingOnce(`${issuer}/.well-known/openid-configuration`),
  ],
  ['takes any document', ['does not take the document of another issuer (T51)'], withDocument((said) => ({ ...said, issuer }))],
  [
    'does not know that its upstream names itself',
    ['refuses an answer that does not say from which upstream it is, since this one does, and calls nobody (T11)'],
    withDocument(({ authorization_response_iss_parameter_supported: _, ...said }) => said),
  ],
  [
    'takes what is said of another person',
    ['refuses what userinfo says of another person than the ID token'],
    (environment) => environment,
    { ...good, identify: async (call) => ({ subject: await askWho(call), claims: {} }) },
  ],
]

describe('the rules catch an OpenID provider that', () => {
  const fake = fakeUpstream()
  beforeAll(() => fake.open())
  afterAll(() => fake.close())

  const cases = broken.flatMap(([what, names, network, upstream = good]) => names.map((name) => ({ what, name, network, upstream })))
  it.each(cases)('$what: $name', async ({ name, network, upstream }) => {
    const rule = find(name)
    const create: ProviderDescription['create'] = (options, environment) =>
      new OAuthProxy(options, upstream, environment && network(environment))
    await expect(tryRule(rule, { ...openId, create }, fake)).rejects.toThrow()
    await expect(tryRule(rule, openId, fake)).resolves.toBeUndefined()
    // What it breaks is that rule, and not everything.
    await expect(tryRule(find('accepts an answer from its upstream'), { ...openId, create }, fake)).resolves.toBeUndefined()
  })
})

function find(name: string): ProviderRule {
  const rule = providerRules(openId).find((candidate) => candidate.rule === name)
  if (!rule) throw new Error(`There is no such rule: ${name}`)
  return rule
}
