import { describe, expect, it } from 'vitest'
import { explore, neverAnswered } from './explore.ts'
import { openWorld } from './hosts.ts'
import { type CallbackRules, type CallbackScenario, callbackRules, callbackSetting } from './transaction.ts'

const three: CallbackScenario = { deliveries: 3, faults: 1, upstream: 'lenient' }
const strict: CallbackScenario = { deliveries: 2, faults: 2, upstream: 'strict' }
const lenient: CallbackScenario = { deliveries: 2, faults: 2, upstream: 'lenient' }

describe('every interleaving of callbacks of one login, with crashes, lost answers, unknown outcomes and time (I2, REL-R13)', () => {
  it.each<[string, CallbackScenario, number]>([
    ['three deliveries of one browser', three, 100_000],
    ['two, on hosts whose clocks are 10 s apart', { ...strict, ahead: [5, -5] }, 40_000],
  ])('%s: one grant at most, one answer, and nobody is stuck', { timeout: 120_000 }, (_, scenario, least) => {
    const { states, ...found } = explore(openWorld(callbackSetting(scenario, callbackRules)))
    expect(found).toEqual({})
    expect(states).toBeGreaterThan(least)
  })
})

describe('the exploration finds', () => {
  const { claim } = callbackRules
  const twoGrants = 'one login made two grants'
  const lostLogin = 'a login that could be kept was lost'
  const emptyCode = 'a code went out for a grant that is not there'
  /** Waits for itself when it cannot tell that its own claim is there. */
  const forgetful: CallbackRules['claim'] = (transaction, mine, now) =>
    claim(transaction, transaction?.status.is === 'exchanging' ? 'another' : mine, now)

  it.each<[string, CallbackScenario, Partial<CallbackRules>, string]>([
    ['a claim that does not say what it has seen', lenient, { writesSaySeen: false }, twoGrants],
    ['a lost claim that is taken for one', lenient, { lostRace: 'is answered all the same' }, twoGrants],
    ['an unknown outcome that is taken for a win', strict, { unknownOutcome: 'is taken for a win' }, emptyCode],
    ['an unknown outcome that is taken for a loss', strict, { unknownOutcome: 'is taken for a loss' }, emptyCode],
    ['failures that nobody hears of', strict, { failures: 'are swallowed' }, lostLogin],
    ['a transaction that is done before its grant is written', strict, { grant: 'is written after it is told of' }, emptyCode],
    ['a delivery that does not wait for another one', strict, { others: 'are sent away' }, lostLogin],
    [
      'a write that was sent twice, and lost to itself, by a claim that does not know itself again',
      strict,
      { unknownOutcome: 'is read back once', claim: forgetful },
      lostLogin,
    ],
    [
      'a claim given back by whoever lost it before',
      strict,
      {
        release: (transaction) =>
          transaction?.status.is === 'exchanging'
            ? { next: { ...transaction, status: { is: 'approved' } }, answer: undefined }
            : { answer: undefined },
      },
      lostLogin,
    ],
    ['a claim that is not given back when nothing was sent', strict, { release: () => ({ answer: undefined }) }, lostLogin],
    [
      'a claim that is given again when its time is over',
      lenient,
      {
        claim(transaction, mine, now) {
          const outcome = claim(transaction, mine, now)
          return transaction && outcome.answer.is === 'stuck' ? claim({ ...transaction, status: { is: 'approved' } }, mine, now) : outcome
        },
      },
      twoGrants,
    ],
    [
      'a claim that never ends',
      strict,
      {
        claim(transaction, mine, now) {
          const outcome = claim(transaction, mine, now)
          return outcome.answer.is === 'stuck' ? { answer: { is: 'taken' } } : outcome
        },
      },
      neverAnswered,
    ],
  ])('%s', { timeout: 60_000 }, (_, scenario, bug, broken) => {
    expect(explore(openWorld(callbackSetting(scenario, { ...callbackRules, ...bug }))).broken).toBe(broken)
  })
})
