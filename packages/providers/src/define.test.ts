import type { Store } from '@drawbridge/core'
import { describe, expect, it } from 'vitest'
import { defineProvider } from './define.ts'

/** Nothing is stored here. */
const clientStorage: Store = {
  reach: 'process',
  sealed: false,
  get: async () => undefined,
  set: async () => undefined,
  delete: async () => false,
}
const options = {
  baseUrl: 'https://mcp.example.com',
  clientId: 'id',
  clientSecret: 'secret',
  jwtSigningKey: 'a-signing-key-of-a-test-0123456789-abcdefghijklmnop',
  clientStorage,
}
const server = { authorizationEndpoint: 'https://acme.example/authorize', tokenEndpoint: 'https://acme.example/token' }

describe('defineProvider', () => {
  it('makes a class of a server by its endpoints, and the same as data', () => {
    const AcmeProvider = defineProvider({ ...server, name: 'Acme', userEndpoint: 'https://acme.example/me' })
    expect(new AcmeProvider(options).oauthMetadata.issuer).toBe('https://mcp.example.com')
    expect(AcmeProvider.upstream).toMatchObject({ ...server, name: 'Acme', pkce: true })
  })

  it('makes one of an OpenID provider by its issuer', () => {
    const AcmeProvider = defineProvider({ name: 'Acme', issuer: 'https://id.acme.example' })
    expect(new AcmeProvider(options).oauthMetadata.scopes_supported).toContain('openid')
    expect(AcmeProvider.upstream.openId).toEqual({ issuer: 'https://id.acme.example' })
  })

  it('tells what is wrong with it when it is used', () => {
    const AcmeProvider = defineProvider(server)
    expect(() => new AcmeProvider(options)).toThrow('userEndpoint is missing, and so is identify')
  })
})
