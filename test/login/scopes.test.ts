import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { type House, type HouseOptions, openHouse, redirectUri, type TokenAnswer } from '../support/house.ts'
import { readJson, refusal } from '../support/read-json.ts'
import { openTab } from '../support/tab.ts'

/** A client, and the tokens of a person who said yes to what it asked for. */
async function loginFor(
  house: House,
  scope: string | undefined,
  metadata?: Record<string, unknown>,
): Promise<{ clientId: string; tokens: TokenAnswer }> {
  const clientId = await house.register(metadata)
  const end = await house.signIn(clientId, { scope })
  const answer = await house.redeem(clientId, end.searchParams.get('code') ?? '')
  if (answer.status !== 200) throw new Error(`redemption: ${answer.status} ${await answer.text()}`)
  return { clientId, tokens: await answer.json() }
}

/** The scopes that a client is granted who asks for these. */
const granted = async (options: HouseOptions, scope: string | undefined, metadata?: Record<string, unknown>) =>
  (await loginFor(openHouse(options), scope, metadata)).tokens.scope

/** What the gate says to a token: 200, or its status and the scope of its challenge. */
async function knock(house: House, token: string, scopes?: readonly string[]): Promise<unknown> {
  const request = new Request('http://localhost:8000/mcp', { headers: { authorization: `Bearer ${token}` } })
  const who = await house.auth.authenticate(request, scopes && { scopes })
  if (!(who instanceof Response)) return 200
  return [who.status, /scope="([^"]*)"/.exec(who.headers.get('www-authenticate') ?? '')?.[1]]
}

const eventsOf = (house: House, type: string) => house.events.filter((event) => event.type === type)

describe('the scope of a registration', () => {
  const options = { clients: { validScopes: ['repo', 'gist'] } }

  it('is what a client gets that asks for nothing, and no limit: it may step up without registering again', async () => {
    expect(await granted(options, undefined, { scope: 'gist' })).toBe('gist')
    expect(await granted(options, 'user repo', { scope: 'gist' })).toBe('user repo')
  })

  describe('is a limit where the operator says so', () => {
    const limited = { ...options, scopes: { registeredIsLimit: true, includes: { repo: ['gist'] } } }

    /** What the client is told, and whether the person was asked. */
    async function ask(scope: string, metadata?: Record<string, unknown>): Promise<unknown> {
      const house = openHouse(limited)
      const page = await openTab(house).open(house.authorizeUrl(await house.register(metadata), { scope }))
      if (page.status === 200) return 'asked'
      return Object.fromEntries(new URL(page.location).searchParams)
    }
    const wider = {
      error: 'invalid_scope',
      error_description: 'The scope is wider than the one that the client registered.',
      state: 'the-state',
      iss: 'http://localhost:8000',
    }

    it('and more is refused, to the client (B14)', async () => {
      expect(await ask('user repo', { scope: 'user gist' })).toEqual(wider)
      expect(await ask('repo', { scope: 'gist' })).toEqual(wider)
    })

    it('and of a client that registered none it is the required scopes', async () => {
      expect(await ask('repo')).toEqual(wider)
      expect(await ask('user')).toBe('asked')
    })

    it('and it covers what its scopes include, and never keeps a client from staying signed in (R19, R32)', async () => {
      expect(await ask('gist', { scope: 'repo' })).toBe('asked')
      expect(await ask('user offline_access', { scope: 'user' })).toBe('asked')
    })

    it('and what nobody can have is dropped before anything is refused (G10)', async () => {
      expect(await ask('openid user', { scope: 'user' })).toBe('asked')
    })
  })
})

