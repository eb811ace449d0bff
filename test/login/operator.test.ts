import { nodeHandler } from '@drawbridge/core/node'
import express from 'express'
import { describe, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { openHouse } from '../support/house.ts'

describe('an operator', () => {
  it('whose listener rejects or throws does no harm to a request, nor to the process', async () => {
    for (const onEvent of [() => Promise.reject(new Error('the log is away')), () => fail()]) {
      const house = openHouse({ onEvent: Object.assign(onEvent) })
      expect(await house.register()).toMatch(/^[0-9a-f-]{36}$/)
      // An unhandled rejection would fail the run.
      await new Promise((resolve) => setImmediate(resolve))
    }
  })

  it('who takes a scope away takes it from clients too that registered with it (T67)', async () => {
    const before = openHouse({ clients: { validScopes: ['repo'] } })
    const clientId = await before.register({ scope: 'user repo' })
    const after = openHouse({ beside: before })
    for (const scope of [undefined, 'user repo']) {
      const end = await after.signIn(clientId, { scope })
      const answer = await after.redeem(clientId, end.searchParams.get('code') ?? '')
      expect((await answer.json()).scope).toBe('user')
    }
  })

  it('whose tool writes into an identity changes nothing that is stored', async () => {
    const house = openHouse()
    const { tokens } = await house.login()
    const { extra } = await house.auth.verifyAccessToken(tokens.access_token)
    expect(() => Object.assign(extra.identity.claims, { role: 'admin' })).toThrow(TypeError)
    expect((await house.auth.verifyAccessToken(tokens.access_token)).extra.identity.claims).not.toHaveProperty('role')
  })

  it('whose body parser leaves an empty object where it read nothing loses no form', async () => {
    const house = openHouse()
    const clientId = await house.register()
    const end = await house.signIn(clientId)
    const port = await freePort()
    const app = express()
    app.use((request, _, next) => {
      request.body = request.body || {}
      next()
    })
    app.use(nodeHandler(house.auth))
    const server = await new Promise<ReturnType<typeof app.listen>>((resolve) => {
      const listening = app.listen(port, '127.0.0.1', () => resolve(listening))
    })
    const fields = {
      grant_type: 'authorization_code',
      client_id: clientId,
      code: end.searchParams.get('code') ?? '',
      code_verifier: 'a-verifier-that-is-made-for-nothing-but-tests-01',
    }
    const answer = await fetch(`http://127.0.0.1:${port}/token`, { method: 'POST', body: new URLSearchParams(fields) })
    server.close()
    server.closeAllConnections()
    expect(answer.status).toBe(200)
  })
})

function fail(): never {
  throw new Error('the log is away')
}
