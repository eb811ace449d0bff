import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { requireAuth as requireAuthInHono } from '@drawbridge/core/hono'
import { requireAuth as requireAuthInNode } from '@drawbridge/core/node'
import { Hono } from 'hono'
import { createRemoteJWKSet, customFetch, decodeJwt, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { type House, openHouse, type TokenAnswer } from '../support/house.ts'
import { readJson, refusal } from '../support/read-json.ts'
import { openTab } from '../support/tab.ts'

const both = { mcpPath: ['/mcp', '/other'] }
const invalidTarget = refusal(400, 'invalid_target', 'The resource is not the one that was granted.')

/** A client with a code for one of the resources. */
async function codeFor(house: House, resource: string): Promise<{ clientId: string; code: string }> {
  const clientId = await house.register()
  const end = await house.signIn(clientId, { resource })
  return { clientId, code: end.searchParams.get('code') ?? '' }
}

describe('with several resources', () => {
  it('a code for one is not redeemed for another, and is not spent by the attempt (R60, T59)', async () => {
    const house = openHouse(both)
    const { clientId, code } = await codeFor(house, 'http://localhost:8000/mcp')
    for (const resource of ['http://localhost:8000/other', 'https://other.example/mcp', 'http://localhost:8000/mcp/', '/mcp'])
      expect(await readJson(await house.redeem(clientId, code, { resource }))).toEqual(invalidTarget)
    const tokens: TokenAnswer = await (await house.redeem(clientId, code, { resource: 'http://localhost:8000/mcp' })).json()
    expect(decodeJwt(tokens.access_token).aud).toBe('http://localhost:8000/mcp')
  })

  it('a refresh stays at the one that was granted, whether it names it or not, and goes nowhere else (R95, T59)', async () => {
    const house = openHouse(both)
    const { clientId, code } = await codeFor(house, 'http://localhost:8000/other')
    const tokens: TokenAnswer = await (await house.redeem(clientId, code)).json()
    expect(await readJson(await house.refresh(clientId, tokens.refresh_token, { resource: 'http://localhost:8000/mcp' }))).toEqual(
      invalidTarget,
    )
    const first: TokenAnswer = await (await house.refresh(clientId, tokens.refresh_token)).json()
    const second: TokenAnswer = await (
      await house.refresh(clientId, first.refresh_token, { resource: 'HTTP://LOCALHOST:8000/other' })
    ).json()
    expect([first, second].map(({ access_token: token }) => decodeJwt(token).aud)).toEqual([
      'http://localhost:8000/other',
      'http://localhost:8000/other',
    ])
  })

  it('a login has to say which, and is told so (T61)', async () => {
    const house = openHouse(both)
    const page = await openTab(house).open(house.authorizeUrl(await house.register()))
    expect(Object.fromEntries(new URL(page.location).searchParams)).toEqual({
      error: 'invalid_target',
      error_description: 'The resource is not one of this server.',
      state: 'the-state',
      iss: 'http://localhost:8000',
    })
  })

  it('each has its own document, with its own name (R24)', async () => {
    const house = openHouse(both)
    for (const path of both.mcpPath) {
      const document = await house.call(`http://localhost:8000/.well-known/oauth-protected-resource${path}`)
      expect(await document.json()).toMatchObject({
        resource: `http://localhost:8000${path}`,
        authorization_servers: ['http://localhost:8000'],
      })
    }
  })

  it('a gate has to be told which one it guards (T60)', async () => {
    const house = openHouse(both)
    const problem = 'requireAuth guards one MCP endpoint, and there are several: say which by mcpPath (/mcp, /other)'
    for (const requireAuth of [requireAuthInHono, requireAuthInNode]) {
      expect(() => requireAuth(house.auth)).toThrow(problem)
      expect(() => requireAuth(house.auth, { mcpPath: '/third' })).toThrow("mcpPath '/third' is not listed")
    }
    const { clientId, code } = await codeFor(house, 'http://localhost:8000/other')
    const { access_token: token }: TokenAnswer = await (await house.redeem(clientId, code)).json()
    const app = new Hono()
      .all('/anywhere', requireAuthInHono(house.auth, { mcpPath: '/mcp' }), (context) => context.text('in'))
      .all('/elsewhere', requireAuthInHono(house.auth, { mcpPath: '/other' }), (context) => context.text('in'))
    const statusAt = async (path: string) =>
      (await app.request(`http://localhost:8000${path}`, { headers: { authorization: `Bearer ${token}` } })).status
    expect([await statusAt('/anywhere'), await statusAt('/elsewhere')]).toEqual([401, 200])
  })
})

describe('who verifies by the JWKS', () => {
  const ec = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const rsa = (): KeyObject => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey

  /** A resource server elsewhere: it fetches the keys of a host, and again when it meets a token of one it does not know. */
  function openVerifier(host: () => House) {
    const fetchKeys = (url: string) => host().call(url)
    const keys = createRemoteJWKSet(new URL('http://localhost:8000/.well-known/jwks.json'), {
      [customFetch]: fetchKeys,
      cooldownDuration: 0,
    })
    return async (token: string): Promise<string | undefined> => {
      const expected = { issuer: 'http://localhost:8000', audience: 'http://localhost:8000/mcp', typ: 'at+jwt' }
      const currentDate = new Date(host().environment.now() * 1000)
      return (await jwtVerify(token, keys, { ...expected, currentDate })).protectedHeader.alg
    }
  }

  it.each([
    ['ES256', ec(), ec()],
    ['RS256', rsa(), rsa()],
  ])(
    'takes every token of %s through a rotation in three roll-outs, and none of a key that is gone (R14, R98)',
    async (algorithm, old, next) => {
      const world = openHouse()
      const host = (...jwtSigningKey: KeyObject[]): House => openHouse({ beside: world, jwtSigningKey })
      let current = host(old)
      const verify = openVerifier(() => current)
      const issued: string[] = []
      for (const rollOut of [[old], [old, next], [next, old]]) {
        current = host(...rollOut)
        const { clientId, tokens } = await current.login()
        const refreshed: TokenAnswer = await (await current.refresh(clientId, tokens.refresh_token)).json()
        issued.push(tokens.access_token, refreshed.access_token)
        for (const token of issued) expect(await verify(token)).toBe(algorithm)
      }
      current = host(next)
      const verifyAnew = openVerifier(() => current)
      expect(await verifyAnew(issued.at(-1) ?? '')).toBe(algorithm)
      await expect(verifyAnew(issued[0] ?? '')).rejects.toThrow('no applicable key found')
    },
  )
})
