import { describe, expect, it } from 'vitest'
import { forgetConsent, rememberConsent, rememberedConsentId, rememberedConsentShape } from './remembered-consent.ts'

const now = 1_767_268_800
const days90 = 7_776_000
const consent = { grantId: 'grant-1', scopes: ['user', 'repo'], endsAt: now + 1000 }
const request = { clientId: 'c', redirectUri: 'https://a.example/cb', challenge: 'x', scopes: ['user'], resource: 'https://m.example/mcp' }

describe('a remembered consent', () => {
  it('is known by the browser, the client, the redirect URI and the resource, and by nothing else (R66, R74)', () => {
    const id = rememberedConsentId('browser', request)
    expect(id).toBe('["browser","c","https://a.example/cb","https://m.example/mcp"]')
    expect(rememberedConsentId('browser', { ...request, challenge: 'y', scopes: [], state: 's' })).toBe(id)
  })

  it('begins when the person was asked, and lives 90 days', () => {
    const login = { grantId: 'grant-2', scopes: ['user'], asked: true }
    const next = { grantId: 'grant-2', scopes: ['user'], endsAt: now + days90 }
    for (const before of [undefined, consent]) expect(rememberConsent(before, login, now)).toEqual({ next, answer: undefined })
  })

  it('goes on to the grant of a login without a question, no longer and no wider', () => {
    const login = { grantId: 'grant-2', scopes: ['user'], asked: false }
    expect(rememberConsent(consent, login, now)).toEqual({ next: { ...consent, grantId: 'grant-2' }, answer: undefined })
  })

  it('that was forgotten meanwhile is not made again by a login without a question', () => {
    expect(rememberConsent(undefined, { grantId: 'grant-2', scopes: ['user'], asked: false }, now)).toEqual({ answer: undefined })
  })

  it('is forgotten, if it is there', () => {
    expect([forgetConsent(consent), forgetConsent(undefined)]).toEqual([{ next: 'gone', answer: undefined }, { answer: undefined }])
  })

  it('keeps in the store what this release does not know', () => {
    expect(rememberedConsentShape.parse({ ...consent, later: 1 })).toEqual({ ...consent, later: 1 })
  })
})
