import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { ConfigurationError, StoreUnavailable } from '@drawbridge/core'
import { redisStore } from '@drawbridge/storage'
import { afterEach, describe, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { redisCommand, startRedis } from '../support/redis-server.ts'
import { openTcpProxy } from '../support/tcp-proxy.ts'

const cleanUp: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const work of cleanUp.splice(0).reverse()) await work()
})

/** A road to Redis on which connections can go silent: they stay open, and nothing comes through. New ones are fine. */
async function road(target: () => number) {
  const port = await freePort()
  const silent = new Set<Socket>()
  const open = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(target(), '127.0.0.1')
    open.add(near)
    near.on('data', (data) => !silent.has(near) && far.write(data))
    far.on('data', (data) => !silent.has(near) && near.write(data))
    for (const socket of [near, far]) socket.on('error', () => {})
    near.on('close', () => far.destroy())
  }).listen(port, '127.0.0.1')
  cleanUp.push(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  return {
    url: `redis://127.0.0.1:${port}`,
    goSilent() {
      for (const socket of open) silent.add(socket)
    },
  }
}

/** How many clients a Redis has, beside the one that asks. */
async function connectionsOf(port: number): Promise<number> {
  return Number(/connected_clients:(\d+)/.exec(await redisCommand(port, 'INFO', 'clients'))?.[1]) - 1
}

/** Asks twice a second until it is answered; how many seconds that took. */
async function secondsUntil(work: () => Promise<unknown>): Promise<number> {
  const start = Date.now()
  for (let attempt = 0; attempt < 40; attempt += 1) {
    if (
      await work().then(
        () => true,
        () => false,
      )
    )
      break
    await sleep(100)
  }
  return (Date.now() - start) / 1000
}

describe('redisStore on a network', () => {
  it('lets go of a connection that has gone silent, and makes a new one', async () => {
    const redis = await startRedis()
    cleanUp.push(() => redis.close())
    const way = await road(() => redis.port)
    const store = redisStore(way.url)
    await secondsUntil(() => store.get('connected'))
    way.goSilent()
    await expect(store.get('silent')).rejects.toThrow(StoreUnavailable)
    expect(await secondsUntil(() => store.get('silent'))).toBeLessThan(6)
    expect(await store.set('again:record:one', 'one', 60, undefined)).toBeDefined()
    await store.close()
  })

  it('keeps one connection, and gives no answer to another question, where every second connection ends', async () => {
    const redis = await startRedis()
    cleanUp.push(() => redis.close())
    const way = await openTcpProxy(() => [redis.port])
    cleanUp.push(() => way.close())
    const store = redisStore(`redis://127.0.0.1:${way.port}`)
    const names = Array.from({ length: 40 }, (_, index) => `network:record:${index}`)
    for (const name of names) await secondsUntil(() => store.set(name, name, 60, undefined))
    const until = Date.now() + 3_000
    way.reset(0.5)
    const strange = await Promise.all(
      names.map(async (name) => {
        for (; Date.now() < until; await sleep(5)) {
          const value = await store.get(name).then(
            (entry) => entry?.value,
            () => name,
          )
          if (value !== name) return `${name} is ${value}`
        }
        return undefined
      }),
    )
    way.mend()
    expect(strange.filter((answer) => answer !== undefined)).toEqual([])
    await secondsUntil(() => store.get(names[0] ?? ''))
    // What was given up a moment ago is seen to be gone.
    await expect.poll(() => connectionsOf(redis.port), { timeout: 1_000 }).toBe(1)
    await store.close()
  })

  it('closes in time though its connection is silent', async () => {
    const redis = await startRedis()
    cleanUp.push(() => redis.close())
    const way = await road(() => redis.port)
    const store = redisStore(way.url)
    await secondsUntil(() => store.get('connected'))
    way.goSilent()
    const pending = store.get('silent').catch(() => {})
    const start = Date.now()
    await store.close()
    expect(Date.now() - start).toBeLessThan(5000)
    await pending
  })

  it('finds the node that took over when its own has become a replica (REL-R31)', async () => {
    const [old, next] = [await startRedis(), await startRedis()]
    cleanUp.push(
      () => old.close(),
      () => next.close(),
    )
    let target = old.port
    const way = await road(() => target)
    const store = redisStore(way.url)
    await secondsUntil(() => store.set('failover:record:one', 'one', 60, undefined))
    await redisCommand(old.port, 'REPLICAOF', '127.0.0.1', String(next.port))
    target = next.port
    expect(await secondsUntil(() => store.set(`failover:record:two`, 'two', 60, undefined))).toBeLessThan(3)
    await store.close()
  })

  it('says that an address cannot be read, and not which password was in it (T98)', async () => {
    const store = redisStore('redis://user:se/cret@host')
    const error = await store.get('one').catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(inspect(error)).not.toContain('cret')
  })
})
