import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OAuthError } from '../protocol/errors.ts'
import { type ClientAuthentication, readCredentials } from './read-credentials.ts'

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`
const read = ({ authorization, clientId, clientSecret }: Partial<ClientAuthentication>) => {
  try {
    return readCredentials({ authorization, clientId, clientSecret })
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error
    return { ...error.toResponseObject(), reason: error.reason }
  }
}

describe('a client proves itself (RFC 6749 §2.3, R85)', () => {
  it.each<[string, Partial<ClientAuthentication>, object]>([
    ['not at all', { clientId: 'c' }, { clientId: 'c', method: 'none', secret: '' }],
    ['in the body', { clientId: 'c', clientSecret: 's' }, { clientId: 'c', method: 'client_secret_post', secret: 's' }],
    ['in the header', { authorization: basic('c:s') }, { clientId: 'c', method: 'client_secret_basic', secret: 's' }],
    [
      'in the header, and names itself in the body too',
      { authorization: basic('c:s'), clientId: 'c' },
      { clientId: 'c', method: 'client_secret_basic', secret: 's' },
    ],
    [
      'in the header, the scheme in any case',
      { authorization: basic('c:s').replace('Basic', 'bASIC') },
      { clientId: 'c', method: 'client_secret_basic', secret: 's' },
    ],
    ['with a colon in the secret', { authorization: basic('c:a:b') }, { clientId: 'c', method: 'client_secret_basic', secret: 'a:b' }],
    ['with an empty secret', { authorization: basic('c:') }, { clientId: 'c', method: 'client_secret_basic', secret: '' }],
    [
      'form-encoded (R87)',
      { authorization: basic('c%2F1:a+b%25%C3%A4') },
      { clientId: 'c/1', method: 'client_secret_basic', secret: 'a b%ä' },
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

  it('by one spelling only: whatever is read is what was sent', () => {
    const text = fc.string({ unit: 'binary', minLength: 1 }).filter((name) => !name.includes(':'))
    const encode = (part: string): string => encodeURIComponent(part).replaceAll('%20', '+')
    fc.assert(
      fc.property(text, fc.string({ unit: 'binary' }), (clientId, secret) => {
        expect(read({ authorization: basic(`${encode(clientId)}:${encode(secret)}`) })).toEqual({
          clientId,
          method: 'client_secret_basic',
          secret,
        })
      }),
      { seed: 18 },
    )
    fc.assert(
      fc.property(fc.string(), (junk) => {
        const credentials = read({ authorization: `Basic ${junk}` })
        if (credentials === undefined || !('secret' in credentials)) return
        expect(Buffer.from(junk.trim(), 'base64').toString('base64')).toBe(junk.trim())
      }),
      { seed: 18 },
    )
  })
})
