import { setTimeout as sleep } from 'node:timers/promises'
import { type Environment, type Store, systemEnvironment } from '@drawbridge/core'
import { encrypted, fernet, redisStore } from '@drawbridge/storage'
import { connected } from '../support/connected.ts'
import { type House, openHouse } from '../support/house.ts'
import { type RedisServer, redisCommand, startRedis } from '../support/redis-server.ts'
import { openTrapProxy, type Trap, type TrapProxy } from '../support/trap-proxy.ts'

/** Two hosts on one Redis, whose connections can have accidents, and whose clock is the test's. */
export interface World {
  readonly hosts: readonly House[]
  /** Lets time pass: for the hosts, for the upstream, and for what ends by itself in Redis. */
  advance(seconds: number): Promise<void>
  /** The n-th packet to Redis from here on has an accident. */
  setTrap(trap: Trap, nth: number): void
  /** Whether the accident happened; none will from here on. */
  clearTrap(): boolean
  /** Waits for what goes on beside the requests. */
  settle(): Promise<void>
}

/** Where worlds are made, one after the other, each empty. */
export interface Worlds {
  open(): Promise<World>
  close(): Promise<void>
}

/** How the stores are made: sealed, or plain for doubles that look into records; `around` is a double. */
export interface WorldsOptions {
  readonly sealed: boolean
  readonly around?: (store: Store) => Store
}

const storageKey = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8='

/** Starts a Redis, and two ways to it. */
export async function openWorlds({ sealed, around = (store) => store }: WorldsOptions): Promise<Worlds> {
  const redis = await startRedis('--appendonly', 'no')
  const patience = openPatience()
  const proxy = await openTrapProxy(redis.port, patience.lose)
  const connections = [0, 1].map(() => redisStore(`redis://127.0.0.1:${proxy.port}`, { environment: patience.environment }))
  await Promise.all(connections.map(connected))
  return {
    async open() {
      await redisCommand(redis.port, 'FLUSHALL')
      return openWorldOn({ redis, proxy, patience }, (index) => {
        const store = around(connections[index] as Store)
        return sealed ? encrypted(store, fernet(storageKey)) : store
      })
    },
    async close() {
      await Promise.all(connections.map((connection) => connection.close()))
      await proxy.close()
      await redis.close()
    },
  }
}

/** How long calls to the store wait. */
interface Patience {
  readonly environment: Environment
  /** From here on they give up at once. */
  lose(): void
  /** They wait as long as in earnest again. */
  regain(): void
  /** Who is told how long a call should have waited that gave up at once. */
  spent: (seconds: number) => void
}

/** As long as a connection takes to be made again, where one can be. */
const shortlyMs = 50

// After an accident nobody waits for as long as in earnest: it is said that they did.
function openPatience(): Patience {
  const system = systemEnvironment()
  const waiting = new Set<() => void>()
  let isLost = false
  const patience: Patience = {
    spent: () => {},
    lose() {
      isLost = true
      for (const giveUp of waiting) setTimeout(giveUp, shortlyMs)
    },
    regain() {
      isLost = false
      waiting.clear()
    },
    environment: {
      ...system,
      deadline(seconds) {
        const controller = new AbortController()
        const giveUp = (): void => {
          if (!isLost || controller.signal.aborted) return
          patience.spent(seconds)
          controller.abort(new DOMException('the deadline has passed', 'TimeoutError'))
        }
        waiting.add(giveUp)
        if (isLost) setTimeout(giveUp, shortlyMs)
        // On a busy machine a call that nothing is in the way of may take its time.
        return AbortSignal.any([controller.signal, system.deadline(seconds * 10)])
      },
    },
  }
  return patience
}

interface Ground {
  readonly redis: RedisServer
  readonly proxy: TrapProxy
  readonly patience: Patience
}

async function openWorldOn({ redis, proxy, patience }: Ground, storeOf: (index: number) => Store): Promise<World> {
  const plain = { dangerouslyStorePlain: true } as const
  const first = openHouse({ mode: 'github-app', clientStorage: storeOf(0), ...plain })
  const clock = sleepByTheClock(first, (seconds) => pass(redis, seconds))
  // It may be over by then.
  patience.spent = (seconds) => void clock(seconds * 1000).catch(() => {})
  const hosts = [first, openHouse({ mode: 'github-app', beside: first, clientStorage: storeOf(1), ...plain })]
  const settle = async (): Promise<void> => {
    await first.environment.drain()
    // A late command lands.
    if (proxy.clear()) await sleep(40)
  }
  return {
    hosts,
    settle,
    setTrap: proxy.set,
    clearTrap() {
      patience.regain()
      return proxy.clear()
    },
    async advance(seconds) {
      first.environment.advance(seconds)
      await pass(redis, seconds)
    },
  }
}

// Whoever waits lets time go by, so that nobody waits for ever for what does not come back.
function sleepByTheClock({ environment }: House, passed: (seconds: number) => Promise<void>): (milliseconds: number) => Promise<void> {
  let slept = 0
  const goBy = async (milliseconds: number): Promise<void> => {
    slept += milliseconds
    const seconds = Math.floor(slept / 1000)
    slept %= 1000
    if (seconds === 0) return
    environment.advance(seconds)
    await passed(seconds)
  }
  Object.assign(environment, {
    async sleep(milliseconds: number) {
      await sleep(Math.min(milliseconds, 5))
      await goBy(milliseconds)
    },
  })
  return goBy
}

const shortenAll = `
for _, key in ipairs(redis.call('KEYS', '*')) do
  local left = redis.call('PTTL', key)
  if left > 0 and left <= tonumber(ARGV[1]) then redis.call('DEL', key) end
  if left > tonumber(ARGV[1]) then redis.call('PEXPIRE', key, left - ARGV[1]) end
end
return 1`

async function pass({ port }: RedisServer, seconds: number): Promise<void> {
  await redisCommand(port, 'EVAL', shortenAll, '0', String(seconds * 1000))
}
