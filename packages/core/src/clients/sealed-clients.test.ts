import { createSecretKey } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fixedEnvironment } from '../testing/fixed-environment.ts'
import { sealedClients, sealingKey } from './sealed-clients.ts'

const keyOf = (secret: string) => sealingKey(createSecretKey(Buffer.from(secret)))
const [one, other] = [keyOf('first-sealing-secret-0123456789-abcdef'), keyOf('other-sealing-secret-9876543210-zyxwvu')]
const issuer = 'https://mcp.example.com'
const environment = fixedEnvironment()
const sealed = sealedClients({ keys: [one], issuer, environment })

const client = {
  redirectUris: ['http://127.0.0.1:5555/callback'],
  clientName: 'Bücher & <more>',
  grantTypes: ['authorization_code', 'refresh_token'],
  authentication: 'client_secret_basic',
  secretHash: 'a hash',
  createdAt: 1_767_268_800,
} as const

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

describe('a sealed client', () => {
  it('is in its id, whole, and nowhere else', () => {
    const { id, ...rest } = sealed.seal(client)
    expect(rest).toEqual({ ...client, endsAt: Number.MAX_SAFE_INTEGER })
    expect(sealed.open(id)).toEqual({ ...client, id, endsAt: Number.MAX_SAFE_INTEGER })
    expect(sealedClients({ keys: [one], issuer, environment: fixedEnvironment() }).open(id)).toEqual(sealed.open(id))
  })

  it('has an id that is never a URL, and safe wherever an id goes (R132)', () => {
    const uris = fc.array(fc.webUrl({ validSchemes: ['https'] }), { minLength: 1, maxLength: 3 })
    const names = fc.string({ maxLength: 40, unit: 'grapheme' })
    fc.assert(
      fc.property(uris, names, (redirectUris, clientName) => {
        fc.pre(JSON.stringify([redirectUris, clientName]).length < 300)
        const { id } = sealed.seal({ ...client, redirectUris, clientName })
        expect(id).toMatch(/^sealed_[A-Za-z0-9_-]{50,1017}$/)
        expect(sealed.open(id)).toMatchObject({ redirectUris, clientName })
      }),
    )
  })

  it('has another id each time', () => {
    expect(new Set(Array.from({ length: 50 }, () => sealed.seal(client).id)).size).toBe(50)
  })

  it('does not show what is in it', () => {
    const { id } = sealed.seal(client)
    expect(Buffer.from(id.slice(7), 'base64url').toString('latin1')).not.toMatch(/127|callback|hash/)
  })

  it('has an id of 1024 characters at most', () => {
    const fits = (length: number): string => sealed.seal({ ...client, clientName: 'x'.repeat(length) }).id
    const most = Array.from({ length: 800 }, (_, length) => length).findLast((length) => isTaken(() => fits(length))) ?? 0
    expect(fits(most).length).toBeGreaterThan(1020)
    expect(fits(most).length).toBeLessThanOrEqual(1024)
    expect(() => fits(most + 1)).toThrow(
      expect.objectContaining({
        code: 'invalid_client_metadata',
        reason: 'metadata_too_long',
        message: 'The metadata is too long to be registered here: fewer or shorter redirect URIs would fit.',
      }),
    )
  })
})

function isTaken(seal: () => string): boolean {
  try {
    return seal().length > 0
  } catch {
    return false
  }
}

describe('an id that is not sealed here opens to nothing', () => {
  it('with any one character changed', () => {
    const { id } = sealed.seal(client)
    for (let at = 0; at < id.length; at += 1) {
      for (const character of alphabet) {
        if (character === id[at]) continue
        expect(sealed.open(`${id.slice(0, at)}${character}${id.slice(at + 1)}`)).toBeUndefined()
      }
    }
  })

  it('spelt in another way, shortened or made longer', () => {
    const { id } = sealed.seal(client)
    for (const text of [`${id}=`, `${id}A`, `${id}AAAA`, ` ${id}`, `${id}\n`, id.slice(7), id.slice(0, -1), id.slice(0, -4), `${id}.${id}`])
      expect(sealed.open(text)).toBeUndefined()
    expect(sealed.open(id.replaceAll('-', '+').replaceAll('_', '/'))).toBeUndefined()
  })

  it('whatever it is', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string().map((rest) => `sealed_${rest}`),
      fc.uint8Array({ maxLength: 200 }).map((bytes) => `sealed_${Buffer.from(bytes).toString('base64url')}`),
    )
    fc.assert(
      fc.property(text, (id) => {
        expect(sealed.open(id)).toBeUndefined()
      }),
    )
    for (const id of ['', 'sealed_', '019b796d-d600-7f16-9f9b-4e6a10247522', `sealed_${'A'.repeat(2000)}`])
      expect(sealed.open(id)).toBeUndefined()
  })

  it('sealed by another key, or for another issuer', () => {
    expect(sealedClients({ keys: [other], issuer, environment }).open(sealed.seal(client).id)).toBeUndefined()
    expect(sealedClients({ keys: [one], issuer: `${issuer}/x`, environment }).open(sealed.seal(client).id)).toBeUndefined()
  })
})

describe('sealing keys', () => {
  it('rotate: the first seals, all open', () => {
    const before = sealed.seal(client).id
    const both = sealedClients({ keys: [other, one], issuer, environment })
    expect(both.open(before)).toMatchObject({ clientName: 'Bücher & <more>' })
    const after = both.seal(client).id
    expect(sealed.open(after)).toBeUndefined()
    expect(sealedClients({ keys: [other], issuer, environment }).open(after)).toMatchObject({ clientName: 'Bücher & <more>' })
  })
})
