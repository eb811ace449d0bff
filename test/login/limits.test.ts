import type { RateLimitKind } from '@drawbridge/core'
import { describe, expect, it } from 'vitest'
import { type House, type HouseOptions, openHouse, redirectUri } from '../support/house.ts'

const registration = (headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify({ redirect_uris: [redirectUri] }),
})

async function register(house: House, address: string | undefined, headers?: Record<string, string>): Promise<Response> {
  const request = new Request(`${house.baseUrl}/register`, registration(headers))
  return (await house.auth.fetch(request, address === undefined ? {} : { address })) ?? new Response(null, { status: 404 })
}

async function statuses(
  house: House,
  count: number,
  address: string | undefined,
  headers?: Record<string, string>,
): Promise<Record<number, number>> {
  const counted: Record<number, number> = {}
  for (let index = 0; index < count; index += 1) {
    const { status } = await register(house, address, headers)
    counted[status] = (counted[status] ?? 0) + 1
  }
  return counted
}

describe('registrations from one address (T41, R118)', () => {
  it('are stopped at 120 a minute, and told when to come back', async () => {
    const house = openHouse()
    expect(await statuses(house, 125, '192.0.2.1')).toEqual({ 201: 120, 429: 5 })
    const answer = await register(house, '192.0.2.1')
    expect(answer.headers.get('retry-after')).toBe('60')
    expect(await answer.json()).toEqual({
      error: 'temporarily_unavailable',
      error_description: 'There were too many requests from this address. Try again later.',
    })
    expect(house.events.at(-1)).toMatchObject({ type: 'request.limited', endpoint: 'register' })
    house.environment.advance(60)
    expect((await register(house, '192.0.2.1')).status).toBe(201)
  })

  it('stop nobody else, and nothing else', async () => {
    const house = openHouse()
    await statuses(house, 121, '192.0.2.1')
    expect((await register(house, '192.0.2.2')).status).toBe(201)
    const metadata = new Request(`${house.baseUrl}/.well-known/oauth-authorization-server`)
    expect((await house.auth.fetch(metadata, { address: '192.0.2.1' }))?.status).toBe(200)
  })

  it('are not counted where nobody knows the address', async () => {
    expect(await statuses(openHouse(), 130, undefined)).toEqual({ 201: 130 })
  })

  it('are not counted with rateLimit: false', async () => {
    expect(await statuses(openHouse({ limits: { rateLimit: false } }), 130, '192.0.2.1')).toEqual({ 201: 130 })
  })
})

describe('an address (T77)', () => {
  /** The keys that limits count by, for requests from these sockets and with these headers. */
  async function keys(options: HouseOptions['limits'], requests: readonly [address: string, forwarded?: string][]): Promise<string[]> {
    const seen: string[] = []
    const rateLimit = (key: string) => {
      seen.push(key)
      return 0
    }
    const house = openHouse({ limits: { ...options, rateLimit } })
    for (const [address, forwarded] of requests)
      await register(house, address, forwarded === undefined ? {} : { 'x-forwarded-for': forwarded })
    return seen
  }

  it('of IPv6 counts as its /64, in every spelling', async () => {
    const spellings = [
      '2001:db8:0:1::1',
      '2001:DB8:0:1::1',
      '2001:0db8:0000:0001:0000:0000:0000:0002',
      '2001:db8::1:0:0:0:ffff',
      '2001:db8:0:1:1:2:3:4%eth0',
    ]
    expect(
      new Set(
        await keys(
          {},
          spellings.map((address): [string] => [address]),
        ),
      ),
    ).toEqual(new Set(['2001:0db8:0000:0001::/64']))
  })

  it('of IPv4 counts as itself, mapped into IPv6 too', async () => {
    expect(await keys({}, [['192.0.2.1'], ['::ffff:192.0.2.1'], ['::FFFF:192.0.2.1']])).toEqual(['192.0.2.1', '192.0.2.1', '192.0.2.1'])
  })

  it('is the socket’s, whatever a header says, without trusted proxies', async () => {
    expect(await keys({}, [['192.0.2.1', '203.0.113.9']])).toEqual(['192.0.2.1'])
  })

  it('is what the outermost trusted proxy saw, and not what the caller wrote before it', async () => {
    expect(await keys({ trustedProxies: 1 }, [['10.0.0.1', '6.6.6.6, 203.0.113.9']])).toEqual(['203.0.113.9'])
    expect(await keys({ trustedProxies: 2 }, [['10.0.0.1', '6.6.6.6, 203.0.113.9, 10.0.0.2']])).toEqual(['203.0.113.9'])
  })

  it('may come with a port, and with brackets', async () => {
    const written = ['203.0.113.7:51234', '[2001:db8:0:1::1]:443', '[2001:db8:0:1::1]']
    expect(
      await keys(
        { trustedProxies: 1 },
        written.map((forwarded): [string, string] => ['10.0.0.1', forwarded]),
      ),
    ).toEqual(['203.0.113.7', '2001:0db8:0000:0001::/64', '2001:0db8:0000:0001::/64'])
  })

  it('that a proxy does not tell is the proxy’s own: nothing goes uncounted', async () => {
    expect(await keys({ trustedProxies: 1 }, [['10.0.0.1', 'unknown'], ['10.0.0.1']])).toEqual(['10.0.0.1', '10.0.0.1'])
  })
})

