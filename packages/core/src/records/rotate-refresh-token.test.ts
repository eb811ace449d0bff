import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defaultLifetimes } from '../protocol/lifetimes.ts'
import type { Grant, LoginGrant } from './grant.ts'
import { confirmGeneration, macOf, type Rotation, rotateRefreshToken } from './rotate-refresh-token.ts'

const now = 1_767_268_800
const day = 86_400
const grant: LoginGrant = {
  id: 'grant-1',
  clientId: 'client-1',
  identity: { subject: '583231', claims: {} },
  scopes: ['read', 'write'],
  resource: 'https://mcp.example.com/mcp',
  createdAt: now - 100 * day,
  endsAt: now + 10 * day,
  code: { hash: 'h', challenge: 'c', redirectUri: 'http://127.0.0.1/cb', expiresAt: now - 99 * day, spent: true },
  refresh: { secret: 'refresh secret', allowed: true, generation: 7, confirmed: true, graceFrom: now - 30 * day },
  upstream: { accessToken: 'upstream access', scopes: [], seq: 0, checkedAt: now },
}
const present = (generation: number, part: Partial<Rotation> = {}): Rotation => ({
  clientId: 'client-1',
  generation,
  mac: macOf(grant, generation),
  ...part,
})
const rotate = (record: Grant | undefined, rotation: Rotation, at = now) => rotateRefreshToken(record, rotation, defaultLifetimes, at)
const refused = (reason: string) => ({ answer: { is: 'refused', reason } })
const withRefresh = (part: Partial<Grant['refresh']>): Grant => ({ ...grant, refresh: { ...grant.refresh, ...part } })

describe('the newest refresh token', () => {
  it('is rotated: the next generation, unconfirmed, and 90 more days (R93, R96)', () => {
    const next: Grant = {
      ...grant,
      endsAt: now + 90 * day,
      refresh: { secret: 'refresh secret', allowed: true, generation: 8, confirmed: false, graceFrom: now },
    }
    expect(rotate(grant, present(7))).toEqual({ next, answer: { is: 'good', grant: next } })
  })

  it('does not carry the grant over its absolute end', () => {
    const old = { ...grant, createdAt: now - 360 * day }
    expect(rotate(old, present(7))).toMatchObject({ next: { endsAt: now + 5 * day } })
  })

  it('may narrow its scopes and name its resource (R95)', () => {
    const seen: (readonly string[])[] = []
    const isCovered = (granted: readonly string[]) => seen.push(granted) > 0
    const asked = { isCovered, resource: 'https://mcp.example.com/mcp' }
    expect(rotate(grant, present(7, asked)).answer).toMatchObject({ is: 'good', grant: { scopes: ['read', 'write'] } })
    expect(seen).toEqual([['read', 'write']])
  })

  it('counts on from a generation that the store has lost, in a failover: ours it is', () => {
    expect(rotate(grant, present(11)).next).toEqual({
      ...grant,
      endsAt: now + 90 * day,
      refresh: { ...grant.refresh, generation: 12, confirmed: false, graceFrom: now },
    })
  })
})

describe('the refresh token before it', () => {
  const rotated = (part: Partial<Grant['refresh']>) => withRefresh({ generation: 8, graceFrom: now, ...part })

  it.each([
    [0, true],
    [1, true],
    [60, true],
    // A host whose clock is behind the one that rotated.
    [-5, true],
    [0, false],
    [61, false],
    [600, false],
    [day, false],
  ])('is answered with the same successor %i seconds later, when that one is confirmed: %s (REL-R3, R94, G1)', (age, confirmed) => {
    const record = rotated({ confirmed })
    expect(rotate(record, present(7), now + age)).toEqual({ answer: { is: 'good', grant: record } })
  })

  it.each([
    [61, true],
    [600, true],
    [day + 1, false],
    [30 * day, false],
  ])('ends the grant %i seconds later, when its successor is confirmed: %s (REL-R3, REL-R4, R94, I3)', (age, confirmed) => {
    const record = rotated({ confirmed })
    expect(rotate(record, present(7), now + age)).toEqual({
      next: 'gone',
      answer: { is: 'refused', reason: 'refresh_token_replayed', ended: record },
    })
  })
})

