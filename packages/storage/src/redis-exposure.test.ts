import { createFernetKey, encrypted, fernet, keyvStore, redisStore } from '@drawbridge/storage'
import KeyvRedis from '@keyv/redis'
import { Keyv } from 'keyv'
import { describe, expect, it } from 'vitest'
import { redisExposure } from './redis-exposure.ts'

const mended = (host: string) =>
  `rediss://user:password@${host}, or redisStore(target, { requireSecure: false }) where nobody else is on its network`

describe('a Redis that others can get at (T96)', () => {
  it.each([
    ['redis://redis:6379', 'redis', 'TLS and without a password'],
    ['redis://10.0.0.7', '10.0.0.7', 'TLS and without a password'],
    ['redis://u:p-secret@redis.example:6379/1', 'redis.example', 'TLS'],
    ['rediss://redis.example', 'redis.example', 'a password'],
    ['rediss://user@redis.example', 'redis.example', 'a password'],
    ['redis://127.0.0.1.evil.example', '127.0.0.1.evil.example', 'TLS and without a password'],
    ['redis://[2001:db8::7]:6379', '[2001:db8::7]', 'TLS and without a password'],
  ])('is told by its URL: %s', (url, host, missing) => {
    expect(redisExposure(url)).toBe(`Redis at ${host} is reached without ${missing}: ${mended(host)}`)
  })

  const cluster = { rootNodes: [{ url: 'redis://127.0.0.1' }, { url: 'redis://node-2' }], defaults: { password: 'p-secret' } }
  const sentinel = {
    name: 'main',
    sentinelRootNodes: [{ host: 'sentinel-1', port: 26379 }],
    sentinelClientOptions: { password: 'p-secret' },
    nodeClientOptions: { password: 'p-secret', socket: { tls: true as const } },
  }
  it.each([
    ['one node', { socket: { host: 'node-1', port: 1 }, password: 'p-secret' }, 'node-1'],
    ['one node by its URL', { url: 'redis://node-1', password: 'p-secret' }, 'node-1'],
    ['a Cluster', cluster, 'node-2'],
    ['Sentinel', sentinel, 'sentinel-1'],
    ['a client', new KeyvRedis('redis://u:p-secret@node-1').client, 'node-1'],
    ['an adapter of Keyv', new KeyvRedis('redis://u:p-secret@node-1'), 'node-1'],
    ['an adapter of Keyv for a Cluster', new KeyvRedis(cluster), 'node-2'],
  ])('is told by the options of %s, and no secret is', (_, target, host) => {
    const told = redisExposure(target)
    expect(told).toBe(`Redis at ${host} is reached without TLS: ${mended(host)}`)
    expect(told).not.toContain('p-secret')
  })

  it('is told of the nodes behind Sentinel, which are elsewhere, though Sentinel is on loopback', () => {
    const beside = { name: 'main', sentinelRootNodes: [{ host: '127.0.0.1', port: 26379 }] }
    const otherwise = 'or redisStore(target, { requireSecure: false }) where nobody else is on its network'
    expect(redisExposure({ ...beside, nodeClientOptions: { password: 'p-secret' } })).toBe(
      `Redis behind Sentinel is reached without TLS: nodeClientOptions: { password, socket: { tls: true } }, ${otherwise}`,
    )
    expect(redisExposure(beside)).toContain('without TLS and without a password')
    expect(redisExposure({ ...beside, nodeClientOptions: sentinel.nodeClientOptions })).toBeUndefined()
  })

  it('is passed on by the seal, and by Keyv', () => {
    const told = redisExposure('redis://redis')
    expect(redisStore('redis://redis').exposed).toBe(told)
    expect(encrypted(redisStore('redis://redis'), fernet(createFernetKey())).exposed).toBe(told)
    expect(keyvStore(new Keyv({ store: new KeyvRedis('redis://redis') })).exposed).toBe(told)
  })

  it('is not one where the operator says that nobody else is there', () => {
    expect(redisStore('redis://redis', { requireSecure: false })).not.toHaveProperty('exposed')
    expect(keyvStore(new Keyv({ store: new KeyvRedis('redis://redis') }), { requireSecure: false })).not.toHaveProperty('exposed')
  })
})

it.each([
  ['TLS and a password', 'rediss://user:password@redis.example:6379'],
  ['loopback', 'redis://localhost:6379'],
  ['loopback by number', 'redis://127.0.0.1:6379'],
  ['loopback of IPv6', 'redis://[::1]:6379'],
  ['a socket of the machine', { socket: { path: '/run/redis.sock', tls: false as const } }],
  ['TLS and a password in options', { socket: { host: 'redis.example', port: 6379, tls: true as const }, password: 'p' }],
  ['TLS and a password for every node', { rootNodes: [{ url: 'rediss://node-1' }], defaults: { password: 'p' } }],
  [
    'TLS from the defaults',
    { rootNodes: [{ socket: { host: 'n', port: 1 } }], defaults: { password: 'p', socket: { tls: true as const } } },
  ],
])('a Redis behind %s is not exposed (T96)', (_, target) => {
  expect(redisExposure(target)).toBeUndefined()
})
