import { describe, expect, it } from 'vitest'
import { resolveHost } from './resolve-host.ts'

describe('a name', () => {
  it.each(['localhost', 'a.localhost'])('%s is this machine, and nobody is asked (RFC 6761)', async (host) => {
    expect(await resolveHost(host, new AbortController().signal)).toEqual(['127.0.0.1', '::1'])
  })

  it('is given up when the time for it is over', async () => {
    const controller = new AbortController()
    const resolving = resolveHost('never.invalid', controller.signal)
    controller.abort()
    await expect(resolving).rejects.toThrow()
  })
})
