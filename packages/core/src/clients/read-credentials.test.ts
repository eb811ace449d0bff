import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OAuthError } from '../protocol/errors.ts'
import { type ClientAuthentication, readCredentials } from './read-credentials.ts'

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`
const encodeJson = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const read = ({ authorization, clientId, clientSecret, ...assertion }: Partial<ClientAuthentication>) => {
  try {
    return readCredentials({ authorization, clientId, clientSecret, ...assertion })
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error
    return { ...error.toResponseObject(), reason: error.reason }
  }
}

describe('a client proves itself (RFC 6749 §2.3, R85)', () => {
  it.each<[string, Partial<ClientAuthentication>, object]>([
    ['not at all', { clientId: 'c' }, { clientId: 'c', method: 'none', proof: '' }],
    ['in the body', { clientId: 'c', clientSecret: 's' }, { clientId: 'c', method: 'client_secret_post', proof: 's' }],
    ['in the header', { authorization: basic('c:s') }, { clientId: 'c', method: 'client_secret_basic', proof: 's' }],
    [
      'in the header, and names itself in the body too',
      { authorization: basic('c:s'), clientId: 'c' },
      { clientId: 'c', method: 'client_secret_basic', proof: 's' },
    ],
    [
      'in the header, the scheme in any case',
      { authorization: basic('c:s').replace('Basic', 'bASIC') },
      { clientId: 'c', method: 'client_secret_basic', proof: 's' },
    ],
    ['with a colon in the secret', { authorization: basic('c:a:b') }, { clientId: 'c', method: 'client_secret_basic', proof: 'a:b' }],
    ['with an empty secret', { authorization: basic('c:') }, { clientId: 'c', method: 'client_secret_basic', proof: '' }],
    [
      'form-encoded (R87)',
      { authorization: basic('c%2F1:a+b%25%C3%A4') },
      { clientId: 'c/1', method: 'client_secret_basic', proof: 'a b%ä' },
    ],
  ])('%s (T18)', (_, sent, credentials) => {
    expect(read(sent)).toEqual(credentials)
  })

  it('without a name is a bad request', () => {
    expect(read({})).toEqual({
      error: 'invalid_request',
      error_description: 'The parameter client_id is missing.',
      reason: 'client_id_missing',
    })
  })

  it('in two ways is a bad request, whatever the two say (T18)', () => {
    for (const authorization of [basic('c:s'), 'Basic', 'Bearer x'])
      expect(read({ authorization, clientId: 'c', clientSecret: 's' })).toEqual({
        error: 'invalid_request',
        error_description: 'The client authenticates in two ways.',
        reason: 'two_client_authentications',
      })
  })

  it.each([
    ['nothing', ''],
    ['no credentials', 'Basic'],
    ['empty credentials', 'Basic '],
    ['another scheme', 'Bearer abc'],
    ['no colon', basic('c')],
    ['no name', basic(':s')],
    ['characters of another alphabet', 'Basic YzpzLV8-'],
    ['base64url', `Basic ${Buffer.from('c:??>').toString('base64url')}`],
    ['bits that are left over', 'Basic Yzpz='],
    ['another spelling of the same bytes', 'Basic Yzq='],
    ['two headers, joined', `${basic('c:s')}, ${basic('c:s')}`],
    ['a blank in between', 'Basic Yz pz'],
    ['a percent sign that means nothing', basic('c:100%')],
    ['half a character', basic('c:%ff')],
  ])('with a header that cannot be read is no client: %s (T18)', (_, authorization) => {
    expect(read({ authorization })).toBeUndefined()
  })

  it('with a header that names another client than the body is no client', () => {
    expect(read({ authorization: basic('c:s'), clientId: 'd' })).toBeUndefined()
  })

  const jwt = (claims: object): string =>
    [{ alg: 'ES256' }, claims]
      .map((part) => encodeJson(part))
      .join('.')
      .concat('.c2ln')
  const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

  it('by an assertion, and is whoever that says (RFC 7521 §4.2, RFC 7523 §2.2)', () => {
    const assertion = jwt({ sub: 'c', iss: 'somebody else' })
    const credentials = { clientId: 'c', method: 'private_key_jwt', proof: assertion }
    expect(read({ assertion, assertionType })).toEqual(credentials)
    expect(read({ assertion, assertionType, clientId: 'c' })).toEqual(credentials)
  })

  it.each<[string, Partial<ClientAuthentication>]>([
    ['of another client than it names', { assertion: jwt({ sub: 'c' }), assertionType, clientId: 'd' }],
    ['of nobody', { assertion: jwt({ iss: 'c' }), assertionType }],
    ['of an empty name', { assertion: jwt({ sub: '' }), assertionType }],
    ['of a number', { assertion: jwt({ sub: 7 }), assertionType }],
    ['of no type', { assertion: jwt({ sub: 'c' }) }],
    ['of another type', { assertion: jwt({ sub: 'c' }), assertionType: 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer' }],
    ['that is only a type', { assertionType, clientId: 'c' }],
    ['that is no JWT', { assertion: 'abc', assertionType, clientId: 'c' }],
    ['that is a list', { assertion: `${encodeJson({ alg: 'ES256' })}.${encodeJson(['c'])}.c2ln`, assertionType }],
  ])('by an assertion %s is no client', (_, sent) => {
    expect(read(sent)).toBeUndefined()
  })

  it('by an assertion and in another way is a bad request (T18)', () => {
    const other = [{ authorization: basic('c:s') }, { clientSecret: 's' }, { authorization: 'Bearer x', clientSecret: 's' }]
    for (const sent of [{ assertion: jwt({ sub: 'c' }), assertionType }, { assertionType }, { assertion: 'abc' }])
      for (const way of other)
        expect(read({ ...sent, ...way, clientId: 'c' })).toEqual({
          error: 'invalid_request',
          error_description: 'The client authenticates in two ways.',
          reason: 'two_client_authentications',
        })
  })

  it('by an assertion of any bytes never breaks: it names a client, or nobody', () => {
    const part = fc.oneof(
      fc.json().map((text) => Buffer.from(text).toString('base64url')),
      fc.base64String(),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
        const credentials = read({ assertion: parts.join('.') || 'x', assertionType })
        if (credentials !== undefined)
          expect(credentials).toMatchObject({ method: 'private_key_jwt', clientId: expect.stringMatching(/./s) })
      }),
      { seed: 75 },
    )
  })

  it('by one spelling only: whatever is read is what was sent', () => {
    const text = fc.string({ unit: 'binary', minLength: 1 }).filter((name) => !name.includes(':'))
    const encode = (part: string): string => encodeURIComponent(part).replaceAll('%20', '+')
    fc.assert(
      fc.property(text, fc.string({ unit: 'binary' }), (clientId, secret) => {
        expect(read({ authorization: basic(`${encode(clientId)}:${encode(secret)}`) })).toEqual({
          clientId,
          method: 'client_secret_basic',
          proof: secret,
        })
      }),
      { seed: 18 },
    )
    fc.assert(
      fc.property(fc.string(), (junk) => {
        const credentials = read({ authorization: `Basic ${junk}` })
        if (credentials === undefined || !('proof' in credentials)) return
        expect(Buffer.from(junk.trim(), 'base64').toString('base64')).toBe(junk.trim())
      }),
      { seed: 18 },
    )
  })
})
