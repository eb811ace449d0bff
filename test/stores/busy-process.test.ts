import { setImmediate as turn } from 'node:timers/promises'
import { redisStore } from '@drawbridge/storage'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis-server.ts'

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.close())

/** Keeps the thread busy, so that neither timers nor answers are looked at. */
function keepBusy(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

it('takes an answer that arrived in time, though the process was too busy to look at it (REL-R29)', async () => {
  const store = redisStore(server.url)
  const seen = await store.set('busy:record:one', 'one', 60, undefined)
  const [reading, writing] = [store.get('busy:record:one'), store.set('busy:record:one', 'two', 60, seen)]
  // The commands go out, and nothing else happens.
  for (let index = 0; index < 3; index += 1) await turn()
  keepBusy(700)
  expect(await reading).toEqual(seen)
  expect((await writing)?.value).toBe('two')
  await store.close()
})
