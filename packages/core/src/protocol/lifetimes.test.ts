import { expect, it } from 'vitest'
import { defaultLifetimes, fixedLifetimes } from './lifetimes.ts'

it('the defaults are the documented ones, in seconds (R92)', () => {
  expect(defaultLifetimes).toEqual({ accessToken: 3600, code: 60, grantIdle: 7_776_000, grant: 31_536_000, lostStore: 600 })
})

it('a code lives 10 minutes at most (R81, RFC 6749 §4.1.2)', () => {
  expect(defaultLifetimes.code).toBeLessThanOrEqual(600)
})

it('what nobody needs to change is the documented too', () => {
  expect(fixedLifetimes).toEqual({
    deployment: 34_560_000,
    deploymentRenewal: 17_280_000,
    clientUnused: 2_592_000,
    client: 37_152_000,
    clientRenewal: 34_560_000,
    pushedRequest: 90,
    document: 3600,
    documentLeast: 300,
    documentMost: 86_400,
    documentKept: 604_800,
    transaction: 900,
    transactionDone: 60,
    exchanging: 37,
    grantPending: 600,
    lease: 15,
    rotationGrace: 60,
    unconfirmedGrace: 86_400,
    upstreamDue: 300,
    identityCheck: 900,
    rollOut: 3600,
    deviceCode: 900,
    deviceCodeOver: 300,
    formCookie: 900,
    rememberedConsent: 7_776_000,
    clientAssertion: 300,
    leeway: 30,
  })
})

it('what others hang on outlives them', () => {
  expect(fixedLifetimes.client).toBeGreaterThan(defaultLifetimes.grant)
  expect(fixedLifetimes.clientRenewal).toBeGreaterThan(defaultLifetimes.grant)
  expect(fixedLifetimes.deployment).toBeGreaterThan(defaultLifetimes.grant)
  expect(fixedLifetimes.grantPending).toBeGreaterThan(defaultLifetimes.code)
})
