import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isDocumentUrl, isUrlLike } from './document-url.ts'
import { timedId } from './identifiers.ts'

const strict = { allowLoopback: false }
const lax = { allowLoopback: true }

describe('a client id is the URL of a document (R124)', () => {
  it.each([
    'https://client.example.com/client.json',
    'https://vscode.dev/oauth/client-metadata.json',
    'https://claude.ai/oauth/mcp-oauth-client-metadata',
    'https://client.example.com/a/b/',
    'https://client.example.com:8443/c',
    'https://client.example.com/a%20b',
    'https://client.example.com/...',
    'https://client.example.com/a..b/.well-known/c',
    'https://xn--bcher-kva.example/c',
    `https://client.example.com/${'a'.repeat(2048 - 27)}`,
  ])('%s', (url) => {
    expect(isDocumentUrl(url, strict)).toBe(true)
  })

  it.each([
    ['without a path', 'https://h', 'https://h/', 'https://h:8443', 'https://h:8443/'],
    ['of another scheme', 'http://h/c', 'ftp://h/c', 'HTTPS://h/c', 'https:/h/c', 'https:h/c', 'javascript://h/c', '//h/c', 'h/c'],
    ['with dot segments', 'https://h/./c', 'https://h/../c', 'https://h/a/..', 'https://h/a/.', 'https://h/..'],
    ['with encoded dot segments', 'https://h/%2e%2e/c', 'https://h/%2E/c', 'https://h/a/.%2e', 'https://h/a/%2e.', 'https://h/a/%2e'],
    ['with a fragment', 'https://h/c#', 'https://h/c#f'],
    ['with a user', 'https://u@h/c', 'https://u:p@h/c', 'https://@h/c', 'https://:@h/c'],
    ['with a query, also an empty one', 'https://h/c?a=b', 'https://h/c?'],
    ['without a host', 'https:///c', 'https://:443/c', 'https:// /c'],
    [
      'that a parser would rewrite',
      'https://H/c',
      'https://h:443/c',
      'https://h/a b',
      'https://h\\c',
      'https://h/a\\b',
      'https://bücher.example/c',
    ],
    ['with an address in another form', 'https://127.1/c', 'https://0x7f000001/c', 'https://2130706433/c', 'https://[0:0::1]/c'],
    ['with a host that ends in a dot, which is another name for the same', 'https://h./c', 'https://h.:8443/c'],
    ['with characters that no URL has', 'https://h/c\n', ' https://h/c', 'https://h/\u202ec', 'https://h/ü', 'https://h/\u0000'],
    ['that is too long', `https://client.example.com/${'a'.repeat(2049 - 27)}`],
    ['that is none', '', 'https', '019b796d-d600-7f16-9f9b-4e6a10247522'],
  ])('not one %s (T35)', (_, ...urls) => {
    expect(urls.filter((url) => isDocumentUrl(url, strict) || isDocumentUrl(url, lax))).toEqual([])
  })

  it('also over http on this machine, where that is allowed', () => {
    const urls = [
      'http://127.0.0.1:8001/c',
      'http://[::1]/c',
      'http://localhost:3000/client.json',
      'https://localhost/c',
      'http://h/c',
      'http://localhost.example/c',
      'http://127.0.0.2/c',
    ]
    expect(urls.filter((url) => isDocumentUrl(url, lax))).toEqual(urls.slice(0, 4))
    expect(urls.filter((url) => isDocumentUrl(url, strict))).toEqual(['https://localhost/c'])
  })

  it('never when we made it (R132)', () => {
    const anId = fc.tuple(fc.integer({ min: 0, max: 4_000_000_000 }), fc.uint8Array({ minLength: 10, maxLength: 10 }))
    fc.assert(
      fc.property(anId, ([now, random]) => {
        const id = timedId(now, random)
        expect([isUrlLike(id), isDocumentUrl(id, lax), id.startsWith('https')]).toEqual([false, false, false])
      }),
    )
  })
})

describe('a client id is like a URL', () => {
  it('when it begins as one, whether or not it is good', () => {
    const ids = ['https://h/c', 'http://h', 'HTTPS://h', 'https:', 'my-client', 'httpsclient', 'a https://h']
    expect(ids.filter(isUrlLike)).toEqual(ids.slice(0, 4))
  })
})
