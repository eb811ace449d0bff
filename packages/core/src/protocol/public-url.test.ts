import { describe, expect, it } from 'vitest'
import { parseMcpPaths, parsePublicUrl } from './public-url.ts'

const parseUrl = (text: unknown) => {
  const problems: string[] = []
  return { parsed: parsePublicUrl('baseUrl', text, problems), problems }
}

const parsePaths = (input: string | readonly string[], base: string) => {
  const problems: string[] = []
  const resources = parseMcpPaths(input, parsePublicUrl('baseUrl', base, problems), problems)
  return { resources, problems }
}

describe('a public URL', () => {
  it.each([
    ['https://mcp.example.com', 'https://mcp.example.com', ''],
    ['https://mcp.example.com/', 'https://mcp.example.com', ''],
    ['https://mcp.example.com:8443/api', 'https://mcp.example.com:8443/api', '/api'],
    ['https://mcp.example.com/api/', 'https://mcp.example.com/api', '/api'],
    ['https://mcp.example.com/a/b', 'https://mcp.example.com/a/b', '/a/b'],
    ['http://localhost:8000', 'http://localhost:8000', ''],
    ['http://127.0.0.1:8000/x', 'http://127.0.0.1:8000/x', '/x'],
    ['http://[::1]:8000', 'http://[::1]:8000', ''],
  ])('%s is kept as %s, its path as %j (R5, G4)', (text, url, path) => {
    expect(parseUrl(text)).toEqual({ parsed: { url, path }, problems: [] })
  })

  it.each([
    [undefined, 'baseUrl is missing: the public URL of this server, for instance https://mcp.example.com'],
    ['', 'baseUrl is missing: the public URL of this server, for instance https://mcp.example.com'],
    [7, 'baseUrl is missing: the public URL of this server, for instance https://mcp.example.com'],
    ['mcp.example.com', 'baseUrl "mcp.example.com" is not an absolute URL'],
    ['/api', 'baseUrl "/api" is not an absolute URL'],
    ['http://mcp.example.com', 'baseUrl http://mcp.example.com is not https (http is accepted on loopback only)'],
    ['http://localhost.evil.example', 'baseUrl http://localhost.evil.example is not https (http is accepted on loopback only)'],
    ['ftp://mcp.example.com', 'baseUrl ftp://mcp.example.com is not https (http is accepted on loopback only)'],
    ['https://mcp.example.com?x', 'baseUrl https://mcp.example.com?x has a query, a fragment or a user'],
    ['https://mcp.example.com/a?', 'baseUrl https://mcp.example.com/a? has a query, a fragment or a user'],
    ['https://mcp.example.com/#x', 'baseUrl https://mcp.example.com/#x has a query, a fragment or a user'],
    ['https://mcp.example.com#', 'baseUrl https://mcp.example.com# has a query, a fragment or a user'],
    ['https://user:secret@mcp.example.com', 'baseUrl https://user:secret@mcp.example.com has a query, a fragment or a user'],
    ['https://MCP.example.com', 'baseUrl https://MCP.example.com is not in its normal form: https://mcp.example.com'],
    ['https://mcp.example.com:443/a', 'baseUrl https://mcp.example.com:443/a is not in its normal form: https://mcp.example.com/a'],
    ['https://mcp.example.com/a/../b', 'baseUrl https://mcp.example.com/a/../b is not in its normal form: https://mcp.example.com/b'],
    ['https://mcp.example.com/a b', 'baseUrl https://mcp.example.com/a b is not in its normal form: https://mcp.example.com/a%20b'],
  ])('%j is none: %s (R6, R16, T85)', (text, problem) => {
    expect(parseUrl(text).problems).toEqual([problem])
  })

  it.each([
    ['https://mcp.example.com//', 'https://mcp.example.com/'],
    ['https://mcp.example.com/api//', 'https://mcp.example.com/api/'],
    ['https://mcp.example.com//api', 'https://mcp.example.com//api'],
    ['https://mcp.example.com/$(id)', 'https://mcp.example.com/$(id)'],
    ["https://mcp.example.com/a'b", "https://mcp.example.com/a'b"],
    ['https://mcp.example.com/a;b', 'https://mcp.example.com/a;b'],
    ['https://mcp.example.com/:id', 'https://mcp.example.com/:id'],
    ['https://mcp.example.com/a*', 'https://mcp.example.com/a*'],
    ['https://mcp.example.com/%61', 'https://mcp.example.com/%61'],
  ])('%s is none: it would mean something to a shell, a router or a header (T85)', (text, url) => {
    expect(parseUrl(text).problems).toEqual([
      `baseUrl ${url} has a host or a path with other characters than letters, digits and - . _ ~, or with an empty part`,
    ])
  })

  it('is named as the option it came from', () => {
    const problems: string[] = []
    parsePublicUrl('issuerUrl', 'http://mcp.example.com', problems)
    expect(problems).toEqual(['issuerUrl http://mcp.example.com is not https (http is accepted on loopback only)'])
  })
})

