import type { Store } from '@drawbridge/core'
import { describe, expect, it } from 'vitest'
import { createSigner, sign } from '../support/assertions.ts'
import { type House, type HouseOptions, openHouse, redirectUri } from '../support/house.ts'
import { expectUnavailable, soon } from '../support/read-json.ts'
import { comeToCallback } from '../support/tab.ts'
import { type Around, wrappedStore } from '../support/wrapped-store.ts'

/** Something that is asked and never answers. */
function silent() {
  const asked: unknown[] = []
  return { asked, never: (what?: unknown): Promise<never> => new Promise(() => asked.push(what)) }
}

/** Turns the event loop until `done`, with the clock standing. */
async function until(house: House, done: () => boolean): Promise<void> {
  for (let turns = 0; turns < 100_000 && !done(); turns += 1) await house.environment.sleep(0)
}

/** An answer that is not there `longest` seconds after it has `begun` to be waited for, and is there a second later. */
async function answerAfter<Answer>(house: House, longest: number, asking: Promise<Answer>, begun: () => boolean): Promise<Answer> {
  let answer: { readonly is: Answer } | undefined
  void asking.then((is) => {
    answer = { is }
  })
  await until(house, begun)
  house.environment.advance(longest)
  for (let turns = 0; turns < 50; turns += 1) await house.environment.sleep(0)
  expect(answer).toBeUndefined()
  house.environment.advance(1)
  await until(house, () => answer !== undefined)
  if (!answer) throw new Error('no answer')
  return answer.is
}

/** A store that can stop answering, against its contract, and go on. */
function hangingStore(inner: Store) {
  let gate: Promise<void> | undefined
  let open = (): void => {}
  const hanging: string[] = []
  const around: Around = async ({ key }, run) => {
    if (gate) hanging.push(key)
    await gate
    return run()
  }
  return {
    ...wrappedStore(inner, around),
    /** Whether a call is not answered, since this was asked last. */
    isAsked: (): boolean => hanging.splice(0).length > 0,
    hang(): void {
      gate = new Promise((resolve) => {
        open = resolve
      })
    },
    goOn(): void {
      gate = undefined
      open()
    },
  }
}

function openHanging(options: HouseOptions = {}) {
  const world = openHouse(options)
  const store = hangingStore(world.store)
  return { store, house: openHouse({ beside: world, clientStorage: store, ...options }) }
}

describe('a store that never answers, against its contract (I9, REL-R7)', () => {
  it('is 503 at every endpoint in the end, and the metadata is there', async () => {
    const { house, store } = openHanging({ extensions: { pushedRequests: 'allowed', deviceGrant: true } })
    const { clientId, tokens } = await house.login()
    const { tab, callback } = await comeToCallback(house)
    const page = await tab.open(house.authorizeUrl(clientId))
    await house.environment.drain()
    store.hang()
    const json = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ redirect_uris: [redirectUri] }) }
    const programs: readonly [number, () => Promise<Response>][] = [
      [10, () => house.call('/register', json)],
      [40, () => house.redeem(clientId, 'db_ac_019b796d-d600-7000-8000-000000000000.x')],
      [40, () => house.refresh(clientId, tokens.refresh_token)],
      [40, () => house.post('/revoke', { client_id: clientId, token: tokens.refresh_token })],
      [40, () => house.post('/par', { client_id: clientId, redirect_uri: redirectUri })],
      [40, () => house.post('/device_authorization', { client_id: clientId })],
    ]
    for (const [longest, ask] of programs) await expectUnavailable(await answerAfter(house, longest, ask(), store.isAsked))
    const people: readonly [number, () => ReturnType<typeof tab.open>][] = [
      [40, () => tab.open(house.authorizeUrl(clientId))],
      [40, () => tab.open(callback)],
      [10, () => tab.decide(page, 'approve')],
    ]
    for (const [longest, ask] of people) {
      const { status, headers, text, location } = await answerAfter(house, longest, ask(), store.isAsked)
      expect([status, headers.get('retry-after'), location]).toEqual([503, expect.stringMatching(soon), ''])
      expect(text).toContain('Try again')
    }
    expect((await house.call('/.well-known/oauth-authorization-server')).status).toBe(200)
    expect(new Set(house.events.flatMap((event) => (event.type === 'request.failed' ? [event.errorName] : [])))).toEqual(
      new Set(['TookTooLong']),
    )
    store.goOn()
    await house.environment.drain()
  })

  it('is 503 without a challenge at the gate', async () => {
    const { house, store } = openHanging()
    const { tokens } = await house.login()
    await house.environment.drain()
    store.hang()
    const request = new Request('http://localhost:8000/mcp', { headers: { authorization: `Bearer ${tokens.access_token}` } })
    const answer = await answerAfter(house, 10, house.auth.authenticate(request), store.isAsked)
    if (!(answer instanceof Response)) throw new Error('it passed')
    await expectUnavailable(answer)
    expect(house.events.at(-1)).toMatchObject({ type: 'request.failed', endpoint: 'gate', errorName: 'TookTooLong' })
    store.goOn()
    await house.environment.drain()
  })

  it('does not tear what was begun: the callback that was given up is done beside, and trying again has its answer', async () => {
    const { house, store } = openHanging()
    const { tab, clientId, callback } = await comeToCallback(house)
    await house.environment.drain()
    store.hang()
    expect((await answerAfter(house, 40, tab.open(callback), store.isAsked)).status).toBe(503)
    store.goOn()
    await house.environment.drain()
    const again = await tab.open(callback)
    expect([again.status, house.github.calls('token')]).toEqual([303, 1])
    expect((await house.redeem(clientId, new URL(again.location).searchParams.get('code') ?? '')).status).toBe(200)
  })
})

