import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { fakeUpstream } from './fake-upstream.ts'

const upstream = fakeUpstream()
beforeAll(() => upstream.open())
afterEach(() => upstream.reset())
afterAll(() => upstream.close())

it('answers what it was told to, whatever the query, and records what arrived', async () => {
  upstream.answer('POST', 'https://upstream.example/token', () => Response.json({ answered: true }))
  const answer = await fetch('https://upstream.example/token?a=1', { method: 'POST', body: new URLSearchParams({ b: '2' }) })
  expect(await answer.json()).toEqual({ answered: true })
  expect(upstream.requests).toEqual([
    {
      method: 'POST',
      url: 'https://upstream.example/token?a=1',
      headers: expect.objectContaining({ 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' }),
      body: 'b=2',
    },
  ])
})

it('sends nothing to a place where nothing answers, and says what it was', async () => {
  upstream.answer('GET', 'https://upstream.example/token', () => Response.json({}))
  const answer = await fetch('https://upstream.example/token', { method: 'DELETE' })
  expect(answer.status).toBe(500)
  expect(upstream.unexpected).toEqual(['DELETE https://upstream.example/token'])
  expect(upstream.requests).toEqual([])
})

it('lets loopback through', async () => {
  const server = createServer((_, response) => response.end('really here')).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const answer = await fetch(`http://127.0.0.1:${port}/`)
  server.close()
  expect(await answer.text()).toBe('really here')
  expect(upstream.unexpected).toEqual([])
})

it('can fail as a network does, and can leave a request without an answer until its deadline', async () => {
  upstream.answer('GET', 'https://upstream.example/gone', () => Response.error())
  await expect(upstream.fetch('https://upstream.example/gone')).rejects.toThrow(TypeError)
  upstream.answer('GET', 'https://upstream.example/silent', () => new Promise(() => {}))
  const signal = AbortSignal.timeout(20)
  await expect(upstream.fetch('https://upstream.example/silent', { signal })).rejects.toMatchObject({ name: 'TimeoutError' })
})