describe('an older refresh token', () => {
  it.each([0, 1, 59])('ends the grant, %i seconds after the last rotation too (REL-R4, I3)', (age) => {
    const record = withRefresh({ generation: 8, graceFrom: now, confirmed: false })
    for (const generation of [0, 1, 6]) {
      expect(rotate(record, present(generation), now + age)).toEqual({
        next: 'gone',
        answer: { is: 'refused', reason: 'refresh_token_replayed', ended: record },
      })
    }
  })
})

describe('a refresh token is refused, and nothing changes, whatever its age (R17, T17, T59)', () => {
  it.each<[string, Partial<Rotation>, string]>([
    ['of another client', { clientId: 'client-2' }, 'refresh_token_of_another_client'],
    ['with a mac that is made up', { mac: 'A'.repeat(43) }, 'refresh_token_forged'],
    ['with the mac of another generation', { mac: macOf(grant, 6) }, 'refresh_token_forged'],
    ['for another resource', { resource: 'https://other.example.com/mcp' }, 'refresh_token_for_another_resource'],
    ['for a wider scope', { isCovered: () => false }, 'scope_wider_than_granted'],
  ])('%s', (_, part, reason) => {
    for (const generation of [0, 5, 7, 8]) expect(rotate(grant, present(generation, part))).toEqual(refused(reason))
  })

  it('of a grant that has ended, or whose code was never redeemed', () => {
    expect(rotate(undefined, present(7))).toEqual(refused('grant_unknown'))
    expect(rotate({ ...grant, code: { ...grant.code, spent: false } }, present(7))).toEqual(refused('grant_unknown'))
  })

  it('of a client that has no use for refresh tokens (R97)', () => {
    expect(rotate(withRefresh({ allowed: false }), present(7))).toEqual(refused('refresh_token_not_allowed'))
    expect(rotate(withRefresh({ allowed: false }), present(3))).toEqual(refused('refresh_token_not_allowed'))
  })

  it('by the first check that fails, in this order: client, mac, resource, scope; age comes last, so that changed parameters never end a grant', () => {
    const wrongs: readonly [Partial<Rotation>, string][] = [
      [{ clientId: 'client-2' }, 'refresh_token_of_another_client'],
      [{ mac: 'forged' }, 'refresh_token_forged'],
      [{ resource: 'https://other.example.com/mcp' }, 'refresh_token_for_another_resource'],
      [{ isCovered: () => false }, 'scope_wider_than_granted'],
    ]
    for (const [index, [, reason]] of wrongs.entries()) {
      const part = Object.assign({}, ...wrongs.slice(index).map(([wrong]) => wrong))
      expect(rotate(grant, present(2, part))).toEqual(refused(reason))
    }
    expect(rotate(grant, present(2)).next).toBe('gone')
  })
})

describe('the mac of a generation', () => {
  it('is HMAC-SHA256 by the grant’s own secret over its id and the number: pinned, for tokens in the field', () => {
    const expected = createHmac('sha256', 'refresh secret').update('grant-1.7').digest('base64url')
    expect(macOf(grant, 7)).toBe(expected)
    expect(macOf(grant, 7)).toBe('ODsWp8-qegJC2bwSNeMWur7FAbXbdkzPbKPrggZyPFc')
  })

  it('is another one for every generation, grant and secret (T104)', () => {
    const generations = fc.nat({ max: 999_999_999 })
    fc.assert(
      fc.property(generations, generations, (one, other) => {
        expect(macOf(grant, one) === macOf(grant, other)).toBe(one === other)
        expect(macOf(grant, one)).not.toBe(macOf({ ...grant, id: 'grant-2' }, one))
        expect(macOf(grant, one)).not.toBe(macOf(withRefresh({ secret: 'another secret' }), one))
      }),
      { seed: 104 },
    )
  })
})

describe('a generation is confirmed', () => {
  const unconfirmed = withRefresh({ confirmed: false })

  it('when a token of it is used: that is news once', () => {
    expect(confirmGeneration(unconfirmed, 7, now)).toEqual({ next: withRefresh({ graceFrom: now }), answer: true })
    expect(confirmGeneration(grant, 7, now)).toEqual({ answer: false })
  })

  it('by no token of another generation, and not after the grant has ended', () => {
    expect(confirmGeneration(unconfirmed, 6, now)).toEqual({ answer: false })
    expect(confirmGeneration(unconfirmed, 8, now)).toEqual({ answer: false })
    expect(confirmGeneration(undefined, 7, now)).toEqual({ answer: false })
  })
})
