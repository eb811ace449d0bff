import { expect, it } from 'vitest'
import { serveServer } from './served-server.ts'

const listeners = () => ['SIGTERM', 'SIGINT'].map((signal) => process.listenerCount(signal))

it('serve listens for the end of the process until it has closed, and leaves nothing behind', async () => {
  const before = listeners()
  const served = await serveServer()
  expect(listeners()).toEqual(before.map((count) => count + 1))
  await served.close()
  expect(listeners()).toEqual(before)
})
