import { describe, expect, it } from 'vitest'
import { OAuthError } from '../protocol/errors.ts'
import { readForm, readJson } from './form.ts'

const post = (body: BodyInit | null, headers: Record<string, string>) =>
  new Request('https://mcp.example.com/token', { method: 'POST', body, headers })
const form = { 'content-type': 'application/x-www-form-urlencoded' }
const json = { 'content-type': 'application/json' }

async function refusalOf(reading: Promise<unknown>): Promise<object | undefined> {
  const error = await reading.then(
    () => undefined,
    (cause: unknown) => cause,
  )
  return error instanceof OAuthError ? { code: error.code, message: error.message, reason: error.reason } : undefined
}

const charsets = [
  'charset=utf-16',
  'charset=UTF-7',
  'charset=iso-8859-1',
  'charset="utf-16le"',
  'charset=',
  'charset=utf-8; charset=utf-16',
  'boundary=x; Charset = us-ascii',
  'charset=utf-8x',
]
const notUtf8 = { code: 'invalid_request', message: 'The body is not UTF-8.', reason: 'charset' }

describe('a form (OAuth 2.1 §3.2, R80)', () => {
  it.each([
    ['application/x-www-form-urlencoded'],
    ['application/x-www-form-urlencoded; charset=UTF-8'],
    ['Application/X-WWW-Form-Urlencoded;charset=utf-8'],
  ])('is read as %s', async (type) => {
    const search = await readForm(post('a=1&b=%2B+%C3%A4&a=2&c', { 'content-type': type }))
    expect([...search]).toEqual([
      ['a', '1'],
      ['b', '+ ä'],
      ['a', '2'],
      ['c', ''],
    ])
  })

  it.each([
    'application/json',
    'text/plain',
    'multipart/form-data; boundary=x',
    '',
    'application/x-www-form-urlencodedx',
    'application/x-www-form-urlencoded, text/plain',
  ])('is refused as %j (R80, T83)', async (type) => {
    const reading = readForm(post('a=1', { 'content-type': type }))
    expect(await refusalOf(reading)).toEqual({
      code: 'invalid_request',
      message: 'The body is not application/x-www-form-urlencoded.',
      reason: 'content_type',
    })
  })

  it.each(['gzip', 'br', 'deflate', 'gzip, gzip'])('is refused when it is encoded, and is not decoded: %s (T80)', async (encoding) => {
    expect(await refusalOf(readForm(post('a=1', { ...form, 'content-encoding': encoding })))).toEqual({
      code: 'invalid_request',
      message: 'The body is encoded.',
      reason: 'content_encoding',
    })
  })

  it('may be empty, and may be nonsense: parameters are then missing (T83)', async () => {
    expect([...(await readForm(post('', form)))]).toEqual([])
    expect([...(await readForm(post('%', form)))]).toEqual([['%', '']])
    expect([...(await readForm(post('%zz=%ff&&=&', form)))]).toEqual([
      ['%zz', '\ufffd'],
      ['', ''],
    ])
    // UTF-16 is not what the media type says, so no parameter of ours is found in it (T80).
    const utf16 = await readForm(post(Buffer.from('code=x', 'utf16le'), form))
    expect(utf16.get('code')).toBeNull()
  })

  it.each(charsets)('is refused when it says that it is %s (T80)', async (charset) => {
    const reading = readForm(post('a=1', { 'content-type': `application/x-www-form-urlencoded; ${charset}` }))
    expect(await refusalOf(reading)).toEqual(notUtf8)
  })
})

describe('a JSON body (RFC 7591 §3.1)', () => {
  it.each([
    ['{"a":1}', { a: 1 }],
    ['[1]', [1]],
    ['null', null],
    ['\ufeff{"a":1}', { a: 1 }],
  ])('%j is read', async (text, value) => {
    expect(await readJson(post(text, { 'content-type': 'application/json; charset=utf-8' }))).toEqual(value)
  })

  it.each(['', '{', 'a=1', '{"a":1}x', "{'a':1}", 'undefined'])('%j is refused, and not echoed (T34)', async (text) => {
    expect(await refusalOf(readJson(post(text, json)))).toEqual({
      code: 'invalid_request',
      message: 'The body is not JSON.',
      reason: 'not_json',
    })
  })

  it.each(charsets)('is refused when it says that it is %s (T80)', async (charset) => {
    expect(await refusalOf(readJson(post('{}', { 'content-type': `application/json;${charset}` })))).toEqual(notUtf8)
  })

  it.each(['charset=utf-8', 'charset="UTF-8"', 'charset=utf8', 'boundary=x; charset=utf-8'])('is read with %s', async (charset) => {
    expect(await readJson(post('{"a":1}', { 'content-type': `application/json; ${charset}` }))).toEqual({ a: 1 })
  })

  it('is refused as anything else, and when it is encoded (T80, T83)', async () => {
    expect(await refusalOf(readJson(post('{}', { 'content-type': 'text/plain' })))).toMatchObject({ reason: 'content_type' })
    expect(await refusalOf(readJson(post('{}', form)))).toMatchObject({ reason: 'content_type' })
    expect(await refusalOf(readJson(post('{}', { ...json, 'content-encoding': 'gzip' })))).toMatchObject({ reason: 'content_encoding' })
    expect(await refusalOf(readJson(post(Buffer.from('{}', 'utf16le'), json)))).toMatchObject({ reason: 'not_json' })
  })
})
