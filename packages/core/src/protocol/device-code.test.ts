import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deviceGrantType, formatDeviceCode, formatUserCode, parseDeviceCode, parseUserCode, userCodeOf } from './device-code.ts'

const secret = 'x'.repeat(43)

it('the grant type is the one of RFC 8628 §3.4', () => {
  expect(deviceGrantType).toBe('urn:ietf:params:oauth:grant-type:device_code')
})

describe('a user code', () => {
  it('is eight letters of the alphabet of RFC 8628 §6.1, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        expect(userCodeOf(bytes)).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{8}$/)
      }),
      { seed: 8 },
    )
    expect([userCodeOf(new Uint8Array(16)), userCodeOf(new Uint8Array(16).fill(255))]).toEqual(['BBBBBBBB', 'TQLJPKCV'])
  })

  it('has every letter in every place', () => {
    const codes = Array.from({ length: 2000 }, (_, index) => userCodeOf(createHash('sha256').update(`${index}`).digest().subarray(0, 16)))
    for (const place of [0, 3, 7]) expect(new Set(codes.map((code) => code[place])).size).toBe(20)
  })

  it('is shown in two halves', () => {
    expect(formatUserCode('WDJBMJHT')).toBe('WDJB-MJHT')
  })

  it.each(['WDJBMJHT', 'WDJB-MJHT', 'wdjb-mjht', ' wdjb mjht ', 'W.D.J.B_M/J\\H T', 'wdjb–mjht'])(
    'is read however it was typed: %j (RFC 8628 §6.1)',
    (typed) => {
      expect(parseUserCode(typed)).toBe('WDJBMJHT')
    },
  )

  it.each(['', 'WDJB-MJH', 'WDJB-MJHTT', 'WDJB-MJHA', 'WDJB-MJH0', 'WDJB-MJHÄ', `${' '.repeat(200)}WDJBMJHT`])('is not %j', (typed) => {
    expect(parseUserCode(typed)).toBe(undefined)
  })
})

describe('a device code', () => {
  it('carries the user code and a secret, behind a prefix that scanners find', () => {
    const code = formatDeviceCode({ userCode: 'WDJBMJHT', secret })
    expect([code, parseDeviceCode(code)]).toEqual([`db_dc_WDJBMJHT.${secret}`, { userCode: 'WDJBMJHT', secret }])
  })

  it.each([
    '',
    'WDJBMJHT',
    `db_dc_WDJB-MJHT.${secret}`,
    `db_dc_wdjbmjht.${secret}`,
    `db_dc_ADJBMJHT.${secret}`,
    `db_dc_WDJBMJHT.${secret}x`,
    `db_ac_WDJBMJHT.${secret}`,
    'db_dc_WDJBMJHT.',
  ])('is not %j', (text) => {
    expect(parseDeviceCode(text)).toBe(undefined)
  })
})
