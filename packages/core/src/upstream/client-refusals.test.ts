import { describe, expect, it } from 'vitest'
import type { Event } from '../ports/events.ts'
import { UpstreamRefused, UpstreamUnavailable } from '../ports/upstream.ts'
import { fixedEnvironment } from '../testing/fixed-environment.ts'
import { clientRefusals, isClientRefusal } from './client-refusals.ts'

/** Our client at an upstream whose answer can be set, and how often it was asked. */
function open() {
  const environment = fixedEnvironment()
  const events: Event[] = []
  const ask = clientRefusals({ environment, emit: (event) => events.push(event) })
  const upstream = { asked: 0, fails: undefined as Error | undefined }
  const request = async (): Promise<string> => {
    try {
      return await ask(async () => {
        upstream.asked += 1
        if (upstream.fails) throw upstream.fails
        return 'tokens'
      })
    } catch (cause) {
      return cause instanceof UpstreamUnavailable ? `${cause.reason}${cause.sent ? ', sent' : ''}` : String(cause)
    }
  }
  return { environment, events, upstream, request }
}

const refused = (reason: string): Error => new UpstreamUnavailable(reason, { sent: false })

describe('our own registration, refused upstream', () => {
  it.each(['invalid_client', 'status_401'])(
    '%s: the upstream is asked once in five seconds, and the operator is told once',
    async (reason) => {
      const { environment, events, upstream, request } = open()
      upstream.fails = refused(reason)
      for (let second = 0; second < 20; second += 1) {
        for (let client = 0; client < 50; client += 1) expect(await request()).toBe(reason)
        environment.advance(1)
      }
      expect(upstream.asked).toBe(4)
      expect(events).toEqual([{ type: 'upstream.client_refused', reason }])
    },
  )

  it('of many at once when the pause is over, one asks', async () => {
    const { environment, upstream, request } = open()
    upstream.fails = refused('invalid_client')
    await request()
    environment.advance(5)
    await Promise.all(Array.from({ length: 50 }, request))
    expect(upstream.asked).toBe(2)
  })

  it('is good again within five seconds of being mended, for everybody', async () => {
    const { environment, upstream, request } = open()
    upstream.fails = refused('invalid_client')
    await request()
    upstream.fails = undefined
    environment.advance(4)
    expect(await request()).toBe('invalid_client')
    environment.advance(1)
    expect([await request(), await request()]).toEqual(['tokens', 'tokens'])
  })

  it('is good again when the upstream says no to a person: it has looked at the token', async () => {
    const { environment, upstream, request } = open()
    upstream.fails = refused('invalid_client')
    await request()
    environment.advance(5)
    upstream.fails = new UpstreamRefused('invalid_grant')
    await request()
    upstream.fails = undefined
    expect(await request()).toBe('tokens')
  })

  it('is told again after five minutes, and not sooner', async () => {
    const { environment, events, upstream, request } = open()
    upstream.fails = refused('invalid_client')
    for (const seconds of [0, 150, 145, 5]) {
      environment.advance(seconds)
      await request()
    }
    expect(events).toHaveLength(2)
  })

  it('unauthorized_client holds up nobody else: it can be about one token, of the registration before this one', async () => {
    const { events, upstream, request } = open()
    upstream.fails = refused('unauthorized_client')
    expect([await request(), await request()]).toEqual(['unauthorized_client', 'unauthorized_client'])
    upstream.fails = undefined
    expect(await request()).toBe('tokens')
    expect([upstream.asked, events]).toEqual([3, [{ type: 'upstream.client_refused', reason: 'unauthorized_client' }]])
  })

  it.each(['deadline', 'status_500', 'status_429', 'invalid_request', 'answer_not_usable'])('is not what %s means', async (reason) => {
    const { events, upstream, request } = open()
    upstream.fails = new UpstreamUnavailable(reason)
    for (let turn = 0; turn < 3; turn += 1) await request()
    expect([upstream.asked, events, isClientRefusal(reason)]).toEqual([3, [], false])
  })
})
