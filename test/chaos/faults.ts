import { setTimeout as sleep } from 'node:timers/promises'
import type { Hosts } from '../hosts/hosts.ts'
import { type RedisServer, redisCommand } from '../support/redis-server.ts'
import type { TcpProxy } from '../support/tcp-proxy.ts'
import type { Roughness, RoughUpstream } from './rough-upstream.ts'

/** Something that goes wrong for a while. */
export interface Fault {
  readonly name: string
  readonly of: 'store' | 'upstream' | 'host'
  begin(): Promise<void> | void
  end(): Promise<void> | void
}

/** What faults are made in. */
export interface FaultyParts {
  readonly redis: RedisServer
  /** The way from the hosts to Redis. */
  readonly way: TcpProxy
  readonly upstream: RoughUpstream
  readonly hosts: Hosts
}

/** All there are, one after the other. */
export function faultsOf({ redis, way, upstream, hosts }: FaultyParts): readonly Fault[] {
  const ofUpstream = (how: Roughness): Fault => ({
    name: `the upstream: ${how}`,
    of: 'upstream',
    begin: () => upstream.roughen(how),
    end: () => upstream.mend(),
  })
  let next = 0
  const limitMemory = async (bytes: number): Promise<void> => {
    await redisCommand(redis.port, 'CONFIG', 'SET', 'maxmemory', String(bytes))
  }
  return [
    { name: 'Redis is full', of: 'store', begin: () => limitMemory(1), end: () => limitMemory(0) },
    { name: 'Redis is killed, and started with its data', of: 'store', begin: () => redis.kill(), end: () => redis.start() },
    ofUpstream('slow'),
    { name: 'Redis is frozen', of: 'store', begin: () => redis.freeze(), end: () => redis.thaw() },
    ofUpstream('status-500'),
    { name: 'every second answer of Redis ends its connection', of: 'store', begin: () => way.reset(0.5), end: () => way.mend() },
    ofUpstream('status-429'),
    { name: 'Redis is 0.8 s away', of: 'store', begin: () => way.delay(800), end: () => way.mend() },
    ofUpstream('refuses'),
    { name: 'one answer of Redis in a hundred ends its connection', of: 'store', begin: () => way.reset(0.01), end: () => way.mend() },
    ofUpstream('loses-answers'),
    {
      name: 'a host is killed, and another started',
      of: 'host',
      begin: () => hosts.at(next).kill(),
      end: () => hosts.replace(next++ % hosts.all.length),
    },
  ]
}

/** What is broken, and what was until a moment ago. */
export interface Trouble {
  readonly fault: Fault | undefined
  readonly faults: number
  /** Whether something of this kind is broken, or was in the second before. */
  isRough(of?: Fault['of']): boolean
}

/** Lets one fault after the other happen, each for `lasting` milliseconds with as much between two of them, until `isOver`. */
export function makeTrouble(faults: readonly Fault[], lasting: number, isOver: () => boolean): Trouble & { done: Promise<void> } {
  const endedAt = new Map<Fault['of'], number>()
  let fault: Fault | undefined
  let count = 0

  async function run(): Promise<void> {
    while (!isOver()) {
      await sleep(lasting)
      fault = faults[count % faults.length]
      if (!fault || isOver()) break
      count += 1
      await fault.begin()
      await sleep(lasting)
      await fault.end()
      endedAt.set(fault.of, performance.now())
      fault = undefined
    }
  }

  const isRecent = (of: Fault['of']): boolean => performance.now() - (endedAt.get(of) ?? Number.NEGATIVE_INFINITY) < 1_000
  return {
    get fault() {
      return fault
    },
    get faults() {
      return count
    },
    isRough: (of) => (of ? fault?.of === of || isRecent(of) : fault !== undefined || [...endedAt.keys()].some(isRecent)),
    done: run(),
  }
}
