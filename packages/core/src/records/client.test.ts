import { describe, expect, it } from 'vitest'
import { type Client, clientOfDocument, clientShape, isClientDue, mayAuthenticateBy, newClient, renewClient } from './client.ts'

const now = 1_767_268_800
const day = 86_400
const metadata = {
  redirectUris: ['http://127.0.0.1/cb'],
  grantTypes: ['authorization_code', 'refresh_token'],
  authentication: 'none',
  clientName: 'A client',
  scope: ['read'],
  applicationType: 'native',
} as const
const client: Client = { id: 'client-1', ...metadata, createdAt: now, endsAt: now + 30 * day }

describe('a client that is a URL', () => {
  const url = 'https://client.example.com/client.json'
  const read: Client = { id: url, ...metadata, document: { readAt: now, freshUntil: now + 600 }, createdAt: now, endsAt: now + 30 * day }

  it('is what its document says, for 30 days', () => {
    expect(clientOfDocument(undefined, url, metadata, now + 600, now)).toEqual(read)
  })

  it('is what its document says now, and lives on as it did when it was read before', () => {
    const used = { ...read, jwksUri: 'https://client.example.com/jwks', endsAt: now + 430 * day }
    const again = clientOfDocument(used, url, metadata, now + day + 600, now + day)
    expect(again).toEqual({ ...read, document: { readAt: now + day, freshUntil: now + day + 600 }, endsAt: now + 430 * day })
    expect(clientOfDocument(read, url, metadata, now + day, now + day).endsAt).toBe(now + 31 * day)
  })

  it('is read back as it was written', () => {
    const all: Client = { ...read, authenticationChoices: ['private_key_jwt', 'none'], jwks: [{ kty: 'RSA', n: 'AQ', e: 'AQAB' }] }
    expect(clientShape.parse(JSON.parse(JSON.stringify(all)))).toEqual(all)
  })

  it('proves itself by any method that it lists, and by no other', () => {
    const methods = ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const
    const one: Client = { ...read, authentication: 'private_key_jwt' }
    expect(methods.filter((method) => mayAuthenticateBy(one, method))).toEqual(['private_key_jwt'])
    const several: Client = { ...one, authenticationChoices: ['private_key_jwt', 'none'] }
    expect(methods.filter((method) => mayAuthenticateBy(several, method))).toEqual(['none', 'private_key_jwt'])
  })
})

describe('a client', () => {
  it('that nobody has used lives 30 days (R118, T41)', () => {
    expect(newClient('client-1', metadata, {}, now)).toEqual(client)
    expect(newClient('client-1', metadata, { secretHash: 'a hash' }, now)).toEqual({ ...client, secretHash: 'a hash' })
  })

  it('is renewed for 430 days by its first redemption', () => {
    expect(renewClient(client, now + day)).toEqual({ next: { ...client, endsAt: now + 431 * day }, answer: true })
  })

  it('is renewed again when fewer than 400 days are left, and not before: one write a month', () => {
    const used: Client = { ...client, endsAt: now + 430 * day }
    expect(renewClient(used, now)).toEqual({ answer: false })
    expect(renewClient(used, now + 30 * day)).toEqual({ answer: false })
    expect(renewClient(used, now + 30 * day + 1)).toEqual({ next: { ...used, endsAt: now + 460 * day + 1 }, answer: true })
  })

  it('is due exactly when renewing would write', () => {
    const used: Client = { ...client, endsAt: now + 430 * day }
    expect([
      isClientDue(client, now),
      isClientDue(used, now),
      isClientDue(used, now + 30 * day),
      isClientDue(used, now + 31 * day),
    ]).toEqual([true, false, false, true])
  })

  it('that is gone is not made again', () => {
    expect(renewClient(undefined, now)).toEqual({ answer: false })
  })
})

describe('the stored shape of a client', () => {
  it('keeps fields it does not know', () => {
    const stored = { ...client, fromTheNextRelease: { a: 1 } }
    expect(clientShape.parse(JSON.parse(JSON.stringify(stored)))).toEqual(stored)
  })

  it('has nothing but the id, redirect URIs, grant types and moments by need', () => {
    const least = { id: 'c', redirectUris: [], grantTypes: ['authorization_code'], createdAt: now, endsAt: now }
    expect(clientShape.parse(least)).toEqual({ ...least, authentication: 'none' })
  })

  it.each([
    ['an id that is none', { id: 7 }],
    ['a grant type we do not serve', { grantTypes: ['password'] }],
    ['a moment that is text', { endsAt: 'tomorrow' }],
    ['a name that is null', { clientName: null }],
  ])('is not %s', (_, part) => {
    expect(clientShape.safeParse({ ...client, ...part }).success).toBe(false)
  })
})