describe('a function of the operator’s that never answers (I9)', () => {
  it('rateLimit stops nobody, after a second', async () => {
    const { asked, never } = silent()
    const house = openHouse({ limits: { rateLimit: never } })
    const registration = new Request(`${house.baseUrl}/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: [redirectUri] }),
    })
    const answer = await answerAfter(house, 1, house.auth.fetch(registration, { address: '192.0.2.1' }), () => asked.length > 0)
    expect(answer?.status).toBe(201)
  })

  it('authorizeUser ends the login after ten seconds: the client is told that it may pass, and nothing is granted', async () => {
    const { asked, never } = silent()
    const house = openHouse({ upstream: { authorizeUser: never } })
    const { tab, clientId, callback } = await comeToCallback(house)
    const answer = await answerAfter(house, 10, tab.open(callback), () => asked.length > 0)
    expect([answer.status, new URL(answer.location).searchParams.get('error')]).toEqual([303, 'temporarily_unavailable'])
    expect(house.events.at(-1)).toMatchObject({ type: 'callback.refused', clientId, reason: 'authorize_user_deadline' })
    await house.environment.drain()
    expect(house.github.calls('revocation')).toBe(1)
    expect(await house.auth.revoke({ subject: '583231' })).toBe(0)
  })

  it('identify, of a provider, ends the login after ten seconds', async () => {
    const { asked, never } = silent()
    const house = openHouse({ identify: never })
    const { tab, callback } = await comeToCallback(house)
    const answer = await answerAfter(house, 10, tab.open(callback), () => asked.length > 0)
    expect([answer.status, new URL(answer.location).searchParams.get('error')]).toEqual([303, 'temporarily_unavailable'])
    expect(house.events.at(-1)).toMatchObject({ type: 'callback.refused', reason: 'deadline' })
  })

  it.each([
    ['authorizeUser', 'authorize_user_deadline'],
    ['subject', 'subject_deadline'],
  ])('%s is 503 after ten seconds where an enterprise vouches for somebody, and the assertion is not used up', async (hook, reason) => {
    const [issuer, signer] = ['https://idp.example.com', createSigner('RS256', 'idp-key')]
    const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
    const secret = 'a-secret-of-a-client-01'
    const { asked, never } = silent()
    const enterprise = (of: string, beside?: House): House =>
      openHouse({
        clients: { static: [{ clientId: 'agent', clientSecret: secret, grantTypes: [grantType] }] },
        extensions: {
          identityAssertions: {
            trustedIssuers: [{ issuer, jwks: { keys: [signer.jwk] } }],
            ...(of === 'subject' && { subject: never }),
          },
        },
        ...(of === 'authorizeUser' && { upstream: { authorizeUser: never } }),
        ...(beside && { beside }),
      })
    const house = enterprise(hook)
    const now = house.environment.now()
    const claims = { iss: issuer, sub: 'U1', aud: 'http://localhost:8000', client_id: 'agent', resource: 'http://localhost:8000/mcp' }
    const assertion = await sign(signer, { ...claims, scope: 'user', jti: 'one', iat: now, exp: now + 300 }, { typ: 'oauth-id-jag+jwt' })
    const headers = { authorization: `Basic ${Buffer.from(`agent:${secret}`).toString('base64')}` }
    const ask = (at: House): Promise<Response> => at.post('/token', { grant_type: grantType, assertion }, headers)
    await expectUnavailable(await answerAfter(house, 10, ask(house), () => asked.length > 0))
    expect(house.events.at(-1)).toMatchObject({ type: 'request.refused', endpoint: 'token', error: 'temporarily_unavailable', reason })
    expect((await ask(enterprise('none', house))).status).toBe(200)
  })
})

it('a refresh behind a host that is gone, at an upstream that hangs, ends after the lease and the upstream’s ten seconds (I9, REL-R20)', async () => {
  const world = openHouse({ mode: 'github-app' })
  const { clientId, tokens } = await world.login()
  world.environment.advance(8 * 3600 - 240)
  world.github.misbehave({ token: 'hang' })
  const gone = openHouse({ beside: world })
  // The host that took the lease: it hears nothing of the upstream, not even its own deadline.
  const { deadline } = world.environment
  Object.assign(world.environment, { deadline: () => new AbortController().signal })
  void gone.refresh(clientId, tokens.refresh_token)
  await until(world, () => world.github.calls('token') === 2)
  Object.assign(world.environment, { deadline })
  expect(world.github.calls('token')).toBe(2)
  let status = 0
  const refreshing = world.refresh(clientId, tokens.refresh_token).then((answer) => {
    status = answer.status
  })
  for (let turns = 0; turns < 200; turns += 1) await world.environment.sleep(0)
  expect(world.github.calls('token')).toBe(2)
  world.environment.advance(15)
  await until(world, () => world.github.calls('token') === 3)
  expect([status, world.github.calls('token')]).toEqual([0, 3])
  world.environment.advance(10)
  await refreshing
  expect(status).toBe(503)
  world.github.misbehave({})
  expect((await world.refresh(clientId, tokens.refresh_token)).status).toBe(200)
})
