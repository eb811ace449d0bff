import { describe, expect, it } from 'vitest'
import { hashSecret } from '../protocol/compare.ts'
import { defaultLifetimes } from '../protocol/lifetimes.ts'
import type { Grant, LoginGrant } from './grant.ts'
import { endOf, type Redemption, redeemCode } from './redeem-code.ts'

const now = 1_767_268_800
// RFC 7636, appendix B.
const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const pending: LoginGrant = {
  id: 'grant-1',
  clientId: 'client-1',
  identity: { subject: '583231', claims: {} },
  scopes: ['read'],
  resource: 'https://mcp.example.com/mcp',
  createdAt: now - 10,
  endsAt: now + 590,
  code: {
    hash: hashSecret('the secret'),
    challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    redirectUri: 'http://127.0.0.1:5555/cb',
    expiresAt: now + 50,
    spent: false,
  },
  refresh: { secret: 'refresh secret', allowed: false, generation: 0, confirmed: false, graceFrom: now - 10 },
  upstream: { accessToken: 'upstream access', scopes: [], seq: 0, checkedAt: now - 10 },
}
const spent: LoginGrant = {
  ...pending,
  endsAt: now + 7_776_000,
  code: { ...pending.code, spent: true },
  refresh: { ...pending.refresh, allowed: true, graceFrom: now },
}
const right: Redemption = { clientId: 'client-1', codeHash: hashSecret('the secret'), verifier, refreshes: 'always' }
const redeem = (grant: Grant | undefined, part: Partial<Redemption> = {}, at = now) =>
  redeemCode(grant, { ...right, ...part }, defaultLifetimes, at)
const refused = (reason: string) => ({ answer: { is: 'refused', reason } })

describe('a code', () => {
  it('is spent by one change: generation 0, and 90 days from now', () => {
    expect(redeem(pending)).toEqual({ next: spent, answer: { is: 'good', grant: spent } })
  })

  it('is good with the redirect URI and the resource it was asked for with, sent or not (R84)', () => {
    const sent = { redirectUri: 'http://127.0.0.1:5555/cb', resource: 'https://mcp.example.com/mcp' }
    expect(redeem(pending, sent)).toEqual({ next: spent, answer: { is: 'good', grant: spent } })
  })

  it('of a client that does not refresh gives a grant as long as its access token (R97)', () => {
    const next = { ...spent, endsAt: now + 3630, refresh: { ...spent.refresh, allowed: false } }
    expect(redeem(pending, { refreshes: 'never' })).toEqual({ next, answer: { is: 'good', grant: next } })
  })

  it('is good for a minute, and not a second more (R81)', () => {
    expect(redeem(pending, {}, now + 49).answer).toMatchObject({ is: 'good' })
    expect(redeem(pending, {}, now + 50)).toEqual(refused('code_expired'))
    expect(redeem(pending, {}, now + 500)).toEqual(refused('code_expired'))
  })
})

describe('a code is refused, and nothing changes (R81, R83, R84, T15, T22)', () => {
  it.each<[string, Partial<Redemption>, string]>([
    ['with another secret', { codeHash: hashSecret('a guess') }, 'code_unknown'],
    ['by another client', { clientId: 'client-2' }, 'code_of_another_client'],
    ['with another redirect URI', { redirectUri: 'http://127.0.0.1:6666/cb' }, 'code_for_another_redirect_uri'],
    ['with a wrong verifier', { verifier: `${verifier.slice(1)}A` }, 'verifier_mismatch'],
    ['with a verifier that is too short', { verifier: 'short' }, 'verifier_mismatch'],
    ['with the challenge for a verifier', { verifier: pending.code.challenge }, 'verifier_mismatch'],
    ['for another resource', { resource: 'https://other.example.com/mcp' }, 'code_for_another_resource'],
  ])('%s, before it is spent and after', (_, part, reason) => {
    expect(redeem(pending, part)).toEqual(refused(reason))
    expect(redeem(spent, part)).toEqual(refused(reason))
    expect(redeem(pending, part, now + 100)).toEqual(refused(reason))
  })

  it('without its grant', () => {
    expect(redeem(undefined)).toEqual(refused('grant_unknown'))
  })

  it('by the first check that fails, in this order: secret, client, redirect URI, verifier, resource, age', () => {
    const wrongs: readonly [Partial<Redemption>, string][] = [
      [{ codeHash: hashSecret('a guess') }, 'code_unknown'],
      [{ clientId: 'client-2' }, 'code_of_another_client'],
      [{ redirectUri: 'http://127.0.0.1:6666/cb' }, 'code_for_another_redirect_uri'],
      [{ verifier: 'a'.repeat(43) }, 'verifier_mismatch'],
      [{ resource: 'https://other.example.com/mcp' }, 'code_for_another_resource'],
    ]
    for (const [index, [, reason]] of wrongs.entries()) {
      const part = Object.assign({}, ...wrongs.slice(index).map(([wrong]) => wrong))
      expect(redeem(pending, part, now + 1000)).toEqual(refused(reason))
    }
    expect(redeem(pending, {}, now + 1000)).toEqual(refused('code_expired'))
  })
})

describe('a spent code', () => {
  it('ends the grant when everything is right, seconds later and hours later (T16, R82, I2)', () => {
    const ended = { next: 'gone', answer: { is: 'refused', reason: 'code_replayed', ended: spent } }
    expect(redeem(spent, {}, now + 1)).toEqual(ended)
    expect(redeem(spent, {}, now + 300)).toEqual(ended)
    expect(redeem(spent, {}, now + 7_000_000)).toEqual(ended)
  })

  it('ends it in whatever generation it is', () => {
    const later = { ...spent, refresh: { ...spent.refresh, generation: 7, confirmed: true } }
    expect(redeem(later)).toEqual({ next: 'gone', answer: { is: 'refused', reason: 'code_replayed', ended: later } })
  })
})

describe('a grant that was just used ends', () => {
  const lifetimes = { accessToken: 600, code: 60, grantIdle: 1000, grant: 5000, lostStore: 600 }

  it('when nobody uses it for the idle time', () => {
    expect(endOf({ ...spent, createdAt: now }, lifetimes, now + 10)).toBe(now + 1010)
  })

  it('at its absolute end, however much it is used', () => {
    expect(endOf({ ...spent, createdAt: now - 4500 }, lifetimes, now)).toBe(now + 500)
  })

  it('with its access token and the leeway, when nothing can be refreshed', () => {
    const grant = { ...spent, refresh: { ...spent.refresh, allowed: false } }
    expect(endOf(grant, lifetimes, now)).toBe(now + 630)
  })
})