describe('a scope that includes others (R32)', () => {
  const options = {
    requiredScopes: ['read'],
    clients: { validScopes: ['write', 'admin'] },
    scopes: { includes: { admin: ['write'], write: ['read'] } },
  }

  it('passes where one of them is needed, at any depth, and its token names what was granted', async () => {
    const house = openHouse(options)
    const { tokens } = await loginFor(house, 'admin')
    expect([tokens.scope, decodeJwt(tokens.access_token).scope]).toEqual(['admin', 'admin'])
    for (const needed of [undefined, ['read'], ['write'], ['admin', 'read']])
      expect(await knock(house, tokens.access_token, needed)).toBe(200)
    const info = await house.auth.verifyAccessToken(tokens.access_token)
    expect(info.scopes).toEqual(['admin'])
  })

  it('is not reached from below, nor by a part of its name (T68)', async () => {
    const house = openHouse(options)
    const { tokens } = await loginFor(house, 'write')
    expect(await knock(house, tokens.access_token, ['admin'])).toEqual([403, 'admin'])
    expect(await knock(house, tokens.access_token, ['writ'])).toEqual([403, 'writ'])
    expect(await knock(house, tokens.access_token)).toBe(200)
  })

  it('may be narrowed to one of them by a refresh, and the next refresh has all of it again (R95)', async () => {
    const house = openHouse(options)
    const { clientId, tokens } = await loginFor(house, 'admin')
    const narrow: TokenAnswer = await (await house.refresh(clientId, tokens.refresh_token, { scope: 'read' })).json()
    expect([narrow.scope, await knock(house, narrow.access_token), await knock(house, narrow.access_token, ['write'])]).toEqual([
      'read',
      200,
      [403, 'write'],
    ])
    const whole: TokenAnswer = await (await house.refresh(clientId, narrow.refresh_token)).json()
    expect(whole.scope).toBe('admin')
  })

  it('is not given by a refresh to who has one of them (T67)', async () => {
    const house = openHouse(options)
    const { clientId, tokens } = await loginFor(house, 'write')
    const refused = await house.refresh(clientId, tokens.refresh_token, { scope: 'admin' })
    expect(await readJson(refused)).toEqual(refusal(400, 'invalid_scope', 'The scope is wider than the one that was granted.'))
  })

  it('is narrowed by the upstream and by the operator to one of them (T67)', async () => {
    expect(await granted({ ...options, upstream: { authorizeUser: () => ['write'] } }, 'admin read')).toBe('read')
    // The provider’s own: GitHub grants `repo`, and names nothing that it includes.
    expect(await granted({ clients: { validScopes: ['repo', 'public_repo'] } }, 'repo public_repo')).toBe('repo public_repo')
  })

  it('can be the provider’s: a token with `user` passes where `read:user` is needed', async () => {
    const house = openHouse()
    const { tokens } = await house.login()
    expect(await knock(house, tokens.access_token, ['read:user'])).toBe(200)
    expect(await knock(house, tokens.access_token, ['user:nothing'])).toEqual([403, 'user:nothing'])
  })
})

describe('a refresh that names a scope', () => {
  it('loses those that nobody can have, as at authorize (G10, R95)', async () => {
    const house = openHouse({ clients: { validScopes: ['repo'] } })
    const { clientId, tokens } = await loginFor(house, 'openid user email')
    const first: TokenAnswer = await (await house.refresh(clientId, tokens.refresh_token, { scope: 'openid user email' })).json()
    const second: TokenAnswer = await (await house.refresh(clientId, first.refresh_token, { scope: 'openid email' })).json()
    expect([tokens.scope, first.scope, second.scope]).toEqual(['user', 'user', 'user'])
  })

  it('is refused where there is such a scope and it was not granted, beside unknown ones too (R95, T67)', async () => {
    const house = openHouse({ clients: { validScopes: ['repo'] } })
    const { clientId, tokens } = await loginFor(house, 'openid user')
    const refused = await house.refresh(clientId, tokens.refresh_token, { scope: 'openid user repo' })
    expect(await readJson(refused)).toEqual(refusal(400, 'invalid_scope', 'The scope is wider than the one that was granted.'))
    expect((await house.refresh(clientId, tokens.refresh_token)).status).toBe(200)
  })
})

describe('offline_access (R19, R33)', () => {
  it('can be asked for, is granted, said by the page in words, and never sent upstream', async () => {
    const house = openHouse({ clients: { validScopes: ['repo'] } })
    const clientId = await house.register()
    const tab = openTab(house)
    const page = await tab.open(house.authorizeUrl(clientId, { scope: 'offline_access user', prompt: 'consent' }))
    expect([...page.text.matchAll(/<li>(.*?)<\/li>/g)].map(([, text]) => text)).toEqual(['to stay signed in while you are away', 'user'])
    const { tokens } = await loginFor(house, 'user offline_access')
    expect(tokens.scope).toBe('user offline_access')
    const { refresh } = await tab.decide(page, 'approve')
    expect(new URL(refresh).searchParams.get('scope')).toBe('user')
  })

  it('alone says nothing of what for: the standard scopes come with it', async () => {
    expect(await granted({}, 'offline_access')).toBe('user offline_access')
    expect(await granted({ clients: { validScopes: ['gist'] } }, 'offline_access', { scope: 'gist' })).toBe('gist offline_access')
    expect(await granted({}, 'openid offline_access')).toBe('user offline_access')
    expect(await granted({}, undefined, { scope: 'offline_access' })).toBe('user offline_access')
  })

  it('goes upstream where the operator requires it there, whatever the client asks for', async () => {
    const house = openHouse({ requiredScopes: ['user', 'offline_access'] })
    for (const scope of ['user', 'offline_access user', undefined]) {
      const tab = openTab(house)
      const page = await tab.open(house.authorizeUrl(await house.register(), { scope }))
      const { refresh } = await tab.decide(page, 'approve')
      expect(new URL(refresh).searchParams.get('scope')).toBe('user offline_access')
    }
  })

  it('is needed by no resource: a token without it passes, and no challenge names it', async () => {
    const house = openHouse({ requiredScopes: ['user', 'offline_access'], clients: { validScopes: ['repo'] } })
    const { tokens } = await loginFor(house, 'user')
    expect([tokens.scope, await knock(house, tokens.access_token)]).toEqual(['user', 200])
    expect(await knock(house, tokens.access_token, ['repo', 'offline_access'])).toEqual([403, 'repo'])
  })

  it('is kept or lost by a refresh, and never gained', async () => {
    const house = openHouse()
    const { clientId, tokens } = await loginFor(house, 'user offline_access')
    const same: TokenAnswer = await (await house.refresh(clientId, tokens.refresh_token, { scope: 'user offline_access' })).json()
    const less: TokenAnswer = await (await house.refresh(clientId, same.refresh_token, { scope: 'user' })).json()
    expect([same.scope, less.scope]).toEqual(['user offline_access', 'user'])
    const other = await loginFor(house, 'user')
    const none: TokenAnswer = await (
      await house.refresh(other.clientId, other.tokens.refresh_token, { scope: 'user offline_access' })
    ).json()
    expect(none.scope).toBe('user')
  })
})

