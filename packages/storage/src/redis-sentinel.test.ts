import { systemEnvironment } from '@drawbridge/core'
import { expect, it, vi } from 'vitest'
import type { CreateClient, RedisClient } from './redis-adapter.ts'
import { redisSentinel } from './redis-sentinel.ts'

const [old, next] = [7000, 7001]

/** One who watches, and two primaries: the old one takes its time to say that it is one. */
function sentinelWith() {
  const asked = { named: old, tell: (_: string): void => {}, answer: undefined as (() => void) | undefined }
  const createClient: CreateClient = (options) => {
    const port = Reflect.get(Object(options.socket), 'port')
    const set = (connected: boolean) => Object.assign(client, { isOpen: connected, isReady: connected })
    const client = {
      isOpen: false,
      isReady: false,
      on: () => {},
      connect: async () => set(true),
      destroy: () => set(false),
      close: async () => set(false),
      duplicate: () => createClient(options),
      sendCommand: async () => ['ip', '127.0.0.1', 'port', String(asked.named), 'config-epoch', String(asked.named)],
      subscribe: async (_: string, tell: (message: string) => void) => Object.assign(asked, { tell }),
      async role() {
        if (port === old) await new Promise<void>((answer) => Object.assign(asked, { answer }))
        return { role: 'master' }
      },
      get: async () => port,
    }
    return client as unknown as RedisClient
  }
  return { asked, createClient }
}

it('does not take the primary that was replaced while it was looked for', async () => {
  const environment = systemEnvironment()
  const { asked, createClient } = sentinelWith()
  const redis = redisSentinel({ name: 'of-a-test', sentinelRootNodes: [{ host: '127.0.0.1', port: 1 }] }, createClient, environment)
  const ask = () => redis.run('key', (commands) => commands.get('key'), environment.deadline(1)).catch(() => undefined)
  await ask()
  await vi.waitFor(() => expect(asked.answer).toBeDefined())
  asked.named = next
  asked.tell(`of-a-test 127.0.0.1 ${old} 127.0.0.1 ${next}`)
  asked.answer?.()
  await vi.waitFor(async () => expect(await ask()).toBeDefined(), { timeout: 3_000 })
  expect(await ask()).toBe(next)
  await redis.close()
})
