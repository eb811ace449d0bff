import { describe, expect, it } from 'vitest'
import type { Grant, LoginGrant } from './grant.ts'
import { applyUpstreamTokens, endGrant, noteIdentity, noteUnreachable } from './upstream-steps.ts'

const now = 1_767_268_800
const grant: LoginGrant = {
  id: 'grant-1',
  clientId: 'client-1',
  identity: { subject: '583231', claims: { login: 'octocat' } },
  scopes: ['read'],
  resource: 'https://mcp.example.com/mcp',
  createdAt: now - 100,
  endsAt: now + 1000,
  code: { hash: 'h', challenge: 'c', redirectUri: 'http://127.0.0.1/cb', expiresAt: now - 40, spent: true },
  refresh: { secret: 's', allowed: true, generation: 3, confirmed: true, graceFrom: now - 50 },
  upstream: {
    accessToken: 'old access',
    refreshToken: 'old refresh',
    expiresAt: now + 10,
    scopes: ['read', 'write'],
    seq: 4,
    checkedAt: now - 3000,
    unreachableSince: now - 60,
  },
}

describe('refreshed upstream tokens', () => {
  it('replace those they were refreshed from; the upstream is reachable again', () => {
    const tokens = { accessToken: 'new access', refreshToken: 'new refresh', expiresAt: now + 3600, scopes: ['read'] }
    expect(applyUpstreamTokens(grant, 4, tokens, now)).toEqual({
      next: {
        ...grant,
        upstream: {
          accessToken: 'new access',
          refreshToken: 'new refresh',
          expiresAt: now + 3600,
          scopes: ['read'],
          seq: 5,
          checkedAt: now,
        },
      },
      answer: 'kept',
    })
  })

  it('keep the old refresh token and scopes when none came, and never the old end (RFC 6749 §6)', () => {
    expect(applyUpstreamTokens(grant, 4, { accessToken: 'new access' }, now)).toEqual({
      next: {
        ...grant,
        upstream: { accessToken: 'new access', refreshToken: 'old refresh', scopes: ['read', 'write'], seq: 5, checkedAt: now },
      },
      answer: 'kept',
    })
  })

  it('are late when others came first, and change nothing', () => {
    expect(applyUpstreamTokens(grant, 3, { accessToken: 'late' }, now)).toEqual({ answer: 'superseded' })
    expect(applyUpstreamTokens(grant, 5, { accessToken: 'from nowhere' }, now)).toEqual({ answer: 'superseded' })
  })

  it('that are there already are kept: the outcome of their first write was unknown', () => {
    const kept: LoginGrant = { ...grant, upstream: { ...grant.upstream, accessToken: 'new access', seq: 5 } }
    expect(applyUpstreamTokens(kept, 4, { accessToken: 'new access' }, now)).toEqual({ answer: 'kept' })
    expect(applyUpstreamTokens({ ...kept, upstream: { ...kept.upstream, seq: 6 } }, 4, { accessToken: 'new access' }, now)).toEqual({
      answer: 'superseded',
    })
  })

  it('are nobody’s when the grant has ended meanwhile', () => {
    expect(applyUpstreamTokens(undefined, 4, { accessToken: 'late' }, now)).toEqual({ answer: 'gone' })
  })
})

describe('an upstream that vouches for the person', () => {
  const { unreachableSince: _, ...upstream } = grant.upstream

  it('is noted with the moment and with what it said; it is reachable again', () => {
    const identity = { subject: '583231', claims: { login: 'renamed' } }
    expect(noteIdentity(grant, identity, now)).toEqual({
      next: { ...grant, identity, upstream: { ...upstream, checkedAt: now } },
      answer: undefined,
    })
  })

  it('but for another one changes nothing: a grant never changes hands', () => {
    expect(noteIdentity(grant, { subject: '1', claims: {} }, now)).toEqual({ answer: undefined })
    expect(noteIdentity(undefined, grant.identity, now)).toEqual({ answer: undefined })
  })
})

describe('an upstream that cannot be reached', () => {
  const { unreachableSince: _, ...upstream } = grant.upstream

  it('is noted once, with the first moment', () => {
    const reachable: Grant = { ...grant, upstream }
    expect(noteUnreachable(reachable, now)).toEqual({
      next: { ...grant, upstream: { ...upstream, unreachableSince: now } },
      answer: undefined,
    })
    expect(noteUnreachable(grant, now)).toEqual({ answer: undefined })
    expect(noteUnreachable(undefined, now)).toEqual({ answer: undefined })
  })
})

describe('ending a grant', () => {
  it('answers what it was, in whatever state, so that the upstream can be told (T108)', () => {
    expect(endGrant(grant)).toEqual({ next: 'gone', answer: grant })
    expect(endGrant({ ...grant, code: { ...grant.code, spent: false } })).toMatchObject({ next: 'gone' })
  })

  it('that has ended is nothing', () => {
    expect(endGrant(undefined)).toEqual({ answer: undefined })
  })
})
