import { ConfigurationError, IntrospectionVerifier, type IntrospectionVerifierOptions } from '@drawbridge/core'
import { describe, expect, it } from 'vitest'
import { expectUnavailable, readJson } from '../support/read-json.ts'
import { type HouseOptions, issuer, now, openRemote, type RemoteHouse, refusals, resource } from './issuer.ts'

// What `IntrospectionVerifier` lets pass, at the gate of a resource server.

const endpoint = `${issuer}/introspect`
const credentials = { endpoint, clientId: 'the server', clientSecret: 's3cret /+&%' }
const token = 'opaque-4711'
const active = { active: true, sub: 'person-1', client_id: 'a-client', scope: 'read write', aud: resource, exp: now + 600, iss: issuer }

interface Asked extends RemoteHouse {
  /** The requests to the endpoint. */
  readonly asked: RequestInit[]
  /** From now on it answers this. */
  answer(with_: object | (() => Response | Promise<Response>)): void
}

function openAsked(options: Partial<IntrospectionVerifierOptions> = {}, remote: HouseOptions = {}): Asked {
  const house = openRemote({ verifier: new IntrospectionVerifier({ ...credentials, ...options }), ...remote })
  const asked: RequestInit[] = []
  const answer: Asked['answer'] = (with_) => {
    house.answers[endpoint] = (_, init) => {
      asked.push(init)
      return typeof with_ === 'function' ? with_() : Response.json(with_)
    }
  }
  answer(active)
  return { ...house, asked, answer }
}

async function expectRefused(house: Asked, reason: string): Promise<void> {
  expect(await readJson(await house.knock(token))).toMatchObject({ status: 401, body: { error: 'invalid_token' } })
  expect(refusals(house).at(-1)).toBe(reason)
}

async function expectPassed(house: Asked): Promise<void> {
  expect(await readJson(await house.knock(token))).toEqual({ status: 200, body: { passed: 'person-1' } })
}

describe('a token that is active', () => {
  it('passes, and says who calls, for whom, and for how long (R36, R37)', async () => {
    const house = openAsked()
    const { active: _, ...claims } = active
    expect(await house.auth.authenticate(new Request(resource, { headers: { authorization: `Bearer ${token}` } }))).toEqual({
      token,
      clientId: 'a-client',
      scopes: ['read', 'write'],
      expiresAt: now + 600,
      resource: new URL(resource),
      resourceMetadataUrl: 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp',
      extra: { subject: 'person-1', identity: { subject: 'person-1', claims }, issuer, requestId: expect.any(String) },
    })
  })

  it('was asked about with our credentials in the header, encoded (RFC 6749 §2.3.1)', async () => {
    const house = openAsked()
    await expectPassed(house)
    const [request] = house.asked
    expect(request).toMatchObject({ method: 'POST', redirect: 'manual', body: 'token=opaque-4711&token_type_hint=access_token' })
    expect(new Headers(request?.headers).get('authorization')).toBe(`Basic ${btoa('the+server:s3cret+%2F%2B%26%25')}`)
  })

  it('or in the form', async () => {
    const house = openAsked({ authentication: 'client_secret_post' })
    await expectPassed(house)
    const [request] = house.asked
    expect(new Headers(request?.headers).get('authorization')).toBeNull()
    expect(Object.fromEntries(new URLSearchParams(String(request?.body)))).toEqual({
      token,
      token_type_hint: 'access_token',
      client_id: 'the server',
      client_secret: 's3cret /+&%',
    })
  })

  it('has an end a minute ahead where nobody says when it ends, and an issuer by its endpoint where nobody says who', async () => {
    const house = openAsked()
    house.answer({ ...active, exp: undefined, iss: undefined })
    const info = await house.auth.verifyAccessToken(token)
    expect([info.expiresAt, info.extra.issuer]).toEqual([now + 60, issuer])
  })

  it('is asked about each time', async () => {
    const house = openAsked()
    await expectPassed(house)
    house.answer({ active: false })
    await expectRefused(house, 'token_not_ours')
    expect(house.asked).toHaveLength(2)
  })

  it('is not asked about again for as long as that was allowed, and no longer than it is good', async () => {
    const house = openAsked({ cacheFor: 60 })
    house.answer({ ...active, exp: now + 20 })
    await expectPassed(house)
    house.answer({ active: false })
    house.environment.advance(49)
    await expectPassed(house)
    expect(house.asked).toHaveLength(1)
    house.environment.advance(1)
    await expectRefused(house, 'token_expired')
    house.environment.advance(10)
    await expectRefused(house, 'token_not_ours')
    expect(house.asked).toHaveLength(2)
  })

  it('is not taken for inactive because it was that before', async () => {
    const house = openAsked({ cacheFor: 60 })
    house.answer({ active: false })
    await expectRefused(house, 'token_not_ours')
    house.answer(active)
    await expectPassed(house)
  })
})

