import { type UpstreamHandle, UpstreamRefused, type UpstreamTokens } from '@drawbridge/core'
import { fixedEnvironment } from '@drawbridge/core/testing'
import { describe, expect, it, vi } from 'vitest'
import { onBehalfOf } from './on-behalf-of.ts'

/** A trade that answers a new token each time, which lives for an hour. */
function open() {
  const environment = fixedEnvironment()
  let traded = 0
  const exchange = vi.fn(async (): Promise<UpstreamTokens> => {
    traded += 1
    return { accessToken: `token-${traded}`, expiresAt: environment.now() + 3600 }
  })
  const access = onBehalfOf(environment)
  const tokenFor = async (accessToken: string, ...scopes: string[]): Promise<string> => {
    const upstream: UpstreamHandle = {
      accessToken,
      exchange,
      scopes: [],
      identity: { subject: 'abe', claims: {} },
      fetch: () => Promise.reject(new Error('nobody calls our own API')),
    }
    return (await access(upstream, scopes)).accessToken
  }
  return { environment, exchange, tokenFor }
}

describe('tokens on behalf of a person', () => {
  it('are kept until five minutes before their end', async () => {
    const { environment, tokenFor } = open()
    expect(await tokenFor('abe', 'Mail.Read')).toBe('token-1')
    environment.advance(3299)
    expect(await tokenFor('abe', 'Mail.Read')).toBe('token-1')
    environment.advance(1)
    expect(await tokenFor('abe', 'Mail.Read')).toBe('token-2')
  })

  it('are one person’s, for those scopes in whatever order', async () => {
    const { tokenFor } = open()
    expect(await tokenFor('abe', 'Mail.Read', 'User.Read')).toBe('token-1')
    expect(await tokenFor('abe', 'User.Read', 'Mail.Read')).toBe('token-1')
    expect(await tokenFor('abe', 'User.Read')).toBe('token-2')
    expect(await tokenFor('mary', 'User.Read')).toBe('token-3')
  })

  it('are traded for once by all who ask at the same time', async () => {
    const { exchange, tokenFor } = open()
    expect(await Promise.all([tokenFor('abe', 'User.Read'), tokenFor('abe', 'User.Read')])).toEqual(['token-1', 'token-1'])
    expect(exchange).toHaveBeenCalledTimes(1)
  })

  it('are asked for anew after a no', async () => {
    const { exchange, tokenFor } = open()
    exchange.mockRejectedValueOnce(new UpstreamRefused('invalid_grant'))
    await expect(tokenFor('abe', 'User.Read')).rejects.toMatchObject({ name: 'UpstreamRefused' })
    expect(await tokenFor('abe', 'User.Read')).toBe('token-1')
  })

  it('that do not say when they end are not kept', async () => {
    const { exchange, tokenFor } = open()
    exchange.mockResolvedValueOnce({ accessToken: 'endless' })
    expect([await tokenFor('abe', 'User.Read'), await tokenFor('abe', 'User.Read')]).toEqual(['endless', 'token-1'])
  })

  it('are at most 128; the oldest goes first', async () => {
    const { exchange, tokenFor } = open()
    for (let person = 0; person <= 128; person += 1) await tokenFor(`person-${person}`, 'User.Read')
    expect(await tokenFor('person-1', 'User.Read')).toBe('token-2')
    expect(exchange).toHaveBeenCalledTimes(129)
    await tokenFor('person-0', 'User.Read')
    expect(exchange).toHaveBeenCalledTimes(130)
  })
})
