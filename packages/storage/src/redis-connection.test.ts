import { fixedEnvironment } from '@drawbridge/core/testing'
import { expect, it, vi } from 'vitest'
import { redisStore } from './redis-store.ts'

const environment = fixedEnvironment()

// A client that takes longer to load than a call may take, as on a slow disk or where several processes start at once.
vi.mock('@keyv/redis', () => {
  environment.advance(1)
  const client = {
    isOpen: true,
    connect() {},
    get: async () => 'the-16-characters',
    eval() {},
    evalSha() {},
    on() {},
    close() {},
    duplicate() {},
  }
  class Adapter {
    readonly client = client
    namespace: string | undefined
    createKeyPrefix = (key: string) => key
  }
  return { default: Adapter, createClient: () => client }
})

it('does not take the time in which the client is loaded for the time of a call', async () => {
  const store = redisStore('redis://127.0.0.1:1', { environment })
  expect(await store.get('the:first:call')).toEqual({ version: 'the-16-character', value: 's' })
})
