import { describe, expect, it } from 'vitest'
import { failingStore } from '../support/failing-store.ts'
import { openHouse } from '../support/house.ts'
import { detour } from '../support/upstream-detour.ts'

const hour = 3600
const minute = 60
const due = 8 * hour - 4 * minute
const user = 'http://127.0.0.1:9999/api/v3/user'

/** A house, and what a tool is given after a login. */
async function login(mode: 'oauth-app' | 'github-app' = 'oauth-app') {
  const house = openHouse({ mode, lifetimes: { accessToken: 90 * 24 * hour } })
  const { clientId, tokens } = await house.login()
  return { house, clientId, tokens, authInfo: await house.auth.verifyAccessToken(tokens.access_token) }
}

describe('auth.upstream', () => {
  it('knows the person by the claims that the operator picked too, and keeps nothing more of what was said', async () => {
    const house = openHouse({ upstream: { claims: { number: 'id', nothing: 'constructor' } } })
    const { tokens } = await house.login()
    const { identity } = await house.auth.upstream(await house.auth.verifyAccessToken(tokens.access_token))
    expect(Object.keys(identity)).toEqual(['subject', 'claims'])
    expect(Object.keys(identity.claims).sort()).toEqual(['avatar_url', 'email', 'html_url', 'login', 'name', 'number'])
    expect(identity.claims.number).toBe(583_231)
  })

  it('is the upstream in the name of the person: token, scopes and identity', async () => {
    const { house, authInfo } = await login()
    const handle = await house.auth.upstream(authInfo)
    expect(handle).toEqual({
      accessToken: expect.stringMatching(/^gho_[0-9a-f]{36}$/),
      scopes: expect.arrayContaining(['user']),
      exchange: expect.any(Function),
      identity: {
        subject: '583231',
        claims: {
          login: 'octocat',
          name: 'The Octocat',
          email: 'octocat@example.com',
          avatar_url: 'http://127.0.0.1:9999/avatars/u/583231?v=4',
          html_url: 'http://127.0.0.1:9999/octocat',
        },
      },
      fetch: expect.any(Function),
    })
  })

  it('calls with the upstream’s token and never with ours, whatever the caller sets (R38, T56)', async () => {
    const { house, tokens, authInfo } = await login()
    const handle = await house.auth.upstream(authInfo)
    const headers = { authorization: `Bearer ${tokens.access_token}`, accept: 'application/json', 'x-mine': 'kept' }
    const sent: Request[] = []
    detour(house, (request, go) => {
      sent.push(request)
      return go()
    })
    const answer = await handle.fetch(user, { headers })
    expect(await answer.json()).toMatchObject({ id: 583231 })
    expect(sent.map((request) => Object.fromEntries(request.headers))).toEqual([
      { authorization: `Bearer ${handle.accessToken}`, accept: 'application/json', 'x-mine': 'kept' },
    ])
    expect(JSON.stringify(house.github.received)).not.toContain(tokens.access_token)
  })

  it('passes the request on as it was written', async () => {
    const { house, authInfo } = await login()
    const handle = await house.auth.upstream(authInfo)
    const answer = await handle.fetch(new URL(`${user}/repos`), { method: 'POST', body: 'a body' })
    expect(answer.status).toBe(404)
    expect(house.github.received.at(-1)).toMatchObject({ method: 'POST', path: '/api/v3/user/repos', body: 'a body' })
  })

  it('does not call the upstream while its token is good for five more minutes', async () => {
    const { house, authInfo } = await login('github-app')
    house.environment.advance(8 * hour - 5 * minute)
    const before = house.github.received.length
    expect((await house.auth.upstream(authInfo)).accessToken).toMatch(/^ghu_/)
    expect(house.github.received).toHaveLength(before)
  })

  it.each([
    ['four minutes before it ends', due],
    ['days after it has ended', 3 * 24 * hour],
  ])('waits for a fresh token %s', async (_, seconds) => {
    const { house, authInfo } = await login('github-app')
    const old = await house.auth.upstream(authInfo)
    house.environment.advance(seconds)
    const fresh = await house.auth.upstream(authInfo)
    expect(fresh.accessToken).not.toBe(old.accessToken)
    expect((await fresh.fetch(user)).status).toBe(200)
    expect((await old.fetch(user)).status).toBe(401)
  })

  it('refreshes once for fifty tools on two hosts (REL-R21)', async () => {
    const { house, authInfo } = await login('github-app')
    const other = openHouse({ beside: house })
    house.environment.advance(due)
    const handles = await Promise.all(Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? house : other).auth.upstream(authInfo)))
    expect(new Set(handles.map((handle) => handle.accessToken)).size).toBe(1)
    expect(house.github.calls('token')).toBe(2)
  })

  it('gives a token that is due while the upstream cannot be reached, and fails once it has ended', async () => {
    const { house, authInfo } = await login('github-app')
    const old = await house.auth.upstream(authInfo)
    house.environment.advance(due)
    house.github.misbehave({ token: 'status-500' })
    expect((await house.auth.upstream(authInfo)).accessToken).toBe(old.accessToken)
    house.environment.advance(4 * minute)
    await expect(house.auth.upstream(authInfo)).rejects.toMatchObject({ name: 'UpstreamUnavailable', reason: 'status_500' })
    house.github.misbehave({})
    expect((await house.auth.upstream(authInfo)).accessToken).not.toBe(old.accessToken)
  })

  it('throws invalid_token when the upstream says no, and the grant has ended (R77)', async () => {
    const { house, tokens, authInfo } = await login('github-app')
    house.environment.advance(due)
    house.github.revokeAll()
    await expect(house.auth.upstream(authInfo)).rejects.toMatchObject({ code: 'invalid_token', status: 401, reason: 'grant_ended' })
    expect(await house.mcpStatus(tokens.access_token)).toBe(401)
  })

  it('throws invalid_token for a grant that was revoked', async () => {
    const { house, clientId, tokens, authInfo } = await login()
    await house.post('/revoke', { client_id: clientId, token: tokens.refresh_token })
    await expect(house.auth.upstream(authInfo)).rejects.toMatchObject({ code: 'invalid_token', reason: 'grant_ended' })
  })

  it.each([
    ['nothing', {}],
    ['an AuthInfo of another verifier', { token: 'x', clientId: 'x', scopes: [], extra: { sub: 'x' } }],
    ['a grant id that is no text', { extra: { grantId: 7 } }],
  ])('rejects with a TypeError for what is no AuthInfo of ours: %s', async (_, authInfo) => {
    const { house } = await login()
    await expect(house.auth.upstream(authInfo)).rejects.toThrow(
      new TypeError('This is not an AuthInfo that authenticate() or verifyAccessToken() made.'),
    )
  })

  it('fails as the store fails, and not with a no (I6)', async () => {
    const world = openHouse()
    const store = failingStore(world.store)
    const house = openHouse({ beside: world, clientStorage: store })
    const { tokens } = await world.login()
    const authInfo = await house.auth.verifyAccessToken(tokens.access_token)
    store.failAlways()
    await expect(house.auth.upstream(authInfo)).rejects.toMatchObject({ name: 'StoreUnavailable' })
  })

  it('keeps the scopes of the login when a refresh names none, and takes new ones (B42)', async () => {
    const { house, authInfo } = await login('github-app')
    house.environment.advance(due)
    const token = { access_token: 'ghu_new', expires_in: 28_800, token_type: 'bearer' }
    const back = detour(house, async () => Response.json({ ...token, refresh_token: 'ghr_new', scope: '' }))
    expect((await house.auth.upstream(authInfo)).scopes).toEqual(['user'])
    back()
    house.environment.advance(due)
    detour(house, async () => Response.json({ ...token, scope: 'gist,notifications' }))
    expect(await house.auth.upstream(authInfo)).toMatchObject({ accessToken: 'ghu_new', scopes: ['gist', 'notifications'] })
  })

  it('shows the tools nothing that could be used as ours', async () => {
    const { house, tokens, authInfo } = await login('github-app')
    const handle = JSON.stringify(await house.auth.upstream(authInfo))
    for (const secret of [tokens.access_token, tokens.refresh_token, 'ghr_']) expect(handle).not.toContain(secret)
  })
})
