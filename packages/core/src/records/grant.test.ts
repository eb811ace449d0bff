import { describe, expect, it } from 'vitest'
import { defaultLifetimes } from '../protocol/lifetimes.ts'
import { grantShape, isUpstreamDue, isUpstreamOver, type LoginGrant, newGrant } from './grant.ts'

const now = 1_767_268_800
const opening = {
  id: 'grant-1',
  codeHash: 'hash of the code',
  refreshSecret: 'secret of the refresh tokens',
  request: {
    clientId: 'client-1',
    redirectUri: 'http://127.0.0.1:5555/cb',
    state: 'the-state',
    challenge: 'the-challenge',
    scopes: ['read', 'write'],
    resource: 'https://mcp.example.com/mcp',
  },
  identity: { subject: '583231', claims: { login: 'octocat' } },
  tokens: { accessToken: 'upstream access', refreshToken: 'upstream refresh', expiresAt: now + 28_800, scopes: ['repo'] },
  scopes: ['read'],
}
const pending: LoginGrant = {
  id: 'grant-1',
  clientId: 'client-1',
  identity: { subject: '583231', claims: { login: 'octocat' } },
  scopes: ['read'],
  resource: 'https://mcp.example.com/mcp',
  createdAt: now,
  endsAt: now + 600,
  code: {
    hash: 'hash of the code',
    challenge: 'the-challenge',
    redirectUri: 'http://127.0.0.1:5555/cb',
    expiresAt: now + 60,
    spent: false,
  },
  refresh: { secret: 'secret of the refresh tokens', allowed: false, generation: 0, confirmed: false, graceFrom: now },
  upstream: {
    accessToken: 'upstream access',
    refreshToken: 'upstream refresh',
    expiresAt: now + 28_800,
    scopes: ['repo'],
    seq: 0,
    checkedAt: now,
  },
}

describe('a grant that was just opened', () => {
  it('is pending for 10 minutes, its code good for one, and nothing can be refreshed yet', () => {
    expect(newGrant(opening, defaultLifetimes, now)).toEqual(pending)
  })

  it('has the scopes granted where the upstream named none (RFC 6749 §5.1), and no member without a value', () => {
    expect(newGrant({ ...opening, tokens: { accessToken: 'upstream access' } }, defaultLifetimes, now)).toStrictEqual({
      ...pending,
      upstream: { accessToken: 'upstream access', scopes: ['read'], seq: 0, checkedAt: now },
    })
  })

  it('has a code for as long as the operator says', () => {
    expect(newGrant(opening, { ...defaultLifetimes, code: 30 }, now).code.expiresAt).toBe(now + 30)
  })
})

describe('an upstream access token', () => {
  const upstream = { accessToken: 'a', scopes: [], seq: 0, checkedAt: now }

  it('is due when less than 5 minutes of it are left', () => {
    expect(isUpstreamDue({ ...upstream, expiresAt: now + 301 }, now)).toBe(false)
    expect(isUpstreamDue({ ...upstream, expiresAt: now + 300 }, now)).toBe(false)
    expect(isUpstreamDue({ ...upstream, expiresAt: now + 299 }, now)).toBe(true)
    expect(isUpstreamDue({ ...upstream, expiresAt: now - 5 }, now)).toBe(true)
  })

  it('that never ends is never due, and never over', () => {
    expect(isUpstreamDue(upstream, now)).toBe(false)
    expect(isUpstreamOver(upstream, now)).toBe(false)
  })

  it('is over when it has ended and there is nothing to refresh it with', () => {
    expect(isUpstreamOver({ ...upstream, expiresAt: now }, now)).toBe(true)
    expect(isUpstreamOver({ ...upstream, expiresAt: now + 1 }, now)).toBe(false)
    expect(isUpstreamOver({ ...upstream, expiresAt: now - 9, refreshToken: 'r' }, now)).toBe(false)
  })
})

describe('the stored shape of a grant', () => {
  it('reads what was written, and keeps what it does not know, at every depth', () => {
    const stored = {
      ...pending,
      fromTheNextRelease: [1],
      identity: { ...pending.identity, issuer: 'i' },
      code: { ...pending.code, method: 'S512' },
      refresh: { ...pending.refresh, family: 'f' },
      upstream: { ...pending.upstream, unreachableSince: now, idToken: 'x' },
    }
    expect(grantShape.parse(JSON.parse(JSON.stringify(stored)))).toEqual(stored)
  })

  it.each([
    ['a code that may be spent', { code: { ...pending.code, spent: 'false' } }],
    ['a generation that is text', { refresh: { ...pending.refresh, generation: '1' } }],
    ['no identity', { identity: undefined }],
    ['a subject that is a number', { identity: { subject: 583_231, claims: {} } }],
    ['an end that is null', { endsAt: null }],
    ['upstream tokens that are none', { upstream: {} }],
  ])('is not one with %s', (_, part) => {
    expect(grantShape.safeParse({ ...pending, ...part }).success).toBe(false)
  })
})
