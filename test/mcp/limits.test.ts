import { mcpApp } from '@drawbridge/core/hono'
import { nodeHandler, serve } from '@drawbridge/core/node'
import express from 'express'
import { describe, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { openHouse } from '../support/house.ts'

const mcp = { fetch: () => new Response('nothing') }

/** A server with a hook that writes down by which address it was asked. */
function counted() {
  const keys: string[] = []
  const rateLimit = (key: string) => {
    keys.push(key)
    return 0
  }
  return { keys, ...openHouse({ limits: { rateLimit } }) }
}

describe('over a real socket, limits count by its address (T77)', () => {
  it('under serve', async () => {
    const { keys, auth } = counted()
    const port = await freePort()
    const served = await serve(mcpApp({ auth, mcp }), { port, print: () => {} })
    await fetch(`${served.url}/authorize`)
    await served.close()
    expect(keys).toEqual(['127.0.0.1'])
  })

  it('under Express', async () => {
    const { keys, auth } = counted()
    const port = await freePort()
    const app = express().use(nodeHandler(auth))
    const server = await new Promise<ReturnType<typeof app.listen>>((resolve) => {
      const listening = app.listen(port, '127.0.0.1', () => resolve(listening))
    })
    await fetch(`http://127.0.0.1:${port}/authorize`)
    server.close()
    server.closeAllConnections()
    expect(keys).toEqual(['127.0.0.1'])
  })
})
