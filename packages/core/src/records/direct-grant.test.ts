import { describe, expect, it } from 'vitest'
import { formatRefreshToken, parseRefreshToken } from '../protocol/identifiers.ts'
import { defaultLifetimes } from '../protocol/lifetimes.ts'
import { newDirectGrant } from './direct-grant.ts'
import { type Grant, grantShape, isOfLogin, isUpstreamOver } from './grant.ts'
import { redeemCode } from './redeem-code.ts'
import { confirmGeneration, macOf, rotateRefreshToken } from './rotate-refresh-token.ts'
import { applyUpstreamTokens, endGrant, noteIdentity, noteUnreachable } from './upstream-steps.ts'

const now = 1_767_268_800
const grant: Grant = {
  id: '019b796d-d600-7000-8000-000000000000',
  clientId: 'reports',
  identity: { subject: 'urn:drawbridge:client:reports', claims: {} },
  scopes: ['read'],
  resource: 'https://mcp.example.com/mcp',
  createdAt: now,
  endsAt: now + 3630,
  refresh: { secret: 'secret', allowed: false, generation: 0, confirmed: true, graceFrom: now },
}
const tokens = { accessToken: 'upstream access' }

describe('a grant that nobody logged in for', () => {
  it('lives as long as its access token and the leeway, and has neither a code nor an upstream', () => {
    const { id, clientId, identity, scopes, resource, refresh } = grant
    const opening = { id, clientId, identity, scopes, resource, refreshSecret: refresh.secret }
    expect(newDirectGrant(opening, defaultLifetimes, now)).toStrictEqual(grant)
    expect(newDirectGrant(opening, { ...defaultLifetimes, accessToken: 60 }, now).endsAt).toBe(now + 90)
  })

  it('is a grant as it is stored, and no other', () => {
    expect(grantShape.parse(JSON.parse(JSON.stringify(grant)))).toEqual(grant)
    expect(isOfLogin(grant)).toBe(false)
  })

  it('has no code to redeem', () => {
    const redemption = { clientId: 'reports', codeHash: '', verifier: '', refreshes: 'always' as const }
    expect(redeemCode(grant, redemption, defaultLifetimes, now)).toEqual({ answer: { is: 'refused', reason: 'grant_unknown' } })
  })

  it('cannot be refreshed, not even by a token with a good mac', () => {
    const token = parseRefreshToken(formatRefreshToken({ grantId: grant.id, generation: 0, mac: macOf(grant, 0) }))
    const rotation = { clientId: 'reports', generation: 0, mac: token?.mac ?? '' }
    expect(rotateRefreshToken(grant, rotation, defaultLifetimes, now)).toEqual({ answer: { is: 'refused', reason: 'grant_unknown' } })
  })

  it('is not written when its token is used, and nothing of an upstream is ever written into it', () => {
    expect(confirmGeneration(grant, 0, now)).toEqual({ answer: false })
    expect(applyUpstreamTokens(grant, 0, tokens, now)).toEqual({ answer: 'gone' })
    expect(noteIdentity(grant, grant.identity, now)).toEqual({ answer: undefined })
    expect(noteUnreachable(grant, now)).toEqual({ answer: undefined })
    expect(isUpstreamOver(grant.upstream, now + 1_000_000)).toBe(false)
  })

  it('ends like any other', () => {
    expect(endGrant(grant)).toEqual({ next: 'gone', answer: grant })
  })
})