describe('a refresh token is given (R97)', () => {
  const codeOnly = { grant_types: ['authorization_code'] }
  const strict = { scopes: { refreshTokens: 'offline-access' } } as const
  const cases: readonly [string, HouseOptions, string, Record<string, unknown> | undefined, boolean][] = [
    ['to a client that registered for it', {}, 'user', undefined, true],
    ['to one that did not, when it was granted offline_access', {}, 'user offline_access', codeOnly, true],
    ['not to one that did neither', {}, 'user', codeOnly, false],
    ['by the strict policy to one that has both', strict, 'user offline_access', undefined, true],
    ['by the strict policy not for the grant type alone', strict, 'user', undefined, false],
    ['by the strict policy not for the scope alone', strict, 'user offline_access', codeOnly, false],
    [
      'not when the operator took the scope away',
      { ...strict, upstream: { authorizeUser: () => ['user'] } },
      'user offline_access',
      undefined,
      false,
    ],
  ]
  it.each(cases)('%s', async (_, options, scope, metadata, given) => {
    const house = openHouse(options)
    const { clientId, tokens } = await loginFor(house, scope, metadata)
    expect('refresh_token' in tokens).toBe(given)
    if (given) expect((await house.refresh(clientId, tokens.refresh_token)).status).toBe(200)
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
  })
})

describe('the operator is told', () => {
  it('of a grant of more than the baseline: what was asked for and what was given (R146)', async () => {
    const house = openHouse({ clients: { validScopes: ['repo', 'gist'] }, upstream: { authorizeUser: () => ['user', 'repo'] } })
    const { clientId } = await loginFor(house, 'user repo gist')
    expect(eventsOf(house, 'scope.elevated')).toEqual([
      {
        type: 'scope.elevated',
        at: 1_767_268_800,
        clientId,
        grantId: expect.any(String),
        requested: ['user', 'repo', 'gist'],
        granted: ['user', 'repo'],
      },
    ])
  })

  it('of none where the baseline covers it, to stay signed in included', async () => {
    const house = openHouse({ clients: { validScopes: ['read:user', 'repo'] } })
    for (const scope of [undefined, 'user', 'read:user', 'user offline_access']) await loginFor(house, scope)
    expect(eventsOf(house, 'scope.elevated')).toEqual([])
  })

  it('of a call that needed more: whose, and what (R146)', async () => {
    const house = openHouse({ clients: { validScopes: ['repo'] } })
    const { clientId, tokens } = await house.login()
    await knock(house, tokens.access_token, ['user', 'repo'])
    const { grantId } = (await house.auth.verifyAccessToken(tokens.access_token)).extra
    expect(eventsOf(house, 'token.refused')).toEqual([
      { type: 'token.refused', at: 1_767_268_800, reason: 'scope_missing', clientId, grantId, scopes: ['user', 'repo'] },
    ])
  })
})

describe('what a client cannot do', () => {
  it.each(['user"', 'us\\er', 'user\n'])('is inject into a scope: %j is refused before anybody is asked (T67)', async (scope) => {
    const house = openHouse()
    const clientId = await house.register()
    const page = await openTab(house).open(house.authorizeUrl(clientId, { scope }))
    expect(Object.fromEntries(new URL(page.location).searchParams)).toEqual({
      error: 'invalid_scope',
      error_description: 'The parameter scope has characters that no scope has.',
      state: 'the-state',
      iss: 'http://localhost:8000',
    })
    expect(page.location.startsWith(redirectUri)).toBe(true)
  })

  it('is register for a scope that is not there, and gain it (T39)', async () => {
    expect(await granted({}, 'admin user', { scope: 'admin root user' })).toBe('user')
  })
})
