import { createCipheriv, createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { ConfigurationError } from '@drawbridge/core'
import { fixedEnvironment } from '@drawbridge/core/testing'
import NpmFernet from 'fernet'
import { describe, expect, it } from 'vitest'
import { createFernetKey, FernetError, fernet, openFernet, parseFernetKey, sealFernet } from './fernet.ts'

interface Vector {
  readonly desc?: string
  readonly token: string
  readonly now: string
  readonly iv: number[]
  readonly src: string
  readonly secret: string
  readonly ttl_sec: number
}

function vectors(name: string): Vector[] {
  return JSON.parse(readFileSync(new URL(`../vectors/fernet/${name}.json`, import.meta.url), 'utf8'))
}

const secondsOf = (date: string): number => Date.parse(date) / 1000

describe('the official vectors (T93)', () => {
  it.each(vectors('generate'))('seals as the vector does', ({ token, now, iv, src, secret }) => {
    expect(sealFernet(parseFernetKey(secret), src, secondsOf(now), Uint8Array.from(iv))).toBe(token)
  })

  it.each(vectors('verify'))('opens what the vector has', ({ token, now, ttl_sec, src, secret }) => {
    expect(openFernet(parseFernetKey(secret), token, { ttl: ttl_sec, now: secondsOf(now) })).toBe(src)
  })

  it.each(vectors('invalid'))('refuses: $desc', ({ token, now, ttl_sec, secret }) => {
    expect(() => openFernet(parseFernetKey(secret), token, { ttl: ttl_sec, now: secondsOf(now) })).toThrow(FernetError)
  })
})

describe('a Fernet cipher', () => {
  const [old, current] = [createFernetKey(), createFernetKey()]

  /** A token as only a holder of the current key could make it. */
  function forged({ version, text }: { version: number; text: string }): string {
    const key = Buffer.from(current, 'base64url')
    const iv = Buffer.alloc(16)
    const cipher = createCipheriv('aes-128-cbc', key.subarray(16), iv)
    const signed = Buffer.concat([Buffer.from([version]), Buffer.alloc(8), iv, cipher.update(text), cipher.final()])
    const mac = createHmac('sha256', key.subarray(0, 16)).update(signed).digest()
    return Buffer.concat([signed, mac]).toString('base64').replaceAll('+', '-').replaceAll('/', '_')
  }

  it('opens what it sealed, in any script', () => {
    const cipher = fernet(current)
    for (const text of ['', 'a', 'ümläut ☃ 𝄞', 'x'.repeat(10_000)]) expect(cipher.open(cipher.seal(text))).toEqual({ text, current: true })
  })

  it('seals by the first key and opens by all (T95)', () => {
    const sealed = fernet(old).seal('text')
    expect(fernet([current, old]).open(sealed)).toEqual({ text: 'text', current: false })
    expect(fernet(`${current},${old}`).open(sealed)).toEqual({ text: 'text', current: false })
    expect(fernet(old).open(sealed)).toEqual({ text: 'text', current: true })
    expect(() => fernet(current).open(sealed)).toThrow(FernetError)
    expect(() => fernet(old).open(fernet([current, old]).seal('text'))).toThrow(FernetError)
  })

  it('never seals the same text alike', () => {
    const cipher = fernet(current)
    expect(cipher.seal('text')).not.toBe(cipher.seal('text'))
  })

  it('opens only the one spelling of a token', () => {
    const cipher = fernet(current)
    const token = cipher.seal('some text')
    const spellings = [
      `${token}!!`,
      `${token}\n`,
      ` ${token}`,
      token.replace(/=+$/, ''),
      token.replaceAll('-', '+').replaceAll('_', '/'),
      `${token}=`,
    ]
    for (const spelling of spellings.filter((other) => other !== token)) expect(() => cipher.open(spelling)).toThrow(FernetError)
  })

  it('refuses a token that was changed in any one byte', () => {
    const cipher = fernet(current)
    const bytes = Buffer.from(cipher.seal('some text'), 'base64url')
    for (let index = 0; index < bytes.length; index += 1) {
      const changed = Buffer.from(bytes)
      changed[index] = (changed[index] ?? 0) ^ 1
      const token = changed.toString('base64').replaceAll('+', '-').replaceAll('/', '_')
      expect(() => cipher.open(token)).toThrow(FernetError)
    }
  })

  it('refuses what is cut short, empty, or far too long, before decoding it', () => {
    const cipher = fernet(current)
    const token = cipher.seal('some text')
    for (const bad of ['', 'gAAAAA==', token.slice(0, 40), 'A'.repeat(10_000_000)]) expect(() => cipher.open(bad)).toThrow(FernetError)
  })

  it('never makes what it would not open', () => {
    const cipher = fernet(current)
    const longest = 'x'.repeat(780_000)
    expect(cipher.open(cipher.seal(longest)).text).toBe(longest)
    expect(() => cipher.seal('x'.repeat(800_000))).toThrow(RangeError)
  })

  it('does not look at the age of a token unless asked', () => {
    const environment = fixedEnvironment({ at: 1 })
    expect(fernet(current).open(fernet(current, { environment }).seal('text')).text).toBe('text')
  })

  it('gives one error for a wrong version, a wrong key and no token at all', () => {
    const cipher = fernet(current)
    const errors = [cipher.seal('text').replace('gAAAAA', 'gQAAAA'), fernet(old).seal('text'), ''].map((token) => {
      try {
        return cipher.open(token)
      } catch (error) {
        return error
      }
    })
    for (const error of errors) expect(error).toEqual(new FernetError())
  })

  it('opens nothing of another version, nor what is far too long, even where its own key has signed it (T93)', () => {
    const cipher = fernet(current)
    expect(cipher.open(forged({ version: 0x80, text: 'text' })).text).toBe('text')
    expect(() => cipher.open(forged({ version: 0x81, text: 'text' }))).toThrow(FernetError)
    expect(() => cipher.open(forged({ version: 0x80, text: 'x'.repeat(800_000) }))).toThrow(FernetError)
  })

  it('tells nothing in its error', () => {
    const cipher = fernet(current)
    try {
      cipher.open(fernet(old).seal('a secret text'))
    } catch (error) {
      expect(inspect(error)).not.toContain('secret')
      expect(inspect(error)).not.toContain(current)
      return
    }
    throw new Error('opened')
  })

  it.each([
    '',
    'short',
    createFernetKey().replace('=', ''),
    `${createFernetKey()}A`,
    Buffer.alloc(32, 255).toString('base64'),
    `${createFernetKey()},`,
  ])('refuses a key that is not 32 bytes of base64url, and says how to make one (%#)', (key) => {
    expect(() => fernet(key)).toThrow(ConfigurationError)
    expect(() => fernet(key)).toThrow(/npm run keygen/)
  })

  it('names every key of a list that is bad, at once, and shows none of them', () => {
    const keys = [current, 'bad-one', old, 'bad-two']
    const refusal = (() => {
      try {
        return fernet(keys)
      } catch (error) {
        return error
      }
    })()
    expect(refusal).toBeInstanceOf(ConfigurationError)
    expect(refusal).toMatchObject({ problems: [expect.stringContaining('key 2 '), expect.stringContaining('key 4 ')] })
    expect(inspect(refusal)).not.toMatch(/bad-one|bad-two/)
    expect(inspect(refusal)).not.toContain(current)
  })

  it('refuses a list without a key', () => {
    expect(() => fernet([])).toThrow(/storage key is missing.*npm run keygen/s)
  })

  it('takes a list with blanks around its keys', () => {
    expect(fernet(` ${current} , ${old}\n`).open(fernet(old).seal('text'))).toEqual({ text: 'text', current: false })
  })

  it('makes keys as Python prints them, from the randomness it is given', () => {
    expect(createFernetKey()).toMatch(/^[A-Za-z0-9_-]{43}=$/)
    expect(createFernetKey()).not.toBe(createFernetKey())
    const zeros = { ...fixedEnvironment(), randomBytes: (length: number) => new Uint8Array(length) }
    expect(createFernetKey(zeros)).toBe('AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=')
  })
})

describe('npm fernet 0.3.3', () => {
  const environment = fixedEnvironment()
  const key = createFernetKey()
  const cipher = fernet(key)
  const theirs = new NpmFernet.Secret(key)
  const texts = Array.from({ length: 1000 }, (_, index) =>
    Buffer.from(environment.randomBytes(1 + (index % 200))).toString(index % 3 ? 'base64' : 'latin1'),
  )

  it('reads 1,000 texts that we sealed', () => {
    for (const text of texts) expect(new NpmFernet.Token({ secret: theirs, token: cipher.seal(text), ttl: 0 }).decode()).toBe(text)
  })

  it('seals 1,000 texts that we read', () => {
    for (const text of texts) expect(cipher.open(new NpmFernet.Token({ secret: theirs, ttl: 0 }).encode(text)).text).toBe(text)
  })
})
