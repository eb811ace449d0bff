import { describe, expect, it } from 'vitest'
import type { Upstream } from '../ports/upstream.ts'
import { expandScopes } from '../protocol/scope-hierarchy.ts'
import { fixedEnvironment } from '../testing/fixed-environment.ts'
import { openUpstreams, type UpstreamEntry } from './upstreams.ts'

const traits = {
  clientAuthentication: 'client_secret_post',
  defaultScopes: [],
  pkce: true,
  identify: async () => ({ subject: '7', claims: {} }),
} as const

const known = (name: string, issuer?: string): Upstream => ({
  ...traits,
  name,
  authorizationEndpoint: `https://${name}.example/authorize`,
  tokenEndpoint: `https://${name}.example/token`,
  ...(issuer !== undefined && { issuer }),
})
const openId = (name: string, issuer: string): Upstream => ({ ...traits, name, openId: { issuer } })
const tenants: Upstream = {
  ...traits,
  name: 'tenants',
  openId: { issuer: 'https://idp.example/common', issuerOf: ({ iss }) => String(iss) },
}

const [named, unnamed] = [known('named', 'https://named.example'), known('unnamed')]
const own = openId('own', 'https://idp.example/own')

const entryOf = (upstream: Upstream): UpstreamEntry => ({
  upstream,
  credentials: { clientId: 'us', clientSecret: 'secret' },
  among: { key: upstream.name, scopes: [] },
})

const needs = {
  baseUrl: 'https://mcp.example.com',
  requiredScopes: [],
  expandScopes: expandScopes({}),
  emit: () => {},
  environment: fixedEnvironment(),
}

const open = (first: UpstreamEntry, ...others: UpstreamEntry[]) => openUpstreams([first, ...others], needs)

describe('an answer’s iss, with several upstreams (T11)', () => {
  const { of } = open(entryOf(named), entryOf(unnamed), entryOf(own), entryOf(tenants))

  it.each([
    ['named', 'https://named.example', false],
    ['named', 'https://named.example/', true],
    ['named', 'https://idp.example/own', true],
    ['unnamed', 'https://named.example', true],
    ['unnamed', 'https://idp.example/own', true],
    ['unnamed', 'https://unnamed.example', false],
    ['own', 'https://idp.example/own', false],
    ['own', 'https://named.example', true],
    // Its ID token names the tenant, and is held to it.
    ['tenants', 'https://idp.example/own', false],
  ])('at %s, %s is another’s: %s', (key, iss, isForeign) => {
    expect(of(key)?.isForeign(iss)).toBe(isForeign)
  })

  it('with one that names no issuer, nothing can be compared', () => {
    const { of: find } = open({ upstream: unnamed, credentials: { clientId: 'us', clientSecret: 'secret' } })
    expect(find(undefined)?.isForeign('https://named.example')).toBe(false)
  })
})

describe('the upstream of a record', () => {
  it('is the one it names, the first where it names none, and none where that is not listed', () => {
    const { of, clientOf, listed } = open(entryOf(named), entryOf(unnamed))
    expect(listed.map(({ provider, callbackPath }) => [provider, callbackPath])).toEqual([
      ['named', '/auth/callback/named'],
      ['unnamed', '/auth/callback/unnamed'],
    ])
    expect([of('unnamed')?.name, of(undefined)?.name, of(undefined)?.provider, of('else'), clientOf('else')]).toEqual([
      'unnamed',
      'named',
      undefined,
      undefined,
      undefined,
    ])
  })

  it('of a server with one has no key, so what names any is not its own', () => {
    const { of, listed } = open({ upstream: named, credentials: { clientId: 'us', clientSecret: 'secret' } })
    expect([listed[0].provider, listed[0].callbackPath, of(undefined)?.name, of('named')]).toEqual([
      undefined,
      '/auth/callback',
      'named',
      undefined,
    ])
  })
})
