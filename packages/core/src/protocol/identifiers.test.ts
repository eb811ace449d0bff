import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  formatCode,
  formatInitialAccessToken,
  formatRefreshToken,
  parseCode,
  parseInitialAccessToken,
  parseRefreshToken,
  timedId,
  timeOfId,
} from './identifiers.ts'

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'))
const moments = fc.integer({ min: 0, max: 1_099_511_627 })
const random = fc.uint8Array({ minLength: 10, maxLength: 10 })
const ids = fc.tuple(moments, random).map(([now, drawn]) => timedId(now, drawn))
const secrets = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((drawn) => Buffer.from(drawn).toString('base64url'))

describe('an id that begins with its time', () => {
  it('is a UUIDv7: the vector of RFC 9562, appendix A.6', () => {
    // 2022-02-22T19:22:22Z; rand_a CC3, rand_b 18C4DC0C0C07398F.
    expect(timedId(1_645_557_742, bytes('0cc318c4dc0c0c07398f'))).toBe('017f22e2-79b0-7cc3-98c4-dc0c0c07398f')
    expect(timeOfId('017f22e2-79b0-7cc3-98c4-dc0c0c07398f')).toBe(1_645_557_742)
  })

  it('has version 7 and its variant whatever is drawn', () => {
    expect(timedId(0, bytes('00000000000000000000'))).toBe('00000000-0000-7000-8000-000000000000')
    expect(timedId(0, bytes('ffffffffffffffffffff'))).toBe('00000000-0000-7fff-bfff-ffffffffffff')
  })

  it('tells its time, and sorts by it', () => {
    fc.assert(
      fc.property(moments, moments, random, (one, other, drawn) => {
        expect(timeOfId(timedId(one, drawn))).toBe(one)
        if (one < other) expect(timedId(one, drawn) < timedId(other, drawn)).toBe(true)
      }),
      { seed: 9562 },
    )
  })

  it('never begins as a client metadata document would (R132)', () => {
    fc.assert(
      fc.property(ids, (id) => !id.startsWith('http')),
      { seed: 132 },
    )
  })

  it.each([
    '',
    'a',
    '017f22e2-79b0-4cc3-98c4-dc0c0c07398f',
    '017f22e2-79b0-7cc3-c8c4-dc0c0c07398f',
    '017F22E2-79B0-7CC3-98C4-DC0C0C07398F',
    '017f22e279b07cc398c4dc0c0c07398f',
    ' 017f22e2-79b0-7cc3-98c4-dc0c0c07398f',
    '017f22e2-79b0-7cc3-98c4-dc0c0c07398f\n',
    'https://client.example.com/017f22e2-79b0-7cc3-98c4-dc0c0c07398f',
  ])('%j is none of ours, and has no time', (text) => {
    expect(timeOfId(text)).toBeUndefined()
  })
})

describe('an authorization code', () => {
  const grantId = '017f22e2-79b0-7cc3-98c4-dc0c0c07398f'
  const secret = 'A'.repeat(43)

  it('is a prefix, the id of its grant and its secret', () => {
    expect(formatCode({ grantId, secret })).toBe(`db_ac_${grantId}.${secret}`)
  })

  it('comes apart as it was put together', () => {
    fc.assert(
      fc.property(ids, secrets, (id, drawn) => {
        const code = formatCode({ grantId: id, secret: drawn })
        expect(parseCode(code)).toEqual({ grantId: id, secret: drawn })
        expect(parseRefreshToken(code)).toBeUndefined()
      }),
      { seed: 43 },
    )
  })

  it.each([
    '',
    grantId,
    `db_ac_${grantId}`,
    `db_ac_${grantId}.${secret}=`,
    `db_ac_${grantId}.${secret.slice(1)}`,
    `db_ac_${grantId}.${secret.slice(1)}+`,
    `db_ac_${grantId}.0.${secret}`,
    `DB_AC_${grantId}.${secret}`,
    `db_rt_${grantId}.${secret}`,
    `db_ac_${'-'.repeat(36)}.${secret}`,
    `db_ac_017f22e2-79b0-4cc3-98c4-dc0c0c07398f.${secret}`,
    ` db_ac_${grantId}.${secret}`,
    `db_ac_${grantId}.${secret}\n`,
  ])('%j is none of ours (T15, T62, T104)', (text) => {
    expect(parseCode(text)).toBeUndefined()
  })
})

describe('a refresh token', () => {
  const grantId = '017f22e2-79b0-7cc3-98c4-dc0c0c07398f'
  const mac = 'A'.repeat(43)

  it('is a prefix, the id of its grant, its generation and its mac', () => {
    expect(formatRefreshToken({ grantId, generation: 7, mac })).toBe(`db_rt_${grantId}.7.${mac}`)
  })

  it('comes apart as it was put together', () => {
    fc.assert(
      fc.property(ids, fc.integer({ min: 0, max: 999_999_999 }), secrets, (id, generation, drawn) => {
        const token = formatRefreshToken({ grantId: id, generation, mac: drawn })
        expect(parseRefreshToken(token)).toEqual({ grantId: id, generation, mac: drawn })
        expect(parseCode(token)).toBeUndefined()
      }),
      { seed: 44 },
    )
  })

  it.each([
    '',
    `db_rt_${grantId}.${mac}`,
    `db_rt_${grantId}.-1.${mac}`,
    `db_rt_${grantId}.00.${mac}`,
    `db_rt_${grantId}.01.${mac}`,
    `db_rt_${grantId}.1e3.${mac}`,
    `db_rt_${grantId}.1.5.${mac}`,
    `db_rt_${grantId}.1000000000.${mac}`,
    `db_rt_${grantId}.١.${mac}`,
    `db_rt_${grantId}..${mac}`,
    `db_rt_${grantId}.1.${mac}A`,
    `db_ac_${grantId}.1.${mac}`,
    `db_rt_017f22e2-79b0-4cc3-98c4-dc0c0c07398f.1.${mac}`,
    `db_rt_${grantId}.1.${mac}\n`,
  ])('%j is none of ours: one text for each token (T62, T104)', (text) => {
    expect(parseRefreshToken(text)).toBeUndefined()
  })

  it('has one text: whatever is read is written the same', () => {
    fc.assert(
      fc.property(ids, fc.stringMatching(/^[0-9]{1,11}$/), secrets, (id, digits, drawn) => {
        const parts = parseRefreshToken(`db_rt_${id}.${digits}.${drawn}`)
        if (parts) expect(formatRefreshToken(parts)).toBe(`db_rt_${id}.${digits}.${drawn}`)
      }),
      { seed: 45 },
    )
  })
})

describe('an initial access token', () => {
  const id = '019b796d-d600-7f16-9f9b-4e6a10247522'
  const secret = 'A'.repeat(43)

  it('is its prefix, its id and its secret, and comes apart again', () => {
    const token = formatInitialAccessToken({ id, secret })
    expect(token).toBe(`db_iat_019b796d-d600-7f16-9f9b-4e6a10247522.${secret}`)
    expect(parseInitialAccessToken(token)).toEqual({ id, secret })
  })

  it.each([
    '',
    `db_ac_${id}.${secret}`,
    `db_iat_${id}`,
    `db_iat_${id}.${secret}A`,
    `db_iat_${id}.${secret.slice(1)}`,
    `db_iat_${id}.${secret}\n`,
    `db_iat_${id.replace('-7', '-4')}.${secret}`,
    `db_iat_${id.toUpperCase()}.${secret}`,
  ])('is not %j', (token) => {
    expect(parseInitialAccessToken(token)).toBeUndefined()
  })
})
