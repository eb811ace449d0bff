import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatChallenge, readBearer } from './bearer.ts'

const read = (...headers: string[]) => {
  const request = new Request('https://mcp.example.com/mcp')
  for (const header of headers) request.headers.append('authorization', header)
  return readBearer(request)
}

describe('the bearer token of a request (RFC 6750 §2.1)', () => {
  it.each([
    ['Bearer abc', 'abc'],
    ['bearer abc', 'abc'],
    ['BEARER abc', 'abc'],
    ['Bearer   abc', 'abc'],
    ['Bearer a.b-c_d~e+f/g==', 'a.b-c_d~e+f/g=='],
  ])('of %j is %s, whatever the case of the scheme (T73)', (header, token) => {
    expect(read(header)).toEqual({ is: 'token', token })
  })

  it.each([[[]], [['Basic YTpi']], [['DPoP abc']], [['Bearerabc']], [['Token abc']], [['']], [['"Bearer" abc']]])(
    'of %j is absent: that is for somebody else (T73)',
    (headers) => {
      expect(read(...headers)).toEqual({ is: 'absent' })
    },
  )

  it.each([
    [['Bearer']],
    [['Bearer ']],
    [['Bearer\tabc']],
    [['Bearer a b']],
    [['Bearer a, Bearer b']],
    [['Bearer a', 'Bearer b']],
    [['Bearer a', 'Basic YTpi']],
    [['Bearer a,b']],
    [['Bearer a=b']],
    [['Bearer ä']],
    [['Bearer "abc"']],
    [['Bearer token=abc']],
  ])('of %j is malformed (R35, T73)', (headers) => {
    expect(read(...headers)).toEqual({ is: 'malformed' })
  })

  it('is not looked for in the query, the body or a cookie (R39, T57)', () => {
    const request = new Request('https://mcp.example.com/mcp?access_token=abc', {
      method: 'POST',
      headers: { cookie: 'access_token=abc', 'content-type': 'application/x-www-form-urlencoded' },
      body: 'access_token=abc',
    })
    expect(readBearer(request)).toEqual({ is: 'absent' })
  })

  it('is read as it is sent, or not at all', () => {
    const anything = fc.oneof(
      fc.string(),
      fc.string().map((text) => `Bearer ${text}`),
      fc.string().map((text) => `bEaReR  ${text}`),
    )
    fc.assert(
      fc.property(anything, (header) => {
        fc.pre(/^[\x20-\x7e]*$/.test(header))
        const credentials = read(header)
        if (credentials.is === 'token') expect(header.trim()).toMatch(/^bearer +[^ ]+$/i)
        if (credentials.is === 'token') expect(header.trim().split(' ').at(-1)).toBe(credentials.token)
      }),
      { seed: 73 },
    )
  })
})

describe('a challenge (RFC 6750 §3, RFC 9728 §5.1)', () => {
  const metadataUrl = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp'

  it('without credentials has no error, one blank after the scheme, and a parameter always (R22, R29, G14)', () => {
    expect(formatChallenge({ scopes: [], metadataUrl })).toBe(`Bearer resource_metadata="${metadataUrl}"`)
    expect(formatChallenge({ scopes: ['read', 'write'], metadataUrl })).toBe(
      `Bearer scope="read write", resource_metadata="${metadataUrl}"`,
    )
  })

  it('has error, scope and resource_metadata first, and the description last (R30, R42, G13)', () => {
    expect(
      formatChallenge({ error: 'insufficient_scope', description: 'Not granted what this needs.', scopes: ['admin'], metadataUrl }),
    ).toBe(
      `Bearer error="insufficient_scope", scope="admin", resource_metadata="${metadataUrl}", error_description="Not granted what this needs."`,
    )
  })

  it('never has an empty scope (G14)', () => {
    expect(formatChallenge({ error: 'invalid_token', description: 'It has expired.', scopes: [], metadataUrl })).toBe(
      `Bearer error="invalid_token", resource_metadata="${metadataUrl}", error_description="It has expired."`,
    )
  })

  it('is what the clients’ own reading finds: the first of each name, and none twice (R42, G13, G15)', () => {
    const challenge = formatChallenge({ error: 'invalid_token', description: 'It has expired.', scopes: ['read'], metadataUrl })
    // As SDK v1 and v2 read it.
    expect(/resource_metadata="([^"]*)"/.exec(challenge)?.[1]).toBe(metadataUrl)
    expect(/scope=(?:"([^"]+)"|([^\s,]+))/.exec(challenge)?.[1]).toBe('read')
    const names = [...challenge.matchAll(/(\w+)=/g)].map(([, name]) => name)
    expect(names).toEqual(['error', 'scope', 'resource_metadata', 'error_description'])
    expect(challenge.startsWith('Bearer ')).toBe(true)
  })
})