describe('a token that is not good', () => {
  it.each([
    ['for another MCP server (R37, T60)', { aud: 'https://other.example.com/mcp' }, 'token_for_another_resource'],
    ['for the client itself (T69)', { aud: 'a-client' }, 'token_for_another_resource'],
    ['for nobody', { aud: undefined }, 'token_for_another_resource'],
    ['over, whatever its issuer says', { exp: now - 30 }, 'token_expired'],
    ['not good yet', { nbf: now + 31 }, 'token_from_the_future'],
    ['without a subject', { sub: undefined }, 'token_without_subject'],
    ['without a client', { client_id: undefined }, 'token_without_client'],
    ['bound to a key, which was not proven', { cnf: { jkt: 'abc' }, token_type: 'DPoP' }, 'token_without_proof'],
    ['of another issuer', { iss: 'https://evil.example' }, 'token_of_another_issuer'],
  ])('is refused: %s', async (_, changes, reason) => {
    const house = openAsked({ issuer })
    house.answer({ ...active, ...changes })
    await expectRefused(house, reason)
  })
})

describe('an endpoint in trouble is 503 and never 401 (I6)', () => {
  it.each([
    ['status 500', () => new Response('oops', { status: 500 }), 'status_500'],
    ['status 503', () => Response.json({}, { status: 503 }), 'status_503'],
    ['status 429', () => Response.json({}, { status: 429 }), 'status_429'],
    ['status 404', () => Response.json({}, { status: 404 }), 'status_404'],
    ['status 400', () => Response.json({ error: 'invalid_request' }, { status: 400 }), 'status_400'],
    ['a page', () => new Response('<html>'), 'not_json'],
    ['a list', () => Response.json([]), 'not_an_object'],
    ['nothing of whether it is active', () => Response.json({ sub: 'person-1' }), 'answer_not_usable'],
    ['"true" for a text', () => Response.json({ ...active, active: 'true' }), 'answer_not_usable'],
    ['an end that is no number', () => Response.json({ ...active, exp: 'soon' }), 'answer_not_usable'],
    ['too much', () => Response.json({ ...active, more: 'x'.repeat(300_000) }), 'answer_too_long'],
    ['a redirect', () => Response.redirect('https://evil.example'), 'redirect'],
    ['a broken connection', () => Response.error(), 'unreachable'],
  ])('%s', async (_, answer, reason) => {
    const house = openAsked()
    house.answer(answer)
    await expectUnavailable(await house.knock(token))
    expect(house.events.find(({ type }) => type === 'upstream.failed')).toMatchObject({ operation: 'gate', reason })
    expect(JSON.stringify(house.events)).not.toContain(token)
  })

  it('no answer, after 10 s', async () => {
    const house = openAsked()
    house.answer(() => {
      house.environment.advance(10)
      return new Promise<Response>(() => {})
    })
    await expectUnavailable(await house.knock(token))
    expect(house.events).toEqual([expect.objectContaining({ type: 'upstream.failed', operation: 'gate', reason: 'deadline' })])
  })

  it.each([
    ['status 401', () => new Response(null, { status: 401 }), 'status_401'],
    ['invalid_client', () => Response.json({ error: 'invalid_client' }, { status: 400 }), 'invalid_client'],
    ['unauthorized_client', () => Response.json({ error: 'unauthorized_client' }, { status: 403 }), 'unauthorized_client'],
  ])('that refuses our own credentials, an alarm that is told once: %s', async (_, answer, reason) => {
    const house = openAsked()
    house.answer(answer)
    for (let call = 0; call < 3; call += 1) await expectUnavailable(await house.knock(token))
    expect(house.events.filter(({ type }) => type === 'upstream.client_refused')).toMatchObject([{ reason }])
    house.environment.advance(6)
    house.answer(active)
    await expectPassed(house)
  })
})

describe('an IntrospectionVerifier, when it is made', () => {
  it.each<[string, object, string]>([
    ['http', { endpoint: 'http://login.example.com/introspect' }, 'endpoint is not an https URL (http is accepted on loopback only)'],
    ['no id', { clientId: '' }, 'clientId is missing: an introspection endpoint answers nobody it does not know'],
    ['no secret', { clientSecret: '' }, 'clientSecret is missing'],
    ['a method that it has not', { authentication: 'none' }, "authentication is neither 'client_secret_basic' nor 'client_secret_post'"],
    ['half a second', { cacheFor: 0.5 }, 'cacheFor is not a whole number of seconds that can be used'],
    [
      'an audience, and any',
      { audience: 'a', dangerouslyAcceptAnyAudience: true },
      'audience and dangerouslyAcceptAnyAudience contradict each other',
    ],
  ])('refuses %s', (_, options, problem) => {
    expect(() => new IntrospectionVerifier({ ...credentials, ...options })).toThrow(
      new ConfigurationError([`IntrospectionVerifier: ${problem}`]),
    )
  })
})
