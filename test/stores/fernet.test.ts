import { fixedEnvironment } from '@drawbridge/core/testing'
import { createFernetKey, FernetError, fernet } from '@drawbridge/storage'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const environment = fixedEnvironment()
const key = createFernetKey()
const cipher = fernet(key, { environment })

describe('a sealed text (T93)', () => {
  it('is opened as it was, whatever it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
        expect(cipher.open(cipher.seal(text)).text).toBe(text)
      }),
      { seed: 93 },
    )
  })

  it('that was changed anywhere, cut or continued is not opened, with one error for all of it', () => {
    const sealed = cipher.seal('a value that somebody wants')
    const changed = fc.oneof(
      fc
        .tuple(fc.nat(sealed.length - 1), fc.constantFrom(...'AZaz09-_=+/ \n'))
        .map(([at, character]) => `${sealed.slice(0, at)}${character}${sealed.slice(at + 1)}`),
      fc.nat(sealed.length - 1).map((length) => sealed.slice(0, length)),
      fc.string({ minLength: 1, maxLength: 20 }).map((more) => sealed + more),
      fc.nat(sealed.length).map((at) => `${sealed.slice(0, at)}\u0000${sealed.slice(at)}`),
    )
    fc.assert(
      fc.property(changed, (text) => {
        fc.pre(text !== sealed)
        expect(errorOf(text)).toBe(errorOf('nothing of ours'))
      }),
      { seed: 94, numRuns: 500 },
    )
  })

  it('is nothing that anybody could make up', () => {
    const made = fc.oneof(
      fc.string({ maxLength: 400 }),
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
      fc.uint8Array({ minLength: 57, maxLength: 300 }).map((bytes) => Buffer.concat([Buffer.from([0x80]), bytes]).toString('base64')),
      fc.constant('A'.repeat(10_000_000)),
    )
    fc.assert(
      fc.property(made, (text) => {
        expect(errorOf(text)).toBe(errorOf('nothing of ours'))
      }),
      { seed: 95, numRuns: 300 },
    )
  })
})

function errorOf(text: string): string {
  try {
    cipher.open(text)
  } catch (error) {
    expect(error).toBeInstanceOf(FernetError)
    return String(error)
  }
  return 'it was opened'
}
