import { describe, expect, it } from 'vitest'
import { explore, neverAnswered } from './explore.ts'
import { openWorld } from './hosts.ts'
import { type SessionRules, sessionRules } from './session.ts'
import { type SessionScenario, sessionSetting } from './session-setting.ts'

const explored = (scenario: SessionScenario, bug: Partial<SessionRules> = {}) =>
  explore(openWorld(sessionSetting(scenario, { ...sessionRules, ...bug })))

const twice: SessionScenario = {
  actors: ['client', 'client'],
  begins: 'when they are due twice',
  generations: 2,
  faults: 1,
  upstream: 'ends the family',
}
const used: SessionScenario = { actors: ['client', 'gate'], begins: 'when they are due', generations: 1, faults: 1, upstream: 'says no' }
const lenient: SessionScenario = { ...twice, begins: 'when they are due', generations: 1, upstream: 'takes it again' }
const revoked: SessionScenario = {
  actors: ['client', 'client', 'revoker'],
  begins: 'with tokens',
  generations: 1,
  faults: 2,
  upstream: 'ends the family',
}
const revokedWhileDue: SessionScenario = { ...revoked, actors: ['client', 'revoker'], begins: 'when they are due' }
const redeemed: SessionScenario = { ...revoked, actors: ['client', 'twin', 'revoker'], begins: 'with its code', generations: 0, faults: 3 }

describe('every interleaving of refreshes, ours and the upstream’s, with crashes, slow hosts, lost answers and unknown outcomes', () => {
  it.each<[string, SessionScenario, number]>([
    ['a client that refreshes twice at once, at an upstream that ends the login of who asks twice', twice, 40_000],
    ['a client that refreshes while its tokens are in use', used, 30_000],
    ['a client that refreshes twice at once, at an upstream that takes its tokens again', lenient, 10_000],
    ['hosts whose clocks are 10 s apart', { ...used, actors: ['client', 'client'], ahead: [5, -5] }, 10_000],
  ])('%s: the upstream is asked once, and no session is lost that could be kept (I3, REL-R2, REL-R21)', { timeout: 120_000 }, (...args) => {
    const [, scenario, least] = args
    const { states, ...found } = explored(scenario)
    expect(found).toEqual({})
    expect(states).toBeGreaterThan(least)
  })

  it.each<[string, SessionScenario, number]>([
    ['two refreshes', revoked, 8_000],
    ['a refresh, the upstream’s too', revokedWhileDue, 10_000],
    ['the redemption, and a second one', redeemed, 8_000],
  ])('a revocation that races %s: nothing works once it was answered (I2, REL-R36)', { timeout: 120_000 }, (_, scenario, least) => {
    const { states, ...found } = explored(scenario)
    expect(found).toEqual({})
    expect(states).toBeGreaterThan(least)
  })
})

describe('the exploration finds', () => {
  const { apply } = sessionRules
  const askedTwice = 'the upstream was asked twice with one refresh token'
  const olderTokens = 'upstream tokens were replaced by older ones'
  const notStored = 'the newest upstream tokens are not stored'
  const sessionLost = 'a session that could be kept was lost'
  const isAlive = 'a token works after its revocation'
  const falseNo = 'trouble that passes was taken for a no'

  it.each<[string, SessionScenario, Partial<SessionRules>, string]>([
    ['no lease', used, { lease: 'is free for all' }, askedTwice],
    ['writes that do not say what they have seen', used, { writesSaySeen: false }, olderTokens],
    ['a lease that never ends', used, { lease: 'never ends' }, neverAnswered],
    ['a lease without reading the grant again', used, { readsAgain: false }, askedTwice],
    ['new upstream tokens that are given up when the store fails once', twice, { commit: 'gives up' }, askedTwice],
    ['a lost race that is answered', twice, { lostRace: 'is answered all the same' }, falseNo],
    ['an unknown outcome that is taken for a win', twice, { unknownOutcome: 'is taken for a win' }, notStored],
    [
      'late upstream tokens that are stored all the same',
      lenient,
      { apply: (grant, from, ...rest) => apply(grant, grant?.upstream?.seq ?? from, ...rest) },
      olderTokens,
    ],
    ['a no about older tokens that ends the grant', used, { noIsAbout: 'the grant' }, 'a no about older tokens ended a grant'],
    [
      'upstream tokens that do not know themselves again, where an unknown outcome is taken for a loss',
      twice,
      {
        unknownOutcome: 'is taken for a loss',
        apply: (grant, from, ...rest) => (grant?.upstream?.seq === from ? apply(grant, from, ...rest) : { next: 'gone', answer: 'gone' }),
      },
      sessionLost,
    ],
    [
      'no grace',
      twice,
      {
        rotate: (grant, rotation, ...rest) =>
          grant && rotation.generation < grant.refresh.generation
            ? { next: 'gone', answer: { is: 'refused', reason: 'refresh_token_replayed', ended: grant } }
            : sessionRules.rotate(grant, rotation, ...rest),
      },
      sessionLost,
    ],
    ['failures that nobody hears of', used, { failures: 'are swallowed' }, falseNo],
    ['a revocation whose lost race is answered', revoked, { lostRace: 'is answered all the same' }, isAlive],
    ['a revocation whose failure nobody hears of', { ...revoked, actors: ['revoker', 'client'] }, { failures: 'are swallowed' }, isAlive],
    ['a removal that is taken for done unread', revoked, { unknownOutcome: 'is taken for a win' }, isAlive],
    ['a rotation that brings back what was revoked', revoked, { writesSaySeen: false }, isAlive],
    [
      'get, then delete: a code that is spent without saying what was seen',
      redeemed,
      { writesSaySeen: false },
      'one code gave tokens twice',
    ],
    ['a redemption whose lost race is answered', redeemed, { lostRace: 'is answered all the same' }, 'one code gave tokens twice'],
    [
      'a redemption that was sent twice, and lost to itself',
      { ...redeemed, actors: ['client'] },
      { unknownOutcome: 'is read back once' },
      sessionLost,
    ],
  ])('%s', { timeout: 60_000 }, (_, scenario, bug, broken) => {
    expect(explored(scenario, bug).broken).toBe(broken)
  })
})
