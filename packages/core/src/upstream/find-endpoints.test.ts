import { describe, expect, it } from 'vitest'
import type { Event } from '../ports/events.ts'
import type { OpenId, OpenIdUpstream } from '../ports/upstream.ts'
import { fixedEnvironment } from '../testing/fixed-environment.ts'
import { endpointFinder } from './find-endpoints.ts'
import { upstreamFetch } from './upstream-fetch.ts'

const issuer = 'https://id.example.com/tenant/'
const document = {
  issuer,
  authorization_endpoint: 'https://id.example.com/authorize',
  token_endpoint: 'https://id.example.com/token',
  jwks_uri: 'https://id.example.com/keys',
}
const found = {
  authorizationEndpoint: 'https://id.example.com/authorize',
  tokenEndpoint: 'https://id.example.com/token',
  jwksUri: 'https://id.example.com/keys',
  namesItself: false,
  issuer,
}

/** A finder of an upstream whose document a test changes, with what was fetched and told. */
function open(openId: Partial<OpenId> = {}, revocation?: OpenIdUpstream['revocation']) {
  const fetched: string[] = []
  const events: Event[] = []
  const answer: { is: () => Response | Promise<Response> } = { is: () => Response.json(document) }
  const environment = fixedEnvironment({
    async fetch(url) {
      fetched.push(String(url))
      return answer.is()
    },
  })
  const upstream: OpenIdUpstream = {
    name: 'Test',
    openId: { issuer, ...openId },
    ...(revocation && { revocation }),
    clientAuthentication: 'client_secret_basic',
    defaultScopes: [],
    pkce: true,
    identify: async () => ({ subject: '1', claims: {} }),
  }
  const finder = endpointFinder(upstream, upstreamFetch(environment), { environment, emit: (event) => events.push(event) })
  return { finder, fetched, events, answer, environment }
}

const broken = () => new Response('broken', { status: 500 })

describe('where an OpenID provider is (OpenID Connect Discovery §4)', () => {
  it('is read when it is first needed, once, however many ask', async () => {
    const { finder, fetched } = open()
    expect(await Promise.all([finder.find(), finder.find(), finder.find()])).toEqual([found, found, found])
    expect(await finder.find()).toEqual(found)
    expect(fetched).toEqual(['https://id.example.com/tenant/.well-known/openid-configuration'])
  })

  it('is where the provider says, where that is somewhere else', async () => {
    const { finder, fetched } = open({ discoveryUrl: 'https://id.example.com/v2/metadata' })
    await finder.find()
    expect(fetched).toEqual(['https://id.example.com/v2/metadata'])
  })

  it('is read beforehand, so that nobody waits, and that it fails is nobody’s failure', async () => {
    const { finder, fetched, answer, environment, events } = open()
    answer.is = broken
    finder.prepare()
    await environment.drain()
    expect(events).toEqual([{ type: 'issuer.failed', issuer, reason: 'status_500' }])
    answer.is = () => Response.json(document)
    environment.advance(2)
    finder.prepare()
    await environment.drain()
    finder.prepare()
    expect(await finder.find()).toEqual(found)
    expect(fetched).toHaveLength(2)
  })

  it('is asked for again two seconds after a failure, and by nobody in between', async () => {
    const { finder, fetched, answer, environment } = open()
    answer.is = broken
    await expect(finder.find()).rejects.toMatchObject({ name: 'UpstreamUnavailable', reason: 'status_500', sent: false })
    answer.is = () => Response.json(document)
    environment.advance(1)
    await expect(finder.find()).rejects.toMatchObject({ reason: 'status_500', sent: false })
    expect(fetched).toHaveLength(1)
    environment.advance(1)
    expect(await finder.find()).toEqual(found)
  })

  it('is read again after a day, beside the requests, which go on with the old one, also while it cannot be read', async () => {
    const { finder, answer, environment, events } = open()
    await finder.find()
    environment.advance(86_401)
    answer.is = broken
    expect(await finder.find()).toEqual(found)
    await environment.drain()
    expect(events).toHaveLength(1)
    environment.advance(2)
    answer.is = () => Response.json({ ...document, token_endpoint: 'https://id.example.com/new-token' })
    expect(await finder.find()).toEqual(found)
    await environment.drain()
    expect(await finder.find()).toEqual({ ...found, tokenEndpoint: 'https://id.example.com/new-token' })
  })

  it.each<[string, object, string]>([
    ['of another issuer', { issuer: 'https://id.example.com/tenant' }, 'metadata_of_another_issuer'],
    ['that names none', { issuer: undefined }, 'metadata_of_another_issuer'],
    ['without a token endpoint', { token_endpoint: undefined }, 'metadata_without_token_endpoint'],
    ['without an authorization endpoint', { authorization_endpoint: 7 }, 'metadata_without_authorization_endpoint'],
    ['without keys', { jwks_uri: undefined }, 'metadata_without_jwks_uri'],
    ['that sends us over http', { token_endpoint: 'http://id.example.com/token' }, 'metadata_without_token_endpoint'],
    ['that sends us to this machine (T51)', { userinfo_endpoint: 'http://127.0.0.1/me' }, 'metadata_without_userinfo_endpoint'],
    ['that sends us nowhere', { revocation_endpoint: 'javascript:alert(1)' }, 'metadata_without_revocation_endpoint'],
  ])('is not taken from a document %s', async (_, part, reason) => {
    const { finder, answer } = open()
    answer.is = () => Response.json({ ...document, ...part })
    await expect(finder.find()).rejects.toMatchObject({ reason })
  })

  it('is a URL of this machine for an issuer on this machine, and no script (T51)', async () => {
    const { finder, answer } = open({ issuer: 'http://127.0.0.1:9' })
    const local = { issuer: 'http://127.0.0.1:9', token_endpoint: 'http://127.0.0.1:8/token' }
    answer.is = () => Response.json({ ...document, ...local, authorization_endpoint: 'javascript://127.0.0.1/%0aalert(1)' })
    await expect(finder.find()).rejects.toMatchObject({ reason: 'metadata_without_authorization_endpoint' })
  })

  it('says where tokens are ended, unless the provider knows better or wants none of it', async () => {
    const named = { ...document, revocation_endpoint: 'https://id.example.com/revoke' }
    const elsewhere = { endpoint: 'https://id.example.com/end' }
    for (const [revocation, expected] of [
      [undefined, { endpoint: 'https://id.example.com/revoke' }],
      [elsewhere, elsewhere],
      ['never', undefined],
    ] as const) {
      const { finder, answer } = open({}, revocation)
      answer.is = () => Response.json(named)
      expect((await finder.find()).revocation).toEqual(expected)
    }
  })

  it('is not followed by a redirect', async () => {
    const { finder, answer } = open()
    answer.is = () => Response.redirect('https://elsewhere.example/', 302)
    await expect(finder.find()).rejects.toMatchObject({ reason: 'redirect' })
  })

  it('takes an issuer for each tenant, which cannot be named beforehand', async () => {
    const { finder, answer } = open({ documentIssuer: 'https://id.example.com/{tenantid}/', issuerOf: () => undefined })
    answer.is = () => Response.json({ ...document, issuer: 'https://id.example.com/{tenantid}/' })
    const { issuer: _, ...withoutIssuer } = found
    expect(await finder.find()).toEqual(withoutIssuer)
  })
})
