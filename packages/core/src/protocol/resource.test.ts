import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalResource, findResource } from './resource.ts'

describe('the canonical form of a resource (RFC 8707 §2, MCP "canonical server URI")', () => {
  it.each([
    ['https://mcp.example.com', 'https://mcp.example.com'],
    ['https://mcp.example.com/', 'https://mcp.example.com'],
    ['https://mcp.example.com/mcp', 'https://mcp.example.com/mcp'],
    ['https://mcp.example.com/mcp/', 'https://mcp.example.com/mcp/'],
    ['HTTPS://MCP.Example.COM/Mcp', 'https://mcp.example.com/Mcp'],
    ['https://mcp.example.com:443/mcp', 'https://mcp.example.com/mcp'],
    ['http://localhost:80', 'http://localhost'],
    ['https://mcp.example.com:80/mcp', 'https://mcp.example.com:80/mcp'],
    ['https://mcp.example.com:8443/server/mcp', 'https://mcp.example.com:8443/server/mcp'],
    ['http://[::1]:8000/mcp', 'http://[::1]:8000/mcp'],
    // RFC 8707 §2: a query SHOULD NOT be there, and makes another resource when it is.
    ['https://cal.example.com/?tenant=a', 'https://cal.example.com/?tenant=a'],
    ['https://mcp.example.com/a%2Fb/../c', 'https://mcp.example.com/a%2Fb/../c'],
  ])('of %s is %s (R25, G9)', (text, canonical) => {
    expect(canonicalResource(text)).toBe(canonical)
  })

  it.each([
    '',
    'mcp.example.com',
    '/mcp',
    '//mcp.example.com/mcp',
    'https://mcp.example.com/mcp#tools',
    'https://mcp.example.com#',
    'https://user@mcp.example.com/mcp',
    'https://mcp.example.com\\@evil.example/mcp',
    'https:///mcp',
    'https://exa mple.com/mcp',
    'ftp://mcp.example.com/mcp',
    'urn:example:mcp',
  ])('of %j is none: relative, with a fragment, or not to be compared (T58)', (text) => {
    expect(canonicalResource(text)).toBeUndefined()
  })
})

describe('the resource a request names', () => {
  const resources = ['https://mcp.example.com/mcp', 'https://mcp.example.com']

  it.each([
    ['https://mcp.example.com/mcp', 'https://mcp.example.com/mcp'],
    ['HTTPS://MCP.EXAMPLE.COM/mcp', 'https://mcp.example.com/mcp'],
    ['https://mcp.example.com/', 'https://mcp.example.com'],
    ['https://mcp.example.com', 'https://mcp.example.com'],
  ])('%s is our %s, as configured (R24, R25, G9)', (text, resource) => {
    expect(findResource(text, resources)).toBe(resource)
  })

  it.each([
    'https://mcp.example.com/mcp/',
    'https://mcp.example.com/MCP',
    'https://mcp.example.com/mcp?tenant=a',
    'https://mcp.example.com/mcp#',
    'https://mcp.example.com/mc',
    'https://mcp.example.com/mcp/tools',
    'https://mcp.example.com./mcp',
    'https://mcp.example.com:8443/mcp',
    'http://mcp.example.com/mcp',
    'https://other.example.com/mcp',
    'https://mcp.example.com.evil.example/mcp',
    'https://mcp.example.com/mcp\nhttps://evil.example',
    'none of ours',
  ])('%s is none of ours (T58)', (text) => {
    expect(findResource(text, resources)).toBeUndefined()
  })

  it('is found whatever the case of scheme and host, and with no other change', () => {
    const cases = fc.array(fc.boolean(), { minLength: 60, maxLength: 60 })
    fc.assert(
      fc.property(cases, fc.nat({ max: 26 }), fc.string({ minLength: 1, maxLength: 1 }), (upper, at, character) => {
        const [resource = ''] = resources
        const host = 'https://mcp.example.com'.length
        const written = [...resource].map((letter, index) => (index < host && upper[index] ? letter.toUpperCase() : letter)).join('')
        expect(findResource(written, resources)).toBe(resource)
        const changed = `${resource.slice(0, at)}${character}${resource.slice(at + 1)}`
        const found = findResource(changed, resources)
        if (found !== undefined) expect(changed.slice(0, host).toLowerCase() + changed.slice(host)).toBe(found)
      }),
      { seed: 8707 },
    )
  })
})
