import { describe, expect, it } from 'vitest'
import {
  claimTransaction,
  finishTransaction,
  newTransaction,
  releaseTransaction,
  type Transaction,
  transactionShape,
} from './transaction.ts'

const now = 1_767_268_800
const request = {
  clientId: 'client-1',
  redirectUri: 'http://127.0.0.1/cb',
  state: 'the-state',
  challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  scopes: ['read'],
  resource: 'https://mcp.example.com/mcp',
}
const approved: Transaction = {
  request,
  browser: 'hash-of-the-login-cookie',
  upstreamVerifier: 'verifier-towards-the-upstream',
  status: { is: 'approved' },
  endsAt: now + 900,
}
const exchanging: Transaction = { ...approved, status: { is: 'exchanging', since: now, claim: 'this one' } }
const done: Transaction = { ...approved, status: { is: 'done', location: 'http://127.0.0.1/cb?code=c', until: now + 60 } }

describe('a transaction', () => {
  it('begins approved, and lives 15 minutes (R69)', () => {
    expect(
      newTransaction({ request, browser: 'hash-of-the-login-cookie', upstreamVerifier: 'verifier-towards-the-upstream' }, now),
    ).toEqual(approved)
  })
})

describe('claiming a transaction', () => {
  it('is the first callback’s: it exchanges, and its time does not change', () => {
    expect(claimTransaction(approved, 'this one', now + 5)).toEqual({
      next: { ...approved, status: { is: 'exchanging', since: now + 5, claim: 'this one' } },
      answer: { is: 'claimed', transaction: approved },
    })
  })

  it('finds it taken by another callback, for 37 seconds: as long as an exchange may take (REL-R20)', () => {
    expect(claimTransaction(exchanging, 'another', now)).toEqual({ answer: { is: 'taken' } })
    expect(claimTransaction(exchanging, 'another', now + 37)).toEqual({ answer: { is: 'taken' } })
  })

  it('finds its own claim, whose outcome was unknown', () => {
    expect(claimTransaction(exchanging, 'this one', now + 40)).toEqual({ answer: { is: 'claimed', transaction: exchanging } })
  })

  it('finds that of the release before taken, which did not say whose it is', () => {
    const before: Transaction = { ...exchanging, status: { is: 'exchanging', since: now } }
    expect(claimTransaction(before, 'another', now)).toEqual({ answer: { is: 'taken' } })
  })

  it('finds it stuck after that, and never claims it again: the upstream code may be spent (REL-R13)', () => {
    expect(claimTransaction(exchanging, 'another', now + 38)).toEqual({ answer: { is: 'stuck' } })
    expect(claimTransaction(exchanging, 'another', now + 800)).toEqual({ answer: { is: 'stuck' } })
  })

  it('finds the answer when it is done, the same for everybody who asks', () => {
    expect(claimTransaction(done, 'another', now + 59)).toEqual({ answer: { is: 'done', location: 'http://127.0.0.1/cb?code=c' } })
  })

  it('finds nothing when its minute is over, though the record stays', () => {
    expect(claimTransaction(done, 'another', now + 60)).toEqual({ answer: { is: 'unknown' } })
  })

  it('finds the answer that the release before this one left, as long as that record lives', () => {
    const { until: _, ...status } = { until: 0, ...done.status }
    expect(claimTransaction({ ...done, status }, 'another', now + 800).answer.is).toBe('done')
  })

  it('finds nothing where there is none', () => {
    expect(claimTransaction(undefined, 'another', now)).toEqual({ answer: { is: 'unknown' } })
  })
})

describe('releasing a transaction', () => {
  it('gives the claim back, so that the person can try again (REL-R8)', () => {
    expect(releaseTransaction(exchanging, 'this one')).toEqual({ next: approved, answer: undefined })
  })

  it('leaves the claim of another one, of the same second too: its upstream code may be on its way (I2)', () => {
    expect(releaseTransaction(exchanging, 'another')).toEqual({ answer: undefined })
  })

  it('changes nothing that is not being exchanged', () => {
    for (const transaction of [approved, done, undefined])
      expect(releaseTransaction(transaction, 'this one')).toEqual({ answer: undefined })
  })
})

describe('finishing a transaction', () => {
  it('lives for the minute in any case', () => {
    expect(finishTransaction(exchanging, 'this one', 'x', now + 880)).toMatchObject({
      next: { status: { until: now + 940 }, endsAt: now + 940 },
    })
  })

  it('keeps the answer for a minute, and that it was given as long as it would have lived', () => {
    expect(finishTransaction(exchanging, 'this one', 'http://127.0.0.1/cb?code=c', now)).toEqual({ next: done, answer: undefined })
  })

  it('is for whoever claimed it: an answer that was given is not changed', () => {
    for (const transaction of [approved, done, undefined])
      expect(finishTransaction(transaction, 'this one', 'http://127.0.0.1/cb?code=other', now)).toEqual({ answer: undefined })
    expect(finishTransaction(exchanging, 'another', 'http://127.0.0.1/cb?code=other', now)).toEqual({ answer: undefined })
  })
})

describe('the stored shape of a transaction', () => {
  it.each([approved, exchanging, done])('reads what was written, and keeps what it does not know: $status.is', (transaction) => {
    const stored = {
      ...transaction,
      request: { ...request, nonce: 'n' },
      status: { ...transaction.status, by: 'a host' },
      fromTheNextRelease: 1,
    }
    expect(transactionShape.parse(JSON.parse(JSON.stringify(stored)))).toEqual(stored)
  })

  it.each([
    ['a status nobody knows', { status: { is: 'denied' } }],
    ['an exchange without its moment', { status: { is: 'exchanging' } }],
    ['an end without its answer', { status: { is: 'done' } }],
    ['no browser', { browser: undefined }],
  ])('is not one with %s', (_, part) => {
    expect(transactionShape.safeParse({ ...approved, ...part }).success).toBe(false)
  })
})