describe('the hook', () => {
  it('is asked for every kind of request, and before anything is done for it', async () => {
    const kinds = new Set<RateLimitKind>()
    const house = openHouse({ limits: { rateLimit: (_key, _cost, kind) => kinds.add(kind) && 0 } })
    const at = { address: '192.0.2.1' }
    await register(house, '192.0.2.1')
    await house.auth.fetch(new Request(`${house.baseUrl}/authorize`), at)
    for (const path of ['consent', 'token', 'revoke'])
      await house.auth.fetch(new Request(`${house.baseUrl}/${path}`, { method: 'POST' }), at)
    expect([...kinds].sort()).toEqual(['authorize', 'consent', 'register', 'token', 'token-failure'])
  })

  it('that fails stops nobody', async () => {
    const house = openHouse({ limits: { rateLimit: () => Promise.reject(new Error('the limiter is down')) } })
    expect((await register(house, '192.0.2.1')).status).toBe(201)
  })

  it('that throws stops nobody', async () => {
    const house = openHouse({
      limits: {
        rateLimit: () => {
          throw new Error('the limiter is down')
        },
      },
    })
    expect((await register(house, '192.0.2.1')).status).toBe(201)
  })

  it('shows people a page', async () => {
    const house = openHouse({ limits: { rateLimit: () => 30 } })
    const request = new Request(`${house.baseUrl}/authorize`, { headers: { accept: 'text/html' } })
    const answer = await house.auth.fetch(request, { address: '192.0.2.1' })
    expect([answer?.status, answer?.headers.get('retry-after')]).toEqual([429, '30'])
    expect(await answer?.text()).toContain('Not available at the moment')
  })
})

describe('wrong secrets (R101)', () => {
  it('are stopped after 60 in a minute, and good ones from elsewhere are not', async () => {
    const house = openHouse({
      clients: { static: [{ clientId: 'static-one', clientSecret: 'a-secret-of-some-length', redirectUris: [redirectUri] }] },
    })
    const attempt = async (secret: string, address: string) => {
      const authorization = `Basic ${Buffer.from(`static-one:${encodeURIComponent(secret)}`).toString('base64')}`
      const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x' })
      const request = new Request(`${house.baseUrl}/token`, { method: 'POST', headers: { authorization }, body })
      return (await house.auth.fetch(request, { address }))?.status
    }
    const guesses: (number | undefined)[] = []
    for (let index = 0; index < 62; index += 1) guesses.push(await attempt(`guess ${index}`, '192.0.2.1'))
    expect([guesses.filter((status) => status === 401).length, guesses.filter((status) => status === 429).length]).toEqual([60, 2])
    expect(await attempt('a-secret-of-some-length', '192.0.2.2')).toBe(400)
  })
})