describe('an MCP endpoint', () => {
  it('below a mount prefix: the example that holds to the letter (R23, R24)', () => {
    expect(parsePaths('/mcp', 'http://localhost:8000/api')).toEqual({
      resources: [
        {
          mcpPath: '/mcp',
          uri: 'http://localhost:8000/api/mcp',
          path: '/api/mcp',
          metadataPath: '/.well-known/oauth-protected-resource/api/mcp',
          metadataUrl: 'http://localhost:8000/.well-known/oauth-protected-resource/api/mcp',
        },
      ],
      problems: [],
    })
  })

  it('at the root has no slash in its URI (RFC 9728 §3.1, RFC 8707 §2)', () => {
    expect(parsePaths('/', 'https://mcp.example.com').resources).toEqual([
      {
        mcpPath: '/',
        uri: 'https://mcp.example.com',
        path: '',
        metadataPath: '/.well-known/oauth-protected-resource',
        metadataUrl: 'https://mcp.example.com/.well-known/oauth-protected-resource',
      },
    ])
  })

  it('can be several', () => {
    const { resources, problems } = parsePaths(['/mcp', '/a/b-c.d_e~f'], 'https://mcp.example.com')
    expect(problems).toEqual([])
    expect(resources.map(({ uri, metadataUrl }) => [uri, metadataUrl])).toEqual([
      ['https://mcp.example.com/mcp', 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp'],
      ['https://mcp.example.com/a/b-c.d_e~f', 'https://mcp.example.com/.well-known/oauth-protected-resource/a/b-c.d_e~f'],
    ])
  })

  it('that repeats the prefix is refused with the doubled URL and the right pair', () => {
    expect(parsePaths('/api/mcp', 'https://mcp.example.com/api').problems).toEqual([
      "mcpPath '/api/mcp' repeats the path of baseUrl and would serve MCP at https://mcp.example.com/api/api/mcp; set baseUrl 'https://mcp.example.com/api' and mcpPath '/mcp'",
    ])
    expect(parsePaths('/api', 'https://mcp.example.com/api').problems).toEqual([
      "mcpPath '/api' repeats the path of baseUrl and would serve MCP at https://mcp.example.com/api/api; set baseUrl 'https://mcp.example.com/api' and mcpPath '/'",
    ])
  })

  it('that only begins with the same letters is not', () => {
    expect(parsePaths('/apis/mcp', 'https://mcp.example.com/api').problems).toEqual([])
    expect(parsePaths('/mcp', 'https://mcp.example.com').problems).toEqual([])
  })

  it.each([
    'mcp',
    '',
    '/mcp/',
    '//mcp',
    '/a//b',
    '/mcp?x',
    '/mcp#x',
    '/m cp',
    '/../mcp',
    '/a/..',
    '/a/./b',
    '/%6dcp',
    '/mcp\n',
    '/:id',
    '/*',
  ])('%j is no path (R23)', (path) => {
    expect(parsePaths(path, 'https://mcp.example.com').problems).toEqual([
      `mcpPath '${path}' is not a path such as /mcp: it begins with a slash, does not end with one, and has no query`,
    ])
  })

  it('is one at least, and each once', () => {
    expect(parsePaths([], 'https://mcp.example.com').problems).toEqual(['mcpPath lists no path'])
    expect(parsePaths(['/mcp', '/mcp'], 'https://mcp.example.com').problems).toEqual(['mcpPath lists a path twice'])
  })
})
